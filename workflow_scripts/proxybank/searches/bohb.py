"""BOHB (Falkner et al., ICML 2018): Hyperband that draws networks from a model of those that did well."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import (
    TRIES,
    Search,
    below,
    best_ever,
    evaluate,
    explored,
    gene_of,
    kernel,
    n_stages,
    random_network,
    scores,
    uniform,
    with_gene,
)
from proxybank.searches.hyperband import bracket_size, climb_rungs

GOOD_PERCENT = 15


@kernel
def run(search: Search, eta: int, samples: int, random_fraction: float, min_bandwidth: float) -> int:
    """Fill the brackets of Hyperband from the model; return the network with the highest score at any stage."""
    first_rung = 0
    while True:
        size = bracket_size(search, eta, first_rung)
        codes = np.empty(size, np.int64)
        for k in range(size):
            if uniform(search) < random_fraction:
                codes[k] = random_network(search)
            else:
                codes[k] = _from_model(search, samples, min_bandwidth)
            if not evaluate(search, codes[k], first_rung):
                return best_ever(search)
        if not climb_rungs(search, codes, eta, first_rung):
            return best_ever(search)
        first_rung = (first_rung + 1) % n_stages(search)


@njit
def _from_model(search: Search, samples: int, min_bandwidth: float) -> int:
    """Draw near good networks, return the draw with the best ratio of densities; any network while data is scarce."""
    for stage in range(n_stages(search) - 1, -1, -1):
        good, bad = _good_and_bad(search, stage)
        if bad.size > search.places.size:
            widths_good = _bandwidths(search, good, min_bandwidth)
            widths_bad = _bandwidths(search, bad, min_bandwidth)
            best, highest = -1, -1.0
            for _ in range(samples):
                code = _near(search, good[below(search, good.size)], widths_good)
                ratio = max(_density(search, code, good, widths_good), 1e-32) / max(
                    _density(search, code, bad, widths_bad), 1e-32
                )
                if ratio > highest:
                    best, highest = code, ratio
            return best
    return random_network(search)


@njit
def _good_and_bad(search: Search, stage: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Best networks of a stage, one more than genes at least, and others; a model needs as many of these."""
    least = search.places.size + 1
    codes = explored(search, stage)
    ordered = codes[np.argsort(-scores(search, codes, stage), kind="mergesort")]
    n_good = max(least, codes.size * GOOD_PERCENT // 100)
    n_bad = max(least, codes.size * (100 - GOOD_PERCENT) // 100)
    return ordered[:n_good], ordered[n_good : n_good + n_bad]


@njit
def _bandwidths(search: Search, codes: NDArray[np.int64], least: float) -> NDArray[np.float64]:
    """Bandwidth of each gene by the normal reference rule, as statsmodels computes it, within [least, 1 - 1 / choices].

    The upper end makes all values equally likely.
    """
    n_genes = search.places.size
    widths = np.empty(n_genes)
    for gene in range(n_genes):
        values = np.empty(codes.size)
        for k in range(codes.size):
            values[k] = gene_of(search, codes[k], gene)
        width = 1.06 * values.std() * codes.size ** (-1.0 / (4 + n_genes))
        widths[gene] = min(max(width, least), 1 - 1 / search.n_choices)
    return widths


@njit
def _density(search: Search, code: int, codes: NDArray[np.int64], widths: NDArray[np.float64]) -> float:
    """Kernel density of unordered values (Aitchison and Aitken, 1976)."""
    total = 0.0
    for other in codes:
        product = 1.0
        for gene in range(widths.size):
            same = gene_of(search, code, gene) == gene_of(search, other, gene)
            product *= 1 - widths[gene] if same else widths[gene] / (search.n_choices - 1)
        total += product
    return total / codes.size


@njit
def _near(search: Search, code: int, widths: NDArray[np.float64]) -> int:
    """Feasible network with each gene kept with chance 1 - width, and drawn anew otherwise."""
    for _ in range(TRIES):
        drawn = code
        for gene in range(widths.size):
            if uniform(search) < widths[gene]:
                drawn = with_gene(search, drawn, gene, below(search, search.n_choices))
        if search.feasible[drawn]:
            return drawn
    return code
