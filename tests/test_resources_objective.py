"""The choice of a search objective: its candidates, what it reads, its arithmetic, and what it says.

Tables are made up of the 64 topologies that have nothing or a 3x3 convolution on each edge. One of k convolutions has
0.073306 + 0.24304 k million parameters, 7.78 + 35.39 k MFLOPs, and 50 + 2 k percent on CIFAR-10, 50 - 2 k elsewhere.
The limits of config/nats-bench.yaml then keep k of at most 6, 2, 1, 0, 3, 2, 1 and 0.
"""

import re
import runpy

import numpy as np
import polars as pl
import pytest
from conftest import ROOT

from proxybank import searches, spaces, store
from proxybank.errors import ConfigError, TableError
from proxybank.proxies import REGISTRY

TSS = spaces.get("tss")
INDEX = np.flatnonzero(np.isin(TSS.genes, [0, 3]).all(axis=1))
K = (TSS.genes[INDEX] == 3).sum(axis=1)
LARGEST_K = {"unlimited": 6, "flops_100": 2, "flops_70": 1, "flops_40": 0}
LARGEST_K |= {"params_0.85": 3, "params_0.6": 2, "params_0.385": 1, "params_0.17": 0}
FREEREA = "naswot / max(naswot) + logsynflow / max(logsynflow) + skipped_layers / max(skipped_layers)"
ENTRY = {"algorithm": "freerea", "evaluations": 290}


@pytest.fixture
def script():
    return runpy.run_path(str(ROOT / "resources/objective/search_objective.py"))


@pytest.fixture
def tables(tmp_path):
    """Folder of tables of two datasets, the first of which is not the one of the choice."""
    frames = {name: [] for name in ("networks", "scores", "scores_by_seed", "score_status", "accuracies")}
    for dataset, sign in (("elsewhere", -1), ("cifar10", 1)):
        rows = pl.DataFrame({"arch_index": INDEX}).select(
            pl.lit("tss").alias("space"), pl.lit(dataset).alias("dataset"), "arch_index"
        )
        params = 0.073306 + 0.24304 * K
        frames["networks"].append(rows.with_columns(class_index=INDEX, params_m=params, mflops=7.78 + 35.39 * K))
        frames["scores"].append(
            rows.with_columns(naswot=1.0 + K, logsynflow=1.0 + K, skipped_layers=pl.lit(0.0), params=params)
        )
        # By seed 1 the largest network has the lowest scores.
        frames["scores_by_seed"] += [
            frames["scores"][-1].with_columns(seed=seed, naswot=way * (1.0 + K) + 8, logsynflow=way * (1.0 + K) + 8)
            for seed, way in ((0, 1), (1, -1))
        ]
        seconds = rows.select("space", "dataset", class_index=INDEX)
        frames["score_status"] += [
            seconds.with_columns(seed=0, proxy=pl.lit(name), status=pl.lit("ok"), seconds=cost)
            for name, cost in (("naswot", 0.25), ("logsynflow", 0.5), ("params", 0.0))
        ]
        frames["accuracies"] += [
            rows.with_columns(split=pl.lit("test"), epochs=epochs, accuracy_pct=accuracy)
            for epochs, accuracy in ((12, np.full(len(K), 99.0)), (200, 50.0 + 2 * sign * K))
        ]
    for name, parts in frames.items():
        store.write_parquet(pl.concat(parts), tmp_path / f"{name}.parquet")
    return tmp_path


@pytest.fixture
def configuration(script, tmp_path):
    """Replace the configuration by one with or without the choice; a function that does so."""

    def write(objective=None):
        text = (ROOT / "config/nats-bench.yaml").read_text()
        text, replaced = re.subn(r"\n    - <<: \*like_rtx3080\n      name: freerea chosen.*\n.*", "", text)
        assert replaced == 1
        if objective:
            entry = (
                f"    - {{name: freerea chosen N=290, algorithm: freerea, objective: {objective}, evaluations: 290}}"
            )
            text = text.replace("\nconstraints:", f"\n{entry}\n\nconstraints:")
        (tmp_path / "nats-bench.yaml").write_text(text)
        script["main"].__globals__["CONFIG"] = tmp_path / "nats-bench.yaml"

    return write


