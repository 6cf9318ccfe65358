"""NATS-Bench's official archives: every accuracy in them, through the benchmark's own classes."""

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
from nats_bench import ArchResults

from proxybank import pickles, spaces
from proxybank.errors import TableError
from proxybank.processes import end_with_parent
from proxybank.spaces import Space

# space -> the archive's name, and training schedules: name -> epochs.
_ARCHIVES = {
    "tss": ("NATS-tss-v1_0-3ffb9-simple", {"12": 12, "200": 200}),
    "sss": ("NATS-sss-v1_0-50262-simple", {"01": 1, "12": 12, "90": 90}),
}
# space -> epochs after which there are final accuracies.
ARCHIVED_EPOCHS = {space: tuple(schedules.values()) for space, (_, schedules) in _ARCHIVES.items()}
# The archive's name of a training -> what it was judged on: the archive's name of the images -> dataset and split here.
# For `cifar10-valid`, networks were trained on half of CIFAR-10's training images, and judged on the other half.
_TRAININGS = {
    "cifar10": {"ori-test": ("cifar10", "test")},
    "cifar10-valid": {"x-valid": ("cifar10", "valid")},
    "cifar100": {"x-test": ("cifar100", "test"), "x-valid": ("cifar100", "valid")},
    "ImageNet16-120": {"x-test": ("imagenet16-120", "test"), "x-valid": ("imagenet16-120", "valid")},
}
_SCHEMA = {
    "dataset": pl.String,
    "arch_index": pl.Int64,
    "split": pl.String,
    "epochs": pl.Int64,
    "seed": pl.Int64,
    "accuracy_pct": pl.Float64,
    "train_seconds": pl.Float64,
}
# Files that a process reads before it hands over what is in them.
_FILES = 64


def check_archive(path: str | Path, space: Space) -> None:
    """Raise TableError or PickleError unless a folder looks like the whole archive of a space; reads little of it."""
    path, name = Path(path), _ARCHIVES[space.name][0]
    expected = f"Expected the folder {name} that the official archive unpacks to"
    source = "https://github.com/D-X-Y/NATS-Bench says where to get it"
    if not os.path.isdir(path):  # Path's own raises PermissionError
        found = "this is a file" if os.path.exists(path) else "there is no such folder"
        raise TableError(f"{path}: {found}. {expected}. Correct the path; {source}.")
    try:
        there = {entry.name for entry in path.iterdir()}
    except PermissionError as error:
        raise TableError(f"{path}: {error.strerror}. {expected}, readable. Change its permissions.") from error
    known = {*map(_file, range(space.size)), "meta.pickle.pbz2"}
    if missing := sorted(known - there):
        strange = sorted(there - known)
        others = f"; {len(strange)} files have other names, the first is {strange[0]}" if strange else ""
        raise TableError(
            f"{path}: {len(missing)} of {len(known)} files are missing, the first is {missing[0]}{others}. {expected}. "
            f"Unpack it again; {source}."
        )
    check_meta(path, space)


def check_meta(path: Path, space: Space) -> None:
    """Raise TableError unless an archive lists the networks of a space in the official order."""
    meta = pickles.read(path / "meta.pickle.pbz2")
    listed = meta.get("meta_archs") if isinstance(meta, dict) else None
    if listed != list(space.arch_strings):
        raise TableError(
            f"{path / 'meta.pickle.pbz2'}: its list of networks is not that of {space.name}. Expected NATS-Bench's "
            f"{_ARCHIVES[space.name][0]}. Correct the path, or the space it stands under."
        )


