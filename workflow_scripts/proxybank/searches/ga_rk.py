"""GA-rk: a genetic algorithm whose tournaments and final choice go by sums of ranks (OEmiliatanO/Rank-Based-NAS)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import (
    Search,
    best_of,
    distinct,
    evaluate,
    explored,
    highest_places,
    kernel,
    uniform,
)
from proxybank.searches.ga import crossed, first_generation, mutated, parents


@kernel
def run(search: Search, population: int, generations: int, tournament: int, crossover: float, mutation: float) -> int:
    """Keep the two best by each proxy of each generation; return the best of those kept."""
    members = np.empty(population + 1, np.int64)  # pairs: one may be too many
    n = population
    first = first_generation(search, n)
    if first.size < n:
        return best_of(search, explored(search))
    members[:n] = first
    n_terms = search.terms.shape[1]
    kept = members[:0]
    children = np.empty(population + 1, np.int64)
    for _ in range(generations):
        n_children = 0
        while n_children < population:
            pair = parents(search, members[:n], tournament)
            if uniform(search) < crossover:
                pair = crossed(search, pair)
                if uniform(search) < mutation:
                    pair = mutated(search, pair)
            for code in pair:
                if not evaluate(search, code):
                    return best_of(search, kept if kept.size else explored(search))
                children[n_children] = code
                n_children += 1
        n = n_children
        members[:n] = children[:n]
        for term in range(n_terms):
            kept = np.append(kept, _two_best(search, members[:n], term))
        kept = distinct(kept)
    return best_of(search, kept)


@njit
def _two_best(search: Search, codes: NDArray[np.int64], term: int) -> NDArray[np.int64]:
    values = np.empty(codes.size)
    for k in range(codes.size):
        value = search.terms[codes[k], term]
        values[k] = value if np.isfinite(value) else -np.inf
    return codes[highest_places(values, 2)]
