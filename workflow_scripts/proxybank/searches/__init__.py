"""Training-free searches, replayed on a table by the thousand.

`make_problem` numbers the networks of a table, `replay` runs a search on them, `ALGORITHMS` says which searches there
are. Test accuracy never comes here.
"""

from proxybank.searches.objective import check_objective
from proxybank.searches.problem import Problem, make_problem
from proxybank.searches.registry import ALGORITHMS, Algorithm, Parameter, get_algorithm
from proxybank.searches.replays import Outcomes, replay

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Outcomes",
    "Parameter",
    "Problem",
    "check_objective",
    "get_algorithm",
    "make_problem",
    "replay",
]
