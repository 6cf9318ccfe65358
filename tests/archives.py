"""Archives in the official format of NATS-Bench, built from wide tables of accuracies.

``python tests/archives.py tss TABLE.csv [TABLE.csv ...] FOLDER`` builds one of a whole space. Every training has curves
as long as the real ones, and noise in them: an entry unpacks to what a real one does, and takes as long to read.
"""

import sys
from collections import OrderedDict
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import polars as pl
from nats_bench import pickle_save

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from proxybank import spaces  # noqa: E402  (for the command line; pytest has it already)

# space -> schedule -> epochs, and the seeds of CIFAR-10's half, and of the other trainings.
SCHEDULES = {
    "tss": {"12": (12, (777, 111), (111,)), "200": (200, (777, 888, 999), (777, 888, 999))},
    "sss": {"01": (1, (777,), (777,)), "12": (12, (777, 888, 999), (777, 888, 999)), "90": (90, (777,), (777,))},
}
# training -> seconds of one epoch, and images -> column of the tables and seconds of one evaluation.
TRAININGS = {
    "cifar10-valid": (7.5, {"x-valid": ("cifar10_valid", 2.5), "ori-test": ("cifar10_test", 1.0)}),
    "cifar10": (15.0, {"ori-test": ("cifar10_test", 1.0)}),
    "cifar100": (15.0, {"x-valid": ("cifar100_valid", 0.5), "x-test": ("cifar100_test", 0.5)}),
    "ImageNet16-120": (45.0, {"x-valid": ("imagenet16-120_valid", 0.25), "x-test": ("imagenet16-120_test", 0.25)}),
}


def entry(index: int, space: spaces.Space, row: dict[str, float], rng: np.random.Generator) -> OrderedDict:
    """One network: mean accuracies over the seeds as in a row of the tables, made-up curves before them.

    What the tables do not have is 50%.
    """
    arch, params = space.arch_strings[index], np.float64(row.get("cifar10_params_million", 0.1))
    config = {"channel": 16, "num_cells": 5, "arch_str": arch, "class_num": 10}
    whole = OrderedDict()
    for schedule, (epochs, *seeds) in SCHEDULES[space.name].items():
        results, seeds_of = {}, {}
        for training, (seconds, images) in TRAININGS.items():
            seeds_of[training] = sorted(seeds[training != "cifar10-valid"])
            names = [f"{name}@{epoch}" for name in images for epoch in range(epochs)]
            for number, seed in enumerate(seeds_of[training]):
                accuracies = dict(zip(names, (rng.integers(6000, size=len(names)) / 100).tolist(), strict=True))
                for name, (column, _) in images.items():
                    # Seeds differ by one point around the mean.
                    mean = row.get(f"{column}_accuracy_{epochs}", 50.0)
                    apart = min(mean / 9, 1)
                    accuracies[f"{name}@{epochs - 1}"] = mean + (number - (len(seeds_of[training]) - 1) / 2) * apart
                results[training, seed] = {
                    "name": training,
                    "net_state_dict": None,
                    "train_acc1es": dict(enumerate((rng.integers(6000, size=epochs) / 100).tolist())),
                    "train_acc5es": dict(enumerate((rng.integers(6000, size=epochs) / 100).tolist())),
                    "train_losses": dict(enumerate(rng.uniform(0, 4, epochs).tolist())),
                    "train_times": OrderedDict.fromkeys(range(epochs), seconds),
                    "arch_config": config,
                    "params": params,
                    "flop": 10 * params,
                    "seed": f"{seed:04d}",
                    "epochs": epochs,
                    "latency": [np.float64(0.01)],
                    "eval_names": list(images),
                    "eval_acc1es": accuracies,
                    "eval_losses": dict(zip(names, rng.uniform(0, 4, len(names)).tolist(), strict=True)),
                    "eval_times": {f"{name}@{epoch}": images[name][1] for name in images for epoch in range(epochs)},
                }
        whole[schedule] = {
            "arch_index": index,
            "arch_str": arch,
            "all_results": results,
            "dataset_seed": seeds_of,
            "clear_net_done": False,
        }
    return whole


def write_archive(
    folder: Path, space: spaces.Space, tables: Sequence[str | Path], indexes: Sequence[int] | None = None
) -> None:
    """Write an archive of all networks of a space, or of some, from wide tables that are joined by ``arch_index``."""
    folder.mkdir(parents=True)
    listed = {"meta_archs": list(space.arch_strings), "total_archs": space.size, "arch2infos": None}
    pickle_save(listed | {"evaluated_indexes": set()}, folder / "meta.pickle")
    frames = [pl.read_csv(path).drop("arch") for path in tables]
    joined = reduce(lambda a, b: a.join(b.drop(set(a.columns) & set(b.columns) - {"arch_index"}), "arch_index"), frames)
    rng = np.random.default_rng(0)
    for row in joined.sort("arch_index").iter_rows(named=True):
        if indexes is None or row["arch_index"] in indexes:
            pickle_save(entry(row["arch_index"], space, row, rng), folder / f"{row['arch_index']:06d}.pickle")


if __name__ == "__main__":
    name, *files, target = sys.argv[1:]
    write_archive(Path(target), spaces.get(name), files)
