"""Training in parts: the classes of a space, or of a sub-space of widths, trained a slice at a time."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from proxybank import networks, processes, spaces
from proxybank.data import Images, partition
from proxybank.spaces.base import Genes, Skeleton
from proxybank.truth.training import Schedule, Split, bundles, train

log = logging.getLogger("proxybank")

KEY = ("class_index", "seed", "split")  # of the rows of `train_classes`


def classes_to_train(space: str, dead_edges: str, widths: Sequence[int] | None = None) -> NDArray[np.int64]:
    """Classes to train, in ascending order.

    Parameters
    ----------
    space : str
    dead_edges : {"drop", "keep"}
    widths : sequence of int, optional
        On SSS, keep to the complete sub-space of these widths.

    Returns
    -------
    int64, shape (n_classes,)
    """
    if widths is None:
        return np.arange(len(spaces.get(space).class_genes(dead_edges)))
    return spaces.get(space).indexes_of_widths(widths)  # each size is a class by itself


def settings_of(params: Mapping[str, Any], images: Images, chosen: NDArray[np.int64]) -> dict[str, Any]:
    """What decides the row of a class and seed, of a job's ``skeleton``, ``dead_edges``, ``training`` and ``versions``.

    Seeds are not among it, and the other classes are: those trained side by side change an accuracy by their rounding.
    """
    settings = {name: params[name] for name in ("skeleton", "dead_edges", "versions")}
    settings["training"] = {name: value for name, value in params["training"].items() if name != "seeds"}
    return settings | {"images": images.fingerprint(), "classes": chosen.tolist()}


def train_classes(
    chosen: NDArray[np.int64],
    genes: Genes,
    space: str,
    images: Images,
    skeleton: Skeleton,
    training: Mapping[str, Any],
    done: pl.DataFrame | None = None,
) -> Iterator[pl.DataFrame]:
    """Train networks with every seed, some side by side.

    Parameters
    ----------
    chosen : int64, shape (n,)
        Their classes.
    genes : int8, shape (n, n_genes)
    space : str
    images : Images
    skeleton : Skeleton
    training : mapping
        ``train_images``, ``valid_images``, ``seeds`` and the attributes of `Schedule`.
    done : polars.DataFrame, optional
        Rows of earlier calls with the same arguments, but for seeds, which are not computed again.

    Yields
    ------
    polars.DataFrame
        One row per class of some of them, seed and split (valid, test): class_index, seed, split, epochs,
        accuracy_pct, train_seconds (of this training on this machine, its share of those side by side).
    """
    processes.use_one_core()
    settings = dict(training)
    seeds, sizes = settings.pop("seeds"), (settings.pop("train_images"), settings.pop("valid_images"))
    schedule = Schedule(**settings)
    members = networks.members(space, genes, skeleton)
    split = _split(images, *sizes)
    there = set() if done is None or done.is_empty() else set(done.select("class_index", "seed").iter_rows())
    for seed in seeds:
        for bundle in bundles(members, sizes[0], schedule.batch_size):
            if {(index, seed) for index in chosen[bundle].tolist()} <= there:
                continue
            trained = train(members[bundle], split, schedule, seed)
            classes = pl.DataFrame({"class_index": chosen[bundle]})
            yield pl.concat(
                classes.select(
                    "class_index",
                    pl.lit(seed, pl.Int64).alias("seed"),
                    pl.lit(name).alias("split"),
                    pl.lit(schedule.epochs, pl.Int64).alias("epochs"),
                    pl.Series("accuracy_pct", accuracy),
                    pl.lit(trained.seconds).alias("train_seconds"),
                )
                for name, accuracy in trained.accuracy_pct.items()
            )
            if bundle.stop % 256 < classes.height or bundle.stop == len(members):
                log.info("Trained %d of %d networks of seed %d", bundle.stop, len(members), seed)


def _split(images: Images, train_images: int, valid_images: int) -> Split:
    chosen = partition(images, train_images, valid_images)
    parts = {"train": chosen.train, "valid": chosen.valid, "test": chosen.test}
    return Split(
        {name: torch.from_numpy(images.standardised(index)) for name, index in parts.items()},
        {name: torch.from_numpy(images.labels[index]) for name, index in parts.items()},
    )
