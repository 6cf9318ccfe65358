"""Thin rule scripts, run without the workflow engine, and what they leave in their logs."""

import logging
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import yaml
from conftest import ROOT

from proxybank import data, logs, spaces, store
from proxybank.errors import TableError

SCRIPTS = ROOT / "workflow_scripts"
SKELETON = {"stem_width": 4, "cells_per_stage": 1}


def run_script(name: str, folder: Path, output: dict, input=(), params=None, **wildcards) -> SimpleNamespace:
    """Run a rule's script as Snakemake would, and return its job."""
    job = SimpleNamespace(
        input=Named(input),
        output=Named({key: str(folder / value) for key, value in output.items()}),
        params=SimpleNamespace(**(params or {})),
        wildcards=SimpleNamespace(**wildcards),
        log=[str(folder / f"{name}.log")],
        threads=2,
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": job}, run_name="__main__")
    return job


class Named(list):
    """Files of a job, by position and by name."""

    def __init__(self, files):
        named = files if isinstance(files, dict) else {}
        super().__init__(named.values() if named else files)
        self._named = named

    def __getattr__(self, name):
        return self._named[name]

    def __getitem__(self, key):
        return self._named[key] if isinstance(key, str) else super().__getitem__(key)

    def items(self):
        return self._named.items()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("scripts")


@pytest.fixture(scope="module")
def batches(folder) -> str:
    params = {"images": "digits", "n_classes": None, "training": {"train_images": 100, "valid_images": 97}}
    params |= {"batch_size": 8, "seeds": [3, 4]}
    return run_script("batch", folder, {"batches": "digits.npz"}, params=params).output.batches


@pytest.fixture(scope="module")
def networks(folder, batches) -> str:
    params = {"spaces": {"tss": SKELETON, "sss": {}}, "dead_edges": "drop", "datasets": ["digits"], "columns": []}
    inputs = {"batches": [batches], "columns": []}
    return run_script("networks_table", folder, {"table": "networks.parquet"}, inputs, params).output.table


def test_batch(batches):
    drawn = data.Batches.read(batches)
    assert drawn.seeds.tolist() == [3, 4]
    assert drawn.images.shape == (2, 8, 1, 8, 8)
    assert drawn.n_classes == 10


def test_batches_keep_away_from_the_test_images(batches):
    digits = data.load("digits")
    held_back = digits.images[data.partition(digits, 100, 97).test].reshape(-1, 64)
    drawn = data.Batches.read(batches).images.reshape(-1, 64)
    assert not (drawn[:, None] == held_back[None]).all(axis=2).any()


def test_networks_table(networks):
    # The spaces have structural columns of their own, which are null for the other.
    sizes = store.read_table(networks, space="sss")
    assert sizes["n_skip"].null_count() == sizes.height == 32_768
    table = store.read_table(networks, space="tss")
    assert table.height == 15_625
    assert table["class_index"].n_unique() == len(spaces.get("tss").class_genes("drop"))
    assert not (Path(networks).parent / "networks_table.log").read_text()


def test_score_part_and_tables(folder, batches, networks):
    # Three classes only: the table of networks is cut to them.
    params = {
        "skeleton": SKELETON,
        "versions": {"naswot": 1},
        "dead_edges": "drop",
        "networks_per_part": 3,
        "initialisation": "kaiming_normal_fan_out",
        "device": "cpu",
    }
    wildcards = {"space": "tss", "dataset": "digits", "passes": "forward", "part": "0"}
    part = run_script("score_part", folder, {"scores": "0.parquet"}, {"batches": batches}, params, **wildcards).output
    assert "Scored 3 of 3 networks" in (folder / "score_part.log").read_text()
    assert store.read_parquet(part.scores).height == 6

    few = folder / "few.parquet"
    store.write_parquet(store.read_table(networks, space="tss").filter(pl.col("class_index") < 3), few)
    params = {
        "pairs": [("tss", "digits")],
        "parts": [("tss", "digits", "forward", 0)],
        "closed_forms": {"params": "params_m"},
        "seeds": [3, 4],
    }
    output = {"by_seed": "by_seed.parquet", "mean": "mean.parquet", "status": "status.parquet"}
    inputs = {"networks": few, "parts": [part.scores]}
    tables = run_script("score_tables", folder, output, inputs, params).output
    by_seed, mean = store.read_table(tables.by_seed), store.read_table(tables.mean)
    n = store.read_table(few).height
    assert by_seed.columns == ["space", "dataset", "arch_index", "seed", "naswot", "params"]
    assert (by_seed.height, mean.height) == (2 * n, n)
    # The mean by hand, and parameters as the table of networks has them.
    assert mean["naswot"][0] == pytest.approx((by_seed["naswot"][0] + by_seed["naswot"][1]) / 2)
    assert mean["params"].to_list() == store.read_table(few)["params_m"].to_list()
    status = store.read_table(tables.status)
    assert status.filter(proxy="params")["seconds"].to_list() == [0.0] * 6
    assert status.height == 12


def test_truth_and_accuracies_table(folder):
    table = folder / "mine.csv"
    pl.DataFrame({"arch_index": [5, 2], "split": "test", "epochs": 9, "accuracy_pct": [50.0, 60.0]}).write_csv(table)
    params = {"truth": {"source": "table"}, "dead_edges": "drop"}
    place = {"space": "tss", "dataset": "digits"}
    truth = run_script("truth", folder, {"table": "truth.parquet"}, [str(table)], params, **place).output.table
    inputs = {"accuracies": [truth]}
    rows = store.read_table(run_script("accuracies_table", folder, {"table": "all.parquet"}, inputs).output.table)
    assert rows.select("space", "arch_index", "accuracy_pct", "source").rows() == [
        ("tss", 2, 60.0, "mine.csv"),
        ("tss", 5, 50.0, "mine.csv"),
    ]


def test_truth_trained_here_and_retrained(folder):
    schedule = {
        "train_images": 20,
        "valid_images": 20,
        "epochs": 1,
        "batch_size": 10,
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "seeds": [0],
    }
    place = {"space": "sss", "dataset": "digits"}
    # Two classes more than the labels tell of: both scripts must know of them, or their networks differ.
    common = {"images": "digits", "n_classes": 12, "skeleton": {}, "dead_edges": "drop", "training": schedule}
    params = {**common, "widths": [8, 16], "networks_per_part": 20}
    parts = [
        run_script("train_part", folder, {"accuracies": f"{k}.parquet"}, (), params, part=str(k), **place).output[0]
        for k in (0, 1)
    ]
    params = {"truth": {"source": "train"}, "dead_edges": "drop"}
    truth = run_script("truth", folder, {"table": "trained.parquet"}, parts, params, **place).output.table
    # All 2 ** 5 sizes of two widths, on two splits.
    assert store.read_table(truth).height == 2 * 32

    output = {"accuracies": "retrained.parquet", "comparison": "comparison.csv"}
    params = {**common, "n_networks": 3}
    done = run_script("retrain", folder, output, {"accuracies": truth}, params, **place).output
    comparison = pl.read_csv(done.comparison)
    assert comparison["n"].to_list() == [3, 3]
    # The same weights and images: what differs is rounding, which a bundle of other networks may change.
    assert comparison["mean_difference_pct"].abs().max() < 0.5


def test_correlations(folder):
    place = {"space": "tss", "dataset": "digits", "arch_index": range(8)}
    costs = {"arch": "a", "params_m": 1.0, "mflops": 1.0, "n_relu": 1, "skipped_layers": 0.0}
    truth = {"split": "test", "epochs": 9, "accuracy_pct": range(8), "train_seconds": None, "source": "mine.csv"}
    columns = {
        "networks": {**place, **costs, "class_index": [0] * 4 + [1] * 4},
        "scores": {**place, "naswot": [3.0, 1.0, 2.0, 4.0, 7.0, 5.0, 6.0, 8.0]},
        "accuracies": {**place, **truth},
    }
    inputs = {name: folder / "correlations" / f"{name}.parquet" for name in columns}
    for name, path in inputs.items():
        store.write_table(name, pl.DataFrame(columns[name]), path)
    params = {"bootstrap": {"samples": 50, "seed": 0}, "higher_is_better": {"naswot": True}}
    table = run_script("correlations", folder, {"table": "correlations.parquet"}, inputs, params).output.table
    # By hand: of 28 pairs, two in each class are discordant: (28 - 2 * 4) / 28. A sample has both classes, which is the
    # same, or one of them twice: (6 - 2 * 2) / 6.
    found = store.read_table(table).select("kendall", "low", "high").row(0)
    assert found == pytest.approx((20 / 28, 2 / 6, 20 / 28))


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
        "networks": pl.DataFrame({**place, **costs, **users, "class_index": range(300)}),
        "scores": pl.DataFrame({**place, "naswot": np.arange(300)[::-1] + 1.0}),
        "status": pl.DataFrame({"space": "tss", "dataset": "digits", **seconds}),
        "accuracies": pl.concat([pl.DataFrame({**place, **truth}) for truth in (test, valid)]),
    }
    tables = {"networks": "networks", "scores": "scores", "status": "score_status", "accuracies": "accuracies"}
    for name, table in tables.items():
        store.write_table(table, frames[name], folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in frames}


