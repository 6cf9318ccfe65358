"""config/nats-bench.yaml: what it reads of the published tables and images, and what it says when they are missing."""

import polars as pl
import pytest

from proxybank import config, data, spaces, store
from proxybank.errors import ConfigError

# Best accuracies as proxies.md section 4 has them: space, dataset, split, epochs -> percent.
OPTIMA = {
    ("tss", "cifar10", "test", 200): 94.37,
    ("tss", "cifar100", "test", 200): 73.51,
    ("tss", "imagenet16-120", "test", 200): 47.31,
    ("tss", "cifar100", "valid", 200): 73.49,
    ("tss", "imagenet16-120", "valid", 200): 46.73,
    ("sss", "cifar10", "test", 90): 93.65,
    ("sss", "cifar100", "test", 90): 71.34,
    ("sss", "imagenet16-120", "test", 90): 47.40,
    ("sss", "cifar10", "valid", 90): 90.71,
}


@pytest.fixture(scope="module")
def settings(root):
    return config.load(root / "config/nats-bench.yaml")


@pytest.fixture
def linked(tmp_path, monkeypatch, shared_data):
    """Work in a folder where the data are linked, as docs/nats-bench.md says."""
    (tmp_path / "data").symlink_to(shared_data)
    monkeypatch.chdir(tmp_path)


def test_it_is_nats_bench(settings):
    assert settings["spaces"] == {"tss": {"stem_width": 16, "cells_per_stage": 5}, "sss": {}}
    assert settings["seeds"] == [0, 1, 2] and settings["batch_size"] == 64
    classes = {name: dataset["n_classes"] for name, dataset in settings["datasets"].items()}
    assert classes == {"cifar10": 10, "cifar100": 100, "imagenet16-120": 120}


def test_every_accuracy_and_cost_of_the_tables_is_read(settings, linked):
    found = {}
    for dataset, its in settings["datasets"].items():
        for name, truth in its["truth"].items():
            rows = store.read_accuracies(
                truth["path"], spaces.get(name), dataset, truth["measurements"], truth.get("further_paths", ())
            )
            for (split, epochs), some in rows.group_by("split", "epochs"):
                assert some.height == spaces.get(name).size
                found[name, dataset, split, epochs] = some
            used = {m[key] for m in truth["measurements"] for key in m if key not in ("split", "epochs")}
            there = set()
            for path in (truth["path"], *truth.get("further_paths", ())):
                there |= set(pl.scan_csv(path).collect_schema().names())
            told = {c for c in there if c.startswith(f"{dataset}_") and ("_accuracy_" in c or "_seconds" in c)}
            assert used == told
    for key, best in OPTIMA.items():
        assert round(found[key]["accuracy_pct"].max(), 2) == pytest.approx(best), key
    # Network 0, by hand from its rows: 12 epochs of 43.8176 seconds; the short training of CIFAR-10 as it stands there.
    row = found["tss", "imagenet16-120", "valid", 12].filter(arch_index=0)
    assert row.select("accuracy_pct", "train_seconds").row(0) == pytest.approx((18.466667, 12 * 43.8176))
    row = found["tss", "cifar10", "valid", 12].filter(arch_index=0)
    assert row.select("accuracy_pct", "train_seconds").row(0) == pytest.approx((63.364, 86.6531))


def test_the_data_pass_every_check(settings, linked):
    config.check_files(settings)


def test_images_give_three_batches_of_64(settings, linked):
    for name, its in settings["datasets"].items():
        drawn = data.draw_batches(data.load(its["images"], its["n_classes"]), 64, settings["seeds"])
        side = 16 if name == "imagenet16-120" else 32
        assert drawn.images.shape == (3, 64, 3, side, side)
        assert drawn.skeleton().n_classes == its["n_classes"]


def test_everything_that_is_missing_is_said_once(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        config.check_files(settings)
    assert str(caught.value) == (
        "data/images/cifar10.npz, data/images/cifar100.npz, data/images/imagenet16-120.npz, "
        "data/natsbench/tss_accuracies.csv, data/natsbench/tss_short_training.csv, data/natsbench/sss_accuracies.csv: "
        "there are no such files. Expected what the configuration names. Put them into one folder as "
        "docs/nats-bench.md lists them, which also says where to get them, and link it: ln -s /path/to/folder data"
    )


def test_one_file_that_is_missing(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("images", "natsbench"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for name in (
        "images/cifar10.npz",
        "images/cifar100.npz",
        "images/imagenet16-120.npz",
        "natsbench/tss_accuracies.csv",
    ):
        (tmp_path / "data" / name).touch()
    (tmp_path / "data/natsbench/sss_accuracies.csv").touch()
    with pytest.raises(
        ConfigError, match=r"^data/natsbench/tss_short_training.csv: there is no such file. Expected what"
    ):
        config.check_files(settings)
