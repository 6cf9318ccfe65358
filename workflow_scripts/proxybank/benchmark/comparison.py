"""The library beside plain per-proxy code, on the same machine in one session: seconds, and values.

Plain code scores one network after the other, and torch may use every core for it. The library has one process for each
core, with one thread each; all are at work, but while the last tasks of a round end. The two take turns.
"""

import gc
import logging
import multiprocessing
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from proxybank import data, networks, processes, spaces
from proxybank.benchmark import COMPARISONS, Comparison
from proxybank.benchmark.plain import PROXIES, PlainNetwork
from proxybank.benchmark.scoring import batch_of, members_of, runs, score
from proxybank.data import Images
from proxybank.networks import Network
from proxybank.passes import Batch
from proxybank.proxies import CLOSED_FORM, GROUPS, REGISTRY, in_group
from proxybank.spaces import Skeleton

log = logging.getLogger("proxybank")


@dataclass(frozen=True)
class Setting:
    """What is compared, and on what.

    Attributes
    ----------
    comparison : Comparison
    images : Images
    skeleton : Skeleton
    batch_size, seed : int
        The seed is that of the networks, the batch and the weights.
    initialisation : str
    dead_edges : {"drop", "keep"}
        For the library; plain code always scores networks as they are written.
    """

    comparison: Comparison
    images: Images
    skeleton: Skeleton
    batch_size: int
    seed: int
    initialisation: str
    dead_edges: str

    @classmethod
    def of(
        cls, name: str, *, images: Mapping[str, Any], spaces: Mapping[str, Mapping[str, Any]], **others: Any
    ) -> Self:
        """Take one of `COMPARISONS`, arguments of `data.load`, what surrounds the networks by space, and the others."""
        loaded, chosen = data.load(**images), COMPARISONS[name]
        return cls(chosen, loaded, loaded.skeleton(**spaces[chosen.space]), **others)

    @property
    def batch(self) -> Batch:
        """Batch of both sides."""
        return batch_of(self.images, self.batch_size, self.seed)

    @property
    def plain_proxies(self) -> list[str]:
        """Proxies that need a network; closed forms do not."""
        return [name for name in self.comparison.proxies if REGISTRY[name].needs != CLOSED_FORM]


def library_scores(
    setting: Setting, classes: NDArray[np.int64], batch: Batch
) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Scores of classes by all proxies, NaN where there is none, and the seconds they took by the clock on the wall."""
    start = time.perf_counter()
    members = members_of(setting.comparison.space, setting.dead_edges, classes, setting.skeleton)
    scores: dict[str, NDArray[np.float64]] = {}
    for group in GROUPS:
        if names := in_group(setting.comparison.proxies, group):
            scores |= score(group, names, members, batch, setting.initialisation, setting.seed).scores
    return scores, time.perf_counter() - start


def plain_seconds(setting: Setting, network: Network, batch: Batch) -> float:
    """Seconds by the clock on the wall for one network: to build it, and for one pass per proxy."""
    start = time.perf_counter()
    model = PlainNetwork(network)
    for name in setting.plain_proxies:
        PROXIES[name](model, batch)
    seconds = time.perf_counter() - start
    del model
    gc.collect()  # modules with hooks refer to themselves, and hold their activations
    return seconds


def plain_scores(setting: Setting, classes: NDArray[np.int64], batch: Batch) -> dict[str, NDArray[np.float64]]:
    """Values by plain code of the networks that the library scores, with the library's weights; NaN if not finite."""
    values: dict[str, list[float]] = {name: [] for name in setting.plain_proxies}
    for network in members_of(setting.comparison.space, setting.dead_edges, classes, setting.skeleton):
        model = PlainNetwork(network).load(networks.draw(network, setting.initialisation, setting.seed))
        for name in setting.plain_proxies:
            values[name].append(PROXIES[name](model, batch))
        gc.collect()  # modules with hooks refer to themselves, and hold their activations
    arrays = {name: np.array(column) for name, column in values.items()}
    return {name: np.where(np.isfinite(array), array, np.nan) for name, array in arrays.items()}


class _Worker:
    """What a worker process keeps between tasks."""

    setting: Setting
    batch: Batch


