"""What is measured of the library and of plain code, and the arithmetic on it; times themselves are not tested."""

import math
import runpy

import numpy as np
import polars as pl
import pytest
from conftest import ROOT
from test_workflow_scripts import run_script

from proxybank import data, figures, networks, proxies, spaces
from proxybank.benchmark import COMPARISONS, Comparison, comparison, plain, scoring, speed, summary
from proxybank.provenance import machine, with_machine

INIT = "kaiming_normal_fan_out"
DIGITS = data.load("digits")
SKELETON = DIGITS.skeleton(stem_width=4, cells_per_stage=1)
SETTINGS = {
    "batch_sizes": [4, 6],
    "networks": 3,
    "seconds": 5,
    "plain_networks": 3,
    "rounds": 2,
    "tasks": 1,
    "run_length": {"tss": 2, "sss": 8},
    "values": 6,
}


def setting(chosen, batch_size=6):
    return comparison.Setting(chosen, DIGITS, SKELETON, batch_size, 0, INIT, "drop")


# --- what is timed


def test_every_comparison_can_be_made_by_both_sides():
    for chosen in COMPARISONS.values():
        for name in chosen.proxies:
            assert name in plain.PROXIES or proxies.REGISTRY[name].needs == proxies.CLOSED_FORM
    # The proxies that the project promises to be so many times faster with.
    assert [len(chosen.proxies) for chosen in COMPARISONS.values()] == [3, 8, 1]


def test_runs_of_sizes_are_all_below_one_prefix():
    genes = spaces.get("sss").genes
    for length, shared in ((8, 4), (64, 3), (512, 2)):
        found = scoring.runs("sss", "drop", length, 5, seed=1)
        assert found.shape == (5, length)
        assert len({tuple(genes[run[0], :shared]) for run in found}) == 5
        for run in found:
            assert (genes[run, :shared] == genes[run[0], :shared]).all()
            assert len(np.unique(genes[run, shared:], axis=0)) == 8 ** (5 - shared)


def test_random_classes_differ_and_follow_the_seed():
    found = scoring.runs("tss", "drop", 1, 5_044, seed=1)[:, 0]
    assert np.array_equal(np.sort(found), np.arange(5_044))
    assert not np.array_equal(found, scoring.runs("tss", "drop", 1, 5_044, seed=2)[:, 0])


def test_a_score_is_that_of_the_workflow_and_its_time_is_split():
    # The clock ticks by one with each look at it: two networks with two proxies take 2 x 2 ticks of their own, and
    # start, end and the looks before each proxy are left for the passes.
    members = scoring.members_of("tss", "drop", np.array([3, 70]), SKELETON)
    batch = scoring.batch_of(DIGITS, 6, 0)
    ticks = iter(range(100))
    found = scoring.score("synaptic_flow", ["synflow", "logsynflow"], members, batch, INIT, 0, lambda: next(ticks))
    assert found.proxy_seconds == {"synflow": 2, "logsynflow": 2}
    assert found.pass_seconds == 9 - 4
    for network, value in zip(members, found.scores["synflow"], strict=True):
        model = plain.PlainNetwork(network).load(networks.draw(network, INIT, 0))
        assert value == pytest.approx(plain.synflow(model, batch), rel=1e-6)


def test_batches_are_those_of_the_workflow():
    drawn = data.draw_batches(DIGITS, 6, [4])
    batch = scoring.batch_of(DIGITS, 6, 4)
    assert np.array_equal(batch.images, drawn.images[0]) and np.array_equal(batch.labels, drawn.labels[0])


# --- seconds of passes


class Clock:
    """Scoring that takes a made-up time: so many seconds a network, by a clock that only it moves."""

    def __init__(self, monkeypatch, seconds, shared=0.0, compiling=0.0):
        self.now, self.runs = 0.0, []

        def score(group, names, members, batch, initialisation, seed):
            took = shared + seconds * len(members) + (0 if self.runs else compiling)
            self.runs.append(tuple(members))
            self.now += took
            return scoring.Scored({}, took, dict.fromkeys(names, 0.0))

        monkeypatch.setattr(speed, "score", score)
        monkeypatch.setattr(speed.time, "process_time", lambda: self.now)


