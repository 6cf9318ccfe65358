"""What limits allow, and which networks a proxy would choose within them: no accuracy is read (table ``choices``)."""

from collections.abc import Iterator, Mapping

import polars as pl

from proxybank import store
from proxybank.analysis.regrets import Constraint, Constraints, feasible

N_PLACES = 10


def feasible_networks(networks: pl.DataFrame, constraints: Constraints) -> pl.DataFrame:
    """Table ``feasible_networks``: which networks are known to keep which constraint.

    Parameters
    ----------
    networks : polars.DataFrame
        The table of this name.
    constraints : mapping of str to sequence of mapping
        Space -> its sets of limits, see `feasible`. A network without a value in the column of a limit is left out.
    """
    return store.stack(
        "feasible_networks",
        (
            within.select("space", "dataset", pl.lit(constraint["id"]).alias("constraint_id"), "arch_index")
            for constraint, within in _known_to_keep(networks, constraints)
        ),
    )


def choices_table(
    networks: pl.DataFrame, scores: pl.DataFrame, constraints: Constraints, higher_is_better: Mapping[str, bool]
) -> pl.DataFrame:
    """Table ``choices``: the networks that each proxy likes best within each set of limits.

    Of networks that compute the same function the one with the fewest parameters, then the fewest operations, stands
    for all, by its own score. Equal scores are in the order of parameters, then of `arch_index`.

    Parameters
    ----------
    networks, scores : polars.DataFrame
        The tables of these names.
    constraints : mapping of str to sequence of mapping
        As in `feasible_networks`.
    higher_is_better : mapping of str to bool
        Direction of each proxy that is wanted.
    """
    names = {name: f"score {name}" for name in higher_is_better}  # some columns of networks have a proxy's name
    scores = scores.select("space", "dataset", "arch_index", *(pl.col(name).alias(names[name]) for name in names))
    table = networks.join(scores, on=["space", "dataset", "arch_index"], how="left", maintain_order="left")
    costs = ["params_m", "mflops", "n_relu"]
    first = {"params_m": False, "n_none": True, "arch_index": False}  # columns, and whether the largest comes first
    first = {name: descending for name, descending in first.items() if name in table.columns}  # sizes have no n_none
    frames = []
    for constraint, within in _known_to_keep(table, constraints):
        within = within.sort(*first, descending=list(first.values()))
        for proxy, higher in higher_is_better.items():
            score = names[proxy]
            best = within.filter(pl.col(score).is_finite()).unique("class_index", keep="first", maintain_order=True)
            best = best.sort(score, "params_m", "arch_index", descending=[higher, False, False]).head(N_PLACES)
            frames.append(
                best.select(
                    "space",
                    "dataset",
                    pl.lit(constraint["id"]).alias("constraint_id"),
                    pl.lit(proxy).alias("proxy"),
                    pl.int_range(1, pl.len() + 1).alias("place"),
                    "arch_index",
                    "arch",
                    pl.col(score).alias("score"),
                    *costs,
                )
            )
    return store.stack("choices", frames)


def _known_to_keep(networks: pl.DataFrame, constraints: Constraints) -> Iterator[tuple[Constraint, pl.DataFrame]]:
    """Each constraint of each space and dataset, and its networks that are known to keep it."""
    for (space, _), part in networks.group_by("space", "dataset", maintain_order=True):
        for constraint in constraints.get(space, ()):
            limited = [key.removeprefix("max_") for key in constraint if key != "id"]
            known = part.drop_nulls([column for column in limited if column in part.columns])
            yield constraint, known.filter(feasible(known, constraint))
