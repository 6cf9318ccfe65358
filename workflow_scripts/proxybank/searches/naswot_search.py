"""Random search by score (Mellor et al., ICML 2021, algorithm 1): draw networks, return the best-scored one."""

from proxybank.searches.core import Search, best_of, evaluate, explored, kernel, random_network


@kernel
def run(search: Search) -> int:
    """Draw with replacement until the budget is used up."""
    while evaluate(search, random_network(search)):
        pass
    return best_of(search, explored(search))