def speed_of(space, group="forward", seconds=10.0, networks=5, batch_sizes=(4,)):
    return speed.speed_of(
        space=space,
        group=group,
        images=DIGITS,
        skeleton=SKELETON,
        batch_sizes=batch_sizes,
        networks=networks,
        seconds=seconds,
        seed=0,
        initialisation=INIT,
        dead_edges="drop",
    )


@pytest.mark.parametrize(
    ("seconds", "n_runs"),
    # Budget of 10 s, 5 networks asked for: fast; 4 s each, so over after three; slow, so three anyway; a single one.
    [(0.1, 5), (4.0, 3), (11.0, 3), (101.0, 1)],
)
def test_slow_passes_are_timed_on_fewer_networks(monkeypatch, seconds, n_runs):
    Clock(monkeypatch, seconds)
    (row,) = speed_of("tss").rows(named=True)
    assert (row["n_runs"], row["run_length"]) == (n_runs, 1)
    assert row["seconds"] == pytest.approx(seconds)


def test_batches_larger_than_one_that_took_too_long_are_left_out(monkeypatch):
    Clock(monkeypatch, 99.0)
    assert speed_of("tss", batch_sizes=(4, 6, 8))["batch_size"].unique().to_list() == [4, 6, 8]
    Clock(monkeypatch, 101.0)
    assert speed_of("tss", batch_sizes=(4, 6, 8))["batch_size"].unique().to_list() == [4]


@pytest.mark.parametrize(("space", "length"), [("tss", 1), ("sss", 64)])
def test_compiling_is_not_timed(monkeypatch, space, length):
    Clock(monkeypatch, 0.01, shared=0.09, compiling=200.0)
    found = speed_of(space, batch_sizes=(4, 6))
    assert found["batch_size"].to_list() == [4, 6] and found["run_length"].to_list() == [length, length]
    assert found["seconds"].to_list() == pytest.approx([0.01 + 0.09 / length] * 2)


@pytest.mark.parametrize(
    ("shared", "seconds", "length"),
    # Of 0.1 s, 0.09 are shared: 0.1, 0.021, 0.0114 and 0.0102 s a network in runs of 1, 8, 64 and 512; the last step
    # gains too little. Of 10 s, 9.99 are shared: every step gains. Nothing is shared: no step gains.
    [(0.09, 0.01, 64), (9.99, 0.01, 512), (0, 0.1, 1)],
)
def test_runs_of_sizes_grow_as_long_as_sharing_pays(monkeypatch, shared, seconds, length):
    clock = Clock(monkeypatch, seconds, shared)
    found = speed_of("sss", batch_sizes=(4, 6))
    assert found["run_length"].to_list() == [length, length]
    assert found["seconds"].to_list() == pytest.approx([seconds + shared / length] * 2)
    assert all(len(run) == length for run in clock.runs[-sum(found["n_runs"][1:]) :])


@pytest.mark.parametrize("group", ["gradients", "initial_accuracy"])  # the latter provides something of its own name
def test_all_proxies_of_a_pass_are_timed_at_every_batch_size(group):
    found = speed_of("tss", group, networks=3, batch_sizes=(4, 6))
    names = [
        [name for name, proxy in proxies.REGISTRY.items() if proxy.needs == part] for part in proxies.GROUPS[group]
    ]
    expected = [(size, name) for part in names for size in (4, 6) for name in part]
    assert found.select("batch_size", "proxy").rows() == expected
    assert (found["seconds"] >= found["pass_seconds"]).all() and (found["pass_seconds"] > 0).all()


# --- the library and plain code


