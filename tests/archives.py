"""Archives in the official format of NATS-Bench, built from tables of accuracies by the benchmark's own classes.

``python tests/archives.py tss ../shared/data/natsbench/tss_*.csv FOLDER`` builds one of a whole space: some gigabytes
of memory traffic and about ten minutes, since each curve of each training is made up, as long as the real ones are.
"""

import sys
from collections import OrderedDict
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import polars as pl
from nats_bench import ArchResults, ResultsCount, pickle_save

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
    whole = OrderedDict()
    for schedule, (epochs, *seeds) in SCHEDULES[space.name].items():
        results = ArchResults(index, space.arch_strings[index])
        for training, (seconds, images) in TRAININGS.items():
            its_seeds = seeds[training != "cifar10-valid"]
            for number, seed in enumerate(its_seeds):
                names = [f"{name}@{epoch}" for name in images for epoch in range(epochs)]
                accuracies = dict(zip(names, (rng.integers(6000, size=len(names)) / 100).tolist(), strict=True))
                for name, (column, _) in images.items():
                    # Seeds differ by one point around the mean.
                    mean = row.get(f"{column}_accuracy_{epochs}", 50.0)
                    accuracies[f"{name}@{epochs - 1}"] = mean + (number - (len(its_seeds) - 1) / 2) * min(mean / 9, 1)
                curve = dict(enumerate((rng.integers(6000, size=epochs) / 100).tolist()))
                losses = dict(enumerate(rng.uniform(0, 4, epochs).tolist()))
                params, latency = np.float64(row.get("cifar10_params_million", 0.1)), [np.float64(0.01)]
                config = {"channel": 16, "num_cells": 5, "arch_str": results.arch_str, "class_num": 10}
                result = ResultsCount(
                    training, None, curve, losses, params, 10 * params, config, f"{seed:04d}", epochs, latency
                )
                result.train_acc5es = dict(enumerate((rng.integers(6000, size=epochs) / 100).tolist()))
                result.reset_pseudo_train_times(seconds)
                result.update_eval(
                    accuracies,
                    dict(zip(names, rng.uniform(0, 4, len(names)).tolist(), strict=True)),
                    {f"{name}@{epoch}": images[name][1] for name in images for epoch in range(epochs)},
                )
                results.update(training, seed, result)
        whole[schedule] = results.state_dict()
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
