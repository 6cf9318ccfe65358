"""Training in parts: the classes of a space, or of a sub-space of widths, trained a slice at a time."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from proxybank import processes, spaces
from proxybank.data import Images, partition
from proxybank.networks import Network
from proxybank.spaces.base import Genes, Skeleton
from proxybank.spaces.sss import WIDTHS
from proxybank.truth.training import Schedule, Split, train_networks

log = logging.getLogger("proxybank")


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
    genes = spaces.get(space).class_genes(dead_edges)
    if widths is None:
        return np.arange(len(genes))
    return np.flatnonzero(np.isin(genes, [WIDTHS.index(width) for width in widths]).all(axis=1))


def train_part(
    *,
    space: str,
    dead_edges: str,
    widths: Sequence[int] | None,
    part: int,
    networks_per_part: int,
    images: Images,
    skeleton: Skeleton,
    training: Mapping[str, Any],
) -> pl.DataFrame:
    """Train one part of the classes of a space, every seed.

    Parameters
    ----------
    space, dead_edges, widths
        See `classes_to_train`.
    part, networks_per_part : int
        The part holds classes ``part * networks_per_part`` and the following ones.
    images : Images
    skeleton : Skeleton
    training : mapping
        ``train_images``, ``valid_images``, ``seeds`` and the attributes of `Schedule`.

    Returns
    -------
    polars.DataFrame
        One row per class, seed and split (valid, test): class_index, seed, split, epochs, accuracy_pct,
        train_seconds (of this training on this machine, its share of a bundle).
    """
    chosen = classes_to_train(space, dead_edges, widths)[part * networks_per_part : (part + 1) * networks_per_part]
    return train_classes(chosen, spaces.get(space).class_genes(dead_edges)[chosen], space, images, skeleton, training)


def train_classes(
    chosen: NDArray[np.int64], genes: Genes, space: str, images: Images, skeleton: Skeleton, training: Mapping[str, Any]
) -> pl.DataFrame:
    """Train networks given by genes (int8, shape (n, n_genes)) and class indexes (shape (n,)); see `train_part`."""
    processes.use_one_core()
    settings = dict(training)
    seeds, sizes = settings.pop("seeds"), (settings.pop("train_images"), settings.pop("valid_images"))
    schedule = Schedule(**settings)
    members = [Network(space, tuple(int(gene) for gene in row), skeleton) for row in genes]
    split = _split(images, *sizes)
    rows = []
    for start, seed, trained in train_networks(members, split, schedule, seeds):
        for name, accuracy in trained.accuracy_pct.items():
            rows.append(
                pl.DataFrame(
                    {
                        "class_index": chosen[start : start + len(accuracy)],
                        "seed": np.full(len(accuracy), seed),
                        "split": [name] * len(accuracy),
                        "epochs": np.full(len(accuracy), schedule.epochs),
                        "accuracy_pct": accuracy,
                        "train_seconds": np.full(len(accuracy), trained.seconds),
                    }
                )
            )
        done = start + len(accuracy)
        if done % 256 < len(accuracy) or done == len(members):
            log.info("Trained %d of %d networks of seed %d", done, len(members), seed)
    return pl.concat(rows).sort("class_index", "seed", "split")


def _split(images: Images, train_images: int, valid_images: int) -> Split:
    chosen = partition(images, train_images, valid_images)
    parts = {"train": chosen.train, "valid": chosen.valid, "test": chosen.test}
    return Split(
        {name: torch.from_numpy(images.standardised(index)) for name, index in parts.items()},
        {name: torch.from_numpy(images.labels[index]) for name, index in parts.items()},
    )
