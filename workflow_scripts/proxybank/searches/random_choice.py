"""The control that looks at nothing: one network drawn at random."""

from proxybank.searches.core import Search, evaluate, kernel, random_network


@kernel
def run(search: Search) -> int:
    """Draw one feasible network."""
    code = random_network(search)
    evaluate(search, code)
    return code