def test_the_candidates_are_those_written_down(script):
    """By hand: naswot alone, a flow alone, both alike (18 each), 1 to 2 and 2 to 1 (12 each); two flows.

    Of 4 x 3 weights of the other two with a factor 1 and 12 with a factor 2, 6 are multiples of one another: 18. So
    18 + 2 x (18 + 18 + 12 + 12) = 138 sums; 9 + 36 + 84 sums of ranks, and all but the first 9 of places.
    """
    found = script["candidates"]()
    assert len(found) == len(set(found)) == 138 + 129 + 120
    assert FREEREA in found
    assert "-log(place(naswot)) - log(place(synflow))" in found
    assert "2 * naswot / max(naswot) + log(synflow) / max(log(synflow)) - 0.5 * params / max(params)" in found
    for objective in found:
        searches.check_objective(objective, REGISTRY)


def test_the_choice_is_one_of_them_searched_alike(script):
    entries, limits = script["read_settings"]()
    assert [limit["id"] for limit in limits] == list(LARGEST_K)
    baseline, chosen = entries.values()
    assert baseline["objective"] == FREEREA
    assert chosen["objective"] in script["candidates"]()
    for key in ("algorithm", "evaluations", "spaces"):
        assert chosen[key] == baseline[key]


def test_a_weighted_sum(script):
    assert (
        script["weighted_sum"]({"a": 0, "b": 1, "c": 2, "d": -0.5}) == "b / max(b) + 2 * c / max(c) - 0.5 * d / max(d)"
    )
    assert script["weighted_sum"]({"a": -1}) == "-a / max(a)"


def test_published_scores_are_those_of_the_network_that_stands_for_the_class(script, tmp_path):
    pl.DataFrame({"arch_index": np.arange(TSS.size)[::-1], "naswot": np.arange(TSS.size)[::-1] * 2.0}).write_csv(
        tmp_path / "published.csv"
    )
    found = script["published_scores"](str(tmp_path / "published.csv"))
    dead = TSS.index_of_string["|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|none~2|"]
    skip = TSS.index_of_string["|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"]
    assert found["arch_index"].to_list() == list(range(TSS.size))
    assert found["naswot"][dead] == found["naswot"][skip] == 2.0 * skip


def test_scores_of_the_run_come_before_published_ones(script, tables, tmp_path):
    index = np.arange(TSS.size)
    pl.DataFrame({"arch_index": index, "naswot": index * 2.0, "synflow": index * 3.0}).write_csv(
        tmp_path / "theirs.csv"
    )
    data = script["read_dataset"](tables, "cifar10", [{"id": "unlimited"}], str(tmp_path / "theirs.csv"))
    problem = data.problems["unlimited"]
    there = problem.arch_index >= 0
    assert sorted(problem.columns["naswot"][there]) == sorted(1.0 + K)
    stands_for = TSS.genes[INDEX].tolist()  # without dead edges, a cell is the first of its class or another one's
    whole = [k for k, genes in enumerate(stands_for) if TSS.scored_genes("drop")[INDEX[k]].tolist() == genes]
    by_index = dict(zip(problem.arch_index[there], problem.columns["synflow"][there], strict=True))
    assert len(whole) > 1
    assert all(by_index[INDEX[k]] == 3.0 * INDEX[k] for k in whole)


def test_what_is_found_by_hand(script, tables):
    limits = [{"id": "unlimited"}, {"id": "small", "max_params_m": 0.6}]
    data = script["read_dataset"](tables, "cifar10", limits)
    assert data.optimum_pct == {"unlimited": 62, "small": 54}
    assert data.seconds == {"naswot": 0.25, "logsynflow": 0.5, "params": 0}
    found = script["find"](data, ENTRY, FREEREA, runs=5, top=True)
    assert found["unlimited"].runs_pct.tolist() == [62] * 5 and found["unlimited"].top_pct.tolist() == [62]
    # Of two convolutions on six edges there are 15, and they tie.
    assert found["small"].runs_pct.tolist() == [54] * 5 and found["small"].top_pct.tolist() == [54] * 15
    assert script["criterion"](found) == 0
    fewest = script["find"](data, ENTRY, "-params", runs=5)
    assert [each.regret_pct for each in fewest.values()] == [12, 4] and script["criterion"](fewest) == 8


def test_the_best_of_all_is_by_ranks_over_all(script, tables):
    data = script["read_dataset"](tables, "cifar10", [{"id": "unlimited"}])
    best = script["best_of_all"](data.problems["unlimited"], "rank(naswot) + rank(params)")
    assert best.tolist() == INDEX[K == 6].tolist()
    assert sorted(script["best_of_all"](data.problems["unlimited"], "-rank(naswot)")) == INDEX[K == 0].tolist()
    assert len(script["best_of_all"](data.problems["unlimited"], "-log(place(naswot)) * 0")) == 64


