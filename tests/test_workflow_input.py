"""Bad input ends with one message and exit code 1 before anything is computed, and leaves what was computed alone."""

import os
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from conftest import Workspace

import run
from proxybank import config, spaces
from proxybank.errors import ConfigError

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), np.uint8)
LABELS = np.arange(40) % 4
TABLE = pl.DataFrame({"arch_index": [0, 1, 2], "split": "test", "epochs": 9, "accuracy_pct": [50.0, 60.0, 70.0]})


def write(folder: Path, **changes) -> Path:
    """Write a small configuration with some keys changed, and good images and a good table for it."""
    np.savez(folder / "images.npz", images=IMAGES, labels=LABELS)
    TABLE.write_csv(folder / "table.csv")
    truth = {"tss": {"source": "table", "path": str(folder / "table.csv")}}
    config = {
        "run": "bad",
        "batch_size": 4,
        "spaces": {"tss": {"stem_width": 4, "cells_per_stage": 1}},
        "datasets": {"mine": {"images": str(folder / "images.npz"), "truth": truth}},
    }
    (folder / "bad.yaml").write_text(yaml.safe_dump(config | changes))
    return folder / "bad.yaml"


@pytest.fixture
def message_of(monkeypatch, capsys):
    """Return the one line that `make run` says about a configuration before it starts anything."""

    def call(path: Path) -> str:
        monkeypatch.chdir(path.parent)
        monkeypatch.setattr(run.subprocess, "run", lambda *_, **__: pytest.fail("Snakemake was started"))
        assert run.main(["--configfile", "bad.yaml"]) == 1
        printed = capsys.readouterr()
        assert not printed.out
        assert printed.err.count("\n") == 1
        return printed.err.replace(f"{path.parent}/", "")

    return call


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batchsize": 8}, "bad.yaml: no key is called 'batchsize'. Did you mean 'batch_size'? Known: run, seeds,"),
        ({"batch_size": 0}, "bad.yaml, batch_size: found 0. Expected an integer of at least 2 and at most 4096."),
        (
            {"proxies": ["naswot", "synflw"]},
            "bad.yaml, proxies[1]: no proxy is called 'synflw'. Did you mean 'synflow'?",
        ),
        (
            {"searches": {"entries": [{"algorithm": "reaa", "objective": "naswot", "evaluations": 9}]}},
            "bad.yaml, searches.entries[0]: searches: no algorithm is called 'reaa'. Did you mean 'rea'?",
        ),
        (
            {"searches": {"entries": [{"algorithm": "rea", "objective": "naswott", "evaluations": 9}]}},
            "bad.yaml, searches.entries[0]: objective 'naswott': no column is called 'naswott'. Did you mean 'naswot'?",
        ),
        (
            {"searches": {"entries": [{"algorithm": "rea", "objective": "naswot", "evaluations": 9, "sampel": 2}]}},
            "bad.yaml, searches.entries[0]: rea: no parameter is called 'sampel'. Did you mean 'sample'?",
        ),
        (
            {"searches": {"entries": [{"algorithm": "rea", "objective": "naswot", "evaluations": 9}] * 2}},
            "bad.yaml, searches.entries[1]: entry 0 has the same name or algorithm, objective and budget",
        ),
        (
            {"device": "cuda:99"},
            "device: found 'cuda:99', and PyTorch sees",
        ),
        ({"batch_size": 64}, "images.npz: 40 distinct images for scoring. Expected at least batch_size, 64."),
    ],
)
def test_mistakes_in_the_configuration(tmp_path, message_of, changes, message):
    assert message_of(write(tmp_path, **changes)).startswith(message)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES[:, 0], LABELS, "images.npz, images: found shape (40, 8, 8). Expected (n, 1 or 3 channels, side, side)"),
        (IMAGES[..., :6], LABELS, "images.npz, images: found shape (40, 1, 8, 6)."),
        (IMAGES[..., :6, :6], LABELS, "images.npz, images: found a side of 6 pixels. The networks halve it twice"),
        (IMAGES / 255, LABELS, "images.npz, images: found type float64. Expected uint8"),
        (IMAGES, LABELS[:5], "images.npz, labels: found int64 of shape (5,). Expected one integer"),
    ],
)
def test_mistakes_in_images(tmp_path, message_of, images, labels, message):
    path = write(tmp_path)
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    assert message_of(path).startswith(message)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            TABLE.drop("accuracy_pct"),
            "table.csv: found columns arch_index, split, epochs. Expected split, epochs and accuracy_pct. Or",
        ),
        (TABLE.with_columns(arch_index=pl.lit(1)), "table.csv: network 1"),
        (
            TABLE.with_columns(split=pl.lit("valid")),
            "table.csv: 0 networks have a final test accuracy. Expected at least 2, which scores can be compared with.",
        ),
        (TABLE.with_columns(arch_index=pl.Series([0, 1, 15625])), "table.csv: row 3: tss has no network 15625."),
        (
            TABLE.drop("arch_index").with_columns(arch=pl.lit("|nor_conv_5x5~0|")),
            "table.csv: rows 1, 2, 3: '|nor_conv_5x5~0|' is no architecture of tss.",
        ),
    ],
)
def test_mistakes_in_tables(tmp_path, message_of, table, message):
    path = write(tmp_path)
    table.write_csv(tmp_path / "table.csv")
    assert message_of(path).startswith(message)


