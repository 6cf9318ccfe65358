"""Regret under constraints: what each way to choose a network loses against the best one within the limits."""

import textwrap

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from proxybank.figures.style import budget_label, choice_labels, counted, legend_beside, shades, suptitle

_CHOICE = ["algorithm", "objective"]
_TICKS = (0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40, 60, 80)
_LABEL_WIDTH = 38


def draw_regrets(ax: Axes, regrets: pl.DataFrame) -> Axes:
    """Regret of each choice (a row) under each constraint (a colour, in the order of the table), best choice on top.

    Bars are 95% intervals of the mean over runs (1.96 standard errors); what is exact has none. The axis is spaced by
    the square root, so that small regrets can be told from none. A proxy that is scored on a sample says so: it chooses
    from that, and its regret is against the best network in it.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    regrets : polars.DataFrame
        Rows of the table ``regrets`` of one space and dataset; the oracle, which has no regret, is left out.

    Returns
    -------
    Axes
        One container of error bars per constraint, labelled, with a marker per choice.
    """
    rows = regrets.filter(pl.col("algorithm") != "oracle").drop_nulls("regret_pct")
    order = rows.group_by(_CHOICE, maintain_order=True).agg(
        pl.col("regret_pct").mean(), pl.col("budget").max(), pl.col("budget_unit").first()
    )
    order = order.sort("regret_pct", maintain_order=True)
    constraints = rows["constraint_id"].unique(maintain_order=True).to_list()
    ax.set_xscale("function", functions=(lambda regret: np.sqrt(np.maximum(regret, 0)), np.square))
    for k, (constraint, colour) in enumerate(zip(constraints, shades(len(constraints)), strict=True)):
        found = (
            order.select(*_CHOICE)
            .with_row_index("place")
            .join(rows.filter(constraint_id=constraint), on=_CHOICE, maintain_order="left")
        )
        offset = 0.6 * ((k + 0.5) / len(constraints) - 0.5)
        error = 1.96 * (found["std_pct"] / found["runs"].sqrt()).fill_null(0).to_numpy()
        regret = found["regret_pct"].to_numpy()
        ax.errorbar(
            regret,
            found["place"].to_numpy() + offset,
            xerr=[np.minimum(error, regret), error],
            color=colour,
            linestyle="none",
            marker="o",
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            elinewidth=1.5,
            label=f"{constraint} (n = {found['n_feasible'].max():,})",
            zorder=3,
            clip_on=False,  # a marker on the optimum stays whole
        )
    sampled = set(rows.filter(pl.col("n_feasible") < pl.col("n_feasible").max().over("constraint_id"))["objective"])
    labels = [
        f"{label} (in a sample)" if algorithm == "argmax" and objective in sampled else label
        for label, (algorithm, objective) in zip(
            choice_labels(order.select(_CHOICE).rows()), order.select(_CHOICE).rows(), strict=True
        )
    ]
    budgets = order.select("budget", "budget_unit").rows()
    names = [
        textwrap.fill(label if budget is None else f"{label}, {budget_label(budget, unit)}", _LABEL_WIDTH)
        for label, (budget, unit) in zip(labels, budgets, strict=True)
    ]
    ax.set_yticks(range(order.height), names)
    ax.set_ylim(max(order.height, 1) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    for place in range(0, order.height, 2):
        ax.axhspan(place - 0.5, place + 0.5, color="#F5F5F5", linewidth=0, zorder=0)
    right = 1.08 * max([*rows["regret_pct"], 0.02])
    ax.set_xlim(0, right)
    ticks = [0.0]
    for tick in _TICKS:
        if tick <= right and np.sqrt(tick) - np.sqrt(ticks[-1]) > 0.06 * np.sqrt(right):
            ticks.append(tick)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_xlabel("regret: test accuracy lost to the optimum (percentage points)")
    return ax


def regrets_figure(regrets: pl.DataFrame) -> Figure:
    """All choices under all constraints of one space and dataset.

    Parameters
    ----------
    regrets : polars.DataFrame
        Rows of the table ``regrets`` of one space and dataset.
    """
    n_constraints = regrets["constraint_id"].n_unique()
    n_choices = regrets.select(_CHOICE).n_unique()
    figure = Figure(figsize=(8.4, 1.4 + n_choices * (0.16 + 0.07 * n_constraints)))
    ax = draw_regrets(figure.add_subplot(), regrets)
    legend_beside(ax, title="within")
    space, dataset = regrets.select("space", "dataset").row(0)
    runs = regrets["runs"].drop_nulls()
    searches = f"; searches: mean of {counted(runs, 'runs')} with its 95% interval" if runs.len() else ""
    suptitle(
        figure,
        f"{space}, {dataset}: regret within cost limits",
        f"argmax: best score of all, ties averaged; random: mean of all networks{searches}",
    )
    return figure