def test_ratio_by_hand():
    # Plain: 2 s a network on average, times 15,625. Library: (8 + 16) / (4 + 4) = 3 s a class on average, times 5,044
    # classes on 2 cores, and 434 s for closed forms: 31,250 / (7,566 + 434).
    rows = [("plain", 0, 1, 1.0), ("plain", 1, 1, 3.0), ("library", 0, 4, 8.0), ("library", 1, 4, 16.0)]
    rows += [("library", -1, 15_625, 434.0)]
    seconds = pl.DataFrame(rows, schema=["side", "round", "n_networks", "seconds"], orient="row")
    found = summary.ratio_of(Comparison("tss", ()), "drop", seconds.with_columns(n_cores=2))
    assert found["ratio"] == pytest.approx(31_250 / 8_000)
    assert (found["plain_hours"], found["library_hours"]) == pytest.approx((31_250 / 3600, 8_000 / 3600))
    assert (found["n_plain"], found["n_library"]) == (2, 8)
    # Resampling two values each gives means of 1 to 3 s and 2 to 4 s, and the extremes are not rare: 1 in 16 each.
    assert found["low"] == pytest.approx(15_625 / (4 * 2_522 + 434))
    assert found["high"] == pytest.approx(3 * 15_625 / (2 * 2_522 + 434))


def test_differences_by_hand():
    columns = {"class_index": [0, 1, 2, 3, 4], "proxy": "a"}
    values = pl.DataFrame(
        columns | {"library": [1.0, 2.0, 3.5, None, 0.0], "plain": [1.0, 2.5, 3.0, 7.0, 0.0]}, strict=False
    )
    constant = pl.DataFrame({"class_index": [0, 1], "proxy": "b", "library": [2.0, 2.0], "plain": [1.0, 2.0]})
    found = summary.differences_of(pl.concat([values, constant])).rows(named=True)
    # |differences| 0, 0.5, 0.5, 0; relative 0, 0.2, 1/6, 0; ranks agree.
    expected = {"proxy": "a", "n": 5, "n_one_side": 1, "median_absolute": 0.25, "max_absolute": 0.5}
    assert found[0] == pytest.approx(
        expected | {"median_relative": 1 / 12, "spearman": 1.0, "farthest": None, "spearman_without": None}
    )
    assert found[1]["spearman"] is None and found[1]["median_relative"] == 0.5


def test_the_network_whose_ranks_differ_most_is_left_out_by_hand():
    # Ranks 1 to 5 beside 2, 3, 4, 5, 1: without the last network they agree. 1 - 6 (4 + 16) / (5 * 24) = 0.
    values = {"class_index": [3, 4, 5, 6, 7], "proxy": "a", "library": [1.0, 2, 3, 4, 5], "plain": [2.0, 3, 4, 5, 1]}
    (row,) = summary.differences_of(pl.DataFrame(values)).rows(named=True)
    assert (row["spearman"], row["farthest"], row["spearman_without"]) == (pytest.approx(0), 7, pytest.approx(1))


def test_differences_where_no_class_has_both_scores():
    values = pl.DataFrame({"class_index": [0], "proxy": "a", "library": [None], "plain": [1.0]})
    (row,) = summary.differences_of(values.cast({"library": pl.Float64})).rows(named=True)
    assert row["n_one_side"] == 1 and row["median_absolute"] is row["spearman"] is None


@pytest.fixture(scope="module")
def tss_values():
    return comparison.compare_values(setting(Comparison("tss", ("naswot", "jacov"))), networks=6, cores=1)


def test_values_of_both_sides_agree(tss_values):
    assert tss_values["class_index"].n_unique() == 6 and tss_values.height == 12
    for row in summary.differences_of(tss_values).rows(named=True):
        assert row["n_one_side"] == 0
        assert row["median_relative"] < 1e-3


def test_values_of_a_class_without_a_path_are_null():
    genes = spaces.get("tss").class_genes("drop")
    pathless = np.flatnonzero((genes == 0).all(axis=1))
    chosen = setting(Comparison("tss", ("naswot", "jacov")))
    scores, seconds = comparison.library_scores(chosen, pathless, chosen.batch)
    assert seconds > 0 and all(math.isnan(value) for array in scores.values() for value in array)
    assert math.isnan(comparison.plain_scores(chosen, pathless, chosen.batch)["jacov"][0])


