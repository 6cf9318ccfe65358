"""Regularised evolution that starts from the best of many networks by a proxy: AREA (Mellor et al., ICML 2021)."""

from proxybank.searches.core import Search, best_of, distinct, evaluate, explored, kernel, random_network, top
from proxybank.searches.rea import MUTATION, evolve


@kernel
def run(search: Search, warmup: int, population: int, sample: int, by_node: int) -> int:
    """Score `warmup` networks at stage 0, evolve the best at stage 1; without time for that, return the best score."""
    for _ in range(warmup):
        if not evaluate(search, random_network(search)):
            return best_of(search, explored(search))
    members = top(search, distinct(explored(search)), population)
    for code in members:
        evaluate(search, code, 1)
    evolve(search, members, 1, sample, by_node == 1, False, MUTATION, False, False)
    best = best_of(search, explored(search, 1), 1)
    return best if best >= 0 else best_of(search, explored(search))
