"""Seconds per network of one group of passes, by batch size: time of the processor on one core."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proxybank import processes
from proxybank.benchmark.scoring import Scored, batch_of, members_of, runs, score
from proxybank.data import Images
from proxybank.passes import Batch
from proxybank.proxies import GROUPS, REGISTRY, in_group
from proxybank.spaces import Skeleton

log = logging.getLogger("proxybank")

# Fewest networks of the topology space, or runs of sizes, that a median is taken of.
LEAST = 3
# Unless they take more than so many times the seconds that are meant for them.
MOST = 10
# Passes that share nothing gain nothing from longer runs.
GAIN = 0.75


def speed_of(
    *,
    space: str,
    group: str,
    images: Images,
    skeleton: Skeleton,
    batch_sizes: Sequence[int],
    networks: int,
    seconds: float,
    seed: int,
    initialisation: str,
    dead_edges: str,
) -> pl.DataFrame:
    """Time one group of passes and each of its proxies, at each batch size.

    On the topology space networks are timed one by one. On the size space they share the layers in which they agree, so
    runs of them are: of 1, 8, 64 or 512, the next length as long as it lowers the time per network to `GAIN` times that
    of the one before. The first batch size decides, so that all can be compared. Batch sizes behind one at which a run
    took more than `MOST` times `seconds` are left out. On the first one, `LEAST` networks go ahead untimed:
    compiling for them, where nothing is cached yet, takes longer than most passes.

    Parameters
    ----------
    space, group : str
    images : Images
    skeleton : Skeleton
    batch_sizes : sequence of int
    networks : int
        Random networks, or runs of sizes, that are timed; `LEAST` of them once `seconds` are over, and no further one
        once `MOST` times as many are.
    seconds : float
        See above; by the processor.
    seed : int
        Of the networks, the batch and the weights.
    initialisation : str
    dead_edges : {"drop", "keep"}

    Returns
    -------
    polars.DataFrame
        One row per batch size and proxy: space, passes, proxy, batch_size, seconds (per network, of the pass and the
        proxy: the median over runs), pass_seconds (of the pass alone), n_runs, run_length.
    """
    processes.use_one_core()
    rows = []
    for part in GROUPS[group]:
        names = tuple(name for name in in_group(REGISTRY, group) if REGISTRY[name].needs == part)
        length, run_seconds = 1, 0.0
        for batch_size in batch_sizes:
            if run_seconds > MOST * seconds:
                log.info(
                    "Batch of %d: left out, for a smaller one took %.0f s for a run of %d",
                    *(batch_size, run_seconds, length),
                )
                continue
            batch = batch_of(images, batch_size, seed)
            timed = _Runs(space, dead_edges, skeleton, group, names, batch, networks, initialisation, seed)
            if batch_size == batch_sizes[0]:
                for number in range(LEAST):
                    timed.run(number, 1)
            first, spent = timed.run(0, length)  # it fills caches, unless it takes so long that they do not matter
            if space == "sss" and batch_size == batch_sizes[0]:
                length, first, spent = _longer(timed, first, spent, MOST * seconds)
            found = _enough(timed, length, first, spent, seconds)
            pass_seconds = np.array([run.pass_seconds for run in found]) / length
            run_seconds = length * float(np.median(pass_seconds))
            rows += [
                {
                    "space": space,
                    "passes": group,
                    "proxy": name,
                    "batch_size": batch_size,
                    "seconds": float(np.median([run.pass_seconds + run.proxy_seconds[name] for run in found])) / length,
                    "pass_seconds": run_seconds / length,
                    "n_runs": len(found),
                    "run_length": length,
                }
                for name in names
            ]
            log.info(
                "Batch of %d: %.4f s per network, %d runs of %d",
                *(batch_size, run_seconds / length, len(found), length),
            )
    return pl.DataFrame(rows)


@dataclass(frozen=True)
class _Runs:
    """Random runs of a space's networks, to be scored by one part of a group of passes."""

    space: str
    dead_edges: str
    skeleton: Skeleton
    group: str
    names: Sequence[str]
    batch: Batch
    most: int
    initialisation: str
    seed: int

    def classes(self, length: int) -> NDArray[np.int64]:
        """Classes of all runs of a length, a row each."""
        return runs(self.space, self.dead_edges, length, self.most, self.seed)

    def run(self, number: int, length: int) -> tuple[Scored, float]:
        """Score the run of this number, and say how long it took."""
        members = members_of(self.space, self.dead_edges, self.classes(length)[number], self.skeleton)
        start = time.process_time()
        scored = score(self.group, self.names, members, self.batch, self.initialisation, self.seed)
        return scored, time.process_time() - start


def _longer(timed: _Runs, first: Scored, spent: float, most_seconds: float) -> tuple[int, Scored, float]:
    """Length of runs that pays, beginning with 1; the first run of this length, and its seconds."""
    length = 1
    if spent <= most_seconds:
        first, spent = timed.run(0, length)  # with full caches
    while length < 512 and 8 * spent <= most_seconds:
        run, together = timed.run(0, 8 * length)
        if together > GAIN * 8 * spent:
            break
        length, first, spent = 8 * length, run, together
    return length, first, spent


def _enough(timed: _Runs, length: int, first: Scored, spent: float, seconds: float) -> list[Scored]:
    """Runs until the seconds are over; `LEAST` of them if those do not take `MOST` times as long."""
    found, spent = ([first], spent) if spent > seconds else ([], 0.0)
    for number in range(len(found), len(timed.classes(length))):
        if spent > seconds and len(found) >= LEAST or spent > MOST * seconds:
            break
        run, took = timed.run(number, length)
        found.append(run)
        spent += took
    return found
