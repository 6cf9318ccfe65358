"""The best network so far, at every evaluation of a run that has ended: what its trajectory is made of."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import Search, kernel, n_stages, raise_peaks, run_program
from proxybank.searches.objective import PLACE, RANK

# Where ranks decide, every network is compared with every other again: only at so many evaluations in each doubling.
PER_DOUBLING = 4


@kernel
def run(search: Search, any_stage: bool) -> NDArray[np.int64]:
    """Where the best so far changes: int64, shape (n_changes, 2), its code and the number of evaluations by then.

    The best so far has the highest value of the objective at the last stage that any network was evaluated at, or with
    `any_stage` at any stage, among the networks evaluated by then, with max() over these; the first one wins ties. With
    rank() or place() in the objective it is looked for after some evaluations only, the last one being among them. A
    network without a score is none.
    """
    n = search.counts[0]
    changes = np.empty((n, 2), np.int64)
    n_changes = 0
    peaks = np.zeros(search.peaks.size)
    best = np.full(n_stages(search), -1)
    by_rank = np.zeros(n_stages(search), np.bool_)
    for stage in range(best.size):
        for step in range(search.bounds[stage, 0], search.bounds[stage + 1, 0]):
            operation = search.program[step, 0]
            by_rank[stage] |= operation in (RANK, PLACE)
    looked = 0.0
    current = -1
    for k in range(n):
        code, stage = search.history[k], search.stages[k]
        risen = raise_peaks(search, peaks, code, stage)
        if by_rank[stage]:
            if k + 1 >= looked * 2 ** (1 / PER_DOUBLING) or k == n - 1 or search.stages[k + 1] != stage:
                best[stage] = _best(search, _met(search, k + 1, stage), peaks, stage)
                looked = k + 1
        elif best[stage] < 0:
            best[stage] = _best(search, np.array([code]), peaks, stage)
        elif risen:  # what max() stands for has changed, and with it perhaps the order
            best[stage] = _best(search, _met(search, k + 1, stage), peaks, stage)
        else:
            best[stage] = _best(search, np.array([best[stage], code]), peaks, stage)
        now = _of_stages(search, best, peaks, any_stage)
        if now >= 0 and now != current:
            current = now
            changes[n_changes, 0], changes[n_changes, 1] = now, k + 1
            n_changes += 1
    return changes[:n_changes]


@njit
def _met(search: Search, n: int, stage: int) -> NDArray[np.int64]:
    """Networks of a stage among the first `n` evaluations."""
    return search.history[:n][search.stages[:n] == stage]


@njit
def _best(search: Search, codes: NDArray[np.int64], peaks: NDArray[np.float64], stage: int) -> int:
    """First of the networks with the highest score, or -1 if none has one."""
    values = run_program(search, codes, peaks, stage)
    place = np.argmax(values)
    return codes[place] if values[place] > -np.inf else -1


@njit
def _of_stages(search: Search, best: NDArray[np.int64], peaks: NDArray[np.float64], any_stage: bool) -> int:
    """The best of the last stage that has one; or of all stages, an earlier one first."""
    chosen, highest = -1, -np.inf
    for stage in range(best.size):
        if best[stage] < 0:
            continue
        if not any_stage:
            chosen = best[stage]
            continue
        value = run_program(search, best[stage : stage + 1], peaks, stage)[0]
        if value > highest:
            chosen, highest = best[stage], value
    return chosen
