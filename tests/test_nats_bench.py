"""config/nats-bench.yaml: what it reads of the published tables and images, and what it says when they are missing."""

import copy
import itertools
from math import comb

import numpy as np
import polars as pl
import pytest
from snakemake.utils import update_config

from proxybank import analysis, config, data, searches, spaces, store
from proxybank.errors import ConfigError
from proxybank.proxies import GROUPS, REGISTRY

# Best accuracies: space, dataset, split, epochs -> percent. FreeREA's table 3 prints those of topologies on test
# images; the others are the largest of NATS-Bench's tables, looked up once.
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
def linked(tmp_path, monkeypatch, root, shared_data):
    """Work in a folder where the data are linked, as docs/nats-bench.md says."""
    (tmp_path / "data").symlink_to(shared_data)
    (tmp_path / "resources").symlink_to(root / "resources")
    monkeypatch.chdir(tmp_path)


def test_it_is_nats_bench(settings):
    assert settings["spaces"] == {"tss": {"stem_width": 16, "cells_per_stage": 5}, "sss": {}}
    assert settings["seeds"] == [0, 1, 2] and settings["batch_size"] == 64
    classes = {name: dataset["n_classes"] for name, dataset in settings["datasets"].items()}
    assert classes == {"cifar10": 10, "cifar100": 100, "imagenet16-120": 120}


def test_every_proxy_is_asked_for_and_the_dear_ones_of_1000_classes_or_all(settings):
    assert set(settings["proxies"]) == set(REGISTRY)
    cheap = {"forward", "synaptic_flow", "channel_correlation", "constant_weights", "path_sum", "weights"}
    cheap |= {"linear_region", "noisy_images", "normalised_flow"}
    for space in settings["spaces"]:
        found = {}
        for entry in settings["samples"]:
            for dataset in entry.get("datasets", settings["datasets"]) if entry["space"] == space else ():
                found.update(dict.fromkeys(((group, dataset) for group in entry["passes"]), entry.get("classes")))
        groups = set(GROUPS) - cheap | ({"normalised_flow"} if space == "sss" else set())
        assert found.keys() == set(itertools.product(groups, settings["datasets"]))
        whole = {("gradients", "cifar10"), ("gradients", "imagenet16-120")} if space == "tss" else set()
        assert {key for key, classes in found.items() if classes is None} == whole
        assert set(found.values()) <= {1000, None}


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


def test_archives_and_public_images_take_the_place_of_all_tables_and_of_nothing_else(settings, root):
    merged = config.read(root / "config/nats-bench.yaml")
    update_config(merged, config.read(root / "config/nats-bench-archives.yaml"))  # as Snakemake does
    found, expected = config.check(merged), settings | {"run": "nats-bench-archives", "precision": "auto"}
    expected = copy.deepcopy(expected)
    archives = {  # what they unpack to
        "tss": {"source": "archive", "path": "data/NATS-tss-v1_0-3ffb9-simple", "retrain": 0},
        "sss": {"source": "archive", "path": "data/NATS-sss-v1_0-50262-simple", "retrain": 0},
    }
    images = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python", "imagenet16-120": "ImageNet16"}
    for name, dataset in expected["datasets"].items():
        dataset |= {"truth": archives, "images": f"data/{images[name]}"}
    # Latencies and FreeREA's scores and seconds are others' measurements.
    measured = {f"max_{name}" for table in expected.pop("columns") for name in table["columns"]}
    expected["constraints"]["tss"] = [limit for limit in expected["constraints"]["tss"] if not measured & limit.keys()]
    expected["searches"]["entries"] = [entry for entry in expected["searches"]["entries"] if "clock" not in entry]
    assert expected["searches"].pop("clocks").keys() == {"rtx3080"}
    assert len(settings["searches"]["entries"]) - len(expected["searches"]["entries"]) == 3
    assert (found.pop("columns"), found["searches"].pop("clocks")) == ([], {})
    # Who names this file must not be told to name it.
    assert "archives.yaml" in expected.pop("data_source") and "archives.yaml" not in found.pop("data_source")
    assert found == expected


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
        "data/natsbench/tss_accuracies.csv, data/natsbench/tss_short_training.csv, data/natsbench/sss_accuracies.csv, "
        "data/hardware/tss_latency_ms.parquet, data/reference/tss_cifar10_freerea.csv: there are no such "
        "files. Expected what the configuration names. Put them into one folder as docs/nats-bench.md describes "
        "them, and link it: ln -s /path/to/folder data. From public archives and images, name "
        "config/nats-bench-archives.yaml behind this configuration."
    )


