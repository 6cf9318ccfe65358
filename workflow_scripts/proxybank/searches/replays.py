"""Runs of a search on a table: checks, the budget, random numbers, and threads around the compiled kernels."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from proxybank.errors import SearchError
from proxybank.searches.objective import ZSCORE, Objective, check_objective, compile_objective, split_stages
from proxybank.searches.problem import Problem
from proxybank.searches.registry import Algorithm, Value, get_algorithm

if TYPE_CHECKING:  # the compiler takes half a second to import, which the check of a configuration need not wait for
    from proxybank.searches.core import Search

# Genes of a cell: its edges.
N_EDGES = 6
# Evaluations a run with a budget in seconds alone can remember; where networks cost next to nothing it would not end.
MAX_EVALUATIONS = 1_000_000
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True)
class Outcomes:
    """What the runs of one search came to.

    Attributes
    ----------
    best : int64, shape (runs,)
        Official index of the network that each run returned; -1 if it met no network with a score.
    n_evaluated : int64, shape (runs,)
        Networks evaluated; repeats count where they are charged.
    simulated_seconds : float64, shape (runs,)
        Stored seconds of what was evaluated.
    histories : list of int64 arrays, shape (n_evaluated,)
        Official indices in the order of evaluation, one array a run; of length 0 unless asked for.
    stages : list of int64 arrays, shape (n_evaluated,)
        The stage of each of them, from 0.
    """

    best: NDArray[np.int64]
    n_evaluated: NDArray[np.int64]
    simulated_seconds: NDArray[np.float64]
    histories: list[NDArray[np.int64]]
    stages: list[NDArray[np.int64]]


def replay(
    problem: Problem,
    algorithm: str,
    objective: str,
    *,
    runs: int | Sequence[int],
    seed: int = 0,
    evaluations: int | None = None,
    seconds: float | None = None,
    constraint: str = "unlimited",
    repeats: str | None = None,
    threads: int = 1,
    histories: bool = False,
    **parameters: Value,
) -> Outcomes:
    """Replay a search on a table of scores.

    A run depends on (seed, algorithm, constraint, its number) alone, so runs can be repeated one by one in any order.
    Searches by different objectives start from the same random numbers, which makes comparing them more exact.

    Parameters
    ----------
    problem : Problem
        Networks, score columns and limits.
    algorithm, objective : str
        Name in `registry.ALGORITHMS`, and what it maximises, see `objective`.
    runs : int or sequence of int
        How many runs, or their numbers: a part of them gives the same rows as all together.
    seed : int
        Seed of all runs.
    evaluations : int, optional
        Networks a run may evaluate.
    seconds : float, optional
        Simulated seconds a run may spend; the last evaluation begins before they are over and may end after.
    constraint : str
        Name of the limits that `problem` has.
    repeats : {"charged", "free"}, optional
        Whether a network met again costs the same again; by default as the algorithm's source has it.
    threads : int
        Runs at a time.
    histories : bool
        Whether to return what each run evaluated.
    **parameters
        The algorithm's own.

    Returns
    -------
    Outcomes

    Raises
    ------
    SearchError
        If the algorithm, the objective or a parameter is unknown or out of range, if there is no budget, no feasible
        network, or no feasible network with a score.
    """
    chosen = get_algorithm(algorithm)
    options = _kernel_options(chosen, chosen.check(parameters), problem)
    charge_repeats = (repeats or chosen.repeats) == "charged"
    where = f"{algorithm} by '{objective}' under constraint '{constraint}'"
    chosen.check_stages(objective)
    make_search = prepare(problem, objective, where, evaluations, seconds, charge_repeats)
    from proxybank.searches.core import reference  # not above: the compiler takes half a second to import

    run = import_module(f"proxybank.searches.{chosen.kernel}").run
    numbers = range(runs) if isinstance(runs, int) else runs
    n = len(numbers)
    outcomes = Outcomes(np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n), [_NONE] * n, [_NONE] * n)

    def replay_some(first: int) -> None:
        """Every `threads`-th run."""
        search = make_search()
        shared = reference(search)
        for k in range(first, n, threads):
            start(search, f"{seed}/{algorithm}/{constraint}/{numbers[k]}")
            code = run(shared, *options)
            if evaluations is None and search.counts[0] == MAX_EVALUATIONS:
                raise SearchError(
                    f"{where}: {seconds} seconds allow more than {MAX_EVALUATIONS:,} evaluations. Expected a budget "
                    "that ends before. Add evaluations."
                )
            outcomes.best[k] = problem.arch_index[code] if code >= 0 else -1
            outcomes.n_evaluated[k] = search.counts[0]
            outcomes.simulated_seconds[k] = search.clock[0]
            if histories:
                outcomes.histories[k] = problem.arch_index[search.history[: search.counts[0]]]
                outcomes.stages[k] = search.stages[: search.counts[0]].copy()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(replay_some, range(threads)))
    return outcomes


def _kernel_options(algorithm: Algorithm, values: Mapping[str, Value], problem: Problem) -> list[int | float]:
    """Values of parameters as kernels take them: a word becomes its number among the choices."""
    for name, rule in algorithm.parameters.items():
        if rule.cells_only and problem.n_genes != N_EDGES and values[name] != rule.default:
            raise SearchError(
                f"{algorithm.name}, {name}: found {values[name]!r} for networks of {problem.n_genes} genes. This is "
                f"about the {N_EDGES} edges of a cell. Remove it, or search the topology space."
            )
    return [
        rule.choices.index(values[name]) if rule.choices else type(rule.default)(values[name])
        for name, rule in algorithm.parameters.items()
    ]


def prepare(
    problem: Problem,
    objective: str,
    where: str,
    evaluations: int | None,
    seconds: float | None,
    charge_repeats: bool,
) -> Callable[[], "Search"]:
    """Check that the search can run; return what makes the state of one thread."""
    from proxybank.searches.core import Search

    if not problem.feasible.any():
        raise SearchError(f"{where}: no network keeps the limits. Expected at least one. Raise the limits.")
    compiled = [compile_objective(stage, problem.columns) for stage in split_stages(objective)]
    for stage in compiled:
        if not np.isfinite(stage.terms[problem.feasible]).all(axis=1).any():
            raise SearchError(f"{where}: no network within the limits has a score. Change the objective or the limits.")
    program, bounds = _join_programs(compiled)
    terms = np.concatenate([stage.terms for stage in compiled], axis=1)
    costs = np.stack([_seconds(problem, stage) for stage in split_stages(objective)], axis=1)
    drawable = np.flatnonzero(problem.feasible)
    limit = _most_evaluations(costs[drawable], where, evaluations, seconds, charge_repeats)
    return lambda: Search(
        terms=terms,
        program=program,
        bounds=bounds,
        seconds=costs,
        feasible=problem.feasible,
        drawable=drawable,
        places=problem.n_choices ** np.arange(problem.n_genes - 1, -1, -1, dtype=np.int64),
        n_choices=problem.n_choices,
        max_evaluations=limit,
        max_seconds=math.inf if seconds is None else float(seconds),
        charge_repeats=charge_repeats,
        random=np.empty(1, np.uint64),
        history=np.empty(limit, np.int64),
        stages=np.empty(limit, np.int64),
        counts=np.empty(2, np.int64),
        clock=np.empty(1),
        seen=np.empty(costs.shape, np.bool_),
        peaks=np.empty(terms.shape[1]),
        moments=np.empty((terms.shape[1], 2)),
    )


def _join_programs(stages: list[Objective]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One program for the terms of all stages side by side, and where steps and terms of each stage begin."""
    sizes = [(stage.program.shape[0], stage.terms.shape[1]) for stage in stages]
    bounds = np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(sizes, axis=0)])
    return np.concatenate([stage.program + [0, bounds[k, 1]] for k, stage in enumerate(stages)]), bounds


def _seconds(problem: Problem, expression: str) -> NDArray[np.float64]:
    """Simulated seconds of one evaluation of each network: those of all columns that the expression reads."""
    names = check_objective(expression, problem.columns)
    return sum((problem.seconds[name] for name in names if name in problem.seconds), np.zeros(problem.feasible.size))


def _most_evaluations(
    costs: NDArray[np.float64],
    where: str,
    evaluations: int | None,
    seconds: float | None,
    charge_repeats: bool,
) -> int:
    """Upper bound of the length of a history."""
    if evaluations is None and seconds is None:
        raise SearchError(f"{where}: there is no budget. Expected evaluations, seconds or both. Add one.")
    bounds = [MAX_EVALUATIONS if evaluations is None else evaluations]
    if not charge_repeats:
        bounds.append(costs.size)
    return min(bounds)


def start(search: "Search", key: str) -> None:
    """Forget the run before and begin another; its random numbers follow from the key alone."""
    from proxybank.searches.core import draw_moments, reference

    search.random[0] = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
    search.counts[:] = 0
    search.clock[:] = 0
    search.seen[:] = False
    search.peaks[:] = 0
    if (search.program[:, 0] == ZSCORE).any():
        draw_moments(reference(search))
