"""The best network so far, at every evaluation of a run that has ended: what its trajectory is made of."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import Search, kernel, n_stages, raise_peaks, run_program, set_moments
from proxybank.searches.objective import PLACE, RANK, ZSCORE

# Where a network's value depends on all others, all are looked at again: only at so many evaluations in each doubling.
PER_DOUBLING = 4


@kernel
def run(search: Search, any_stage: bool, own_moments: bool) -> NDArray[np.int64]:
    """Where the best so far changes: int64, shape (n_changes, 2), its code and the number of evaluations by then.

    The best so far has the highest value of the objective at the last stage that any network was evaluated at, or with
    `any_stage` at any stage, among the networks evaluated by then, with max() over these; the first one wins ties. With
    rank() or place() in the objective, or zscore() over these networks (`own_moments`), it is looked for after some
    evaluations only, the last one being among them. A network without a score is none.
    """
    n = search.counts[0]
    changes = np.empty((n, 2), np.int64)
    n_changes = 0
    peaks = np.zeros(search.peaks.size)
    best, highest = np.full(n_stages(search), -1), np.full(n_stages(search), -np.inf)  # of each stage
    current, looked, k = -1, 0.0, 0
    while k < n:
        stage, first = search.stages[k], k
        risen = raise_peaks(search, peaks, search.history[k], stage)
        k += 1
        by_set = _is_by_set(search, stage, own_moments)
        if by_set and k < looked * 2 ** (1 / PER_DOUBLING) and k < n and search.stages[k] == stage:
            continue
        if by_set or risen:  # what max() or a rank stands for has changed, and with it perhaps the order
            codes = search.history[:k][search.stages[:k] == stage]
            if own_moments:
                set_moments(search, codes)
            values = run_program(search, codes, peaks, stage)
            place = np.argmax(values)
            highest[stage] = values[place]
            best[stage] = codes[place] if values[place] > -np.inf else -1
            looked = k
            current, n_changes = _note(changes, n_changes, current, _of_stages(best, highest, any_stage), k)
            continue
        # Until it changes again, values are what they are.
        while k < n and search.stages[k] == stage and not _rises(search, peaks, search.history[k], stage):
            k += 1
        values = run_program(search, search.history[first:k], peaks, stage)
        for place in range(k - first):
            if values[place] > highest[stage]:
                best[stage], highest[stage] = search.history[first + place], values[place]
                now = _of_stages(best, highest, any_stage)
                current, n_changes = _note(changes, n_changes, current, now, first + place + 1)
    return changes[:n_changes]


@njit
def _is_by_set(search: Search, stage: int, own_moments: bool) -> bool:
    """Whether rank(), place() or a zscore() over the networks evaluated is in the objective of a stage."""
    for step in range(search.bounds[stage, 0], search.bounds[stage + 1, 0]):
        operation = search.program[step, 0]
        if operation in (RANK, PLACE) or own_moments and operation == ZSCORE:
            return True
    return False


@njit
def _rises(search: Search, peaks: NDArray[np.float64], code: int, stage: int) -> bool:
    """Whether `raise_peaks` would change any."""
    for term in range(search.bounds[stage, 1], search.bounds[stage + 1, 1]):
        size = abs(search.terms[code, term])
        if np.isfinite(size) and size > peaks[term]:
            return True
    return False


@njit
def _of_stages(best: NDArray[np.int64], highest: NDArray[np.float64], any_stage: bool) -> int:
    """The best of the last stage that has one; or of all stages, an earlier one first; -1 if none has."""
    chosen = -1
    for stage in range(best.size):
        if best[stage] >= 0 and (chosen < 0 or not any_stage or highest[stage] > highest[chosen]):
            chosen = stage
    return best[chosen] if chosen >= 0 else -1


@njit
def _note(changes: NDArray[np.int64], n_changes: int, current: int, now: int, n_evaluated: int) -> tuple[int, int]:
    """Write down the best so far if it is another one; return it, and the number of changes."""
    if now < 0 or now == current:
        return current, n_changes
    changes[n_changes, 0], changes[n_changes, 1] = now, n_evaluated
    return now, n_changes + 1