def search(tables: dict, folder: Path, entries: list[dict], constraints=({"id": "unlimited"},)) -> dict:
    """Replay searches on these tables; frames by name, and the log."""
    params = {
        "runs": 3,
        "seed": 0,
        "clocks": {"two": {"naswot": 2}, "gpu": {"naswot": "gpu_s"}, "none": {"naswot": "other_s"}},
        "entries": entries,
        "columns": ["phone_ms", "gpu_s"],
        "proxies": ["naswot"],
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
    networks = store.read_table(search_tables["scores"])
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
    tables = {name: store.read_table(search_tables[name]) for name in ("networks", "accuracies")}
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
        judged = store.read_table(path)
        assert judged.height == n_rows
        for index, dataset, accuracy, regret in judged.select(
            "best_arch_index", "dataset", "accuracy_pct", "regret_pct"
        ).rows():
            share = 1 if dataset == "digits" else 0.5
            assert (accuracy, regret) == (
                pytest.approx(share * place[index] / 3),
                pytest.approx(share * (299 - place[index]) / 3),
            )


def test_networks_get_the_users_columns(folder, batches):
    pl.DataFrame({"arch_index": range(15_624), "phone": 2.5}).write_csv(folder / "phones.csv")
    table = {"space": "tss", "path": "-", "columns": {"phone_ms": "phone"}}
    params = {"spaces": {"tss": SKELETON, "sss": {}}, "dead_edges": "drop", "datasets": ["digits"], "columns": [table]}
    inputs = {"batches": [batches], "columns": [str(folder / "phones.csv")]}
    done = run_script("networks_table", folder, {"table": "with_users.parquet"}, inputs, params)
    found = store.read_table(done.output.table)
    assert found.filter(space="tss")["phone_ms"].to_list() == [2.5] * 15_624 + [None]
    assert found.filter(space="sss")["phone_ms"].null_count() == 32_768
    message = "phones.csv: column phone_ms has no value for 1 of 15625 networks: network 15624. Limits and searches"
    assert message in Path(done.log[0]).read_text()


def test_provenance(folder, batches):
    output = {"table": "provenance.parquet", "config": "config.yaml"}
    inputs = {"batches": [batches], "tables": [batches]}
    done = run_script("provenance", folder, output, inputs, {"config": {"run": "x", "seeds": [1]}}).output
    facts = dict(store.read_table(done.table).rows())
    assert facts["config.seeds"] == "[1]"
    assert re.fullmatch("[0-9a-f]{64}", facts["sha256.batches.digits.images"])
    assert facts["libraries.numpy"] == np.__version__
    assert yaml.safe_load(Path(done.config).read_text()) == {"run": "x", "seeds": [1]}


def test_bad_input_reaches_the_terminal_as_one_message(tmp_path, capsys):
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit, match=r"^t.csv: bad\.$"), logs.to_file(str(path)):
        logs.log.info("half way")
        raise TableError("t.csv: bad.")
    assert re.search(r"^[\d-]+ [\d:,]+ half way$", path.read_text(), re.MULTILINE)
    assert "Traceback" in path.read_text()
    assert capsys.readouterr().err == f"{tmp_path / 'job'}: half way\n"


def test_our_own_mistakes_keep_their_traceback(tmp_path):
    with pytest.raises(ZeroDivisionError), logs.to_file(str(tmp_path / "job.log")):
        _ = 1 / 0
    assert "ZeroDivisionError" in (tmp_path / "job.log").read_text()
    assert not logging.getLogger("proxybank").handlers


@pytest.mark.parametrize("path", sorted(ROOT.glob("rules/*.smk")), ids=lambda path: path.stem)
def test_a_rule_and_its_script_have_one_name(path):
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(), re.MULTILINE | re.DOTALL):
        assert f'"../workflow_scripts/{name}.py"' in body
        assert (SCRIPTS / f"{name}.py").read_text().startswith(f'"""Rule {name}: ')
