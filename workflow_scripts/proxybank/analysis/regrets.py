"""What a choice of network costs: its accuracy against the best network within the same limits (table ``regrets``)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proxybank import logs, store
from proxybank.analysis.intervals import half_interval
from proxybank.errors import ConfigError, SearchError, suggest

ARGMAX = "argmax"
ORACLE = "oracle"
RANDOM = "random"

Constraint = Mapping[str, Any]
Constraints = Mapping[str, Sequence[Constraint]]

_PAIR = ["space", "dataset"]


def feasible(networks: pl.DataFrame, constraint: Constraint) -> NDArray[np.bool_]:
    """Which networks keep all limits of a constraint.

    Parameters
    ----------
    networks : polars.DataFrame
        Rows of the table ``networks``.
    constraint : mapping
        ``id``, and limits ``max_<column>`` in the unit of the column, inclusive: ``{"id": "small", "max_mflops": 40}``.

    Returns
    -------
    bool, shape (networks.height,)

    Raises
    ------
    ConfigError
        If a limit is on no column of numbers.
    SearchError
        If some network has no value in the column of a limit.
    """
    within = np.ones(networks.height, bool)
    numbers = networks.select(pl.selectors.numeric()).columns
    for key, limit in constraint.items():
        if key == "id":
            continue
        if key.removeprefix("max_") not in numbers or not key.startswith("max_"):
            known = [f"max_{column}" for column in numbers]
            raise ConfigError(
                f"constraints, {constraint['id']}: there is no limit '{key}'.{suggest(key, known)} "
                f"Known: {', '.join(known)}."
            )
        column = networks[key.removeprefix("max_")]
        if column.null_count():
            missing = networks.filter(column.is_null())["arch_index"]
            raise SearchError(
                f"constraints, {constraint['id']}: column {column.name} has no value for {missing.len()} of "
                f"{networks.height} networks, the first is {missing[0]}. Expected one for every network with an "
                "accuracy. Add them to the table that the column is from, or remove the limit."
            )
        within &= column.to_numpy() <= limit
    return within


def best_scored(score: NDArray[np.float64], higher_is_better: bool = True) -> NDArray[np.int64]:
    """Positions of all networks that share the best score; empty if none has one.

    Parameters
    ----------
    score : float64, shape (n,)
        Proxy values; non-finite where a network has no score.
    higher_is_better : bool
        Direction of the proxy.
    """
    finite = np.isfinite(score)
    if not finite.any():
        return np.empty(0, np.int64)
    best = score[finite].max() if higher_is_better else score[finite].min()
    return np.flatnonzero(score == best)


def judge(
    name: str, runs: pl.DataFrame, networks: pl.DataFrame, accuracies: pl.DataFrame, constraints: Constraints
) -> pl.DataFrame:
    """Look up what the networks that searches found are worth: the only place where a search meets test accuracy.

    Parameters
    ----------
    name : {"search_runs", "search_trajectories"}
        The table to complete.
    runs : polars.DataFrame
        Outcomes of searches: the columns of the table without `accuracy_pct` and `regret_pct`.
    networks, accuracies : polars.DataFrame
        The tables of these names.
    constraints : mapping of str to sequence of mapping
        Space -> all constraints the runs were made under, see `feasible`.

    Returns
    -------
    polars.DataFrame
        The table, rows in the given order; null accuracy and regret where a run found no network.

    Raises
    ------
    SearchError
        If a returned network breaks its limits or its accuracy is not known: a search that could not be compared.
    """
    if runs.is_empty():
        return store.stack(name, [])
    outcomes = pl.concat(
        within.select(
            *_PAIR,
            pl.lit(constraint["id"]).alias("constraint_id"),
            pl.col("arch_index").alias("best_arch_index"),
            "accuracy_pct",
            (pl.col("accuracy_pct").max() - pl.col("accuracy_pct")).alias("regret_pct"),
        )
        for _, constraint, within in _trained_and_feasible(networks, accuracies, constraints)
    )
    key = [*_PAIR, "constraint_id", "best_arch_index"]
    judged = runs.join(outcomes, on=key, how="left", maintain_order="left")
    lost = judged.filter(pl.col("best_arch_index").is_not_null() & pl.col("accuracy_pct").is_null())
    if lost.height:
        space, dataset, constraint, index = lost.select(key).row(0)
        raise SearchError(
            f"{lost['algorithm'][0]} on {space}, {dataset}: it returned network {index} under constraint "
            f"'{constraint}', which breaks a limit or has no known accuracy. Expected a network it was given."
        )
    return store.stack(name, [judged])


def regrets_table(
    networks: pl.DataFrame,
    scores: pl.DataFrame,
    accuracies: pl.DataFrame,
    search_runs: pl.DataFrame,
    constraints: Constraints,
    higher_is_better: Mapping[str, bool],
    scored_on: store.AllSamples = store.NO_SAMPLES,
) -> pl.DataFrame:
    """Compare the test accuracy of each way to choose a network with the optimum, within each set of limits.

    Only networks with a known accuracy count. Ways to choose, by `algorithm`:

    - ``argmax``: the network with the best score, of all; the mean over those that tie. A proxy that is scored on a
      sample chooses from it, and is compared with the best network in it;
    - ``oracle`` and ``random``: the best network, and the mean over all of them;
    - a search: the mean over its runs at its largest budget; runs that found no network are left out, and not counted.

    Parameters
    ----------
    networks, scores, accuracies, search_runs : polars.DataFrame
        The tables of these names.
    constraints : mapping of str to sequence of mapping
        Space -> its sets of limits, see `feasible`.
    higher_is_better : mapping of str to bool
        Direction of each proxy that is wanted.
    scored_on : mapping
        Space -> dataset -> proxies that are scored on some classes only.

    Returns
    -------
    polars.DataFrame
        Table ``regrets``. Where no network keeps the limits, `n_feasible` is 0 and accuracies are null. A constraint on
        a column that has no value for some network is left out, and the log says so.

    References
    ----------
    .. [1] N. Cavagnero, L. Robbiano, B. Caputo, G. Averta, "FreeREA", WACV 2023, table 5.
    """
    frames = []
    for (space, dataset), constraint, within in _trained_and_feasible(networks, accuracies, constraints):
        samples = scored_on.get(space, {}).get(dataset, {})
        accuracy = within["accuracy_pct"].to_numpy()
        optimum = accuracy.max() if accuracy.size else None
        # Taken from the table of scores alone: some columns of networks have a proxy's name.
        scored = within.select("arch_index").join(
            scores.filter(space=space, dataset=dataset), on="arch_index", how="left", maintain_order="left"
        )
        choices = [
            (ORACLE, "", _moments(accuracy[accuracy == optimum])),
            (RANDOM, "", _moments(accuracy)),
            *(
                (
                    ARGMAX,
                    proxy,
                    _moments(accuracy[best_scored(scored[proxy].to_numpy(), higher)])
                    | _set(accuracy[store.asked(within, samples, proxy)]),
                )
                for proxy, higher in higher_is_better.items()
            ),
            *_searches(search_runs.filter(space=space, dataset=dataset, constraint_id=constraint["id"])),
        ]
        rows = [
            {
                "space": space,
                "dataset": dataset,
                "constraint_id": constraint["id"],
                "algorithm": algorithm,
                "objective": objective,
                **{limit: constraint.get(limit) for limit in ("max_mflops", "max_params_m", "max_n_relu")},
                "limits": json.dumps({key: limit for key, limit in constraint.items() if key != "id"}),
                "runs": None,
                "budget": None,
                "budget_unit": None,
                "half_pct": None,
                **_set(accuracy),
                **found,
            }
            for algorithm, objective, found in choices
        ]
        for row in rows:
            # By rounding, a mean of equal accuracies may exceed them.
            row["regret_pct"] = None if row["mean_pct"] is None else max(row["optimum_pct"] - row["mean_pct"], 0.0)
        frames.append(pl.DataFrame(rows, infer_schema_length=None))
    return store.stack("regrets", frames)


def _trained_and_feasible(
    networks: pl.DataFrame, accuracies: pl.DataFrame, constraints: Constraints
) -> Iterator[tuple[tuple[str, str], Constraint, pl.DataFrame]]:
    """Space and dataset, constraint, and the networks of known accuracy that keep it, sorted, with that accuracy."""
    final = store.final_accuracies(accuracies)
    known = networks.join(final, on=[*_PAIR, "arch_index"]).sort("arch_index")
    for pair in final.select(_PAIR).unique(maintain_order=True).iter_rows():
        part = known.filter(space=pair[0], dataset=pair[1])
        for constraint in constraints.get(pair[0], ()):
            try:
                within = feasible(part, constraint)
            except SearchError as error:
                logs.log.warning("%s, %s, left out: %s", *pair, error)
                continue
            yield pair, constraint, part.filter(within)


def _set(accuracy: NDArray[np.float64]) -> dict[str, Any]:
    """How many networks a choice is made from, and the best of them."""
    return {"n_feasible": accuracy.size, "optimum_pct": float(accuracy.max()) if accuracy.size else None}


def _moments(accuracy: NDArray[np.float64]) -> dict[str, Any]:
    """Mean and population standard deviation; none of no networks."""
    if not accuracy.size:
        return {"mean_pct": None, "std_pct": None}
    return {"mean_pct": float(accuracy.mean()), "std_pct": float(accuracy.std())}


def _searches(runs: pl.DataFrame) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each search in some runs of one constraint, at its largest budget."""
    for (algorithm, objective), group in runs.group_by("algorithm", "objective", maintain_order=True):
        budget = group["budget"].max()
        largest = group.filter(pl.col("budget") == budget)
        accuracy = largest["accuracy_pct"].drop_nulls()
        found = {"mean_pct": accuracy.mean(), "std_pct": accuracy.std(ddof=1), "runs": accuracy.len(), "budget": budget}
        found |= {"budget_unit": largest["budget_unit"][0], "half_pct": half_interval(largest)}
        yield algorithm, objective, found
