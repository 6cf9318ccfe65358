"""Training-free searches, replayed on a table by the thousand.

`make_problem` numbers the networks of a table, `replay` runs a search on them, whose outcomes become tables of runs,
trajectories and histories; `ALGORITHMS` says which searches there are. Test accuracy never comes here.
"""

from proxybank.searches.objective import check_objective
from proxybank.searches.problem import Problem, make_problem
from proxybank.searches.registry import ALGORITHMS, Algorithm, Parameter, get_algorithm
from proxybank.searches.replays import Outcomes, replay
from proxybank.searches.tables import histories_table, runs_table, trajectories_table

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Outcomes",
    "Parameter",
    "Problem",
    "check_objective",
    "get_algorithm",
    "histories_table",
    "make_problem",
    "replay",
    "runs_table",
    "trajectories_table",
]
