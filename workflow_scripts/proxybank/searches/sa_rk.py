"""SA-rk: simulated annealing by sums of ranks (OEmiliatanO/Rank-Based-NAS)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import (
    TRIES,
    Search,
    below,
    best_of,
    distinct,
    evaluate,
    explored,
    kernel,
    random_network,
    scores,
    shuffle,
    step_gene,
    uniform,
)


@kernel
def run(
    search: Search,
    hottest: float,
    coldest: float,
    cooling: float,
    iterations: int,
    neighbours: int,
    alpha: float,
    best: int,
) -> int:
    """Move among neighbours while it cools; return the last network, or the best of all as the parameter says.

    Ranks are among the neighbours, the current network and those that ever were best so, to which a move may return.
    """
    current = random_network(search)
    if not evaluate(search, current):
        return -1
    once_best = np.empty(0, np.int64)
    temperature = hottest
    while temperature > coldest:
        for _ in range(iterations):
            near = _neighbours(search, current, neighbours)
            for code in near:
                if not evaluate(search, code):
                    return best_of(search, explored(search)) if best else _scored(search, current)
            codes = distinct(np.concatenate((np.array([current]), near, once_best)))
            values = scores(search, codes)
            once_best = distinct(np.append(once_best, codes[np.argmax(values)]))
            if codes.size == 1:  # there is no other network within the limits
                continue
            chosen = 1 + np.argmax(values[1:])
            loss = values[0] - values[chosen]  # by how much the energy grows
            if values[0] == -np.inf or loss < 0 or uniform(search) <= np.exp(-alpha * loss / temperature):
                current = codes[chosen]
        temperature *= cooling
    return best_of(search, explored(search)) if best else _scored(search, current)


@njit
def _scored(search: Search, code: int) -> int:
    """The network, or -1 if it has no score."""
    return best_of(search, np.array([code]))


@njit
def _neighbours(search: Search, current: int, n: int) -> NDArray[np.int64]:
    """Up to `n` different feasible networks, with a random number of genes moved by random steps, which may be 0.

    The network itself may be one of them, as in the authors' code, but not all.
    """
    codes = np.empty(n, np.int64)
    found = 0
    genes = np.arange(search.places.size)
    for _ in range(TRIES):
        code = current
        n_moved = below(search, genes.size)
        shuffle(search, genes, n_moved)
        for gene in genes[:n_moved]:
            step = below(search, search.n_choices)
            code = step_gene(search, code, gene, step)
        if search.feasible[code] and not (codes[:found] == code).any():
            codes[found] = code
            found += 1
            if found == n:
                break
    if (codes[:found] == current).all():  # an island within the limits
        codes[0] = random_network(search)
        found = 1
    return codes[:found]