def _start(setting: Setting) -> None:
    processes.end_with_parent()  # first: what a killed job left behind would take cores from what is timed next
    processes.use_one_core()
    _Worker.setting, _Worker.batch = setting, setting.batch
    library_scores(setting, runs(setting.comparison.space, setting.dead_edges, 1, 1, setting.seed)[0], _Worker.batch)


def _library_task(classes: NDArray[np.int64]) -> float:
    return library_scores(_Worker.setting, classes, _Worker.batch)[1]


def _value_task(classes: NDArray[np.int64]) -> tuple[dict, dict]:
    scores, _ = library_scores(_Worker.setting, classes, _Worker.batch)
    return scores, plain_scores(_Worker.setting, classes, _Worker.batch)


@contextmanager
def _workers(setting: Setting, cores: int) -> Iterator[ProcessPoolExecutor]:
    """One process per core; a fork of this one would inherit torch's threads in an unknown state."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, context, initializer=_start, initargs=(setting,)) as pool:
        yield pool


def compare_seconds(
    setting: Setting, *, networks: int, rounds: int, tasks: int, run_length: int, cores: int
) -> pl.DataFrame:
    """Time both sides in turns.

    Parameters
    ----------
    setting : Setting
    networks : int
        Random networks that plain code scores, in as equal numbers as can be in each round.
    rounds : int
    tasks : int
        Runs of classes that each core scores in a round.
    run_length : int
        Classes in a run: random ones on the topology space, all sizes below a random prefix of widths on the other,
        which share the layers in which they agree.
    cores : int
        Threads of plain code, and processes of the library.

    Returns
    -------
    polars.DataFrame
        One row per network or run: side (``plain`` or ``library``), round, n_networks (a class is one), seconds by the
        clock on the wall, and n_cores. Closed forms are the library's row of round -1: all networks of the space at
        once.
    """
    space = spaces.get(setting.comparison.space)
    written = np.random.default_rng(setting.seed).permutation(space.size)[:networks]
    members = members_of(space.name, "keep", written, setting.skeleton)
    n_runs = rounds * tasks * cores
    if space.name == "sss":
        chosen = runs("sss", setting.dead_edges, run_length, n_runs, setting.seed)
    else:
        drawn = runs("tss", setting.dead_edges, 1, n_runs * run_length, setting.seed)
        chosen = drawn[: len(drawn) // run_length * run_length].reshape(-1, run_length)
    rows: list[tuple[str, int, int, float]] = []
    batch = setting.batch
    torch.set_num_threads(cores)
    plain_seconds(setting, members[0], batch)  # fills caches, as the workers have done before they are timed
    with _workers(setting, cores) as pool:
        list(pool.map(_library_task, chosen[:cores]))
        for number in range(rounds):
            for network in members[number::rounds]:
                rows.append(("plain", number, 1, plain_seconds(setting, network, batch)))
            for seconds in pool.map(_library_task, chosen[number::rounds]):
                rows.append(("library", number, run_length, seconds))
            log.info("Round %d of %d is done", number + 1, rounds)
    if in_group(setting.comparison.proxies, CLOSED_FORM):
        start = time.perf_counter()
        space.costs(setting.skeleton)
        rows.append(("library", -1, space.size, time.perf_counter() - start))
    frame = pl.DataFrame(rows, schema=["side", "round", "n_networks", "seconds"], orient="row")
    return frame.with_columns(n_cores=cores)


def compare_values(setting: Setting, *, networks: int, cores: int) -> pl.DataFrame:
    """Score random classes by the library, and by plain code in float32 on the same weights.

    Returns
    -------
    polars.DataFrame
        One row per class and proxy: class_index, proxy, library, plain; null where a side has no finite score.
    """
    n_classes = len(spaces.get(setting.comparison.space).class_genes(setting.dead_edges))
    classes = np.random.default_rng(setting.seed).permutation(n_classes)[:networks]
    parts = np.array_split(classes, max(1, len(classes) // 4))
    frames = []
    with _workers(setting, cores) as pool:
        for part, (library, plain) in zip(parts, pool.map(_value_task, parts), strict=True):
            for name in setting.plain_proxies:
                columns = {"class_index": part, "proxy": name, "library": library[name], "plain": plain[name]}
                frames.append(pl.DataFrame(columns))
            log.info("Compared %d of %d values", sum(map(len, frames)), len(classes) * len(setting.plain_proxies))
    return pl.concat(frames).with_columns(pl.col("library", "plain").fill_nan(None))