def test_a_dataset_without_accuracies_is_refused(script, tables):
    with pytest.raises(TableError, match="no topology has a test accuracy on cifar100"):
        script["read_dataset"](tables, "cifar100", [{"id": "unlimited"}])


def test_objectives_are_ordered_by_what_they_lose(script, tables):
    data = script["read_dataset"](tables, "cifar10", [{"id": "unlimited"}, {"id": "small", "max_params_m": 0.6}])
    ordered, left_out = script["choose"](data, ENTRY, ["-params", "rank(params)", "zen", "rank(naswot)"], runs=2)
    assert list(ordered) == ["rank(params)", "rank(naswot)", "-params"]  # the first two lose nothing
    assert left_out == ["zen"]
    table = script["choice_table"](ordered, {"-params"}, 1)
    assert table.splitlines()[0] == "| place | mean | unlimited | small | objective |"
    assert table.splitlines()[2:] == [
        "| 1 | 0.000 | 0.00 | 0.00 | `rank(params)` |",
        "| 3 | 8.000 | 12.00 | 4.00 | `-params` |",
    ]


def test_the_rows_of_the_result_by_hand(script):
    finding = script["Finding"]
    theirs = {"a": finding(50.0, np.array([46.0, 47.0]), np.array([45.0]))}
    ours = {"a": finding(50.0, np.array([47.0, 50.0]), np.array([48.0, 49.0]))}
    theirs |= {"flops_1": finding(40.0, np.array([35.0, 36.0]), np.array([36.0]))}
    ours |= {"flops_1": finding(40.0, np.array([36.0, 35.0]), np.array([36.0]))}
    # Gains of 1 and 3: 2 on average, deviation sqrt(2), its error 1, times 1.96. Of 1 and -1 the same about 0. The mean
    # of both limits gains 1 and 1. Lost: 3.5 and 1.5; 4.5 and 4.5.
    assert script["result_rows"]("digits", theirs, ours) == [
        ["digits", "a", "50.00", "46.50", "48.50", "+2.00 ± 1.96", "3.50", "1.50", "45.00 (1)", "48.50 (2)"],
        ["digits", "flops_1", "40.00", "35.50", "35.50", "+0.00 ± 1.96", "4.50", "4.50", "36.00 (1)", "36.00 (1)"],
        ["digits", "mean", "", "", "", "+1.00 ± 0.00", "4.00", "3.00", "", ""],
        ["digits", "mean of flops", "", "", "", "+0.00 ± 1.96", "4.50", "4.50", "", ""],
    ]
    assert script["gain_text"](np.array([1.0, np.nan, 3.0])) == "+2.00 ± 1.96"


def test_the_gain_by_seed_by_hand(script):
    # Deviation sqrt(2), its error 1, times t of one degree of freedom, 12.706.
    assert script["seed_rows"]("digits", {0: 1.0, 4: 3.0}) == ["digits", "+1.00", "+3.00", "+2.00 ± 12.71"]
    assert script["seed_rows"]("digits", {0: -1.0}) == ["digits", "-1.00", "-1.00"]
    none = "**Over FreeREA's objective it gains +2.00 ± 12.71 points on digits, -1.00 points on other** (means over"
    said = script["verdict"]({"digits": {0: 1.0, 4: 3.0}, "other": {0: -1.0}})
    assert said.startswith(none) and said.endswith(": on none of them beyond what other weights change.")
    some = script["verdict"]({"digits": {0: 2.9, 4: 3.0}, "other": {0: 1.0, 4: 3.0}})
    assert some.endswith(": beyond what other weights change on digits.")


def test_afterwards_by_hand(script):
    def lost(points):
        return {"unlimited": script["Finding"](50.0, np.array([50.0 - points]), np.empty(0))}

    found = {
        "cifar10": {"a": lost(1), "b": lost(2), "c": lost(3), "d": lost(4)},
        "other": {"d": lost(1), "a": lost(3), "b": lost(2), "c": lost(4)},
    }
    # b is neither among the first nor the choice nor the best of a dataset.
    assert script["afterwards_table"](found, "c", 1).splitlines()[2:] == [
        "| 1 | 1.000 | 3.000 | 49.00 | 47.00 | `a` |",
        "| 3 | 3.000 | 4.000 | 47.00 | 46.00 | `c` |",
        "| 4 | 4.000 | 1.000 | 46.00 | 49.00 | `d` |",
    ]
    # Ranks 1 2 3 4 and 3 2 4 1: rho = 1 - 6 x (4 + 0 + 1 + 9) / (4 x 15).
    assert script["summary"](found, "b").splitlines() == [
        "- cifar10: 1 of 4 lose less than FreeREA's; Spearman's rho of what is lost with cifar10: 1.00.",
        "- other: 1 of 4 lose less than FreeREA's; Spearman's rho of what is lost with cifar10: -0.40.",
    ]