def test_networks_are_trained_again_for_as_long_as_in_the_table(tmp_path, message_of):
    path = write(tmp_path)
    content = yaml.safe_load(path.read_text())
    (settings,) = content["datasets"].values()
    settings["training"] = {"epochs": 3, "train_images": 10, "valid_images": 5, "batch_size": 5}
    settings["truth"]["tss"]["retrain"] = 2
    path.write_text(yaml.safe_dump(content))
    (epochs,) = TABLE["epochs"].unique()
    assert f"training.epochs: found 3. Expected {epochs}, after which " in message_of(path)
    settings["training"]["epochs"] = epochs
    path.write_text(yaml.safe_dump(content))
    config.check_files(config.load(path))


@pytest.mark.parametrize("algorithm", ["rea", "area"])
def test_a_search_by_training_that_no_truth_has(tmp_path, message_of, algorithm):
    objective = {"rea": "valid_8", "area": "naswot; valid_8"}[algorithm]
    entry = {"algorithm": algorithm, "objective": objective, "evaluations": 9}
    path = write(tmp_path, searches={"entries": [entry]})
    started = "searches.entries[0].objective: no truth that this search runs on has 'valid_8', validation accuracies"
    assert message_of(path) == f"{started} after so many epochs. Known: none. Correct it, or remove the search.\n"
    both = [TABLE, TABLE.with_columns(split=pl.lit("valid"))]
    pl.concat(both).write_csv(tmp_path / "table.csv")
    assert "epochs. Known: valid_9." in message_of(path)
    path.write_text(path.read_text().replace("valid_8", "valid_9"))
    config.check_files(config.load(path))


def test_a_search_that_no_accuracies_are_for(tmp_path, message_of):
    entry = {"algorithm": "rea", "objective": "naswot", "evaluations": 9}
    searches = {"entries": [entry, entry | {"name": "on sizes", "spaces": ["sss"]}]}
    path = write(tmp_path, searches=searches, spaces={"tss": {}, "sss": {}})
    assert message_of(path).startswith(
        "searches.entries[1]: there are no accuracies of the spaces and datasets that it"
    )


@pytest.mark.parametrize(("is_there", "message"), [(True, "Permission denied"), (False, "there is no such file")])
def test_a_file_that_may_not_be_looked_at_is_not_called_missing(tmp_path, message_of, monkeypatch, is_there, message):
    path, table = write(tmp_path), tmp_path / "table.csv"
    stat, read = os.stat, pl.read_csv

    def refused(name, *args, **options):
        if str(name) == str(table):
            raise PermissionError(13, "Permission denied") if is_there else FileNotFoundError(2, "gone")
        return stat(name, *args, **options)

    def denied(name, **options):
        return refused(name) if str(name) == str(table) else read(name, **options)

    monkeypatch.setattr(os, "stat", refused)
    monkeypatch.setattr(pl, "read_csv", denied)
    assert message_of(path).startswith(f"table.csv: {message}")


def test_a_folder_in_place_of_a_table(tmp_path, message_of):
    path = write(tmp_path)
    (tmp_path / "table.csv").unlink()
    (tmp_path / "table.csv").mkdir()
    assert message_of(path).startswith("table.csv: this is a folder. Expected a table")


def test_mistakes_in_tables_of_columns(tmp_path, message_of):
    columns = {"space": "tss", "path": str(tmp_path / "latency.csv"), "columns": {"phone_ms": "phone"}}
    path = write(tmp_path, columns=[columns])
    assert message_of(path).startswith("latency.csv: there is no such file.")
    pl.DataFrame({"arch_index": [0], "phones": [1.0]}).write_csv(tmp_path / "latency.csv")
    found = "latency.csv: there is no column 'phone'. Did you mean 'phones'? Found: arch_index, phones."
    assert message_of(path).startswith(found)
    pl.DataFrame({"arch": spaces.get("tss").arch_strings[:1], "phones": [1.0]}).write_csv(tmp_path / "latency.csv")
    assert message_of(path).startswith(found.replace("arch_index", "arch"))


