"""Successive halving (Jamieson and Talwalkar, AISTATS 2016): train many, go on with the better half."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import Search, best_of, evaluate, kernel, n_stages, random_network, top


@kernel
def run(search: Search, candidates: int) -> int:
    """Halve random networks from stage to stage."""
    codes = np.empty(candidates, np.int64)
    for k in range(candidates):
        codes[k] = random_network(search)
    return halve(search, codes, 0)


@njit
def halve(search: Search, codes: NDArray[np.int64], first: int) -> int:
    """Evaluate at each stage from `first`, keep the better half, return the best; -1 if none has a score."""
    best = -1
    for stage in range(first, n_stages(search)):
        for k in range(codes.size):
            if not evaluate(search, codes[k], stage):
                return best if best >= 0 else best_of(search, codes[:k], stage)
        best = best_of(search, codes, stage)
        if codes.size == 1:
            break
        codes = top(search, codes, (codes.size + 1) // 2, stage)
    return best
