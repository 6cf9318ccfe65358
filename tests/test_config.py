"""The configuration: closed, with defaults that take effect, and one message for each mistake."""

import copy
import os
import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT
from snakemake.utils import update_config

from proxybank import config
from proxybank.errors import ConfigError

MINIMAL = {"run": "x", "datasets": {"digits": {"images": "digits"}}}
ARCHIVE = {"source": "archive", "path": "p"}


def changed(*path_and_value) -> dict:
    """Build the minimal configuration with one value set."""
    *path, last, value = path_and_value
    result = copy.deepcopy(MINIMAL)
    inner = result
    for key in path:
        inner = inner.setdefault(key, {})
    inner[last] = value
    return result


def searched(*entries, **entry) -> dict:
    """Build the minimal configuration with searches that replay rea by naswot."""
    usual = {"algorithm": "rea", "objective": "naswot"}
    return changed("searches", "entries", [usual | some for some in entries or [entry]])


def measured(*measurements) -> dict:
    """Build the minimal configuration with a wide table of test accuracies after two epochs."""
    measurements = [{"split": "test", "epochs": 2} | some for some in measurements]
    truth = {"source": "table", "path": "p", "measurements": measurements}
    return changed("datasets", "digits", "truth", "tss", truth)


COLUMNS = {"space": "tss", "path": "t.csv", "columns": {"a_ms": "a"}}


def with_columns(**columns) -> dict:
    """Build the minimal configuration with a table of further columns."""
    return changed("columns", [{**COLUMNS, "columns": columns}])


def test_defaults_take_effect_at_every_depth():
    complete = config.check(MINIMAL)
    assert complete["batch_size"] == 64
    assert complete["spaces"] == {"tss": {"stem_width": 16, "cells_per_stage": 5}, "sss": {}}
    assert complete["searches"] == {
        "runs": 500,
        "seed": 0,
        "histories": False,
        "clocks": {},
        "entries": [],
    }
    assert complete["constraints"] == {"tss": [{"id": "unlimited"}], "sss": [{"id": "unlimited"}]}
    trained = changed("datasets", "digits", "training", {"epochs": 3})
    assert config.check(trained)["datasets"]["digits"]["training"]["seeds"] == {"tss": [0, 1, 2], "sss": [0]}
    assert config.check(trained)["datasets"]["digits"]["training"]["epochs"] == 3


def test_what_is_given_is_kept_and_the_input_is_left_alone():
    given = changed("spaces", {"tss": {"stem_width": 8}})
    before = copy.deepcopy(given)
    assert config.check(given)["spaces"] == {"tss": {"stem_width": 8, "cells_per_stage": 5}}
    assert given == before


def test_null_leaves_out_what_a_first_file_has():
    given = changed("spaces", {"tss": {}, "sss": None})
    given["datasets"] |= {"other": None, "third": {"images": "digits", "truth": {"tss": None, "sss": None}}}
    given["searches"] = {"clocks": {"slow": None}}
    complete = config.check(given)
    assert list(complete["spaces"]) == ["tss"] and list(complete["datasets"]) == ["digits", "third"]
    assert complete["datasets"]["third"]["truth"] == complete["searches"]["clocks"] == {}
    entry = {"algorithm": "naswot_search", "objective": "naswot", "evaluations": 10}
    given = changed(
        "searches", {"clocks": {"slow": None}, "entries": [entry, entry | {"name": "slow", "clock": "slow"}]}
    )
    assert [search.get("name") for search in config.check(given)["searches"]["entries"]] == [None]
    given["searches"]["entries"][0]["clock"] = "fast"
    with pytest.raises(ConfigError, match="no clock is called 'fast'. Known: none"):
        config.check(given)
    given = changed("datasets", "cifar10", {"images": "x", "truth": {"tss": ARCHIVE | {"measurements": None}}})
    assert config.check(given)["datasets"]["cifar10"]["truth"]["tss"] == ARCHIVE | {"retrain": 0}
    with pytest.raises(ConfigError, match="batch_size: found None"):  # elsewhere it is a value that was forgotten
        config.check(changed("batch_size", None))


