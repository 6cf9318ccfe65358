"""Runs of a search on a table: checks, the budget, random numbers, and threads around the compiled kernels."""

import hashlib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral, Real
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from proxybank.errors import SearchError
from proxybank.searches.objective import (
    ZSCORE,
    Objective,
    check_objective,
    compile_objective,
    names_in_zscore,
    split_stages,
)
from proxybank.searches.problem import Problem
from proxybank.searches.registry import Algorithm, Value, get_algorithm

if TYPE_CHECKING:  # the compiler takes half a second to import, which the check of a configuration need not wait for
    from proxybank.searches.core import Search

# Evaluations a run with a budget in seconds alone can remember; where networks cost next to nothing it would not end.
MAX_EVALUATIONS = 1_000_000


@dataclass(frozen=True)
class Trajectory:
    """Where the best network so far changed in one run; arrays of shape (n_changes,)."""

    arch_index: NDArray[np.int64]
    """Official index of the best so far, see `incumbents.run`."""
    n_evaluated: NDArray[np.int64]
    """Evaluations by then."""
    simulated_seconds: NDArray[np.float64]
    """Clock by then."""


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
        Stored seconds of what was evaluated; NaN where some are not known.
    own_seconds : float64, shape (runs,)
        Seconds that the search itself took, measured; its trajectory and history are not in them.
    trajectories : list of Trajectory
        One a run; an empty list unless asked for.
    histories, stages : list of int64 arrays, shape (n_evaluated,)
        Official indices in the order of evaluation, and the stage of each, from 0; one array a run, an empty list
        unless asked for.
    times, values : list of float64 arrays, shape (n_evaluated,)
        Clock after each evaluation, and what the objective of its stage came to by the end of the run, -inf without a
        score; likewise.
    """

    best: NDArray[np.int64]
    n_evaluated: NDArray[np.int64]
    simulated_seconds: NDArray[np.float64]
    own_seconds: NDArray[np.float64]
    trajectories: list[Trajectory]
    histories: list[NDArray[np.int64]]
    stages: list[NDArray[np.int64]]
    times: list[NDArray[np.float64]]
    values: list[NDArray[np.float64]]


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
    trajectories: bool = False,
    histories: bool = False,
    **parameters: Value,
) -> Outcomes:
    """Replay a search on a table of scores.

    Random numbers of a run depend on (seed, algorithm, constraint, its number) alone, so runs can be repeated one by
    one in any order. Searches by different objectives start from the same ones, which makes comparing them more exact;
    where zscore() is in an objective, the networks behind it take the first ones.

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
        Networks a run may evaluate, at least 1; the 100 behind zscore() are none of them.
    seconds : float, optional
        Simulated seconds a run may spend, above 0; the last evaluation begins before they are over and may end after.
    constraint : str
        Name of the limits that `problem` has.
    repeats : {"charged", "free"}, optional
        Whether a network met again costs the same again; by default as the algorithm's source has it.
    threads : int
        Runs at a time.
    trajectories, histories : bool
        Whether to return where the best so far changed, and what each run evaluated.
    **parameters
        The algorithm's own.

    Returns
    -------
    Outcomes

    Raises
    ------
    SearchError
        If the algorithm, the objective, `repeats`, `runs`, `threads` or a parameter is unknown or out of range, if
        there is no budget or one of 0 or less, no feasible network, no feasible network with a score, or no time stored
        for what a budget in seconds has to count.
    """
    chosen = get_algorithm(algorithm)
    options = _kernel_options(chosen, chosen.check(parameters))
    chosen.check_space(parameters, problem.n_genes, problem.n_choices)
    where = f"{algorithm} by '{objective}' under constraint '{constraint}'"
    _check_budget(where, evaluations, seconds, repeats)
    numbers = _check_runs(where, runs, threads)
    charge_repeats = (chosen.repeats if repeats is None else repeats) == "charged"
    chosen.check_objective(objective)
    make_search = prepare(problem, objective, where, evaluations, seconds, charge_repeats)
    from proxybank.searches import incumbents  # not above: the compiler takes half a second to import
    from proxybank.searches.core import make_ready, reference

    run = import_module(f"proxybank.searches.{chosen.kernel}").run
    n = len(numbers)
    best, n_evaluated, clock, own = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n), np.empty(n)
    changes: list[Any] = [None] * n
    evaluated: list[Any] = [None] * n

    def replay_some(first: int) -> None:
        """Every `threads`-th run."""
        search = make_search()
        shared = reference(search)
        make_ready(run, shared, *options)  # or else the first run's own seconds would be those of the compiler
        for k in range(first, n, threads):
            began = perf_counter()
            start(search, f"{seed}/{algorithm}/{constraint}/{numbers[k]}", chosen.own_moments)
            code = run(shared, *options)
            own[k] = perf_counter() - began
            if evaluations is None and search.counts[0] == MAX_EVALUATIONS:
                raise SearchError(
                    f"{where}: {seconds} seconds allow more than {MAX_EVALUATIONS:,} evaluations. Expected a budget "
                    "that ends before. Add evaluations."
                )
            best[k] = problem.arch_index[code] if code >= 0 else -1
            n_evaluated[k] = search.counts[0]
            clock[k] = search.clock[0]
            if trajectories:
                code, when = incumbents.run(shared, chosen.any_stage, chosen.own_moments).T
                changes[k] = Trajectory(problem.arch_index[code], when, search.times[when - 1])
            if histories:
                evaluated[k] = _history(search, problem)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(replay_some, range(threads)))
    columns = [list(column) for column in zip(*evaluated, strict=True)] if histories and n else [[], [], [], []]
    return Outcomes(best, n_evaluated, clock, own, changes if trajectories else [], *columns)


def _history(search: "Search", problem: Problem) -> tuple[NDArray, ...]:
    """What the run that has just ended evaluated: official indices, stages, times, values."""
    from proxybank.searches.core import n_stages, reference, scores

    shared = reference(search)
    n = search.counts[0]
    codes, stages = search.history[:n], search.stages[:n].copy()
    values = np.empty(n)
    for stage in range(n_stages(shared)):
        values[stages == stage] = scores(shared, codes[stages == stage], stage)
    return problem.arch_index[codes], stages, search.times[:n].copy(), values


def _kernel_options(algorithm: Algorithm, values: Mapping[str, Value]) -> list[int | float]:
    """Values of parameters as kernels take them: a word becomes its number among the choices."""
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
    moment_costs = [_seconds(problem, stage, names_in_zscore(stage)) for stage in split_stages(objective)]
    if seconds is not None and not np.isfinite(costs[problem.feasible]).all():
        names = [name for name in check_objective(objective, problem.columns) if name in problem.seconds]
        untimed = [name for name in names if np.isnan(problem.seconds[name][problem.feasible]).any()]
        raise SearchError(
            f"{where}: a budget of {seconds} seconds, and no stored seconds of {', '.join(untimed)} for some networks. "
            "Expected seconds for every network within the limits. Add them, or give a budget in evaluations."
        )
    drawable = np.flatnonzero(problem.feasible)
    limit = length = MAX_EVALUATIONS if evaluations is None else evaluations
    if not charge_repeats:  # each network once a stage
        length = min(limit, drawable.size * costs.shape[1])
    return lambda: Search(
        terms=terms,
        program=program,
        bounds=bounds,
        seconds=costs,
        moment_seconds=np.stack(moment_costs, axis=1),
        feasible=problem.feasible,
        drawable=drawable,
        places=problem.n_choices ** np.arange(problem.n_genes - 1, -1, -1, dtype=np.int64),
        n_choices=problem.n_choices,
        choices=problem.choices,
        max_evaluations=limit,
        max_seconds=math.inf if seconds is None else float(seconds),
        charge_repeats=charge_repeats,
        random=np.empty(1, np.uint64),
        history=np.empty(length, np.int64),
        stages=np.empty(length, np.int64),
        times=np.empty(length),
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


def _seconds(problem: Problem, expression: str, among: Collection[str] | None = None) -> NDArray[np.float64]:
    """Simulated seconds of one evaluation of each network: of all columns that the expression reads, or of some."""
    names = [name for name in check_objective(expression, problem.columns) if among is None or name in among]
    return sum((problem.seconds[name] for name in names if name in problem.seconds), np.zeros(problem.feasible.size))


def _check_budget(where: str, evaluations: int | None, seconds: float | None, repeats: str | None) -> None:
    """Check that there is a budget above 0, and that `repeats` is a word it knows."""
    if evaluations is None and seconds is None:
        raise SearchError(f"{where}: there is no budget. Expected evaluations, seconds or both. Add one.")
    if evaluations is not None and not (_is_number(evaluations, Integral) and evaluations >= 1):
        raise SearchError(
            f"{where}, evaluations: found {evaluations!r}. Expected an integer from 1. Raise it, or leave it out and "
            "give seconds."
        )
    if seconds is not None and not (_is_number(seconds, Real) and seconds > 0):  # nan is not
        raise SearchError(
            f"{where}, seconds: found {seconds!r}. Expected a number above 0. Raise it, or leave it out and give "
            "evaluations."
        )
    if repeats not in (None, "charged", "free"):
        raise SearchError(
            f"{where}, repeats: found {repeats!r}. Expected charged or free. Correct it, or leave it out for what the "
            "algorithm's source has."
        )


def _check_runs(where: str, runs: int | Sequence[int], threads: int) -> Sequence[int]:
    """Check how many runs there are, and how many at a time; return their numbers."""
    for name, value, low in (("runs", runs, 0), ("threads", threads, 1)):
        is_list = name == "runs" and hasattr(value, "__len__")
        if not is_list and not (_is_number(value, Integral) and value >= low):
            raise SearchError(f"{where}, {name}: found {value!r}. Expected an integer from {low}. Correct it.")
    return range(runs) if isinstance(runs, Integral) else runs


def _is_number(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def start(search: "Search", key: str, own_moments: bool = False) -> None:
    """Forget the run before and begin another; its random numbers follow from the key alone.

    The networks that zscore() is over are drawn first, unless the search has moments of its own.
    """
    from proxybank.searches.core import draw_moments, reference

    search.random[0] = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
    search.counts[:] = 0
    search.clock[:] = 0
    search.seen[:] = False
    search.peaks[:] = 0
    if not own_moments and (search.program[:, 0] == ZSCORE).any():
        draw_moments(reference(search))
