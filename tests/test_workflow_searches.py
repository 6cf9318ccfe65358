"""Scripts of the searches: entries to runs, trajectories and histories; what is left out, and why."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from conftest import Workspace
from polars import selectors
from polars.testing import assert_frame_equal
from test_store_tables import FRAMES
from test_workflow_scripts import run_script

from proxybank import store

TABLES = {name: name for name in ("networks", "scores", "accuracies")}
TABLES |= {"by_seed": "scores_by_seed", "status": "score_status"}


@pytest.fixture(scope="module")
def search_tables(tmp_path_factory) -> dict:
    """Tables of 300 topologies, one class each, with a user's columns, of which one misses the second network."""
    folder = tmp_path_factory.mktemp("search")
    index = np.sort(np.random.default_rng(0).permutation(15_625)[:300])
    place = {"space": "tss", "dataset": "digits", "arch_index": index}
    costs = {name: 1.0 for name in ("params_m", "mflops", "skipped_layers")} | {"n_relu": 5, "arch": "a"}
    users = {"phone_ms": np.arange(300.0), "gpu_s": [0.5, None, *[0.5] * 298]}
    seconds = {"class_index": range(300), "seed": 0, "proxy": "naswot", "status": "ok", "seconds": 0.25}
    valid = {"split": "valid", "epochs": 12, "accuracy_pct": np.arange(300) / 4, "train_seconds": 100.0, "source": "s"}
    test = {"split": "test", "epochs": 200, "accuracy_pct": np.arange(300) / 3, "train_seconds": 9.0, "source": "s"}
    frames = {
        "networks": pl.DataFrame({**place, **costs, **users, "class_index": range(300), "sample_place": range(300)}),
        "scores": pl.DataFrame({**place, "naswot": np.arange(300)[::-1] + 1.0}),
        "by_seed": pl.DataFrame({**place, "seed": 0, "naswot": np.arange(300)[::-1] + 1.0}),
        "status": pl.DataFrame({"space": "tss", "dataset": "digits", **seconds}),
        "accuracies": pl.concat([pl.DataFrame({**place, **truth}) for truth in (test, valid)]),
    }
    for name, table in TABLES.items():
        store.write_table(table, frames[name], folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in frames}


def search(
    tables: dict, folder: Path, entries: list[dict], constraints=({"id": "unlimited"},), samples: dict | None = None
) -> dict:
    """Replay searches on these tables; frames by name, and the log."""
    params = {
        "runs": 3,
        "seed": 0,
        "clocks": {"two": {"naswot": 2}, "gpu": {"naswot": "gpu_s"}, "none": {"naswot": "other_s"}},
        "entries": [{"histories": True} | entry for entry in entries],
        "columns": ["phone_ms", "gpu_s"],
        "proxies": ["naswot"],
        "samples": {"tss": {"digits": samples or {}}},
        "constraints": constraints,
    }
    output = {name: f"{name}.parquet" for name in ("runs", "trajectories", "histories")}
    done = run_script("search", folder, output, tables, params, space="tss", dataset="digits")
    found = {name: store.read_parquet(path) for name, path in done.output.items()}
    return found | {"log": Path(done.log[0]).read_text()}