def test_a_complete_configuration_stays_as_it_is():
    complete = config.check(MINIMAL)
    assert config.check(complete) == complete


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "c.yaml: the key 'run' is missing. Expected: Name of the run"),
        ({**MINIMAL, "sedes": [1]}, "c.yaml: no key is called 'sedes'. Did you mean 'seeds'? Known: run, seeds, "),
        (
            changed("spaces", "tss", {"stem_widht": 8}),
            "c.yaml, spaces.tss: no key is called 'stem_widht'. Did you mean 'stem_width'? "
            "Known: stem_width, cells_per_stage.",
        ),
        (changed("spaces", "sss", {"a": 8}), "c.yaml, spaces.sss: no key is called 'a'. Known: none."),
        (
            changed("batch_size", 1),
            "c.yaml, batch_size: found 1. Expected an integer of at least 2 and at most 4096. Images in the batch",
        ),
        (changed("batch_size", "64"), "c.yaml, batch_size: found '64'. Expected an integer"),
        (changed("batch_size", 64.0), "c.yaml, batch_size: found 64.0. Expected an integer"),
        (
            changed("datasets", "digits", "training", {"learning_rate": float("nan")}),
            "c.yaml, datasets.digits.training.learning_rate: found nan. Expected a number above 0 and at most 10.",
        ),
        (
            changed("constraints", "tss", [{"id": "a", "max_mflops": float("inf")}]),
            "c.yaml, constraints.tss[0].max_mflops: found inf. Expected a number above 0.",
        ),
        (changed("batch_size", True), "c.yaml, batch_size: found True. Expected an integer"),
        (
            changed("constraints", "tss", [{"id": "a", "max_mflops": 10**400}]),
            "c.yaml, constraints.tss[0].max_mflops: found 1",
        ),
        (changed("run", "mine\n"), r"c.yaml, run: found 'mine\n'. Expected letters"),
        (changed("seeds", []), r"c.yaml, seeds: found []. Expected a list, not empty. Seeds of the weight"),
        (
            changed("seeds", [1, 2, 1]),
            "c.yaml, seeds: 1 stands there more than once. Expected every item once. Remove the copies.",
        ),
        (changed("seeds", [-1]), "c.yaml, seeds[0]: found -1. Expected an integer of at least 0"),
        (changed("dead_edges", "dorp"), "c.yaml, dead_edges: found 'dorp'. Expected one of drop, keep. drop scores"),
        (
            changed("device", "gpu"),
            "c.yaml, device: found 'gpu'. Expected cpu, cuda, or cuda:1 with the number of a device. ",
        ),
        (changed("run", "a/b"), "c.yaml, run: found 'a/b'. Expected letters, digits, _ and -, "),
        (changed("run", None), "c.yaml, run: found None. Expected letters"),
        (changed("datasets", {}), "c.yaml, datasets: found {}. Expected keys and values, not empty"),
        (
            changed("datasets", "CIFAR_10", {"images": "digits"}),
            "c.yaml, datasets: found 'CIFAR_10'. Expected names of small",
        ),
        (
            changed("datasets", "digits", "training", {"momentum": 1}),
            "c.yaml, datasets.digits.training.momentum: found 1. Expected a number of at least 0 and below 1.",
        ),
        (
            changed("datasets", "digits", "training", {"batch_size": 200}),
            "c.yaml, datasets.digits.training.batch_size: found 200. Expected at most train_images, 100. Lower it.",
        ),
        (
            changed("datasets", "digits", "truth", "tss", {"source": "table"}),
            "c.yaml, datasets.digits.truth.tss: the key 'path' is missing. Expected the CSV or Parquet file",
        ),
        (
            changed("datasets", "digits", "truth", "tss", {"source": "train"}),
            "c.yaml, datasets.digits.truth.tss: networks are to be trained. Expected a key 'training'",
        ),
        (
            {
                **changed(
                    "datasets", "digits", {"images": "digits", "truth": {"sss": {"source": "table", "path": "p"}}}
                ),
                "spaces": {"tss": {}},
            },
            "c.yaml, datasets.digits.truth.sss: 'sss' is not among the spaces of the run.",
        ),
        (
            changed(
                "datasets",
                "digits",
                {"images": "digits", "training": {}, "truth": {"tss": {"source": "train", "path": "p"}}},
            ),
            "c.yaml, datasets.digits.truth.tss.path: it belongs to source table or archive, and source is train.",
        ),
        (
            changed("datasets", "digits", "truth", "tss", {"source": "archive"}),
            "c.yaml, datasets.digits.truth.tss: the key 'path' is missing. Expected the folder of an archive. Add it.",
        ),
        (
            changed("datasets", "digits", "truth", "tss", {"source": "archive", "path": "p"}),
            "c.yaml, datasets.digits.truth.tss: the archive has no dataset 'digits'. Expected a key 'archive_dataset', "
            "one of cifar10, cifar100, imagenet16-120. Add it, or rename the dataset.",
        ),
        (
            changed("datasets", "cifar10", {"images": "p", "truth": {"sss": ARCHIVE | {"widths": [8]}}}),
            "c.yaml, datasets.cifar10.truth.sss.widths: it belongs to source table or train, and source is archive.",
        ),
        (
            changed(
                "datasets", "digits", "truth", "tss", {"source": "table", "path": "p", "archive_dataset": "cifar10"}
            ),
            "c.yaml, datasets.digits.truth.tss.archive_dataset: it belongs to source archive, and source is table.",
        ),
        (
            changed(
                "datasets",
                {
                    "cifar10": {"images": "p", "truth": {"sss": ARCHIVE}},
                    "cifar100": {"images": "p", "truth": {"sss": ARCHIVE | {"path": "q"}}},
                },
            ),
            "c.yaml, datasets.cifar10.truth.sss.path: found 'p', and cifar100 has 'q'. Expected one archive for all",
        ),
        (
            changed("datasets", "digits", "truth", "tss", {"source": "table", "path": "p", "widths": [8]}),
            "c.yaml, datasets.digits.truth.tss.widths: networks of the topology space have no widths",
        ),
        (
            changed("datasets", {2024: {"images": "digits"}}),
            "c.yaml, datasets: found 2024 for a key, of type int. Expected text. Put it into quotes.",
        ),
        (
            changed("constraints", "tss", [{"id": "a", True: 2}]),
            "c.yaml, constraints.tss[0]: found True for a key, of type bool.",
        ),
        (
            changed("columns", [{"space": "tss", "path": "p", "columns": {"accuracy_pct": "predicted"}}]),
            "c.yaml, columns[0].columns.accuracy_pct: a column of a run's tables is called 'accuracy_pct' already.",
        ),
        (
            measured({"accuracy": "a", "train_seconds": "b", "train_seconds_per_epoch": "c"}),
            "c.yaml, datasets.digits.truth.tss.measurements[0]: seconds come from two columns. Expected one.",
        ),
        (
            measured({"accuracy": "a"}, {"accuracy": "b"}),
            "c.yaml, datasets.digits.truth.tss.measurements[1]: split test after 2 epochs stands there twice. Expected",
        ),
        (
            changed("datasets", "digits", "images", "a{b}.npz"),
            "c.yaml, datasets.digits.images: found 'a{b}.npz'. Expected a path without { and }.",
        ),
        (
            changed("constraints", {"tss": [{"id": "few", "max_mflops": "1e9"}]}),
            "c.yaml, constraints.tss[0].max_mflops: found '1e9'. Expected a number above 0. Most multiply-adds for one "
            "image, millions. To YAML this is a text: 1e9 is written 1.0e+9, with a point and a sign.",
        ),
        (
            changed("searches", "clocks", "gpu", {"naswot": "1e-3"}),
            "c.yaml, searches.clocks.gpu.naswot: no column is called '1e-3'. Known: none. To YAML this is a text: 1e9",
        ),
        (
            changed("constraints", "tss", [{"id": "a"}, {"id": "a"}]),
            "c.yaml, constraints.tss[1].id: 'a' stands there twice. Expected unique ids.",
        ),
        (
            changed("constraints", "tss", [{"id": "a", "max_mflop": 2}]),
            "c.yaml, constraints.tss[0]: no key is called 'max_mflop'. Did you mean 'max_mflops'?",
        ),
        (
            changed("proxies", ["naswot", "params", "synflw"]),
            "c.yaml, proxies[2]: no proxy is called 'synflw'. Did you mean 'synflow'? Registered: ",
        ),
        (
            changed("proxies", ["naswot", "rank_sum", "logsynflow"]),
            "c.yaml, proxies[1]: 'rank_sum' is computed of ni, naswot, logsynflow, and 'ni' is not among the proxies "
            "of the run. Add it, or remove 'rank_sum'.",
        ),
        (
            changed("samples", [{"space": "tss", "passes": ["forwards"]}]),
            "c.yaml, samples[0].passes: no group of passes is called 'forwards'. Did you mean 'forward'? Known: ",
        ),
        (
            changed("samples", [{"space": "tss", "passes": ["forward"], "datasets": ["digit"]}]),
            "c.yaml, samples[0].datasets: no dataset is called 'digit'. Did you mean 'digits'? Known: digits.",
        ),
        (
            {**changed("spaces", {"sss": {}}), "samples": [{"space": "tss", "passes": ["forward"]}]},
            "c.yaml, samples[0].space: no space is called 'tss'. Did you mean 'sss'? Known: sss.",
        ),
        (
            changed("samples", [{"space": "tss", "passes": ["forward"], "seeds": [3]}]),
            "c.yaml, samples[0].seeds: 3 is not among the seeds of the run, 0, 1, 2. Remove it.",
        ),
        (
            changed("samples", [{"space": "tss", "passes": ["weights"]}]),
            "c.yaml, samples[0]: found neither classes nor seeds. Expected one of them, or both. Add it, or remove the",
        ),
        (
            changed("benchmark", "rounds", 100),
            "c.yaml, benchmark.rounds: found 100. Expected at most plain_networks, 48. Lower it.",
        ),
        (
            changed("columns", [{"space": "tss", "path": "a{b}.csv", "columns": {"a": "a"}}]),
            "c.yaml, columns[0].path: found 'a{b}.csv'. Expected a path without { and }. CSV or Parquet file, relative",
        ),
        (
            changed("samples", [{"space": "tss", "passes": ["weights"], "classes": 9}] * 2),
            "c.yaml, samples[1]: samples[0] is about weights on tss, digits, too. Expected one for each. Remove one of",
        ),
        (
            searched(algorithm="rea", objective="naswot"),
            "c.yaml, searches.entries[0]: there is no budget. Expected evaluations, seconds or both. Add one.",
        ),
        (searched(seconds=0), "c.yaml, searches.entries[0].seconds: found 0. Expected a number above 0. Simulated"),
        (searched(repeats="no"), "c.yaml, searches.entries[0].repeats: found 'no'. Expected one of charged, free."),
        (
            searched(seconds=5, clock="gpu"),
            "c.yaml, searches.entries[0].clock: no clock is called 'gpu'. Known: none.",
        ),
        (
            searched(seconds=5, datasets=["digit"]),
            "c.yaml, searches.entries[0].datasets: no dataset is called 'digit'. Did you mean 'digits'? Known: digits.",
        ),
        (
            searched(seconds=5, name="oracle"),
            "c.yaml, searches.entries[0].name: 'oracle' is another way to choose networks. Rename the search.",
        ),
        (
            searched(seconds=5, objective="naswot; naswot"),
            "c.yaml, searches.entries[0]: rea: found 2 stages in 'naswot; naswot'. Expected 1, one expression each",
        ),
        (
            searched(seconds=5, objective="test_200"),
            "c.yaml, searches.entries[0]: objective 'test_200': no column is called 'test_200'.",
        ),
        (
            searched({"seconds": 5}, {"evaluations": 5}),
            "c.yaml, searches.entries[1]: entry 0 has the same name or algorithm and objective, and only one of the",
        ),
        (
            searched({"evaluations": 5, "sample": 2}, {"evaluations": 5, "sample": 3}),
            "c.yaml, searches.entries[1]: entry 0 has the same name or algorithm, objective and budget, so their runs",
        ),
        (
            changed("searches", "clocks", "gpu", {"naswott": 2}),
            "c.yaml, searches.clocks.gpu: no score column is called 'naswott'. Did you mean 'naswot'?",
        ),
        (
            changed("searches", "clocks", "gpu", {"naswot": "gpu_s"}),
            "c.yaml, searches.clocks.gpu.naswot: no column is called 'gpu_s'.",
        ),
        (
            changed("searches", "clocks", "gpu", {"naswot": -1}),
            "c.yaml, searches.clocks.gpu.naswot: found -1. Expected a number of at least 0, or text. Seconds for every",
        ),
        (
            changed("searches", searched(seconds=5, clock="gpu")["searches"] | {"clocks": {"gpu": {"params": 2}}}),
            "c.yaml, searches.entries[0].clock: 'gpu' has seconds of params, and the objective has none of them.",
        ),
        (
            {**with_columns(naswot="x"), "spaces": {"tss": {}}},
            "c.yaml, columns[0].columns.naswot: a column of a run's tables is called 'naswot' already. Rename it here.",
        ),
        (  # a column of the other space, which the table of networks has nevertheless
            {**with_columns(width_0="x"), "spaces": {"tss": {}}},
            "c.yaml, columns[0].columns.width_0: a column of a run's tables is called 'width_0' already.",
        ),
        (
            {**with_columns(a_ms="a"), "spaces": {"sss": {}}},
            "c.yaml, columns[0].space: 'tss' is not among the spaces of the run.",
        ),
        (
            {**with_columns(a_ms="a"), "columns": [COLUMNS, COLUMNS]},
            "c.yaml, columns[1].columns.a_ms: columns[0] has a column 'a_ms' as well. Rename one.",
        ),
        (
            {**with_columns(a_ms="a"), "columns": [{**COLUMNS, "datasets": ["cifar"]}]},
            "c.yaml, columns[0].datasets: no dataset is called 'cifar'. Known: digits.",
        ),
        (
            {**with_columns(a_ms="a"), "constraints": {"tss": [{"id": "a", "max_b_ms": 2}]}},
            "c.yaml, constraints.tss[0]: no key is called 'max_b_ms'. Did you mean 'max_a_ms'?",
        ),
        (changed("searches", "runs", 0), "c.yaml, searches.runs: found 0. Expected an integer of at least 1"),
        (changed("bootstrap", "n_resamples", 1.5), "c.yaml, bootstrap.n_resamples: found 1.5. Expected an integer"),
    ],
)
def test_mistakes_get_one_message(given, message):
    with pytest.raises(ConfigError) as caught:
        config.check(given, where="c.yaml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_what_searches_may_be():
    # Two settings of one algorithm, told apart by name; users' columns as limits, clocks and scores; trained stages.
    given = {**with_columns(a_ms="a", naswot_s="s"), "constraints": {"tss": [{"id": "fast", "max_a_ms": 2.5}]}}
    given["searches"] = {
        "clocks": {"gpu": {"naswot": "naswot_s", "valid_12": 3600}},
        "entries": [
            {"name": "REA S=3", "algorithm": "rea", "objective": "naswot - a_ms", "seconds": 45, "clock": "gpu"},
            {"name": "REA S=5", "algorithm": "rea", "objective": "naswot - a_ms", "seconds": 45, "sample": 5},
            {"algorithm": "area", "objective": "naswot; valid_12", "seconds": 1e4, "evaluations": 50, "clock": "gpu"},
            # The same search, but never on one space.
            {"algorithm": "rea", "objective": "naswot", "seconds": 9, "spaces": ["tss"], "sample": 5},
            {"algorithm": "rea", "objective": "naswot", "seconds": 9, "spaces": ["sss"]},
        ],
    }
    complete = config.check(given)
    assert complete["searches"]["entries"] == given["searches"]["entries"]
    assert complete["constraints"]["tss"] == [{"id": "fast", "max_a_ms": 2.5}]


def test_the_searches_of_the_documentation_are_valid(root):
    text = (root / "docs/searches.md").read_text()
    given = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL).group(1))
    datasets = {"cifar10": {"images": "digits"}}
    proxies = ["naswot", "synflow", "logsynflow", "skipped_layers", "ni", "snip"]
    complete = config.check({"run": "x", "datasets": datasets, "proxies": proxies} | given)
    # Every algorithm has an example, but for Hyperband, which BOHB is.
    named = {entry["algorithm"] for entry in complete["searches"]["entries"]}
    assert named == set(config.searches.ALGORITHMS) - {"hyperband"}


