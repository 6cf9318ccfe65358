"""MF-NAS (Phan and Luong, GECCO 2024): local search by a proxy, then successive halving of the best by training."""

from proxybank.searches.core import Search, best_of, distinct, explored, kernel, top
from proxybank.searches.local_search import climb
from proxybank.searches.successive_halving import halve


@kernel
def run(search: Search, warmup: int, candidates: int) -> int:
    """Spend `warmup` evaluations at stage 0, halve the best `candidates` networks from stage 1 on."""
    if not climb(search, warmup, True):
        return best_of(search, explored(search))
    met = distinct(explored(search))
    best = halve(search, top(search, met, candidates), 1)
    return best if best >= 0 else best_of(search, met)
