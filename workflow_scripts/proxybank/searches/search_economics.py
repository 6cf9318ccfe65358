"""Search economics, SE (Wu, Lin, Tsai, IEEE TEVC 2024): regions of the space compete for the searchers' investment."""

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
    scores,
    step_gene,
    with_gene,
)


@kernel
def run(search: Search, searchers: int, regions: int, goods: int) -> int:
    """Invest where the expected value is highest until the budget is used up; return the best ever."""
    first_genes = [_first_genes(search.n_choices, region, regions) for region in range(regions)]
    feasible = [_feasible_of(search, first_genes[region]) for region in range(regions)]
    market = np.empty((regions, goods), np.int64)
    best_good = np.empty(regions, np.int64)
    for region in range(regions):
        for k in range(goods):
            of_region = feasible[region]  # any feasible network where a region has none
            market[region, k] = of_region[below(search, of_region.size)] if of_region.size else random_network(search)
            if not evaluate(search, market[region, k]):
                return best_of(search, explored(search))
        best_good[region] = _best(search, market[region])
    owned = np.empty(searchers, np.int64)
    for k in range(searchers):
        owned[k] = market[k % regions, below(search, goods)]
    waited, invested = np.ones(regions), np.ones(regions)
    chosen = np.empty(searchers, np.int64)
    children = np.empty((regions, goods), np.int64)
    expected = np.empty(regions)
    while True:
        for k in range(searchers):
            for region in range(regions):
                for good in range(goods):
                    values = first_genes[region] if feasible[region].size else first_genes[region][:0]
                    children[region, good] = _child(search, owned[k], market[region, good], values)
                    if children[region, good] < 0:
                        return best_of(search, explored(search))
                worth = _finite(scores(search, market[region]))
                peak = _finite(scores(search, best_good[region : region + 1]))[0]
                total = worth.sum() if worth.sum() != 0 else 1e-10
                value = _finite(scores(search, children[region])).mean()
                expected[region] = waited[region] / invested[region] * value * peak / total
            chosen[k] = np.argmax(expected)
            owned[k] = _best(search, children[chosen[k]])
        for k in range(searchers):  # the market is the same for all of a round
            _sell(search, market[chosen[k]], owned[k])
            best_good[chosen[k]] = _best(search, np.array([best_good[chosen[k]], owned[k]]))
        _count_round(waited, invested, chosen)


@njit
def _count_round(waited: NDArray[np.float64], invested: NDArray[np.float64], chosen: NDArray[np.int64]) -> None:
    """Count a round: a region waits for one more unless some searcher chose it, and each choice is an investment."""
    waited += 1
    for region in chosen:
        waited[region] = 1
        invested[region] += 1


@njit
def _best(search: Search, codes: NDArray[np.int64]) -> int:
    best = best_of(search, codes)
    return best if best >= 0 else codes[0]


@njit
def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores to multiply: a network without one is worth nothing."""
    return np.where(np.isfinite(values), values, 0.0)


@njit
def _first_genes(n_choices: int, region: int, regions: int) -> NDArray[np.int64]:
    """Values of the first gene in a region: shared out in runs, the first regions get one more if they must."""
    size, rest = n_choices // regions, n_choices % regions
    first = region * size + min(region, rest)
    return np.arange(first, first + size + (1 if region < rest else 0))


@njit
def _feasible_of(search: Search, first_genes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Feasible networks whose first gene is one of these."""
    value = search.drawable // search.places[0] % search.n_choices
    return search.drawable[(value >= first_genes[0]) & (value <= first_genes[-1])]


@njit
def _child(search: Search, owned: int, good: int, first_genes: NDArray[np.int64]) -> int:
    """Better of two evaluated children by one-point crossover and a mutation, the good where none is feasible.

    Their first gene is one of these; with none of them, there is no child to look for. -1: no budget is left.
    """
    pair = np.empty(2, np.int64)
    for k in range(2):
        pair[k] = good  # whatever is in the market is feasible
        for _ in range(TRIES if first_genes.size else 0):
            code = _cross_and_mutate(search, owned, good, first_genes, k == 1)
            if search.feasible[code]:
                pair[k] = code
                break
        if not evaluate(search, pair[k]):
            return -1
    return _best(search, pair)


@njit
def _cross_and_mutate(search: Search, owned: int, good: int, first_genes: NDArray[np.int64], swap: bool) -> int:
    """One of these first genes, others of one parent before a cut and of the other after it, one of them changed."""
    n_genes = search.places.size
    cut = 1 + below(search, n_genes - 1)
    code = with_gene(search, good, 0, first_genes[below(search, first_genes.size)])
    for gene in range(1, n_genes):
        if (gene < cut) != swap:
            code = with_gene(search, code, gene, gene_of(search, owned, gene))
    gene = 1 + below(search, n_genes - 1)
    step = 1 + below(search, search.n_choices - 1)
    return step_gene(search, code, gene, step)


@njit
def _sell(search: Search, goods: NDArray[np.int64], offer: int) -> None:
    """Put the offer in the place of the worst good, if it is better."""
    worst = np.argmin(scores(search, goods))
    values = scores(search, np.array([goods[worst], offer]))
    if values[1] > values[0]:
        goods[worst] = offer
