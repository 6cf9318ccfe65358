"""Regularised evolution (Real et al., AAAI 2019) as in NATS-Bench: the oldest network makes room for each child."""

import numpy as np

from proxybank.searches.core import Search, below, best_of, evaluate, explored, kernel, mutate, random_network


@kernel
def run(search: Search, population: int, sample: int, by_node: int) -> int:
    """Mutate the best of a sample drawn with replacement; return the best of all networks evaluated."""
    members = np.empty(population, np.int64)
    for k in range(population):
        members[k] = random_network(search)
        if not evaluate(search, members[k]):
            return best_of(search, explored(search))
    sampled = np.empty(sample, np.int64)
    oldest = 0
    while True:
        for k in range(sample):
            sampled[k] = members[below(search, population)]
        parent = best_of(search, sampled)
        child = mutate(search, parent if parent >= 0 else sampled[0], by_node == 1)
        if not evaluate(search, child):
            return best_of(search, explored(search))
        members[oldest] = child
        oldest = (oldest + 1) % population
