"""Regret under constraints: what each way to choose a network loses against the best one within the limits."""

import textwrap
from collections.abc import Collection

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxybank import analysis
from proxybank.figures.style import (
    DENSITY,
    GREY,
    budget_label,
    choice_labels,
    counted,
    nothing_to_draw,
    proxy_labels,
    suptitle,
)

_CHOICE = ["algorithm", "objective"]
_LABEL_WIDTH = 64
# Share of the largest colour above which numbers are written in white.
_DARK = 0.45


def draw_regrets(ax: Axes, regrets: pl.DataFrame, lower_is_better: Collection[str] = ()) -> Axes:
    """Regret of each choice (a row, the best on top) under each constraint (a column, in the order of the table).

    After the number comes its 95% interval over runs, as in view ``leaderboard``: "?" where it is not known, of one run
    or of runs that all saw one seed. What is exact has none. The least regret of a column is bold. Colours are spaced
    by the square root, so that small regrets can be told from none. A proxy that is scored on a sample says so: it
    chooses from that, and its regret is against the best network in it. Such ones stand by themselves below the others,
    with which they do not compare.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    regrets : polars.DataFrame
        Rows of the table ``regrets`` of one space and dataset; the oracle, which has no regret, is left out.
    lower_is_better : collection of str
        Proxies of which lower is better; they have an arrow down where the best score of all is taken. What a search
        maximises has its sign in the expression.

    Returns
    -------
    Axes
        One mesh of square roots, and a text in each of its cells that has a regret.
    """
    rows = regrets.filter(pl.col("algorithm") != analysis.ORACLE).drop_nulls("regret_pct")
    rows = rows.with_columns(in_sample=pl.col("n_feasible") < pl.col("n_feasible").max().over("constraint_id"))
    order = rows.group_by(_CHOICE, maintain_order=True).agg(
        pl.col("regret_pct").mean(), pl.col("budget").max(), pl.col("budget_unit").first(), pl.col("in_sample").any()
    )
    order = order.sort("in_sample", "regret_pct", maintain_order=True).with_row_index("place")
    constraints = rows.group_by("constraint_id", maintain_order=True).agg(pl.col("n_feasible").max())
    constraints = constraints.with_row_index("column")
    cells = rows.join(order.select("place", *_CHOICE), on=_CHOICE).join(constraints, on="constraint_id")
    shown = pl.col("regret_pct").round(2)  # what reads the same is as good
    least = shown.filter(~pl.col("in_sample")).min().over("constraint_id")
    cells = cells.with_columns(is_best=~pl.col("in_sample") & (shown == least))
    regret = np.full((order.height, constraints.height), np.nan)
    regret[cells["place"], cells["column"]] = cells["regret_pct"]
    largest = np.sqrt(max([*rows["regret_pct"], 0.01]))
    if cells.height:
        ax.pcolormesh(np.sqrt(regret), cmap=DENSITY, vmin=0, vmax=largest, edgecolors="white", linewidth=0.8)
    for place, column, value, runs, error, best in cells.select(
        "place", "column", "regret_pct", "runs", "half_pct", "is_best"
    ).iter_rows():
        half = "?" if error is None else f"{error:.2f}"
        ax.text(
            column + 0.5,
            place + 0.5,
            f"{value:z.2f}" if runs is None else f"{value:z.2f} ± {half}",
            ha="center",
            va="center",
            fontsize=6.5,
            fontweight="bold" if best else "normal",
            color="white" if np.sqrt(value) > _DARK * largest else "black",
        )
    choices = [
        (algorithm, proxy_labels([objective], lower_is_better)[0] if algorithm == analysis.ARGMAX else objective)
        for algorithm, objective in order.select(_CHOICE).iter_rows()
    ]
    names = choice_labels(choices)
    labels = [
        f"{label} (in a sample)" if in_sample else label
        for label, in_sample in zip(names, order["in_sample"], strict=True)
    ]
    budgets = order.select("budget", "budget_unit").rows()
    names = [
        textwrap.fill(label if budget is None else f"{label}, {budget_label(budget, unit)}", _LABEL_WIDTH)
        for label, (budget, unit) in zip(labels, budgets, strict=True)
    ]
    ax.set_yticks(np.arange(order.height) + 0.5, names)
    ax.set_ylim(max(order.height, 1), 0)
    columns = [f"{name}\nn = {n:,}" for name, n in constraints.select("constraint_id", "n_feasible").iter_rows()]
    ax.set_xticks(np.arange(constraints.height) + 0.5, columns, rotation=45, ha="left", rotation_mode="anchor")
    ax.set_xlim(0, max(constraints.height, 1))
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    ax.spines[:].set_visible(False)
    # Ends with the axes, which may be narrower: to the left is the room of the labels of rows.
    ax.set_xlabel(
        "regret: test accuracy lost to the optimum within the limits (percentage points)", color=GREY, loc="right"
    )
    return ax


def regrets_figure(regrets: pl.DataFrame, where: str, lower_is_better: Collection[str] = ()) -> Figure:
    """All choices under all constraints of one space and dataset.

    Parameters
    ----------
    regrets : polars.DataFrame
        Rows of the table ``regrets`` of one space and dataset; none if every constraint was left out.
    where : str
        Space and dataset, for the title.
    lower_is_better : collection of str
        See `draw_regrets`.
    """
    title = f"{where}: regret within cost limits"
    if regrets.is_empty():
        return nothing_to_draw(title, "No constraint could be applied; see the log of regrets")
    n_constraints = regrets["constraint_id"].n_unique()
    n_choices = regrets.select(_CHOICE).n_unique()
    figure = Figure(figsize=(4.5 + 0.75 * max(n_constraints, 5), 2 + 0.25 * n_choices))
    draw_regrets(figure.add_subplot(), regrets, lower_is_better)
    runs = regrets["runs"].drop_nulls()
    searches = f"; searches: mean of {counted(runs, 'runs')} with its 95% interval" if runs.len() else ""
    unknown = regrets.drop_nulls(["runs", "regret_pct"])["half_pct"].has_nulls()
    searches += " (?: of one run or seed)" if unknown else ""
    suptitle(
        figure,
        title,
        f"argmax: best score of all, ties averaged; random: mean of all networks{searches}",
    )
    return figure