def test_negative_times_for_a_clock(tmp_path, message_of):
    columns = {"space": "tss", "path": str(tmp_path / "times.csv"), "columns": {"phone_s": "phone", "margin": "phone"}}
    pl.DataFrame({"arch_index": [0, 1], "phone": [1.0, -1.0]}).write_csv(tmp_path / "times.csv")
    path = write(tmp_path, columns=[columns])
    config.check_files(config.load(path))  # a column may be negative
    path = write(tmp_path, columns=[columns], searches={"clocks": {"phone": {"naswot": "phone_s", "synflow": 2}}})
    assert message_of(path).startswith("times.csv: column phone, row 2: found -1. Expected seconds from 0")


@pytest.mark.parametrize("name", ["table.csv", "images.npz"])
def test_missing_files(tmp_path, message_of, name):
    path = write(tmp_path)
    (tmp_path / name).unlink()
    assert message_of(path).startswith(f"{name}: there is no such file.")


def test_several_missing_files_are_one_message(tmp_path, message_of):
    path = write(tmp_path)
    (tmp_path / "table.csv").unlink()
    (tmp_path / "images.npz").unlink()
    assert message_of(path).startswith(
        "images.npz, table.csv: there are no such files. Expected what the configuration"
    )


def test_an_archive_that_is_not_whole(tmp_path, message_of):
    truth = {"tss": {"source": "archive", "path": str(tmp_path / "archive"), "archive_dataset": "cifar10"}}
    path = write(tmp_path, datasets={"mine": {"images": str(tmp_path / "images.npz"), "truth": truth}})
    (tmp_path / "archive").mkdir()
    assert message_of(path).startswith(
        "archive: 15626 of 15626 files are missing, the first is 000000.pickle.pbz2. Expected the folder NATS-tss-v1_0-"
    )


def test_images_that_are_a_program(tmp_path, message_of):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "called"), "w"))

    path = write(tmp_path, datasets={"mine": {"images": str(tmp_path / "cifar")}})
    (tmp_path / "cifar").mkdir()
    (tmp_path / "cifar" / "train").write_bytes(pickle.dumps(Evil()))
    assert message_of(path).startswith("cifar/train: refused, it asks for ")
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(("text", "found"), [("", "None"), ("- 1", r"\[1\]")])
def test_a_file_behind_another_has_keys(tmp_path, text, found):
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(ConfigError, match=f"my.yaml: found {found}. Expected keys and values. Correct the file"):
        run.load([str(write(tmp_path)), str(tmp_path / "my.yaml")])


def test_snakemake_itself_says_the_same(workspace):
    made = workspace()
    write(made.folder, batchsize=8)
    done = Workspace(made.folder, "bad.yaml").snakemake("--cores", "1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("bad.yaml: no key is called 'batchsize'. Did you mean 'batch_size'?")
    assert "Traceback" not in done.stderr
    assert not (made.folder / "results").exists()


def test_snakemake_itself_takes_no_key_twice(workspace):
    made = workspace()
    path = write(made.folder)
    path.write_text(path.read_text() + "batch_size: 8\n")
    done = Workspace(made.folder, "bad.yaml").snakemake("--cores", "1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("bad.yaml: the key 'batch_size' stands in lines 1 and ")


def test_a_finished_run_survives_a_mistake(tiny_run, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tiny_run.results.rglob("*") if path.is_file()}
    config = yaml.safe_load((tiny_run.folder / tiny_run.configfile).read_text())
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(config | {"batch_size": -1}))
    done = Workspace(tiny_run.folder, str(tmp_path / "bad.yaml")).run()
    assert done.returncode == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_table_that_does_not_cover_its_widths(tmp_path, message_of):
    # Networks of widths 8 and 16 are 2 ** 5; the first three official ones are 8:8:8:8:8, 8:8:8:8:16, 8:8:8:8:24.
    truth = {"sss": {"source": "table", "path": str(tmp_path / "table.csv"), "widths": [8, 16]}}
    datasets = {"mine": {"images": str(tmp_path / "images.npz"), "truth": truth}}
    path = write(tmp_path, spaces={"sss": {}}, datasets=datasets)
    assert message_of(path).startswith(
        "table.csv: 30 networks have no final test accuracy, the first is 8, 8:8:8:16:8. Expected all of widths 8, 16."
    )


@pytest.mark.parametrize("cores", ["0", "-1", "two"])
def test_cores_that_cannot_be(capsys, cores):
    with pytest.raises(SystemExit, match="2"):
        run.main([f"--cores={cores}"])
    assert f"argument --cores: found '{cores}'. Expected all, or a number from 1." in capsys.readouterr().err