@pytest.mark.parametrize(
    ("truth", "column"),
    [
        ({"measurements": [{"split": "test", "epochs": 200, "accuracy": "test_acc"}]}, "test_acc"),
        ({}, "accuracy_pct"),  # of a long table
        ({"path": "other.csv", "further_paths": ["./t.csv"]}, "accuracy_pct"),
        ({"path": "other.csv", "further_paths": [os.path.abspath("t.csv")]}, "accuracy_pct"),
        ({"path": "config/../t.csv"}, "accuracy_pct"),
    ],
)
def test_the_column_of_test_accuracy_is_no_column_for_searches(truth, column):
    table = {"source": "table", "path": "t.csv"} | truth
    given = {**with_columns(mine=column), "datasets": {"digits": {"images": "digits", "truth": {"tss": table}}}}
    with pytest.raises(
        ConfigError, match=f"columns.mine: '{column}' is the test accuracy in t.csv, which no search may"
    ):
        config.check(given)


def test_every_key_is_explained_and_bounded():
    for key, rule in config._keys(config.schema()):
        assert rule.get("description", "").strip(), key
        numbers = rule.get("type") in ("integer", "number")
        assert not numbers or {"minimum", "exclusiveMinimum"} & rule.keys(), key
        assert ("pattern" in rule) == ("title" in rule), f"{key}: say the pattern in words, as title"


