"""Regret under constraints, by hand on five networks and against published optima."""

import numpy as np
import polars as pl
import pytest

from proxybank import analysis, spaces, store
from proxybank.errors import ConfigError, SearchError

AT = {"space": "tss", "dataset": "digits"}
NETWORKS = pl.DataFrame(
    {
        **AT,
        "arch_index": [0, 1, 2, 3, 4],
        "arch": list("abcde"),
        "class_index": [0, 1, 2, 3, 4],
        "params_m": [1.0, 2.0, 3.0, 4.0, 5.0],
        "mflops": [10.0, 20.0, 30.0, 40.0, 50.0],
        "n_relu": [5, 20, 20, 35, 50],
        "skipped_layers": 0.0,
    }
)
ACCURACIES = pl.DataFrame(
    {
        **AT,
        "arch_index": [0, 1, 2, 3, 4, 4],
        "split": ["test"] * 5 + ["valid"],
        "epochs": 200,
        "accuracy_pct": [70.0, 73.5, 72.5, 90.0, 80.0, 99.0],
        "train_seconds": None,
        "source": "s",
    }
)
# The column n_relu is a proxy here, and not the networks' own.
SCORES = pl.DataFrame(
    {
        **AT,
        "arch_index": range(5),
        "naswot": [8.0, 3.0, 8.0, None, 9.0],
        "kappa": [5.0, 4.0, 3.0, 2.0, 1.0],
        "n_relu": 1.0,
    }
)
CONSTRAINTS = {
    "tss": [
        {"id": "small", "max_mflops": 30},
        {"id": "unlimited"},
        {"id": "tight", "max_params_m": 3, "max_n_relu": 5},
        {"id": "none", "max_params_m": 0.5},
    ]
}
RUNS = pl.DataFrame(
    {
        **AT,
        "algorithm": "rea",
        "objective": "naswot",
        "budget": [10, 10, 100, 100, 100, 100],
        "constraint_id": ["small", "small", "small", "small", "small", "unlimited"],
        "run": [0, 1, 0, 1, 2, 0],
        "best_arch_index": [0, 0, 1, 2, None, 3],
        "n_evaluated": 10,
        "simulated_seconds": 1.5,
        "kind": "rea",
        "budget_unit": "evaluations",
        "own_seconds": 0.1,
        "seed": pl.Series([None] * 6, dtype=pl.Int64),
    }
)
DIRECTIONS = {"naswot": True, "kappa": False, "n_relu": True}


@pytest.fixture(scope="module")
def judged():
    return analysis.judge("search_runs", RUNS, NETWORKS, ACCURACIES, CONSTRAINTS)


@pytest.fixture(scope="module")
def regrets(judged):
    return analysis.regrets_table(NETWORKS, SCORES, ACCURACIES, judged, CONSTRAINTS, DIRECTIONS)


def row(regrets, constraint, algorithm, objective=""):
    found = regrets.filter(constraint_id=constraint, algorithm=algorithm, objective=objective)
    return found.select("optimum_pct", "mean_pct", "std_pct", "regret_pct", "n_feasible", "runs", "budget").row(0)


def test_a_proxy_chooses_from_its_sample():
    # Classes 2, 4 and 0 are in the sample of three; naswot prefers network 4 of these, and 2 and 0 within small limits.
    networks = NETWORKS.with_columns(sample_place=pl.Series([2, 4, 0, 3, 1]))
    samples = {"tss": {"digits": {name: {"classes": n, "seeds": [0]} for name, n in (("naswot", 3), ("kappa", 0))}}}
    scores = SCORES.with_columns(naswot=pl.Series([8.0, None, 8.0, None, 9.0]), kappa=pl.lit(None, pl.Float64))
    found = analysis.regrets_table(networks, scores, ACCURACIES, RUNS.clear(), CONSTRAINTS, DIRECTIONS, samples)
    store.conform(found, "regrets", "here")
    assert row(found, "unlimited", "argmax", "naswot")[:5] == (80.0, 80.0, 0.0, 0.0, 3)
    # Of networks 0 to 2 the sample has 0 (70%) and 2 (72.5%), which tie.
    assert row(found, "small", "argmax", "naswot")[:5] == (72.5, 71.25, 1.25, 1.25, 2)
    assert row(found, "unlimited", "argmax", "kappa")[:5] == (None, None, None, None, 0)
    assert row(found, "unlimited", "argmax", "n_relu")[4] == row(found, "unlimited", "oracle")[4] == 5