def read_archive(
    path: str | Path, space: Space, indexes: Sequence[int] | None = None, processes: int = 1
) -> pl.DataFrame:
    """Read every final accuracy of an official archive, one file after the other (the benchmark's fast mode).

    Parameters
    ----------
    path : path
        Folder with a file per network and ``meta.pickle.pbz2``.
    space : Space
        ``tss`` or ``sss``.
    indexes : sequence of int, optional
        Official indexes of the networks to read; all of the space by default.
    processes : int
        Processes that read files side by side.

    Returns
    -------
    polars.DataFrame
        One row per dataset (``cifar10``, ``cifar100``, ``imagenet16-120``), network, split, epochs and seed of the
        training: ``accuracy_pct`` after the last epoch of its schedule, and ``train_seconds`` of all its epochs; of
        split valid, with one validation at the end, which is what a search pays to see that accuracy.

    Raises
    ------
    TableError
        If an entry is missing, stands under another's name, or does not hold what it should.
    PickleError
        If a file is damaged, or would build anything but plain data.
    """
    path = Path(path)
    check_meta(path, space)
    indexes = range(space.size) if indexes is None else indexes
    tasks = [indexes[start : start + _FILES] for start in range(0, len(indexes), _FILES)]
    read = partial(_entries, path, space.name)
    if min(processes, len(tasks)) < 2:
        rows = list(chain.from_iterable(map(read, tasks)))
    else:
        # Not threads: building what a pickle describes holds Python's lock for as long as unpacking a file takes.
        with ProcessPoolExecutor(processes, get_context("spawn"), initializer=end_with_parent) as pool:
            rows = list(chain.from_iterable(pool.map(read, tasks)))
    return pl.DataFrame(rows, _SCHEMA, orient="row")


def _entries(path: Path, space: str, indexes: Sequence[int]) -> list[tuple]:
    """Rows of some networks."""
    rows: list[tuple] = []
    for index in indexes:
        file = path / _file(index)
        rows += _entry(pickles.read(file), index, spaces.get(space), file)
    return rows


def archive_accuracies(trainings: pl.DataFrame, space: Space, dataset: str, name: str, source: str) -> pl.DataFrame:
    """Mean over the seeds of what `read_archive` found.

    Parameters
    ----------
    trainings : polars.DataFrame
        What `read_archive` returned.
    space : Space
    dataset : str
        Name of the dataset in the archive.
    name : str
        Its name in the table.
    source : str
        Where the numbers come from.

    Returns
    -------
    polars.DataFrame
        Table ``accuracies`` of the space and dataset, sorted by split, epochs, arch_index.
    """
    means = trainings.filter(dataset=dataset).group_by("arch_index", "split", "epochs")
    return (
        means.agg(pl.col("accuracy_pct", "train_seconds").sort_by("seed").mean())
        .sort("split", "epochs", "arch_index")
        .select(
            pl.lit(space.name).alias("space"),
            pl.lit(name).alias("dataset"),
            "arch_index",
            "split",
            "epochs",
            "accuracy_pct",
            "train_seconds",
            pl.lit(source).alias("source"),
        )
    )


def _file(index: int) -> str:
    return f"{index:06d}.pickle.pbz2"


def _entry(entry: Any, index: int, space: Space, file: Path) -> list[tuple]:
    """Rows of one network, checked."""
    try:
        rows = list(_trainings(entry, index, space))
        found = next((row for row in rows if not (math.isfinite(row[5]) and 0 <= row[5] <= 100)), None)
        if found:
            raise ValueError(f"accuracy {found[5]} of {found[0]}, {found[2]}, {found[3]} epochs")
    except (ArithmeticError, AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise TableError(
            f"{file}: this is no entry of NATS-Bench: {type(error).__name__}, {error}. Expected network {index} of "
            f"{space.name}, trained {', '.join(map(str, _ARCHIVES[space.name][1].values()))} epochs, accuracies in "
            "percent. Unpack the archive again."
        ) from error
    return rows


def _trainings(entry: Any, index: int, space: Space) -> Iterator[tuple]:
    for schedule, epochs in _ARCHIVES[space.name][1].items():
        if not isinstance(entry[schedule], dict):  # of a text, nats_bench would make a path, and unpickle what is there
            raise TypeError(f"what was trained {epochs} epochs is no dictionary")
        results = ArchResults.create_from_state_dict(entry[schedule])
        if (results.arch_index, results.arch_str) != (index, space.arch_strings[index]):
            raise ValueError(f"it is network {results.arch_index}, {results.arch_str}")
        for training, judged_on in _TRAININGS.items():
            for seed, result in results.query(training).items():
                if result.get_total_epoch() != epochs:
                    raise ValueError(f"{training} was trained {result.get_total_epoch()} epochs, not {epochs}")
                train_seconds = result.get_train()["all_time"]
                for images, (dataset, split) in judged_on.items():
                    last, seconds = result.get_eval(images), train_seconds
                    if split == "valid" and seconds is not None:
                        seconds += last["all_time"] / epochs
                    yield dataset, index, split, epochs, seed, last["accuracy"], seconds
