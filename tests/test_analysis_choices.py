"""What limits allow and what a proxy chooses within them, on five networks worked out by hand."""

import polars as pl

from proxybank import analysis, store

AT = {"space": "tss", "dataset": "digits"}
# Networks 1 and 2 are one class.
NETWORKS = pl.DataFrame(
    {
        **AT,
        "arch_index": [0, 1, 2, 3, 4],
        "arch": ["a", "b", "c", "d", "e"],
        "class_index": [0, 1, 1, 3, 4],
        "params_m": [1.0, 3.0, 2.0, 4.0, 5.0],
        "mflops": [10.0, 30.0, 20.0, 40.0, 50.0],
        "n_relu": [5, 5, 5, 7, 7],
        "n_none": [0, 2, 1, 0, 0],
        "skipped_layers": 0.0,
        "phone_ms": [1.0, None, 2.0, 3.0, 4.0],
    }
)
SCORES = pl.DataFrame(
    {**AT, "arch_index": [0, 1, 2, 3, 4], "naswot": [7.0, 9.0, 9.0, None, 9.0], "n_relu": [5.0, 5.0, 5.0, 7.0, 7.0]}
)
LIMITS = {"tss": [{"id": "unlimited"}, {"id": "small", "max_params_m": 3}, {"id": "fast", "max_phone_ms": 2.5}]}


def chosen(scores, directions, constraint):
    table = analysis.choices_table(NETWORKS, scores, LIMITS, directions)
    store.conform(table, "choices", "here")
    rows = table.filter(constraint_id=constraint)
    return {proxy: rows.filter(proxy=proxy).sort("place")["arch"].to_list() for proxy in directions}


def test_feasible_networks_are_those_known_to_keep_all_limits():
    found = analysis.feasible_networks(NETWORKS, LIMITS)
    store.conform(found, "feasible_networks", "here")
    of = {name: found.filter(constraint_id=name)["arch_index"].to_list() for name in ("unlimited", "small", "fast")}
    assert of == {"unlimited": [0, 1, 2, 3, 4], "small": [0, 1, 2], "fast": [0, 2]}


def test_choices_are_classes_in_the_order_of_scores_and_then_of_parameters():
    # c, and not b, stands for their class; e ties with it, and has more parameters. d has no score.
    directions = {"naswot": True, "n_relu": False}
    assert chosen(SCORES, directions, "unlimited") == {"naswot": ["c", "e", "a"], "n_relu": ["a", "c", "d", "e"]}
    assert chosen(SCORES, directions, "small") == {"naswot": ["c", "a"], "n_relu": ["a", "c"]}
    assert chosen(SCORES, {"naswot": False}, "unlimited") == {"naswot": ["a", "c", "e"]}


def test_a_run_of_sizes_alone_has_no_counts_of_operations():
    directions = {"naswot": True}
    with_counts = analysis.choices_table(NETWORKS, SCORES, LIMITS, directions)
    assert analysis.choices_table(NETWORKS.drop("n_none"), SCORES, LIMITS, directions).equals(with_counts)


def test_the_smallest_member_of_a_class_stands_for_it_by_its_own_score():
    scores = SCORES.with_columns(naswot=pl.Series([7.0, 9.0, 6.0, None, 8.5]))
    assert chosen(scores, {"naswot": True}, "unlimited") == {"naswot": ["e", "a", "c"]}


def test_of_members_as_large_the_one_with_fewer_operations_stands_for_a_class():
    # Between classes operations do not count: of equal scores, a, which has most of them, comes first.
    networks = NETWORKS.with_columns(params_m=pl.lit(2.0))
    scores = SCORES.with_columns(naswot=pl.lit(9.0))
    found = analysis.choices_table(networks, scores, LIMITS, {"naswot": True}).filter(constraint_id="unlimited")
    assert found.sort("place")["arch"].to_list() == ["a", "b", "d", "e"]


def test_the_member_of_a_class_that_was_drawn_stands_for_it():
    scores = SCORES.with_columns(naswot=pl.Series([7.0, 9.0, None, None, None]))
    assert chosen(scores, {"naswot": True}, "unlimited") == {"naswot": ["b", "a"]}


def test_ten_at_most():
    many = pl.concat([NETWORKS[:1].with_columns(arch_index=k, class_index=k) for k in range(12)])
    scores = many.select("space", "dataset", "arch_index", naswot=pl.col("arch_index").cast(pl.Float64))
    found = analysis.choices_table(many, scores, {"tss": LIMITS["tss"][:1]}, {"naswot": True})
    assert found.select("place", "arch_index").rows() == [(k + 1, 11 - k) for k in range(10)]
