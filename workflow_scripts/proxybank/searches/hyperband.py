"""Hyperband (Li et al., JMLR 2018): brackets of halving, from many networks trained a little to few trained long."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from proxybank.searches.core import Search, best_ever, evaluate, kernel, n_stages, random_network, top


@kernel
def run(search: Search, eta: int) -> int:
    """Fill the brackets with random networks; return the network with the highest score at any stage."""
    first_rung = 0
    while True:
        size = bracket_size(search, eta, first_rung)
        codes = np.empty(size, np.int64)
        for k in range(size):
            codes[k] = random_network(search)
            if not evaluate(search, codes[k], first_rung):
                return best_ever(search)
        if not climb_rungs(search, codes, eta, first_rung):
            return best_ever(search)
        first_rung = (first_rung + 1) % n_stages(search)


@njit
def bracket_size(search: Search, eta: int, first_rung: int) -> int:
    """Networks that a bracket begins with, as in hpbandster, which rounds down before it multiplies."""
    later = n_stages(search) - 1 - first_rung
    return n_stages(search) // (later + 1) * eta**later


@njit
def climb_rungs(search: Search, codes: NDArray[np.int64], eta: int, rung: int) -> bool:
    """Take the best 1 in `eta` from each stage to the next; False once the budget is used up."""
    size = codes.size
    for stage in range(rung + 1, n_stages(search)):
        size //= eta
        codes = top(search, codes, max(size, 1), stage - 1)
        for code in codes:
            if not evaluate(search, code, stage):
                return False
    return True