def test_limits_are_inclusive_and_all_kept():
    within = [analysis.feasible(NETWORKS, constraint).tolist() for constraint in CONSTRAINTS["tss"]]
    assert within == [[True] * 3 + [False] * 2, [True] * 5, [True] + [False] * 4, [False] * 5]


def test_unknown_limit():
    with pytest.raises(
        ConfigError, match=r"constraints, small: there is no limit 'max_flops'\. Did you mean 'max_mflops'"
    ):
        analysis.feasible(NETWORKS, {"id": "small", "max_flops": 3})
    with pytest.raises(ConfigError, match="there is no limit 'mflops'"):
        analysis.feasible(NETWORKS, {"id": "small", "mflops": 3})


def test_a_limit_on_a_column_that_misses_networks(caplog):
    networks = NETWORKS.with_columns(phone_ms=pl.Series([1.0, None, 2.0, 3.0, 4.0]))
    fast = {"id": "fast", "max_phone_ms": 2}
    with pytest.raises(
        SearchError, match="constraints, fast: column phone_ms has no value for 1 of 5 networks, the fir"
    ):
        analysis.feasible(networks, fast)
    # What does not need it is computed.
    both = {"tss": [fast, CONSTRAINTS["tss"][0]]}
    found = analysis.regrets_table(networks, SCORES, ACCURACIES, RUNS.clear(), both, DIRECTIONS)
    assert found["constraint_id"].unique().to_list() == ["small"]
    assert "tss, digits, left out: constraints, fast: column phone_ms" in caplog.text


def test_best_scored_takes_all_that_tie():
    score = np.array([2.0, np.nan, 5.0, 5.0, np.inf, 1.0])
    assert analysis.best_scored(score).tolist() == [2, 3]
    assert analysis.best_scored(score, higher_is_better=False).tolist() == [5]
    assert analysis.best_scored(np.array([np.nan])).tolist() == []


def test_argmax_of_a_proxy_within_the_limit(regrets):
    # Within 30 MFLOPs networks 0 to 2; 0 and 2 tie at 8: (70 + 72.5) / 2, spread 1.25; the best is 73.5.
    assert row(regrets, "small", "argmax", "naswot") == (73.5, 71.25, 1.25, 2.25, 3, None, None)
    # Lower is better: network 2 within the limit, 4 without.
    assert row(regrets, "small", "argmax", "kappa") == (73.5, 72.5, 0.0, 1.0, 3, None, None)
    assert row(regrets, "unlimited", "argmax", "kappa") == (90.0, 80.0, 0.0, 10.0, 5, None, None)
    # Every network ties: the mean of all.
    assert row(regrets, "small", "argmax", "n_relu")[1] == pytest.approx(72.0)


def test_no_regret_is_negative():
    # As binary fractions, the mean of three times 0.1 is more than 0.1.
    assert np.mean([0.1] * 3) > 0.1
    accuracies = ACCURACIES.with_columns(accuracy_pct=pl.lit(0.1))
    found = analysis.regrets_table(NETWORKS, SCORES, accuracies, RUNS.clear(), CONSTRAINTS, DIRECTIONS)
    assert set(found.filter(constraint_id="small")["regret_pct"]) == {0.0}


def test_controls_in_closed_form(regrets):
    assert row(regrets, "small", "oracle") == (73.5, 73.5, 0.0, 0.0, 3, None, None)
    mean, std = 72.0, np.sqrt((4 + 2.25 + 0.25) / 3)
    assert row(regrets, "small", "random") == (73.5, mean, pytest.approx(std), 1.5, 3, None, None)


def test_searches_count_their_largest_budget(regrets):
    # Budget 100: networks 1 and 2, and one run that found nothing. Sample standard deviation of 73.5 and 72.5.
    assert row(regrets, "small", "rea", "naswot") == (73.5, 73.0, pytest.approx(0.5**0.5), 0.5, 3, 2, 100.0)
    assert row(regrets, "unlimited", "rea", "naswot") == (90.0, 90.0, None, 0.0, 5, 1, 100.0)


def test_searches_have_intervals_by_runs_or_by_seeds(judged, regrets):
    # Two runs with 73.5 and 72.5: Student's 12.706 standard errors of 0.5, also where each saw another seed.
    halves = regrets.filter(algorithm="rea").select("constraint_id", "half_pct").rows()
    assert halves == [("small", pytest.approx(6.353, abs=1e-3)), ("unlimited", None)]
    by_seed = judged.with_columns(seed=pl.col("run"))
    found = analysis.regrets_table(NETWORKS, SCORES, ACCURACIES, by_seed, CONSTRAINTS, DIRECTIONS)
    assert found.filter(algorithm="rea", constraint_id="small")["half_pct"].item() == pytest.approx(6.353, abs=1e-3)


