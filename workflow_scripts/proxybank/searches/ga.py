"""Generational genetic algorithm of GA-NINASWOT (Wu, Lin, Tsai, ICEA 2021)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import (
    TRIES,
    Search,
    below,
    best_of,
    evaluate,
    explored,
    gene_of,
    kernel,
    mutate,
    random_network,
    shuffle,
    top,
    uniform,
    with_gene,
)


@kernel
def run(search: Search, population: int, generations: int, tournament: int, crossover: float, mutation: float) -> int:
    """Replace all networks by children in each generation; return the best ever."""
    members = first_generation(search, population)
    if members.size < population:
        return best_of(search, explored(search))
    children = np.empty(population + population % 2, np.int64)  # pairs
    for _ in range(generations):
        for k in range(0, population, 2):
            pair = parents(search, members, tournament)
            if uniform(search) < crossover:
                pair = crossed(search, pair)
            if uniform(search) < mutation:
                pair = mutated(search, pair)
            for code in pair:
                if not evaluate(search, code):
                    return best_of(search, explored(search))
            children[k : k + 2] = pair
        members[:] = children[:population]
    return best_of(search, explored(search))


@njit
def first_generation(search: Search, n: int) -> NDArray[np.int64]:
    """Draw and evaluate `n` random networks, fewer if the budget ends before."""
    members = np.empty(n, np.int64)
    for k in range(n):
        members[k] = random_network(search)
        if not evaluate(search, members[k]):
            return members[:k]
    return members


@njit
def parents(search: Search, members: NDArray[np.int64], tournament: int) -> NDArray[np.int64]:
    """Two best of a sample drawn without replacement, in random order."""
    drawn = members.copy()
    shuffle(search, drawn, min(tournament, drawn.size))
    pair = top(search, drawn[: min(tournament, drawn.size)], 2)
    shuffle(search, pair, 2)
    return pair


@njit
def crossed(search: Search, pair: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two feasible children by two-cut crossover, cuts drawn for each; their parents where none turns up."""
    children = pair.copy()
    for k in range(2):
        for _ in range(TRIES):
            child = _cross_two_cuts(search, pair[k], pair[1 - k])
            if search.feasible[child]:
                children[k] = child
                break
    return children


@njit
def mutated(search: Search, pair: NDArray[np.int64]) -> NDArray[np.int64]:
    """Two feasible networks, each with one gene changed."""
    return np.array([mutate(search, pair[0], False), mutate(search, pair[1], False)])


@njit
def _cross_two_cuts(search: Search, outer: int, inner: int) -> int:
    """Genes of `outer`, but those between two random cuts from `inner`; it may break the limits."""
    n_genes = search.places.size
    one, other = below(search, n_genes + 1), below(search, n_genes)
    other += other >= one  # two different cuts
    child = outer
    for gene in range(min(one, other), max(one, other)):
        child = with_gene(search, child, gene, gene_of(search, inner, gene))
    return child
