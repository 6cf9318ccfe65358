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
    fresh = np.zeros(population + 3, np.bool_)  # met for the first time in this step
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
            parents = _parents(search, members[:n], fresh[:n], sample)
            n_children = parents.size
            for k in range(parents.size):
                children[k] = mutate(search, parents[k], False)
            if parents.size == 2:
                children[2] = cross(search, parents[0], parents[1])
                n_children = 3
            for child in children[:n_children]:
                fresh[n] = not search.seen[child, 0]
                if not evaluate(search, child):
                    return best_of(search, explored(search))
                n = _join(members, born, n, child, step)
        n = _leave(members, born, n, np.argmin(born[:n]))
        n = _survive(search, members, born, n, population)
        fresh[:] = False


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
def _survive(search: Search, members: NDArray[np.int64], born: NDArray[np.int64], n: int, population: int) -> int:
    """Keep the best, as many as `population`, by scores among all `n`. Returns the new number of members."""
    values = scores_within(search, members[:n])
    while n > population:
        worst = _worst(values[:n])
        for k in range(worst, n - 1):
            values[k] = values[k + 1]
        n = _leave(members, born, n, worst)
    return n


@njit
def _worst(values: NDArray[np.float64]) -> int:
    """Place of the lowest value, the last of equal ones."""
    worst = 0
    for k in range(values.size):
        if values[k] <= values[worst]:
            worst = k
    return worst


@njit
def _parents(search: Search, members: NDArray[np.int64], fresh: NDArray[np.bool_], sample: int) -> NDArray[np.int64]:
    """Two best of a sample drawn without replacement, of which fresh ones are no parents yet; fewer if there are."""
    places = np.arange(members.size)
    size = min(sample, places.size)
    shuffle(search, places, size)
    n = 0
    for place in places[:size]:
        if not fresh[place]:
            places[n] = members[place]  # n is no later than the place just read
            n += 1
    pool = places[:n]
    return pool[highest_places(scores_within(search, pool), 2)]
