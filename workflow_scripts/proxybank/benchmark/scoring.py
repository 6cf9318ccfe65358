"""The library's scores with the seconds they took: the one place here that calls passes and proxies."""

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from proxybank import networks, passes, spaces
from proxybank.data import Batches, Images, draw_batches
from proxybank.networks import Network
from proxybank.passes import Batch, precision
from proxybank.proxies import LOW_PRECISION, REGISTRY, evaluate
from proxybank.spaces import Skeleton


class Scored(NamedTuple):
    """Networks scored by one group of passes.

    Attributes
    ----------
    scores : dict of str to float64, shape (n_networks,)
        By proxy; NaN where a network has none.
    pass_seconds : float
        Time of the passes of all networks.
    proxy_seconds : dict of str to float
        Time of each proxy on what the passes left, all networks.
    """

    scores: dict[str, NDArray[np.float64]]
    pass_seconds: float
    proxy_seconds: dict[str, float]


def score(
    group: str,
    names: Sequence[str],
    members: Sequence[Network],
    batch: Batch,
    initialisation: str,
    seed: int,
    clock: Callable[[], float] = time.process_time,
) -> Scored:
    """Score networks of one space as the workflow does, and take the time.

    Parameters
    ----------
    group : str
        Group of passes, one of `proxies.GROUPS`.
    names : sequence of str
        Proxies that `group` feeds.
    members : sequence of Network
    batch : Batch
    initialisation : str
    seed : int
    clock : callable
        Seconds; by default those of the processor, which other programs on the machine hardly change.
    """
    scores: dict[str, list[float]] = {name: [] for name in names}
    own = dict.fromkeys(names, 0.0)
    if group in LOW_PRECISION:
        batch = batch._replace(images=batch.images.to(_low_precision()))
    parts = {REGISTRY[name].needs for name in names}
    start = clock()
    for found in passes.run(group, parts, members, batch, initialisation, seed):
        for name in names:
            before = clock()
            value, _ = evaluate(REGISTRY[name], found[REGISTRY[name].needs][0])
            own[name] += clock() - before
            scores[name].append(np.nan if value is None else value)
    seconds = clock() - start - sum(own.values())
    return Scored({name: np.array(values) for name, values in scores.items()}, seconds, own)


@cache
def _low_precision() -> torch.dtype:
    """Precision that a run on this machine would choose for the groups that may run in bfloat16."""
    return getattr(torch, precision.choose("auto", "cpu")["precision"])


def batch_of(images: Images, batch_size: int, seed: int) -> Batch:
    """Batch that the workflow would draw for this seed, on the CPU."""
    drawn: Batches = draw_batches(images, batch_size, [seed])
    return Batch(torch.from_numpy(drawn.images[0]), torch.from_numpy(drawn.labels[0]))


@cache
def _class_genes(space: str, dead_edges: str) -> NDArray[np.int8]:
    return spaces.get(space).class_genes(dead_edges)


def members_of(space: str, dead_edges: str, classes: NDArray[np.int64], skeleton: Skeleton) -> list[Network]:
    """Networks that stand for these classes of a space."""
    return networks.members(space, _class_genes(space, dead_edges)[classes], skeleton)


def runs(space: str, dead_edges: str, length: int, n: int, seed: int) -> NDArray[np.int64]:
    """Classes of `n` different random runs, shape (n, length); a run begins at a multiple of its length.

    On the size space a run of 8 ** k classes in the official order are all those below one prefix of widths.
    """
    n_classes = len(_class_genes(space, dead_edges))
    starts = np.random.default_rng(seed).permutation(n_classes // length)[:n] * length
    return starts[:, None] + np.arange(length)