def test_searches_have_budgets_clocks_and_names(search_tables, tmp_path):
    entries = [
        {"algorithm": "random", "objective": "naswot", "evaluations": 1},
        {"algorithm": "rea", "objective": "naswot", "evaluations": 30, "runs": 2},
        {"algorithm": "rea", "objective": "naswot", "evaluations": 30, "name": "REA 5", "sample": 5},
        {"algorithm": "naswot_search", "objective": "naswot", "seconds": 4, "name": "stored"},
        {"algorithm": "naswot_search", "objective": "naswot", "seconds": 9, "clock": "two"},
        {"algorithm": "area", "objective": "naswot; valid_12", "seconds": 1234.5},
        {"algorithm": "naswot_search", "objective": "-phone_ms", "evaluations": 40},
    ]
    found = search(search_tables, tmp_path, entries)
    assert "left out" not in found["log"]
    columns = ("algorithm", "kind", "objective", "budget", "budget_unit", "n_evaluated", "simulated_seconds")
    rows = found["runs"].group_by(columns, maintain_order=True).agg(pl.len()).rows()
    # 0.25 s a network: 16 in 4 s. 2 s by the clock: the fifth begins at 8 s and ends at 10. AREA: 20 scores in 5 s, and
    # 13 trainings of 100 s, of which the last begins at 1205 s.
    assert rows == [
        ("random", "random", "naswot", 1.0, "evaluations", 1, 0.25, 3),
        ("rea", "rea", "naswot", 30.0, "evaluations", 30, 7.5, 2),
        ("REA 5", "rea", "naswot", 30.0, "evaluations", 30, 7.5, 3),
        ("stored", "naswot_search", "naswot", 4.0, "seconds", 16, 4.0, 3),
        ("naswot_search", "naswot_search", "naswot", 9.0, "seconds", 5, 10.0, 3),
        ("area", "area", "naswot; valid_12", 1234.5, "seconds", 33, 1305.0, 3),
        ("naswot_search", "naswot_search", "-phone_ms", 40.0, "evaluations", 40, 0.0, 3),
    ]
    assert (found["runs"]["own_seconds"] > 0).all()


def test_histories_and_trajectories_fit_the_runs(search_tables, tmp_path):
    entries = [{"algorithm": "naswot_search", "objective": "naswot", "evaluations": 40}]
    found = search(search_tables, tmp_path, entries)
    networks = store.read_parquet(search_tables["scores"])
    histories = found["histories"].join(networks.select("arch_index", "naswot"), on="arch_index", how="left")
    for run in range(3):
        history = histories.filter(run=run).sort("n_evaluated")
        assert history["n_evaluated"].to_list() == list(range(1, 41))
        assert history["value"].to_list() == history["naswot"].to_list()
        assert history["simulated_seconds"].to_list() == [0.25 * k for k in range(1, 41)]
        # The best so far changes where the running maximum does.
        rises = history.filter(pl.col("naswot") > pl.col("naswot").cum_max().shift(1, fill_value=0))
        changes = found["trajectories"].filter(run=run)
        for mine, theirs in (
            ("n_evaluated", "n_evaluated"),
            ("simulated_seconds", "simulated_seconds"),
            ("best_arch_index", "arch_index"),
        ):
            assert changes[mine].to_list() == rises[theirs].to_list()
        assert changes["best_arch_index"][-1] == found["runs"].filter(run=run)["best_arch_index"][0]


def test_a_search_is_the_same_whatever_test_accuracy_says(search_tables, tmp_path):
    accuracies = store.read_parquet(search_tables["accuracies"])
    turned = accuracies.with_columns(
        accuracy_pct=pl.when(split="test").then(100 - pl.col("accuracy_pct")).otherwise("accuracy_pct")
    )
    store.write_table("accuracies", turned, tmp_path / "turned.parquet")
    entries = [
        {"algorithm": "random_search", "objective": "valid_12", "evaluations": 20},
        {"algorithm": "freerea", "objective": "naswot / max(naswot)", "evaluations": 40},
        {"algorithm": "area", "objective": "naswot; valid_12", "evaluations": 40},
    ]
    one = search(search_tables, tmp_path, entries)
    other = search(search_tables | {"accuracies": tmp_path / "turned.parquet"}, tmp_path, entries)
    for name in ("runs", "trajectories", "histories"):
        assert_frame_equal(*(tables[name].drop("own_seconds", strict=False) for tables in (one, other)))


def test_a_search_is_the_same_whatever_there_is_of_other_spaces_and_datasets(search_tables, tmp_path):
    entry = {"algorithm": "naswot_search", "objective": "naswot", "evaluations": 40}
    entries = [
        entry,
        entry | {"name": "by seed", "scores": "each_seed"},
        {"algorithm": "area", "objective": "naswot; valid_12", "seconds": 1234.5},
        {"algorithm": "random_search", "objective": "phone_ms", "evaluations": 20},
    ]
    alone = search(search_tables, tmp_path, entries)
    for name, table in TABLES.items():
        here = store.read_parquet(search_tables[name])
        # Of the same networks but the last, with other scores, times and accuracies.
        there = here[:-1].with_columns(selectors.float().reverse() * 3)
        others = [there.with_columns(dataset=pl.lit("a")), there.with_columns(space=pl.lit("sss"))]
        store.write_table(table, [here, *others], tmp_path / f"{name}_of_all.parquet")
    among = search({name: tmp_path / f"{name}_of_all.parquet" for name in TABLES}, tmp_path, entries)
    for name in ("runs", "trajectories", "histories"):
        assert_frame_equal(*(tables[name].drop("own_seconds", strict=False) for tables in (alone, among)))


