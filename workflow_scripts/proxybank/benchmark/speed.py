"""Seconds per network of one group of passes, by batch size: time of the processor on one core."""

import itertools
import logging
import time
from collections.abc import Sequence

import numpy as np
import polars as pl

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
    took more than `MOST` times `seconds` are left out.

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
    rows, length, run_seconds = [], 1, 0.0
    for part, batch_size in itertools.product(GROUPS[group], batch_sizes):
        names = [name for name in in_group(REGISTRY, group) if REGISTRY[name].needs == part]
        if batch_size == batch_sizes[0]:
            length, run_seconds = 1, 0.0
        if run_seconds > MOST * seconds:
            log.info(
                "Batch of %d: left out, for a smaller one took %.0f s for a run of %d", batch_size, run_seconds, length
            )
            continue
        batch = batch_of(images, batch_size, seed)

        def timed(number: int, length: int, batch: Batch = batch, names: Sequence[str] = names) -> tuple[Scored, float]:
            """Score the run of this number, and say how long it took."""
            classes = runs(space, dead_edges, length, networks, seed)[number]
            members = members_of(space, dead_edges, classes, skeleton)
            start = time.process_time()
            return score(group, names, members, batch, initialisation, seed), time.process_time() - start

        first, spent = timed(0, length)  # it fills caches, unless it takes so long that they do not matter
        while space == "sss" and batch_size == batch_sizes[0] and length < 512 and spent <= MOST * seconds:
            alone, (_, together) = timed(0, length)[1], timed(0, 8 * length)
            if together > GAIN * 8 * alone:
                break
            length *= 8
            first, spent = timed(0, length)
        found, spent = ([first], spent) if spent > seconds else ([], 0.0)
        n_runs = len(runs(space, dead_edges, length, networks, seed))
        for number in range(len(found), n_runs):
            if spent > seconds and len(found) >= LEAST or spent > MOST * seconds:
                break
            run, took = timed(number, length)
            found.append(run)
            spent += took
        pass_seconds = np.array([run.pass_seconds for run in found]) / length
        run_seconds = length * float(np.median(pass_seconds))
        for name in names:
            own = np.array([run.proxy_seconds[name] for run in found]) / length
            rows.append(
                {
                    "space": space,
                    "passes": group,
                    "proxy": name,
                    "batch_size": batch_size,
                    "seconds": float(np.median(pass_seconds + own)),
                    "pass_seconds": float(np.median(pass_seconds)),
                    "n_runs": len(found),
                    "run_length": length,
                }
            )
        log.info(
            "Batch of %d: %.4f s per network, %d runs of %d", batch_size, np.median(pass_seconds), len(found), length
        )
    return pl.DataFrame(rows)
