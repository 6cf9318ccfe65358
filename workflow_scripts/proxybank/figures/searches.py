"""Accuracy against simulated search time: what the runs of each search find, and what that costs."""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from proxybank import analysis
from proxybank.figures.style import (
    COLOURS,
    MARKERS,
    accuracy_axis,
    budget_label,
    choice_labels,
    counted,
    is_crowd,
    legend_below,
    panels,
    reference_line,
    suptitle,
)

_SEARCH = ["algorithm", "objective"]


def draw_search_time(
    ax: Axes, runs: pl.DataFrame, *, optimum_pct: float | None = None, searches: Sequence[tuple[str, str]] | None = None
) -> Axes:
    """Mean accuracy of each search against its mean simulated time, one marker per budget, named where there are more.

    Thick bars are 95% intervals of the mean, as in view ``leaderboard``, thin ones hold the runs from the 5th to the
    95th percentile; a crowd of searches has no thin ones, and no names of budgets. Runs that found no network, or whose
    seconds are unknown, are left out.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    runs : polars.DataFrame
        Rows of the table ``search_runs`` of one space, dataset and constraint.
    optimum_pct : float, optional
        Best test accuracy within the constraint, drawn as a line.
    searches : sequence of (algorithm, objective), optional
        Order of the searches, which fixes their colours; by default that of `runs`.

    Returns
    -------
    Axes
        One container of error bars per search, labelled, through the means in order of budget; empty for a search that
        found no network.
    """
    runs = runs.drop_nulls(["accuracy_pct", "simulated_seconds"])
    searches = runs.select(_SEARCH).unique(maintain_order=True).rows() if searches is None else searches
    crowd = is_crowd(len(searches))
    summary = _by_budget(runs)
    if crowd:
        summary = summary.with_columns(low=pl.col("mean") - pl.col("error"), high=pl.col("mean") + pl.col("error"))
    n_named = 0
    for k, (search, label) in enumerate(zip(searches, choice_labels(searches), strict=True)):
        points = summary.filter(algorithm=search[0], objective=search[1])
        if not crowd:
            ax.vlines(points["seconds"], points["low"], points["high"], color=_colour(k), linewidth=1, alpha=0.55)
        ax.errorbar(
            points["seconds"].to_numpy(),
            points["mean"].to_numpy(),
            yerr=points["error"].to_numpy(),
            color=_colour(k),
            marker=MARKERS[(k + k // len(COLOURS)) % len(MARKERS)],  # no two searches of 49 look alike
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            elinewidth=3,
            linewidth=1.2,
            label=label,
            zorder=3,
        )
        if points.height > 1 and not crowd:
            # Searches that are drawn one upon the other have their numbers on two sides.
            _name_budgets(ax, points, _colour(k), (-4, 4) if n_named % 2 else (4, -9))
            n_named += 1
    if optimum_pct is not None:
        reference_line(ax, optimum_pct, f"optimum {optimum_pct:.2f}")
    if summary.height:
        shown = [*summary["low"], *summary["high"]] + ([] if optimum_pct is None else [optimum_pct])
        accuracy_axis(ax, min(shown), max(shown))
    _time_axis(ax, summary["seconds"])
    return ax


def _by_budget(runs: pl.DataFrame) -> pl.DataFrame:
    """A row per search and budget: mean seconds and accuracy, its error, and where 5 and 95% of the runs are."""
    key = [*_SEARCH, "budget"]
    errors = [
        (*search, analysis.half_interval(of_search) or 0.0)
        for search, of_search in runs.group_by(key, maintain_order=True)
    ]
    schema = {column: runs.schema[column] for column in key} | {"error": pl.Float64}
    summary = runs.group_by(key).agg(
        pl.col("simulated_seconds").mean().alias("seconds"),
        pl.col("budget_unit").first(),
        pl.col("accuracy_pct").mean().alias("mean"),
        pl.col("accuracy_pct").quantile(0.05, "linear").alias("low"),
        pl.col("accuracy_pct").quantile(0.95, "linear").alias("high"),
    )
    return summary.join(pl.DataFrame(errors, schema, orient="row"), on=key).sort("budget")


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]


def _name_budgets(ax: Axes, points: pl.DataFrame, colour: str, offset: tuple[int, int]) -> None:
    """Write each budget beside its marker, `offset` points away."""
    for row in points.iter_rows(named=True):
        ax.annotate(
            budget_label(row["budget"], row["budget_unit"]).removeprefix("N = "),
            (row["seconds"], row["mean"]),
            offset,
            textcoords="offset points",
            ha="left" if offset[0] > 0 else "right",
            fontsize=7,
            color=colour,
        )


def _time_axis(ax: Axes, seconds: pl.Series) -> None:
    """Label the axis of simulated seconds, logarithmic if there are some and none is 0."""
    ax.set_xlabel("simulated search time (s)")
    # Without any, `all` is true, and a logarithmic axis could not be saved.
    if seconds.is_empty() or not (seconds > 0).all():
        return
    ax.set_xscale("log")
    # Less than a decade would get crowded labels of every digit, and many decades one of each.
    wide = seconds.max() > 300 * seconds.min()
    ax.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
    ax.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(x=0.15)


def search_time_figure(search_runs: pl.DataFrame, regrets: pl.DataFrame) -> Figure:
    """All searches of one space and dataset, one panel per constraint.

    Parameters
    ----------
    search_runs, regrets : polars.DataFrame
        Rows of the tables of these names, of one space and dataset.
    """
    constraints = search_runs["constraint_id"].unique(maintain_order=True).to_list()
    searches = search_runs.select(_SEARCH).unique(maintain_order=True).rows()
    columns = 2 if len(constraints) == 4 else 3
    figure, axes = panels(len(constraints), columns, width=3.6, height=3.0)
    for k, (ax, constraint) in enumerate(zip(axes, constraints, strict=True)):
        optimum, n_feasible = regrets.filter(constraint_id=constraint).select("optimum_pct", "n_feasible").row(0)
        draw_search_time(
            ax,
            search_runs.filter(constraint_id=constraint),
            optimum_pct=optimum,
            searches=searches,
        )
        ax.set_title(f"{constraint}: {n_feasible:,} networks")
        if k % columns:
            ax.set_ylabel("")
    space, dataset = search_runs.select("space", "dataset").row(0)
    shown = search_runs.drop_nulls(["accuracy_pct", "simulated_seconds"])
    n_runs = shown.group_by("constraint_id", *_SEARCH, "budget").len()["len"]
    suptitle(
        figure,
        f"{space}, {dataset}: accuracy found against simulated search time",
        f"Mean of {counted(n_runs, 'runs') if shown.height else 'no run'}; thick: its 95% interval"
        + ("" if is_crowd(len(searches)) else "; thin: middle 90% of runs; numbers: budgets"),
    )
    lines = [bars[0] for bars in axes[0].containers]
    legend_below(figure, lines, _labels_with_budgets(search_runs, searches), columns=2)
    return figure


def _labels_with_budgets(search_runs: pl.DataFrame, searches: Sequence[tuple[str, str]]) -> list[str]:
    """Names of searches; with the budget, where there is a single one that no marker is named by."""
    labels = choice_labels(searches)
    for k, (algorithm, objective) in enumerate(searches):
        budgets = search_runs.filter(algorithm=algorithm, objective=objective).select("budget", "budget_unit").unique()
        if budgets.height == 1:
            labels[k] += f", {budget_label(*budgets.row(0))}"
    return labels
