"""FreeREA (Cavagnero et al., WACV 2023): two parents, two mutants and a crossover a step, ageing, then survival."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import (
    Search,
    best_of,
    cross,
    evaluate,
    explored,
    highest_places,
    kernel,
    mutate,
    random_network,
    scores_within,
    shuffle,
)


@kernel
def run(search: Search, population: int, sample: int) -> int:
    """Follow the authors' code: scores are normalised within each set compared, and at the end over the history."""
    members = np.empty(population + 3, np.int64)
    born = np.zeros(population + 3, np.int64)
    n = 0
    for _ in range(population):
        code = random_network(search)
        if not evaluate(search, code):
            return best_of(search, explored(search))
        n = _join(members, born, n, code, 0)
    children = np.empty(3, np.int64)
    step = 0
    while True:
        step += 1
        while n <= population:
            first, second = _parents(search, members[:n], sample)
            children[0] = mutate(search, first, False)
            children[1] = mutate(search, second, False)
            children[2] = cross(search, first, second)
            for child in children:
                if not evaluate(search, child):
                    return best_of(search, explored(search))
                n = _join(members, born, n, child, step)
        n = _leave(members, born, n, np.argmin(born[:n]))
        while n > population:
            n = _leave(members, born, n, _worst(scores_within(search, members[:n])))


@njit
def _join(members: NDArray[np.int64], born: NDArray[np.int64], n: int, code: int, step: int) -> int:
    """Add a network; one that is there already becomes young again instead. Returns the new number of members."""
    for k in range(n):
        if members[k] == code:
            born[k] = step
            return n
    members[n] = code
    born[n] = step
    return n + 1


@njit
def _leave(members: NDArray[np.int64], born: NDArray[np.int64], n: int, place: int) -> int:
    """Remove a network, the others keep their order. Returns the new number of members."""
    for k in range(place, n - 1):
        members[k] = members[k + 1]
        born[k] = born[k + 1]
    return n - 1


@njit
def _worst(values: NDArray[np.float64]) -> int:
    """Place of the lowest value, the last of equal ones."""
    worst = 0
    for k in range(values.size):
        if values[k] <= values[worst]:
            worst = k
    return worst


@njit
def _parents(search: Search, members: NDArray[np.int64], sample: int) -> tuple[int, int]:
    """Two best of a sample drawn without replacement; the same one twice if there is only one."""
    pool = members.copy()
    size = min(sample, pool.size)
    shuffle(search, pool, size)
    order = highest_places(scores_within(search, pool[:size]), 2)
    return pool[order[0]], pool[order[-1]]
