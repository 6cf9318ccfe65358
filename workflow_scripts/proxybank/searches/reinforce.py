"""REINFORCE (Williams, 1992) as in NATS-Bench: a softmax over the values of each gene, moved by Adam."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import (
    TRIES,
    Search,
    best_of,
    evaluate,
    explored,
    gene_of,
    kernel,
    normal,
    random_network,
    scores,
    uniform,
    with_gene,
)

# Adam's own constants (Kingma and Ba, ICLR 2015).
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@kernel
def run(search: Search, learning_rate: float, momentum: float) -> int:
    """Draw, evaluate, move the policy by score less baseline; return the best of all networks evaluated."""
    shape = (search.places.size, search.n_choices)
    policy = np.empty(shape)
    for gene in range(shape[0]):
        for value in range(shape[1]):
            policy[gene, value] = 1e-3 * normal(search)
    mean, square = np.zeros(shape), np.zeros(shape)
    baseline, weight = 0.0, 0.0
    step = 0
    while True:
        odds = _softmax(policy)
        code = _draw(search, odds)
        if not evaluate(search, code):
            return best_of(search, explored(search))
        reward = scores(search, np.array([code]))[0]
        if reward == -np.inf:  # nothing to learn from
            continue
        baseline = momentum * baseline + (1 - momentum) * reward
        weight = momentum * weight + (1 - momentum)
        advantage = reward - baseline / weight
        step += 1
        for gene in range(shape[0]):
            for value in range(shape[1]):
                chosen = gene_of(search, code, gene) == value
                gradient = -advantage * ((1.0 if chosen else 0.0) - odds[gene, value])
                mean[gene, value] = BETA_1 * mean[gene, value] + (1 - BETA_1) * gradient
                square[gene, value] = BETA_2 * square[gene, value] + (1 - BETA_2) * gradient**2
                slope = mean[gene, value] / (1 - BETA_1**step)
                size = np.sqrt(square[gene, value] / (1 - BETA_2**step))
                policy[gene, value] -= learning_rate * slope / (size + EPSILON)


@njit
def _softmax(policy: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.empty_like(policy)
    for gene in range(policy.shape[0]):
        row = np.exp(policy[gene] - policy[gene].max())
        odds[gene] = row / row.sum()
    return odds


@njit
def _draw(search: Search, odds: NDArray[np.float64]) -> int:
    """Feasible network from the policy; any feasible one if none turns up."""
    for _ in range(TRIES):
        code = 0
        for gene in range(odds.shape[0]):
            left = uniform(search)
            value = 0
            while value < odds.shape[1] - 1 and left >= odds[gene, value]:
                left -= odds[gene, value]
                value += 1
            code = with_gene(search, code, gene, value)
        if search.feasible[code]:
            return code
    return random_network(search)
