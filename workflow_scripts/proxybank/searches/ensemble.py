"""Rank-aware ensembles: the best of a set of random networks by z-scores, ranks or logarithms of places in that set."""

from proxybank.searches.core import Search, best_of, evaluate, explored, kernel, random_network, set_moments


@kernel
def run(search: Search) -> int:
    """Draw the set until the budget is used up; zscore() is over the set, too."""
    while evaluate(search, random_network(search)):
        pass
    if search.counts[0]:
        set_moments(search, explored(search))
    return best_of(search, explored(search))