def test_unreadable_files(tmp_path):
    with pytest.raises(ConfigError, match=r"none.yaml: No such file or directory. Expected a configuration file."):
        config.load(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("run: [1")
    with pytest.raises(ConfigError, match=r"bad.yaml: this is not valid YAML. .*line 1"):
        config.load(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match=r"list.yaml: found \[1\]. Expected keys and values"):
        config.load(tmp_path / "list.yaml")
    (tmp_path / "latin.yaml").write_bytes("run: café".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin.yaml: byte 9 is not UTF-8. Expected a text file in UTF-8. Save it"):
        config.load(tmp_path / "latin.yaml")
    for text, found in (("run: 2024-02-30", "day is out of range"), ("proxies: &all [*all]", "Circular reference")):
        (tmp_path / "value.yaml").write_text(text)
        with pytest.raises(ConfigError, match=f"value.yaml: this is not valid YAML. {found}"):
            config.load(tmp_path / "value.yaml")


def test_a_column_whose_name_holds_that_of_a_trained_accuracy_is_none():
    # Of a name, a part is not looked for among the accuracies that there are.
    assert config._TRAINED.findall("valid_12 + their_valid_12 + valid_12_of_them") == ["valid_12"]


def test_a_file_that_may_not_be_looked_for_is_missing():
    given = config.check(changed("datasets", {"a": {"images": "x" * 300}, "b": {"images": "y" * 300}}))
    with pytest.raises(ConfigError, match="there are no such files"):
        config.check_files(given)


def test_a_key_that_stands_twice(tmp_path):
    (tmp_path / "twice.yaml").write_text("run: a\nspaces:\n  tss: {}\n  sss: {}\n  tss: {stem_width: 4}\n")
    with pytest.raises(ConfigError, match=r"twice.yaml: the key 'tss' stands in lines 3 and 5. Expected it once. Rem"):
        config.load(tmp_path / "twice.yaml")
    (tmp_path / "twice.yaml").write_text("{a: {x: 1}, b: {x: 1}}")  # in two places it may stand
    assert config.read(tmp_path / "twice.yaml") == {"a": {"x": 1}, "b": {"x": 1}}
    # What is merged twice over is replaced, and stands nowhere twice.
    text = "base: &base {source: table, path: a}\ndeep: {two: &two {<<: *base, path: b}}\nflat: {<<: *two, retrain: 3}"
    (tmp_path / "merged.yaml").write_text(text)
    flat = config.read(tmp_path / "merged.yaml")["flat"]
    assert flat == {"source": "table", "path": "b", "retrain": 3}


@pytest.mark.parametrize(("device", "n_devices"), [("cuda", 0), ("cuda:2", 2)])
def test_a_device_that_is_not_there(monkeypatch, device, n_devices):
    monkeypatch.setattr("torch.cuda.device_count", lambda: n_devices)
    with pytest.raises(ConfigError, match=f"device: found '{device}', and PyTorch sees {n_devices} CUDA devices on"):
        config.check_device(device)


def test_devices_that_are_there(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    for device in ("cpu", "cuda", "cuda:1"):
        config.check_device(device)
    monkeypatch.setattr("numba.cuda.is_available", lambda: False)
    config.check_device("cpu", "popcount")
    with pytest.raises(ConfigError, match="hamming: found popcount, and numba finds no CUDA toolkit"):
        config.check_device("cuda", "popcount")


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml",
        *(f"config/{path.name}" for path in ROOT.glob("config/*.yaml") if not path.name.startswith("nats-bench-")),
        *(f"tests/{path.name}" for path in ROOT.glob("tests/*.yaml")),
    ],
)
def test_configurations_that_come_with_the_project_are_valid(root, name):
    config.load(root / name)


@pytest.mark.parametrize("name", [path.stem.removeprefix("nats-bench-") for path in ROOT.glob("config/nats-bench-*")])
def test_configurations_that_stand_behind_another_are_valid(root, name):
    merged = config.read(root / "config/nats-bench.yaml")
    update_config(merged, config.read(root / f"config/nats-bench-{name}.yaml"))  # as Snakemake does
    config.check(merged)


def test_the_default_configuration_shows_every_key(root):
    # Keys of constraints and measurements are alternatives, and algorithms have parameters of their own.
    given = yaml.safe_load((root / "config.yaml").read_text())
    missing = set(_flat(config.check(given))) - set(_flat(given))
    assert not missing, f"add to config.yaml: {', '.join(sorted(missing))}"


def _flat(value, prefix=""):
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        yield f"{prefix}{key}"
        yield from _flat(inner, f"{prefix}{key}.")


def test_the_reference_is_in_step_with_the_schema(root):
    made = subprocess.run(
        [sys.executable, "-m", "proxybank.config"],
        cwd=root / "workflow_scripts",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (root / "docs/configuration.md").read_text() == made, "repair it with: make docs/configuration.md"
    assert re.search(r"^\| `batch_size` \|", made, re.MULTILINE)
