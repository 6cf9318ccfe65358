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
    random_network,
    uniform,
    with_gene,
)


@kernel
def run(search: Search, population: int, generations: int, tournament: int, crossover: float, mutation: float) -> int:
    """Replace all networks by children in each generation; return the best ever."""
    members = np.empty(population, np.int64)
    for k in range(population):
        members[k] = random_network(search)
        if not evaluate(search, members[k]):
            return best_of(search, explored(search))
    children = np.empty(population, np.int64)
    for _ in range(generations):
        for k in range(population):
            children[k] = _child(search, members, tournament, crossover, mutation)
            if not evaluate(search, children[k]):
                return best_of(search, explored(search))
        members[:] = children
    return best_of(search, explored(search))


@njit
def _child(search: Search, members: NDArray[np.int64], tournament: int, crossover: float, mutation: float) -> int:
    """Feasible child of two winners of tournaments; any feasible network if none turns up."""
    for _ in range(TRIES):
        child = _winner(search, members, tournament)
        if uniform(search) < crossover:
            child = cross_two_cuts(search, child, _winner(search, members, tournament))
        for gene in range(search.places.size):
            if uniform(search) < mutation:
                step = 1 + below(search, search.n_choices - 1)
                child = with_gene(search, child, gene, (gene_of(search, child, gene) + step) % search.n_choices)
        if search.feasible[child]:
            return child
    return random_network(search)


@njit
def _winner(search: Search, members: NDArray[np.int64], tournament: int) -> int:
    drawn = np.empty(tournament, np.int64)
    for k in range(tournament):
        drawn[k] = members[below(search, members.size)]
    best = best_of(search, drawn)
    return best if best >= 0 else drawn[0]


@njit
def cross_two_cuts(search: Search, outer: int, inner: int) -> int:
    """Genes of `outer`, but those between two random cuts from `inner`; it may break the limits."""
    n_genes = search.places.size
    one, other = below(search, n_genes + 1), below(search, n_genes)
    other += other >= one  # two different cuts
    child = outer
    for gene in range(min(one, other), max(one, other)):
        child = with_gene(search, child, gene, gene_of(search, inner, gene))
    return child