@pytest.mark.parametrize("name", ["freerea-tss", "naswot-sss"])
def test_seconds_of_both_sides(name):
    chosen = COMPARISONS[name]
    rows = comparison.compare_seconds(
        setting(chosen), networks=3, rounds=2, tasks=1, run_length=SETTINGS["run_length"][chosen.space], cores=1
    )
    assert (rows["seconds"] > 0).all()
    counts = rows.group_by("side", "round").agg(n_timed=pl.len(), n_networks=pl.col("n_networks").sum())
    run_length = SETTINGS["run_length"][chosen.space]
    expected = {
        ("plain", 0): (2, 2),
        ("plain", 1): (1, 1),
        ("library", 0): (1, run_length),
        ("library", 1): (1, run_length),
    }
    if name == "freerea-tss":  # with a closed form
        expected[("library", -1)] = (1, 15_625)
    assert {row[:2]: row[2:] for row in counts.iter_rows()} == expected


def test_workers_end_with_a_job_that_is_killed(monkeypatch):
    calls = []
    monkeypatch.setattr(comparison.processes, "end_with_parent", lambda: calls.append("end"))
    monkeypatch.setattr(comparison.processes, "use_one_core", lambda: calls.append("core"))
    comparison._start(setting(COMPARISONS["naswot-sss"]))
    assert calls == ["end", "core"]