@pytest.fixture
def provenance(tmp_path) -> Path:
    store.write_table("provenance", FRAMES["provenance"], tmp_path / "provenance.parquet")
    return tmp_path / "provenance.parquet"


def test_children_are_drawn_empty_if_no_search_of_them_could_run(search_tables, provenance, tmp_path):
    found = search(
        search_tables, tmp_path, [{"algorithm": "rea", "objective": "naswot", "evaluations": 30, "histories": False}]
    )
    assert found["histories"].is_empty()
    inputs, outputs = {"histories": tmp_path / "histories.parquet", "provenance": provenance}, {"png": "children.png"}
    job = run_script("figure_children", tmp_path, outputs, inputs, {"labels": {"a": "vote"}}, space="tss", dataset="d")
    assert Path(job.output.png).stat().st_size > 1000


def test_histories_are_written_where_they_are_asked_for(search_tables, tmp_path):
    entry = {"algorithm": "naswot_search", "objective": "naswot", "evaluations": 4}
    found = search(search_tables, tmp_path, [entry | {"histories": False}, entry | {"name": "kept"}])
    assert found["histories"]["algorithm"].to_list() == ["kept"] * 4 * 3
    assert found["runs"]["algorithm"].to_list() == ["naswot_search"] * 3 + ["kept"] * 3


def test_runs_may_see_the_scores_of_one_seed_each(search_tables, tmp_path):
    # With seed 1 the order is the other way round, and scoring takes twice as long; seed 2 has no score.
    by_seed, status = (store.read_parquet(search_tables[name]) for name in ("by_seed", "status"))
    turned = by_seed.with_columns(seed=pl.lit(1).cast(by_seed["seed"].dtype), naswot=301 - pl.col("naswot"))
    none = by_seed.with_columns(seed=pl.lit(2).cast(by_seed["seed"].dtype), naswot=pl.lit(None, pl.Float64))
    slow = status.with_columns(seed=pl.lit(1).cast(status["seed"].dtype), seconds=2 * pl.col("seconds"))
    tables = search_tables | {name: tmp_path / f"{name}.parquet" for name in ("by_seed", "status")}
    store.write_table(
        "scores_by_seed", pl.concat([by_seed, turned, none]).sort("arch_index", "seed"), tables["by_seed"]
    )
    store.write_table("score_status", pl.concat([status, slow]).sort("class_index", "seed"), tables["status"])
    entry = {"algorithm": "naswot_search", "objective": "naswot", "evaluations": 300, "repeats": "free"}
    entries = [entry, {"name": "by seed", "scores": "each_seed", **entry}]
    runs = search(tables, tmp_path, entries)["runs"].sort("algorithm", "run")
    index = store.read_parquet(search_tables["scores"])["arch_index"]
    first, last = index[0], index[-1]
    assert runs["run"].to_list() == [0, 1, 2, 0, 1, 2]
    assert runs["seed"].to_list() == [0, 1, 0, None, None, None]
    # 0.25 s a network with seed 0, 0.5 with seed 1, and both for the mean.
    assert runs.filter(algorithm="by seed")["best_arch_index"].to_list() == [first, last, first]
    assert runs.filter(algorithm="by seed")["simulated_seconds"].to_list() == [75, 150, 75]
    assert runs.filter(algorithm="naswot_search")["best_arch_index"].to_list() == [first] * 3
    assert runs.filter(algorithm="naswot_search")["simulated_seconds"].to_list() == [225] * 3
    # An objective without a score is the same with each.
    found = search(tables, tmp_path, [entry | {"objective": "-phone_ms", "scores": "each_seed"}])["runs"]
    assert found["run"].to_list() == [0, 1, 2] and found["seed"].null_count() == 3
    # Where no seed has any, the log says so.
    unscored = pl.concat([by_seed, turned]).with_columns(naswot=pl.lit(None, pl.Float64)).sort("arch_index", "seed")
    store.write_table("scores_by_seed", unscored, tables["by_seed"])
    no_score = store.read_parquet(search_tables["scores"]).with_columns(naswot=pl.lit(None, pl.Float64))
    store.write_table("scores", no_score, tmp_path / "scores.parquet")
    left = search(
        tables | {"scores": tmp_path / "scores.parquet"}, tmp_path, [entries[1], entry | {"objective": "-phone_ms"}]
    )
    assert left["runs"]["objective"].unique().to_list() == ["-phone_ms"]
    assert "left out: naswot_search by 'naswot' under constraint 'unlimited': no network" in left["log"]