def test_constraint_that_no_network_keeps(regrets):
    assert row(regrets, "none", "oracle") == (None, None, None, None, 0, None, None)
    assert row(regrets, "none", "argmax", "naswot") == (None, None, None, None, 0, None, None)


def test_regrets_keep_the_contract(regrets):
    store.conform(regrets, "regrets", "here")
    assert regrets.height == 4 * (2 + 3) + 2
    assert regrets.filter(constraint_id="tight").select("max_params_m", "max_n_relu", "max_mflops").row(0) == (
        3,
        5,
        None,
    )


def test_networks_without_accuracy_do_not_count():
    accuracies = ACCURACIES.filter(pl.col("arch_index") != 1)
    found = analysis.regrets_table(NETWORKS, SCORES, accuracies, RUNS.clear(), CONSTRAINTS, DIRECTIONS)
    assert row(found, "small", "oracle")[:5] == (72.5, 72.5, 0.0, 0.0, 2)


def test_runs_are_judged_by_test_accuracy(judged):
    store.conform(judged, "search_runs", "here")
    assert judged.select("run", "accuracy_pct", "regret_pct").rows() == [
        (0, 70.0, 3.5),
        (1, 70.0, 3.5),
        (0, 73.5, 0.0),
        (1, 72.5, 1.0),
        (2, None, None),
        (0, 90.0, 0.0),
    ]


def test_trajectories_are_judged_as_runs_are():
    changes = RUNS.drop("kind", "budget_unit", "own_seconds", "seed").filter(pl.col("best_arch_index").is_not_null())
    changes = changes.with_columns(n_evaluated=pl.int_range(pl.len()))
    found = analysis.judge("search_trajectories", changes, NETWORKS, ACCURACIES, CONSTRAINTS)
    store.conform(found, "search_trajectories", "here")
    assert found["accuracy_pct"].to_list() == [70.0, 70.0, 73.5, 72.5, 90.0]


def test_network_over_the_limit_is_no_result():
    runs = RUNS.with_columns(best_arch_index=pl.lit(4))
    with pytest.raises(SearchError, match="rea on tss, digits: it returned network 4 under constraint 'small'"):
        analysis.judge("search_runs", runs, NETWORKS, ACCURACIES, CONSTRAINTS)


def test_nothing_to_judge():
    assert analysis.judge("search_runs", RUNS.clear(), NETWORKS, ACCURACIES.clear(), CONSTRAINTS).is_empty()


# Cavagnero et al. 2023, table 5: networks within each pair of limits, and the best of them.
PUBLISHED = [(100.0, 0.8, 14_080), (70.0, 0.5, 10_240), (40.0, 0.3, 4_096)]
OPTIMA = {"cifar10": (94.31, 93.75, 91.32), "cifar100": (72.43, 71.63, 68.48), "imagenet16-120": (46.85, 45.95, 41.00)}


@pytest.mark.parametrize("dataset", OPTIMA)
def test_published_optima(dataset, shared_data):
    space = spaces.get("tss")
    skeleton = spaces.Skeleton(
        n_classes={"cifar10": 10, "cifar100": 100, "imagenet16-120": 120}[dataset],
        image_side=16 if dataset == "imagenet16-120" else 32,
    )
    networks = store.networks_table(space, dataset, "keep", space.costs(skeleton))
    measurements = [{"split": "test", "epochs": 200, "accuracy": f"{dataset}_test_accuracy_200"}]
    accuracies = store.read_accuracies(shared_data / "natsbench" / "tss_accuracies.csv", space, dataset, measurements)
    limits = [{"id": str(flops), "max_mflops": flops, "max_params_m": size} for flops, size, _ in PUBLISHED]
    found = analysis.regrets_table(
        networks, networks.select("space", "dataset", "arch_index"), accuracies, RUNS.clear(), {"tss": limits}, {}
    ).filter(algorithm="oracle")
    assert found["limits"].to_list()[0] == '{"max_mflops": 100.0, "max_params_m": 0.8}'
    assert found["n_feasible"].to_list() == [n for _, _, n in PUBLISHED]
    assert found["mean_pct"].round(2).to_list() == list(OPTIMA[dataset])
