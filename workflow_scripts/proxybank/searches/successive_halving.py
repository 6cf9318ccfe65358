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
    """Evaluate at each stage from `first`, keep the better half.

    Returns the best at the last stage reached, however few were evaluated there, that has one; -1 if none has a score.
    """
    best = -1
    for stage in range(first, n_stages(search)):
        n = 0
        while n < codes.size and evaluate(search, codes[n], stage):
            n += 1
        here = best_of(search, codes[:n], stage)
        best = here if here >= 0 else best
        if n < codes.size or codes.size == 1:
            break
        codes = top(search, codes, (codes.size + 1) // 2, stage)
    return best