def test_choosing_reads_no_other_dataset(script, tables, configuration, capsys):
    """The same table, whatever the accuracies of the other dataset are, and if there are none."""
    settings = script["main"].__globals__
    settings["candidates"] = lambda: ["-params", FREEREA, "rank(synflow)"]
    configuration()
    arguments = ["choose", str(tables), "--runs-to-choose", "2"]
    path, said = tables / "accuracies.parquet", []
    accuracies = pl.read_parquet(path)
    elsewhere = pl.col("dataset") == "elsewhere"
    for changed in (
        accuracies,
        accuracies.filter(~elsewhere),
        accuracies.with_columns(accuracy_pct=pl.when(elsewhere).then(None).otherwise("accuracy_pct")),
    ):
        changed.write_parquet(path)
        script["main"](arguments)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] == said[2]
    # Fewest parameters lose 2 k points: (12 + 4 + 2 + 0 + 6 + 4 + 2 + 0) / 8.
    assert f"| 1 | 0.000 |{' 0.00 |' * 8} `{FREEREA}` |" in said[0]
    assert "| 2 | 3.750 | 12.00 | 4.00 | 2.00 | 0.00 | 6.00 | 4.00 | 2.00 | 0.00 | `-params` |" in said[0]
    assert "2 candidates; 1 left out" in said[0]


def test_nothing_is_looked_up_before_the_choice(script, tables, configuration):
    configuration()
    with pytest.raises(ConfigError, match=r"no search is called 'freerea chosen N=290'.*Run the command choose"):
        script["main"](["evaluate", str(tables)])


def test_the_page_by_hand(script, tables, configuration, capsys):
    """The choice takes the fewest parameters: on CIFAR-10 it loses 3.75 points, elsewhere it is FreeREA's that does."""
    script["main"].__globals__["candidates"] = lambda: [FREEREA, "-params"]
    configuration("-params")
    arguments = ["evaluate", str(tables), "--runs-to-choose", "2", "--runs", "3"]
    script["main"](arguments)
    page = capsys.readouterr().out
    assert "The choice: `-params`" in page and "A list of 2 objectives" in page
    assert (
        "| cifar10 | unlimited | 62.00 | 62.00 | 50.00 | -12.00 ± 0.00 | 0.00 | 12.00 | 62.00 (1) | 50.00 (1) |" in page
    )
    assert "| cifar10 | mean |  |  |  | -3.75 ± 0.00 | 0.00 | 3.75 |  |  |" in page
    # Within 100 MFLOPs there are 15 networks of two convolutions, and one of none.
    assert (
        "| elsewhere | flops_100 | 50.00 | 46.00 | 50.00 | +4.00 ± 0.00 | 4.00 | 0.00 | 46.00 (15) | 50.00 (1) |"
        in page
    )
    assert "| elsewhere | mean |  |  |  | +3.75 ± 0.00 | 3.75 | 0.00 |  |  |" in page
    assert "| elsewhere | mean of flops |  |  |  | +2.00 ± 0.00 | 2.00 | 0.00 |  |  |" in page  # (4 + 2 + 0) / 3
    # By seed 1 FreeREA's objective takes the fewest parameters too. Half of the difference, 1.875, by t of one degree
    # of freedom, 12.7062.
    assert "| dataset | seed 0 | seed 1 | mean |" in page
    assert "| cifar10 | -3.75 | +0.00 | -1.88 ± 23.82 |" in page
    assert "| elsewhere | +3.75 | +0.00 | +1.88 ± 23.82 |" in page
    assert "0.750 (FreeREA's) and 0.000 (the choice) on cifar10" in page
    assert "## Afterwards" not in page
    script["main"]([*arguments, "--afterwards"])
    page = capsys.readouterr().out
    assert "| 2 | 3.750 | 0.000 | 50.00 | 50.00 | `-params` |" in page
    assert "- elsewhere: 1 of 2 lose less than FreeREA's; Spearman's rho of what is lost with cifar10: -1.00." in page