def test_searches_that_cannot_run_are_named_and_the_others_run(search_tables, tmp_path):
    good = {"algorithm": "naswot_search", "objective": "naswot", "evaluations": 4}
    entries = [
        good,
        {"algorithm": "rea", "objective": "valid_90", "evaluations": 4},
        {"algorithm": "rea", "objective": "naswot", "seconds": 4, "clock": "gpu"},
        {"algorithm": "rea", "objective": "naswot", "seconds": 5, "clock": "none"},
        {"algorithm": "rea", "objective": "log(naswot - 1000)", "evaluations": 4},
    ]
    constraints = [{"id": "unlimited"}, {"id": "quick", "max_gpu_s": 1}, {"id": "nothing", "max_params_m": 0.5}]
    found = search(search_tables, tmp_path, entries, constraints)
    assert found["runs"].select("algorithm", "constraint_id").unique().rows() == [("naswot_search", "unlimited")]
    for message in (
        "no column is called 'valid_90'. Did you mean 'valid_12'?",
        "rea by 'naswot' under constraint 'unlimited': a budget of 4 seconds, and no stored seconds of naswot for some",
        "rea by 'naswot' under constraint 'unlimited': a budget of 5 seconds, and no stored seconds of naswot for some",
        "'log(naswot - 1000)' under constraint 'unlimited': no network within the limits has a score",
        "constraints, quick: column gpu_s has no value for 1 of 300 networks, the first is ",
        "naswot_search by 'naswot' under constraint 'nothing': no network keeps the limits. Expected at least one.",
    ):
        assert message in found["log"]
    with pytest.raises(SystemExit, match="searches: none could run on tss, digits; see above."):
        search(search_tables, tmp_path, entries[1:])


def test_searches_that_need_scores_of_every_network_are_left_out_where_there_is_a_sample(search_tables, tmp_path):
    entries = [
        {"algorithm": "rea", "objective": "naswot", "evaluations": 4},
        {"algorithm": "area", "objective": "-phone_ms; naswot", "evaluations": 40},
        {"algorithm": "rea", "objective": "-phone_ms", "evaluations": 4},
    ]
    found = search(search_tables, tmp_path, entries, samples={"naswot": {"classes": 299, "seeds": [0]}})
    assert found["runs"]["objective"].unique().to_list() == ["-phone_ms"]
    for objective in ("naswot", "-phone_ms; naswot"):
        assert (
            f"left out: objective '{objective}': naswot is scored on a sample, which has 299 of 300 networks. Expected"
        ) in found["log"]
    # All classes, and some of the seeds: every network has a score.
    found = search(search_tables, tmp_path, entries[:1], samples={"naswot": {"classes": 300, "seeds": [0]}})
    assert "left out" not in found["log"]


def test_seconds_that_are_not_known_are_null(search_tables, tmp_path):
    entries = [{"algorithm": "naswot_search", "objective": "naswot", "evaluations": 4, "clock": "none"}]
    found = search(search_tables, tmp_path, entries)
    assert found["runs"]["simulated_seconds"].null_count() == 3
    assert found["trajectories"]["simulated_seconds"].null_count() == found["trajectories"].height