# --- scripts, figure and page


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Seconds of two passes on two spaces, as the script leaves them."""
    folder, paths = tmp_path_factory.mktemp("speed"), []
    for space, passes in (("tss", "synaptic_flow"), ("tss", "constant_weights"), ("sss", "synaptic_flow")):
        params = {"images": {"images": "digits"}, "settings": SETTINGS | {"seconds": 0.01}, "seed": 0}
        params |= {"skeleton": {"stem_width": 4, "cells_per_stage": 1}, "initialisation": INIT, "dead_edges": "drop"}
        wildcards = {"space": space, "dataset": "digits", "passes": passes}
        output = {"seconds": f"{space}_{passes}.parquet"}
        paths.append(run_script("speed_part", folder, output, [], params, **wildcards).output.seconds)
    return paths


def test_table_has_machine_and_versions(parts, tmp_path):
    output = run_script("speed", tmp_path, {"table": "speed.parquet", "csv": "speed.csv"}, {"parts": parts}).output
    table = pl.read_parquet(output.table)
    # Told the types: a commit such as 049e964 reads as a number.
    assert table.equals(pl.read_csv(output.csv, schema=table.schema))
    assert table.select("space", "passes").unique().height == 3
    for name, value in machine().items():
        assert table[name].unique().to_list() == [value], name


def test_figure_has_a_dot_for_each_proxy_and_batch_size(parts, tmp_path):
    table = pl.concat(map(pl.read_parquet, parts))
    with figures.house_style():
        figure = figures.speed_figure(table)
    tss, sss = figure.axes
    names = [label.get_text() for label in tss.get_yticklabels()]
    assert set(names) == set(table["proxy"])
    for ax, space in ((tss, "tss"), (sss, "sss")):
        assert ax.get_title(loc="left") == space and "seconds" in ax.get_xlabel()
        drawn = {
            (int(line.get_label()), names[int(place)], seconds)
            for line in ax.lines
            if line.get_label().isdigit()
            for seconds, place in zip(*line.get_data(), strict=True)
        }
        assert drawn == set(table.filter(space=space).select("batch_size", "proxy", "seconds").iter_rows())
    assert {text.get_text() for text in sss.texts} == {"synaptic flow", "constant weights"}
    # The script draws the same, as PNG and SVG.
    table.write_parquet(tmp_path / "speed.parquet")
    files = {"png": "a.png", "svg": "a.svg"}
    run_script("figure_speed", tmp_path, files, {"speed": str(tmp_path / "speed.parquet")}, dataset="digits")
    assert all((tmp_path / file).stat().st_size > 10_000 for file in files.values())


def test_cheap_passes_are_drawn_first_and_proxies_stay_together():
    rows = [("a", "a1", 3.0), ("b", "b1", 1.0), ("a", "a2", 2.0), ("b", "b2", 5.0)]
    speed_rows = pl.DataFrame(rows, schema=["passes", "proxy", "seconds"], orient="row")
    # Geometric means: sqrt(6) for a, sqrt(5) for b.
    assert figures.speed.rows_of(speed_rows)["proxy"].to_list() == ["b1", "b2", "a2", "a1"]


@pytest.fixture(scope="module")
def page(parts, tss_values, tmp_path_factory):
    """The page made from small measurements: of two comparisons, only the first of which has scores of two sides."""
    root = tmp_path_factory.mktemp("page")
    folder = root / "results/benchmark/benchmark"
    folder.mkdir(parents=True)
    rows = [("plain", 0, 1, 2.0), ("plain", 0, 1, 2.0), ("library", 0, 4, 2.0)]
    seconds = with_machine(pl.DataFrame(rows, schema=["side", "round", "n_networks", "seconds"], orient="row"))
    seconds = seconds.with_columns(n_cores=2)
    seconds.write_parquet(folder / "seconds.parquet")
    tss_values.write_parquet(folder / "values.parquet")
    comparisons = [("freerea-tss", "digits"), ("naswot-sss", "digits")]
    inputs = {kind: [str(folder / f"{kind}.parquet")] * 2 for kind in ("seconds", "values")}
    params = {"comparisons": comparisons, "batch_size": 6, "dead_edges": "drop"}
    output = {"ratios": "ratios.csv", "differences": "differences.csv"}
    run_script("performance", folder, output, inputs, params)
    run_script("speed", folder, {"table": "speed.parquet", "csv": "speed.csv"}, {"parts": parts})
    files = {"png": "speed_digits.png", "svg": "speed_digits.svg"}
    run_script("figure_speed", folder, files, {"speed": str(folder / "speed.parquet")}, dataset="digits")
    runpy.run_path(str(ROOT / "docs/update_performance.py"))["main"](root)
    return root


def test_page_begins_with_the_ratios(page):
    text = (page / "docs/performance.md").read_text()
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    # 2 s x 15,625 networks against 0.5 s x 5,044 classes / 2 cores; and 32,768 of both against half a second / 2.
    assert (
        "| tss | `naswot`, `logsynflow`, `skipped_layers` | **24.8** [24.8, 24.8] | 8.68 h | 0.35 h |" in tables[0][2]
    )
    assert "| sss | `naswot` | **8.0** [8.0, 8.0] |" in tables[0][3]
    assert len(tables[1]) == 2 + 4 and "| `jacov` | 6 | 0 |" in tables[1][3]
    assert [line.split(" | ")[1] for line in tables[2][2:]] == ["`epsinas`", "`logsynflow`", "`synflow`"]
    assert machine()["processor"] in text and machine()["torch"] in text and "batches of 6" in text
    assert (page / "docs/figures/speed_digits.png").exists() and "figures/speed_digits.png" in text
    assert not any(mark in text for mark in "{}")


@pytest.mark.parametrize("kind", ["seconds", "values"])
def test_scripts_of_comparisons(kind, tmp_path, monkeypatch):
    seen = {}

    def measure(given, **options):
        seen.update(options, setting=given)
        return pl.DataFrame({"proxy": ["naswot"]})

    monkeypatch.setattr(comparison, f"compare_{kind}", measure)
    compared = {"images": {"images": "digits"}, "spaces": {"sss": {}}, "batch_size": 6, "seed": 0}
    params = {"settings": SETTINGS, "compared": compared | {"initialisation": INIT, "dead_edges": "drop"}}
    wildcards = {"comparison": "naswot-sss", "dataset": "digits"}
    output = run_script(f"compare_{kind}", tmp_path, {kind: "a.parquet"}, [], params, **wildcards).output
    assert pl.read_parquet(output[kind])["proxy"].to_list() == ["naswot"]
    assert seen["setting"].comparison is COMPARISONS["naswot-sss"] and seen["setting"].skeleton == DIGITS.skeleton()
    assert seen["cores"] == 2 and seen["networks"] == (3 if kind == "seconds" else 6)
    assert kind == "values" or seen["run_length"] == 8


def test_the_workflow_makes_it_only_when_asked(workspace):
    made = workspace()
    asked = made.snakemake("--dry-run", "--cores", "2", "benchmark")
    assert asked.returncode == 0, asked.stderr
    assert "compare_seconds" in asked.stdout and "speed_part" in asked.stdout
    everything = made.snakemake("--dry-run", "--cores", "2")
    assert everything.returncode == 0, everything.stderr
    assert "compare_seconds" not in everything.stdout and "speed_part" not in everything.stdout
