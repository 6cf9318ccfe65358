"""A proxy that the small run scores on 300 classes: how it comes through all stages."""

import duckdb
import polars as pl


def test_what_is_outside_of_the_sample_is_neither_scored_nor_ranked(tiny_run):
    networks = tiny_run.table("networks").select("arch_index", "class_index", "sample_place")
    inside = networks.filter(pl.col("sample_place") < 300)
    assert inside["class_index"].n_unique() == 300 and networks["sample_place"].max() == 5043
    scored = tiny_run.table("scores").filter(pl.col("l2_norm").is_not_null())
    assert scored["arch_index"].to_list() == inside["arch_index"].sort().to_list()
    status = tiny_run.table("score_status").filter(proxy="l2_norm")
    assert status["status"].value_counts(sort=True).rows() == [("not_sampled", 4744), ("ok", 300)]
    # Every network has an accuracy here.
    n = dict(tiny_run.table("correlations").filter(subset="all").select("proxy", "n").rows())
    assert n.pop("l2_norm") == inside.height
    assert set(n.values()) == {15_625}
    regrets = tiny_run.table("regrets").filter(constraint_id="unlimited", algorithm="argmax")
    assert regrets.filter(objective="l2_norm")["n_feasible"].item() == inside.height
    assert regrets.filter(objective="naswot")["n_feasible"].item() == 15_625


def test_searches_by_it_are_left_out_with_a_message(tiny_run):
    assert "l2_norm" not in tiny_run.table("search_runs")["objective"].to_list()
    assert (
        "objective 'l2_norm': l2_norm is scored on a sample"
        in (tiny_run.results / "logs/search/tss/digits.log").read_text()
    )


def test_coverage_counts_what_was_asked_for(tiny_run):
    with duckdb.connect(tiny_run.results / "scores.duckdb", read_only=True) as connection:
        query = "select share_ok, n_pairs, n_not_sampled from proxy_coverage where proxy = 'l2_norm'"
        assert connection.execute(query).fetchone() == (1.0, 300, 4744)
