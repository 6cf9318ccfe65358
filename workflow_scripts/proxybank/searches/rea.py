"""Regularised evolution (Real et al., AAAI 2019) as in NATS-Bench: the oldest network makes room for each child.

With other settings it is FreeREA- (Cavagnero et al., WACV 2023), and the evolution of the Turin paper (Melchionna,
Revel Garrone, Suriano) with its four ways to make a child and its filter of networks without a skip connection.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import (
    TRIES,
    Search,
    below,
    best_of,
    cross,
    evaluate,
    explored,
    gene_of,
    highest_places,
    kernel,
    mutate,
    random_gene,
    random_network,
    scores,
    scores_within,
    shuffle,
    with_gene,
)

MUTATION, VOTE, INVERSION, CROSSOVER = range(4)  # the order of the choices in the registry
SKIP_CONNECT = 1  # the number that the topology space has for it


@kernel
def run(
    search: Search,
    population: int,
    sample: int,
    by_node: int,
    any_value: int,
    child: int,
    skips_only: int,
    own_maxima: int,
) -> int:
    """Breed from the best of a sample drawn with replacement; return the best of all networks evaluated."""
    members = np.empty(population, np.int64)
    for k in range(population):
        members[k] = random_network(search)
        if not evaluate(search, members[k]):
            return best_of(search, explored(search))
    evolve(search, members, 0, sample, by_node == 1, any_value == 1, child, skips_only == 1, own_maxima == 1)
    return best_of(search, explored(search))


@njit
def evolve(
    search: Search,
    members: NDArray[np.int64],
    stage: int,
    sample: int,
    by_node: bool,
    any_value: bool,
    child: int,
    skips_only: bool,
    own_maxima: bool,
) -> None:
    """Replace the oldest member, the first one to begin with, by a child until the budget is used up.

    Where no child passes, any network that does takes its place; and one without a skip where hardly any has one.
    """
    oldest = 0
    while True:
        born = -1
        for attempt in range(2 * TRIES):
            if attempt < TRIES:
                born = _breed(search, members, stage, sample, by_node, any_value, child, own_maxima)
            else:
                born = random_network(search)
            if search.feasible[born] and (not skips_only or _has_skip(search, born)):
                break
        if not evaluate(search, born, stage):
            return
        members[oldest] = born
        oldest = (oldest + 1) % members.size


@njit
def _breed(
    search: Search,
    members: NDArray[np.int64],
    stage: int,
    sample: int,
    by_node: bool,
    any_value: bool,
    child: int,
    own_maxima: bool,
) -> int:
    """Make a child of a sample of the population; it may break the limits."""
    sampled = np.empty(sample, np.int64)
    for k in range(sample):
        sampled[k] = members[below(search, members.size)]
    values = scores_within(search, sampled, stage) if own_maxima else scores(search, sampled, stage)
    order = highest_places(values, 2)
    parent = sampled[order[0]]
    if child == VOTE:
        return _vote(search, sampled, values)
    if child == INVERSION:
        return _invert(search, parent)
    if child == CROSSOVER:
        return cross(search, parent, sampled[order[-1]])
    if any_value:
        return with_gene(search, parent, random_gene(search, by_node), below(search, search.n_choices))
    return mutate(search, parent, by_node)


@njit
def _vote(search: Search, sampled: NDArray[np.int64], values: NDArray[np.float64]) -> int:
    """For each gene the value whose networks in the sample have the highest mean score; the lowest value wins ties."""
    child = sampled[0]
    for gene in range(search.places.size):
        total, count = np.zeros(search.n_choices), np.zeros(search.n_choices)
        for k in range(sampled.size):
            value = gene_of(search, sampled[k], gene)
            total[value] += values[k]
            count[value] += 1
        winner = -1
        for value in range(search.n_choices):
            if count[value] > 0 and (winner < 0 or total[value] / count[value] > total[winner] / count[winner]):
                winner = value
        child = with_gene(search, child, gene, winner)
    return child


@njit
def _invert(search: Search, parent: int) -> int:
    """Reverse the genes between two different random places, both included."""
    places = np.arange(search.places.size)
    shuffle(search, places, 2)
    first, last = min(places[0], places[1]), max(places[0], places[1])
    child = parent
    for gene in range(first, last + 1):
        child = with_gene(search, child, gene, gene_of(search, parent, first + last - gene))
    return child


@njit
def _has_skip(search: Search, code: int) -> bool:
    for gene in range(search.places.size):  # noqa: SIM110 (compiled code knows no generators)
        if search.choices[gene_of(search, code, gene)] == SKIP_CONNECT:
            return True
    return False