def test_what_searches_found_is_judged_for_each_space_and_dataset(search_tables, tmp_path):
    entries = [{"algorithm": "naswot_search", "objective": "naswot", "evaluations": 40}]
    search(search_tables, tmp_path, entries)
    files = [str(tmp_path / "runs.parquet"), str(tmp_path / "trajectories.parquet")]
    for path in files:  # another dataset, whose accuracies are half as high
        store.write_parquet(store.read_parquet(path).with_columns(dataset=pl.lit("other")), f"{path}.other")
    tables = {name: store.read_parquet(search_tables[name]) for name in ("networks", "accuracies")}
    half = tables["accuracies"].with_columns(dataset=pl.lit("other"), accuracy_pct=pl.col("accuracy_pct") / 2)
    for name, other in (("networks", tables["networks"].with_columns(dataset=pl.lit("other"))), ("accuracies", half)):
        store.write_table(name, [tables[name], other], tmp_path / f"both_{name}.parquet")
    pl.DataFrame().write_parquet(tmp_path / "none.parquet")
    inputs = {"networks": tmp_path / "both_networks.parquet", "accuracies": tmp_path / "both_accuracies.parquet"}
    inputs["runs"] = [files[0], f"{files[0]}.other", str(tmp_path / "none.parquet")]
    inputs["trajectories"] = [files[1], f"{files[1]}.other"]
    output = {"table": "search_runs.parquet", "trajectories": "search_trajectories.parquet"}
    done = run_script("search_runs", tmp_path, output, inputs, {"constraints": {"tss": [{"id": "unlimited"}]}}).output
    # The networks are in the order of their index, and the k-th has k / 3 percent; the best 299 / 3.
    place = {index: k for k, index in enumerate(tables["networks"]["arch_index"].to_list())}
    for path, n_rows in ((done.table, 6), (done.trajectories, 2 * store.read_parquet(files[1]).height)):
        judged = store.read_parquet(path)
        assert judged.height == n_rows
        for index, dataset, accuracy, regret in judged.select(
            "best_arch_index", "dataset", "accuracy_pct", "regret_pct"
        ).rows():
            share = 1 if dataset == "digits" else 0.5
            assert (accuracy, regret) == (
                pytest.approx(share * place[index] / 3),
                pytest.approx(share * (299 - place[index]) / 3),
            )


def test_pictures_of_children_under_a_constraint_that_leaves_them_out(provenance, tmp_path):
    # The first constraint of the file has no evolution, and in another run no evolution could run at all.
    rows = {"space": "tss", "dataset": "digits", "objective": "naswot", "budget": 9.0, "run": 0, "value": 1.0}
    rows |= {"algorithm": ["plain", "rea", "vote"], "constraint_id": ["any", "small", "small"], "n_evaluated": 9}
    for names, titles in ((["rea", "vote"], "small: score by"), (["other"], "None of these searches")):
        folder = tmp_path / names[0]
        folder.mkdir()
        pl.DataFrame(rows).write_parquet(folder / "histories.parquet")
        inputs = {"histories": folder / "histories.parquet", "provenance": provenance}
        params = {"labels": {name: name for name in names}}
        done = run_script(
            "figure_children", folder, {"svg": "children.svg"}, inputs, params, space="tss", dataset="digits"
        )
        assert titles in Path(done.output.svg).read_text()


def test_searches_are_drawn_where_there_are_some(workspace):
    run = workspace()
    entries = [{"algorithm": "naswot_search", "objective": "naswot", "evaluations": 4, "spaces": ["tss"]}]
    tables = {"tss": "resources/digits/tss.parquet", "sss": "resources/digits/sss.parquet"}
    truth = {space: {"source": "table", "path": path} for space, path in tables.items()}
    settings = {"run": "some", "datasets": {"digits": {"images": "digits", "truth": truth}}}
    (run.folder / "some.yaml").write_text(yaml.safe_dump(settings | {"searches": {"entries": entries}}))
    done = Workspace(run.folder, "some.yaml").snakemake("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "search_time_tss_digits.png" in done.stdout
    assert "regrets_sss_digits.png" in done.stdout
    assert "search_time_sss_digits.png" not in done.stdout