def test_one_file_that_is_missing(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("images", "natsbench", "hardware", "reference"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for name in (
        "images/cifar10.npz",
        "images/cifar100.npz",
        "images/imagenet16-120.npz",
        "natsbench/tss_accuracies.csv",
        "natsbench/sss_accuracies.csv",
        "hardware/tss_latency_ms.parquet",
        "reference/tss_cifar10_freerea.csv",
    ):
        (tmp_path / "data" / name).touch()
    with pytest.raises(
        ConfigError, match=r"^data/natsbench/tss_short_training.csv: there is no such file. Expected what"
    ):
        config.check_files(settings)


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "imagenet16-120"])
def test_limits_keep_the_networks_of_their_papers(settings, linked, dataset):
    # FreeREA's limits (its table 5) keep at most two, one and no 3x3 convolutions, on all datasets: a of them are in
    # 6!/(a! (6-a)!) * 4^(6-a) networks. The finer limits lie between sizes of a 3x3 and b 1x1 convolutions: of
    # 6!/(a! b! (6-a-b)!) * 3^(6-a-b) networks each.
    def up_to(most: int, of_last: int) -> int:
        sizes = [(a, b) for a in range(7) for b in range(7 - a) if a < most or (a == most and b <= of_last)]
        return sum(comb(6, a) * comb(6 - a, b) * 3 ** (6 - a - b) for a, b in sizes)

    side = 16 if dataset == "imagenet16-120" else 32
    skeleton = spaces.Skeleton(image_side=side, n_classes=settings["datasets"][dataset]["n_classes"])
    space = spaces.get("tss")
    networks = pl.DataFrame({"arch_index": range(space.size), **space.costs(skeleton)})
    for table in settings["columns"]:
        if dataset in table.get("datasets", [dataset]):
            further = store.read_columns(table["path"], space, table["columns"], [dataset])
            networks = networks.join(further, on="arch_index")
    found = {limit["id"]: analysis.feasible(networks, limit).sum() for limit in settings["constraints"]["tss"]}
    expected = {"unlimited": 15_625, "flops_100": 14_080, "flops_70": 10_240, "flops_40": 4_096}
    expected |= {
        "params_0.85": up_to(3, 1),
        "params_0.6": up_to(2, 1),
        "params_0.385": up_to(1, 2),
        "params_0.17": up_to(0, 3),
    }
    assert {name: found.pop(name) for name in expected} == expected
    # About a quarter of the networks, by the quartiles of the measured latencies.
    assert len(found) == 5 and all(0.2 < n / space.size < 0.3 for n in found.values())


@pytest.mark.parametrize("space", ["tss", "sss"])
@pytest.mark.parametrize("dataset", ["cifar10", "imagenet16-120"])
def test_every_search_can_run_where_it_is_asked_for(settings, space, dataset):
    # Made-up scores; 0.1 s a score and 100 s a training.
    genes = spaces.get(space).genes
    generator = np.random.default_rng(0)
    trained = {
        m["epochs"] for m in settings["datasets"][dataset]["truth"][space]["measurements"] if m["split"] == "valid"
    }
    seconds = dict.fromkeys(settings["proxies"], 0.1) | {f"valid_{epochs}": 100.0 for epochs in trained}
    users = [name for table in settings["columns"] if table["space"] == space for name in table["columns"]]
    problem = searches.make_problem(
        genes,
        np.arange(len(genes)),
        {name: generator.uniform(1, 2, len(genes)) for name in [*seconds, *users]},
        {name: np.full(len(genes), value) for name, value in seconds.items()},
    )
    ours = {"name", "clock", "runs", "scores", "histories", "spaces", "datasets"}
    for entry in settings["searches"]["entries"]:
        if space in entry.get("spaces", [space]) and dataset in entry.get("datasets", [dataset]):
            found = searches.replay(problem, runs=1, **{k: v for k, v in entry.items() if k not in ours})
            assert found.best[0] >= 0, entry
