"""Thin rule scripts, run without the workflow engine, and what they leave in their logs."""

import logging
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch
import yaml
from archives import write_archive
from conftest import ROOT
from matplotlib.figure import Figure
from scipy.stats import rankdata
from test_store_tables import write_everywhere

from proxybank import analysis, config, data, figures, logs, provenance, spaces, store
from proxybank.errors import TableError
from proxybank.proxies import scoring

SCRIPTS = ROOT / "workflow_scripts"
SKELETON = {"stem_width": 4, "cells_per_stage": 1}


def run_script(name: str, folder: Path, output: dict, input=(), params=None, **wildcards) -> SimpleNamespace:
    """Run a rule's script as Snakemake would, and return its job."""
    job = SimpleNamespace(
        input=Named(input),
        output=Named({key: str(folder / value) for key, value in output.items()}),
        params=Named(params or {}),
        wildcards=SimpleNamespace(**wildcards),
        log=[str(folder / f"{name}.log")],
        threads=2,
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": job}, run_name="__main__")
    return job


class Named(list):
    """Files or parameters of a job, by position and by name."""

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
    params = {"images": {"images": "digits"}, "training": {"train_images": 100, "valid_images": 97}}
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
    held_back = digits.standardised(data.partition(digits, 100, 97).test).reshape(-1, 64)
    drawn = data.Batches.read(batches).images.reshape(-1, 64)
    assert not (drawn[:, None] == held_back[None]).all(axis=2).any()


def test_networks_get_the_users_columns(tmp_path, batches):
    pl.DataFrame({"arch_index": range(15_624), "phone": 2.5}).write_csv(tmp_path / "phones.csv")
    tables = [
        {"space": "tss", "path": "-", "columns": {"phone_ms": "phone"}},
        {"space": "tss", "path": "-", "columns": {"other_ms": "phone"}, "datasets": ["other"]},
    ]
    params = {"spaces": {"tss": SKELETON, "sss": {}}, "dead_edges": "drop", "datasets": ["digits", "other"]}
    inputs = {"batches": [batches] * 2, "columns": [str(tmp_path / "phones.csv")] * 2}
    done = run_script("networks_table", tmp_path, {"table": "with_users.parquet"}, inputs, params | {"columns": tables})
    found = store.read_parquet(done.output.table)
    for dataset in ("digits", "other"):
        assert found.filter(space="tss", dataset=dataset)["phone_ms"].to_list() == [2.5] * 15_624 + [None]
    assert found.filter(space="sss")["phone_ms"].null_count() == 2 * 32_768
    assert found.filter(pl.col("other_ms").is_not_null()).select("space", "dataset").unique().rows() == [
        ("tss", "other")
    ]
    message = "phones.csv: column phone_ms has no value for 1 of 15625 networks: network 15624. No proxy chooses"
    log = Path(done.log[0]).read_text()
    assert message in log and log.count("column phone_ms") == 1  # not once for each dataset


def test_networks_table(networks):
    # The spaces have structural columns of their own, which are null for the other.
    sizes = store.read_parquet(networks, space="sss")
    assert sizes["n_skip"].null_count() == sizes.height == 32_768
    table = store.read_parquet(networks, space="tss")
    assert table.height == 15_625
    assert table["class_index"].n_unique() == len(spaces.get("tss").class_genes("drop"))
    assert not (Path(networks).parent / "networks_table.log").read_text()


@pytest.fixture(scope="module")
def precision(folder) -> str:
    params = {"precision": "float32", "device": "cpu"}
    return run_script("precision", folder, {"precision": "precision.json"}, params=params).output.precision


PART = {  # three classes only
    "skeleton": SKELETON,
    "versions": {"naswot": 1},
    "seeds": [3, 4],
    "dead_edges": "drop",
    "networks_per_part": 3,
    "sample": None,
    "initialisation": "kaiming_normal_fan_out",
    "device": "cpu",
    "versions_of_networks": [1, 1],
    "hamming": "product",
    "known_scores": "",
}


def score_part(folder: Path, inputs: dict, **changed) -> tuple[str, str]:
    """Path of a part, and what was computed of it."""
    wildcards = {"space": "tss", "dataset": "digits", "passes": "forward", "part": "0"}
    done = run_script("score_part", folder, {"scores": "0.parquet"}, inputs, PART | changed, **wildcards)
    return done.output.scores, re.search("Computed: (.*)", Path(done.log[0]).read_text())[1]


@pytest.fixture(scope="module")
def part(folder, batches, precision) -> str:
    path, computed = score_part(folder, {"batches": batches, "precision": precision})
    assert computed == "naswot"
    return path


@pytest.mark.parametrize(
    ("changed", "computed"),
    [
        ({}, "nothing, all was there"),
        ({"hamming": "popcount"}, "nothing, all was there"),  # the same scores
        ({"skeleton": SKELETON | {"stem_width": 8}}, "naswot"),
        ({"versions": {"naswot": 2}}, "naswot"),
        ({"seeds": [4]}, "nothing, all was there"),
        ({"dead_edges": "keep"}, "naswot"),
        ({"networks_per_part": 2}, "nothing, all was there"),
        ({"networks_per_part": 4}, "naswot"),
        ({"initialisation": "default"}, "naswot"),
        ({"device": "cuda"}, "naswot"),
        ({"versions_of_networks": [2, 1]}, "naswot"),
        ({"versions_of_networks": [1, 2]}, "naswot"),
        ({"batches": "negative.npz"}, "naswot"),
        ({"precision": "bfloat16.json"}, "naswot"),
    ],
    ids=str,
)
def test_scores_are_computed_anew_when_what_they_depend_on_changes(
    part, batches, precision, tmp_path, monkeypatch, changed, computed
):
    drawn = data.Batches.read(batches)
    replace(drawn, images=-drawn.images).write(tmp_path / "negative.npz")
    (tmp_path / "bfloat16.json").write_text('{"precision": "bfloat16"}')
    # There may be no other device than the processor.
    monkeypatch.setattr(config, "check_device", lambda device, hamming: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    real = scoring.score_part
    monkeypatch.setattr(scoring, "score_part", lambda *what, device, **how: real(*what, device="cpu", **how))
    shutil.copy(part, tmp_path / "0.parquet.kept")
    files = {name: str(tmp_path / changed[name]) for name in ("batches", "precision") if name in changed}
    settings = {name: value for name, value in changed.items() if name not in files}
    inputs = {"batches": batches, "precision": precision} | files
    assert score_part(tmp_path, inputs, **settings)[1] == computed
    if changed == {"networks_per_part": 4}:
        assert store.read_parquet(tmp_path / "0.parquet")[:6].equals(store.read_parquet(part))  # seconds too


def test_score_part_and_tables(folder, part, networks):
    scored = store.read_parquet(part)
    assert scored.height == 6
    # Another dataset on which scores are higher by one, and networks twice as large.
    few = store.read_parquet(networks, space="tss").filter(pl.col("class_index") < 3)
    other = few.with_columns(pl.col("params_m") * 2, dataset=pl.lit("other"))
    store.write_parquet(pl.concat([other, few]), folder / "few.parquet")
    store.write_parquet(scored.with_columns(pl.col("naswot") + 1), folder / "other.parquet")
    params = {
        "pairs": [("tss", "other"), ("tss", "digits")],
        "parts": [("tss", "other", "forward", 0), ("tss", "digits", "forward", 0)],
        "closed_forms": {"params": "params_m"},
        "aggregates": {"az_nas": {"naswot": "forward", "params": "closed_form"}},
        "seeds": [3, 4],
        "samples": {"tss": {"digits": {}, "other": {}}},
    }
    output = {"by_seed": "by_seed.parquet", "mean": "mean.parquet", "status": "status.parquet"}
    inputs = {"networks": folder / "few.parquet", "parts": [str(folder / "other.parquet"), part]}
    tables = run_script("score_tables", folder, output, inputs, params).output
    by_seed, mean, status = (store.read_parquet(table, dataset="digits") for table in tables)
    n = few.height
    assert by_seed.columns == ["space", "dataset", "arch_index", "seed", "naswot", "params", "az_nas"]
    assert (by_seed.height, mean.height) == (2 * n, n)
    # The mean by hand, and parameters as the table of networks has them.
    assert mean["naswot"][0] == pytest.approx((by_seed["naswot"][0] + by_seed["naswot"][1]) / 2)
    assert mean["params"].to_list() == few["params_m"].to_list()
    assert status.filter(proxy="params")["seconds"].to_list() == [0.0] * 6
    assert (
        status.filter(proxy="az_nas")
        .select("status", "seconds")
        .equals(status.filter(proxy="naswot").select(pl.lit("ok").alias("status"), "seconds"))
    )
    assert status.height == 18
    # The sum of logarithms of ranks: the largest of both terms has 0.
    both = by_seed.filter(seed=3)
    ranks = [rankdata(both[name].fill_null(-np.inf)) / n for name in ("naswot", "params")]
    assert both["az_nas"].to_numpy() == pytest.approx(np.log(ranks).sum(axis=0))
    for name, column in (("naswot", mean["naswot"] + 1), ("params", 2 * mean["params"]), ("az_nas", mean["az_nas"])):
        assert store.read_parquet(tables.mean, dataset="other")[name].to_list() == pytest.approx(column.to_list())


def test_limits_that_no_network_keeps_are_named(tmp_path, networks, caplog):
    table = store.read_parquet(networks)
    table.select("space", "dataset", "arch_index", naswot=1.0).write_parquet(tmp_path / "scores.parquet")
    limits = {"tss": [{"id": "unlimited"}, {"id": "tiny", "max_params_m": 1e-6, "max_mflops": 2}]}
    params = {"constraints": limits, "higher_is_better": {"naswot": True}}
    outputs = {"table": "choices.parquet", "feasible": "feasible.parquet"}
    run_script("choices", tmp_path, outputs, [networks, str(tmp_path / "scores.parquet")], params)
    (line,) = (tmp_path / "choices.log").read_text().splitlines()
    expected = (
        "Constraint tiny: no network of tss on digits keeps max_params_m 1e-06, max_mflops 2. Expected at least one."
    )
    assert expected in line


def test_truth_and_accuracies_table(folder):
    table = folder / "mine.csv"
    pl.DataFrame({"arch_index": [5, 2], "split": "test", "epochs": 9, "accuracy_pct": [50.0, 60.0]}).write_csv(table)
    params = {"truth": {"source": "table", "path": str(table)}, "dead_edges": "drop"}
    place = {"space": "tss", "dataset": "digits"}
    truth = run_script("truth", folder, {"table": "truth.parquet"}, [str(table)], params, **place).output.table
    assert "tss, digits: 2 of 15625 networks have a final test" in (folder / "truth.log").read_text()
    inputs = {"accuracies": [truth]}
    rows = store.read_parquet(run_script("accuracies_table", folder, {"table": "all.parquet"}, inputs).output.table)
    assert rows.select("space", "arch_index", "accuracy_pct", "source").rows() == [
        ("tss", 2, 60.0, "mine.csv"),
        ("tss", 5, 50.0, "mine.csv"),
    ]


def test_truth_from_an_archive(folder, monkeypatch):
    # The first three networks: a whole archive takes minutes to write.
    tables = folder / "wide.csv"
    arch = spaces.get("tss").arch_strings[:3]
    accuracies = {"cifar100_test_accuracy_200": [70.0, 71.0, 72.0]}
    pl.DataFrame({"arch_index": range(3), "arch": arch, **accuracies}).write_csv(tables)
    archive = folder / "archive of tss"
    write_archive(archive, spaces.get("tss"), [tables])
    monkeypatch.setattr(store, "read_archive", partial(store.read_archive, indexes=range(3)))
    done = run_script(
        "archive", folder, {"trainings": "tss.parquet"}, {"folder": archive}, space="tss"
    ).output.trainings
    settings = {"source": "archive", "path": str(archive), "archive_dataset": "cifar100"}
    params = {"truth": settings, "dead_edges": "drop"}
    place = {"space": "tss", "dataset": "mine"}
    truth = run_script("truth", folder, {"table": "archived.parquet"}, [done], params, **place).output.table
    rows = store.read_parquet(truth, split="test", epochs=200)
    assert rows["accuracy_pct"].to_list() == pytest.approx([70, 71, 72])
    assert rows.select("space", "dataset", "source").unique().rows() == [("tss", "mine", "archive of tss")]


def test_truth_trained_here_and_retrained(tmp_path):
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
    common = {
        "images": {"images": "digits", "n_classes": 12},
        "skeleton": {},
        "dead_edges": "drop",
        "training": schedule,
        "versions": [1],
    }
    params = {**common, "widths": [8, 16], "networks_per_part": 20}
    parts = [
        run_script("train_part", tmp_path, {"accuracies": f"{k}.parquet"}, (), params, part=str(k), **place).output[0]
        for k in (0, 1)
    ]
    params = {"truth": {"source": "train"}, "dead_edges": "drop"}
    truth = run_script("truth", tmp_path, {"table": "trained.parquet"}, parts, params, **place).output.table
    # All 2 ** 5 sizes of two widths, on two splits.
    assert store.read_parquet(truth).height == 2 * 32

    # Of another network there are accuracies after other epochs alone, with which nothing could be compared.
    known = store.read_parquet(truth)
    other = known.head(1).with_columns(arch_index=pl.lit(32767, pl.Int64), epochs=pl.lit(9, pl.Int64))
    store.write_table("accuracies", pl.concat([known, other.cast(known.schema)]), truth)
    output = {"accuracies": "retrained.parquet", "comparison": "comparison.csv"}
    params = {**common, "n_networks": 40}
    done = run_script("retrain", tmp_path, output, {"accuracies": truth}, params, **place).output
    comparison = pl.read_csv(done.comparison)
    assert comparison["n"].to_list() == [32, 32]
    assert 32767 not in store.read_parquet(done.accuracies)["arch_index"]
    # The same weights and images: what differs is rounding, which a bundle of other networks may change.
    assert comparison["mean_difference_pct"].abs().max() < 0.5


def test_correlations_and_what_limits_them(folder):
    # Of two functions four networks each, as if each had been scored as it is written.
    functions = spaces.get("tss").classes("drop")
    several = np.flatnonzero(np.bincount(functions) >= 4)[:2]
    members = np.concatenate([np.flatnonzero(functions == function)[:4] for function in several])
    place = {"space": "tss", "dataset": "digits", "arch_index": members}
    costs = {"arch": "a", "params_m": 1.0, "mflops": 1.0, "n_relu": [1] * 4 + [2] * 4, "skipped_layers": 0.0}
    truth = {"split": "test", "epochs": 9, "accuracy_pct": range(8), "train_seconds": None, "source": "mine.csv"}
    naswot = [3.0, 1.0, 2.0, 4.0, 7.0, 5.0, 6.0, 8.0]
    seeds = [{**place, "seed": 0, "naswot": naswot}, {**place, "seed": 1, "naswot": np.arange(8.0)}]
    frames = {
        "networks": pl.DataFrame({**place, **costs, "class_index": members}),
        "scores": pl.DataFrame({**place, "naswot": naswot}),
        "scores_by_seed": pl.concat(map(pl.DataFrame, seeds)),
        "accuracies": pl.DataFrame({**place, **truth}),
    }
    inputs = {name: folder / "correlations" / f"{name}.parquet" for name in frames}
    for name, path in inputs.items():
        store.write_table(name, frames[name], path)
    params = {"bootstrap": {"n_resamples": 50, "seed": 0}, "higher_is_better": {"naswot": True}, "samples": {}}
    table = run_script("correlations", folder, {"table": "correlations.parquet"}, inputs, params).output.table
    # By hand: of 28 pairs, two in each class are discordant: (28 - 2 * 4) / 28. Eight networks would have an interval,
    # two functions have none.
    found = store.read_parquet(table).select("kendall", "low", "high", "seeds_std").row(0)
    # One seed is as the mean, the other one has accuracy's order.
    assert found == (pytest.approx(20 / 28), None, None, pytest.approx((1 - 20 / 28) / 2**0.5))
    # Given ReLUs, whose 16 pairs all agree with both: (20 / 28 - 16 / 28) / (1 - 16 / 28).
    partial = run_script("partial_correlations", folder, {"table": "partial.parquet"}, inputs, params).output.table
    found = store.read_parquet(partial, given="n_relu")["kendall"].item()
    assert found == pytest.approx((20 - 16) / (28 - 16))
    # Of the accuracies, one class is always above the other.
    ceilings = run_script("ceilings", folder, {"table": "ceilings.parquet"}, inputs, params).output.table
    found = dict(store.read_parquet(ceilings, subset="all").select("estimate", "kendall").rows())
    assert found["two_seeds"] == pytest.approx(20 / 28)
    assert found["class_mean"] == pytest.approx(16 / np.sqrt(16 * 28))


@pytest.fixture(scope="module")
def everywhere(folder) -> dict:
    """Tables and database of two spaces and two datasets."""
    paths = write_everywhere(folder / "everywhere")
    store.build_database(paths, folder / "everywhere.duckdb")
    return paths | {"database": folder / "everywhere.duckdb"}


@pytest.mark.parametrize(
    ("figure", "inputs"),
    {
        "best_networks": ["correlations", "partial_correlations", "ceilings"],
        "regrets": ["regrets"],
        "relus": ["networks", "scores"],
        "sampling": ["scores_by_seed", "accuracies", "networks"],
        "scores": ["scores", "accuracies", "correlations", "networks"],
        "search_time": ["search_runs", "regrets"],
        "trajectories": ["database"],
    }.items(),
)
def test_a_figure_shows_one_space_and_dataset(everywhere, tmp_path, monkeypatch, figure, inputs):
    shown, drawn = [], []

    def draw(*tables):
        shown.extend(tables)
        drawn.append(Figure())
        return drawn[-1]

    for module, name in ((figures, f"{figure}_figure"), (analysis, "sampling_table")):
        monkeypatch.setattr(module, name, draw)
    params = {"proxies": [], "samples": {"tss": {"digits": {}}}, "lower_is_better": [], "higher_is_better": {}}
    inputs = {name: everywhere[name] for name in [*inputs, "provenance"]}
    run_script(f"figure_{figure}", tmp_path, {}, inputs, params, space="tss", dataset="digits")
    tables = [table for table in shown if isinstance(table, pl.DataFrame)]
    assert len(tables) >= len(inputs) - 1
    assert drawn[-1].texts[0].get_text().startswith("Run digits.")
    for table in tables:
        assert table.select("space", "dataset").unique().rows() == [("tss", "digits")]


def test_the_report_lists_what_is_chosen_on_one_space_and_dataset(everywhere, tmp_path):
    inputs, params = {"choices": everywhere["choices"]}, {}
    done = run_script("chosen", tmp_path, {"table": "chosen.csv"}, inputs, params, space="tss", dataset="digits")
    assert pl.read_csv(done.output.table)["constraint_id"].to_list() == ["small", "unlimited"]


def test_provenance(folder, batches, precision):
    output = {"table": "provenance.parquet", "proxies": "proxies.parquet", "config": "config.yaml"}
    snip = pl.DataFrame(
        {"class_index": [0], "seed": [3], "snip": [1.0], "snip__status": ["ok"], "snip__seconds": [0.1]}
    )
    parts = [folder / "snip.parquet", folder / "again.parquet", folder / "old.parquet"]
    for path, makers in zip(parts[:2], (["code 1", "code 2"], ["code 2", "code 3"]), strict=True):
        store.write_part(snip, path, store.MadeWith("", {"snip": 1}, {3: "a"}), makers)
    store.write_part(snip, parts[2])
    inputs = {"batches": [batches], "tables": [batches], "precision": precision, "parts": parts}
    params = {"config": {"run": "x", "seeds": [1]}, "versions": {"weights": 2, "proxies": {"snip": 1}}}
    row = {"proxy": "snip", "higher_is_better": True, "fed_by": "gradients", "version": 1}
    params["proxies"] = [row | {"definition": "a sum", "source": "somebody", "differs": ""}]
    done = run_script("provenance", folder, output, inputs, params).output
    facts = dict(store.read_parquet(done.table).rows())
    assert facts["config.seeds"] == "[1]"
    assert facts["versions.weights"] == "2" and facts["versions.proxies.snip"] == "1"
    assert re.fullmatch("[0-9a-f]{64}", facts["sha256.batches.digits.3"])
    assert facts["libraries.numpy"] == np.__version__
    assert facts["precision.precision"] == "float32"
    assert re.fullmatch(r"\w+ \d+(\.\d+)?", facts["machine.system"])  # no build of a kernel
    assert yaml.safe_load(Path(done.config).read_text()) == {"run": "x", "seeds": [1]}
    snip = store.read_parquet(done.proxies).select("proxy", "higher_is_better", "fed_by", "version").rows()
    assert snip == [tuple(row.values())]
    # Whatever computed a part, be it another machine.
    makers = ["code 1", "code 2", "code 3", "unknown"]
    assert {key: value for key, value in facts.items() if "made_by" in key} == {
        f"scores.made_by.{k}": maker for k, maker in enumerate(makers)
    }


def test_what_computes_is_named_after_its_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", {"cuda:1": "NVIDIA H200"}.get)
    assert provenance.made_by("cpu").endswith(f", {provenance.processor()}")
    assert provenance.made_by("cuda:1").endswith(f", torch {torch.__version__}, NVIDIA H200")


def test_the_commit_is_that_of_a_repository_which_has_the_code(tmp_path):
    def git(*arguments: str) -> None:
        name = ("-c", "user.name=n", "-c", "user.email=e")
        subprocess.run(["git", "-C", str(tmp_path), *name, *arguments], check=True, capture_output=True)

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("")
    assert provenance.commit(tmp_path / "code") == "unknown"
    git("init")
    git("commit", "--allow-empty", "-m", "of something else")
    assert provenance.commit(tmp_path / "code") == "unknown"
    git("add", "code")
    git("commit", "-m", "with the code")
    assert re.fullmatch("[0-9a-f]{7,}", provenance.commit(tmp_path / "code"))
    (tmp_path / "code" / "a.py").write_text("1")
    assert provenance.commit(tmp_path / "code").endswith("-dirty")


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
        if "localrule: True" in body:  # it only gathers
            continue
        assert f'"../workflow_scripts/{name}.py"' in body
        assert (SCRIPTS / f"{name}.py").read_text().startswith(f'"""Rule {name}: ')


def test_scores_that_are_there_need_no_torch():
    """To import it takes longer than the rest of such a job."""
    code = "import runpy, sys; runpy.run_path('score_part.py'); print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
