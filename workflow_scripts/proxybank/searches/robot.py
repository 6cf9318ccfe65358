"""RoBoT (He et al., ICLR 2024): Bayesian optimisation of a weighted sum of proxies, then down its ranking."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import (
    Search,
    best_of,
    evaluate,
    explored,
    highest_places,
    kernel,
    n_stages,
    scores,
    scores_within,
    uniform,
)

# Upper confidence bound, and the noise of the Gaussian process, as the bayes_opt package has them.
KAPPA = 2.576
NOISE = 1e-6


@kernel
def run(search: Search, queries: int, draws: int) -> int:
    """Train the best network of each weighting tried, then the next best of the best weighting; return the best."""
    last = n_stages(search) - 1
    proxies = _normalised_proxies(search, last)
    weights = np.empty((queries, last))
    accuracies = np.empty(queries)
    for query in range(queries):
        weights[query] = _next_weights(search, weights[:query], accuracies[:query], draws)
        code = search.drawable[np.argmax(_weigh(proxies, weights[query]))]
        if not evaluate(search, code, last):
            return best_of(search, explored(search, last), last)
        accuracies[query] = max(scores(search, np.array([code]), last)[0], -1e6)
    ranking = _weigh(proxies, weights[np.argmax(accuracies)])
    for k in highest_places(ranking, queries):
        if explored(search, last).size >= queries or not evaluate(search, search.drawable[k], last):
            break
    return best_of(search, explored(search, last), last)


@njit
def _normalised_proxies(search: Search, n_proxies: int) -> NDArray[np.float64]:
    """Score all networks within the limits: float64, shape (n_feasible, n_proxies), from 0 to 1, 0 without a score."""
    codes = search.drawable
    proxies = np.empty((codes.size, n_proxies))
    for stage in range(n_proxies):
        search.clock[0] += search.seconds[codes, stage].sum()
        values = scores_within(search, codes, stage)
        finite = np.isfinite(values)
        if not finite.any():  # max() may take all scores away, as within a logarithm
            proxies[:, stage] = 0.0
            continue
        low, high = values[finite].min(), values[finite].max()
        proxies[:, stage] = np.where(finite, (values - low) / (high - low if high > low else 1.0), 0.0)
    return proxies


@njit
def _weigh(proxies: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted sum of the proxies of each network."""
    total = np.zeros(proxies.shape[0])
    for proxy in range(weights.size):
        total += proxies[:, proxy] * weights[proxy]
    return total


@njit
def _next_weights(
    search: Search, weights: NDArray[np.float64], accuracies: NDArray[np.float64], draws: int
) -> NDArray[np.float64]:
    """Weights in [-1, 1] with the highest upper confidence bound among random ones; the first are just random."""
    n, n_proxies = weights.shape
    candidates = np.empty((draws if n else 1, n_proxies))
    for k in range(candidates.shape[0]):
        for proxy in range(n_proxies):
            candidates[k, proxy] = 2 * uniform(search) - 1
    if n == 0:
        return candidates[0]
    deviation = accuracies.std()
    target = (accuracies - accuracies.mean()) / (deviation if deviation > 0 else 1.0)
    scale, highest = 1.0, -np.inf
    for exponent in range(-4, 5):  # the length scale with the highest marginal likelihood
        factor = _cholesky(_matern(weights, weights, 2.0**exponent))
        whitened = _forward(factor, target)
        likelihood = -0.5 * (whitened**2).sum() - np.log(np.diag(factor)).sum()
        if likelihood > highest:
            scale, highest = 2.0**exponent, likelihood
    factor = _cholesky(_matern(weights, weights, scale))
    whitened = _forward(factor, target)
    best, highest = 0, -np.inf
    for k in range(draws):
        reduced = _forward(factor, _matern(candidates[k : k + 1], weights, scale)[0])
        variance = 1 - (reduced**2).sum()
        bound = (reduced * whitened).sum() + KAPPA * np.sqrt(max(variance, 0.0))
        if bound > highest:
            best, highest = k, bound
    return candidates[best]


@njit
def _cholesky(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower factor of a covariance with the noise added; by hand, for numba takes ten seconds over numpy's."""
    n = covariance.shape[0]
    factor = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            rest = covariance[i, j] + (NOISE if i == j else 0.0)
            for k in range(j):
                rest -= factor[i, k] * factor[j, k]
            factor[i, j] = np.sqrt(max(rest, NOISE)) if i == j else rest / factor[j, j]
    return factor


@njit
def _forward(factor: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve factor @ x = values."""
    solution = np.empty(values.size)
    for i in range(values.size):
        rest = values[i]
        for k in range(i):
            rest -= factor[i, k] * solution[k]
        solution[i] = rest / factor[i, i]
    return solution


@njit
def _matern(left: NDArray[np.float64], right: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Matern kernel with parameter 5/2."""
    kernel_values = np.empty((left.shape[0], right.shape[0]))
    for i in range(left.shape[0]):
        for j in range(right.shape[0]):
            distance = np.sqrt(5 * ((left[i] - right[j]) ** 2).sum()) / scale
            kernel_values[i, j] = (1 + distance + distance**2 / 3) * np.exp(-distance)
    return kernel_values
