"""The best network so far while searches run: accuracy against evaluations, and against simulated time."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxybank.figures.style import (
    COLOURS,
    accuracy_axis,
    choice_labels,
    counted,
    is_crowd,
    legend_below,
    panels,
    reference_line,
    suptitle,
)

_SEARCH = ["algorithm", "objective"]
# With seven colours, no two searches of 49 look alike.
_DASHES = ("-", "--", ":", "-.", (0, (1, 4)), (0, (6, 1)), (0, (4, 1, 1, 1, 1, 1)))
_LABELS = {"n_evaluated": "networks evaluated", "simulated_seconds": "simulated search time (s)"}


def draw_trajectories(
    ax: Axes,
    trajectories: pl.DataFrame,
    *,
    along: str,
    optimum_pct: float | None = None,
    searches: Sequence[tuple[str, str]] | None = None,
) -> Axes:
    """Mean accuracy of the best network so far of each search, in steps, with the middle half of the runs.

    A crowd of searches is drawn without the latter.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    trajectories : polars.DataFrame
        Rows of the view ``trajectories`` or ``trajectories_by_time`` of one space, dataset and constraint, of one
        budget for each search. While less than half of the runs have a network with a score, nothing is drawn.
    along : {"n_evaluated", "simulated_seconds"}
        Column of the horizontal axis.
    optimum_pct : float, optional
        Best test accuracy within the constraint, drawn as a line.
    searches : sequence of (algorithm, objective), optional
        Order of the searches, which fixes their colours; by default that of `trajectories`.

    Returns
    -------
    Axes
        One labelled line per search, and one band from its lower to its upper quartile.
    """
    trajectories = trajectories.filter(pl.col("n_found") * 2 >= pl.col("n_runs"))
    searches = trajectories.select(_SEARCH).unique(maintain_order=True).rows() if searches is None else searches
    crowd = is_crowd(len(searches))
    for k, (search, label) in enumerate(zip(searches, choice_labels(searches), strict=True)):
        rows = trajectories.filter(**dict(zip(_SEARCH, search, strict=True))).sort(along)
        colour = COLOURS[k % len(COLOURS)]
        style = _DASHES[k // len(COLOURS) % len(_DASHES)]
        if not crowd:
            ax.fill_between(
                rows[along], rows["q25_pct"], rows["q75_pct"], step="post", color=colour, alpha=0.13, linewidth=0
            )
        ax.step(
            rows[along],
            rows["mean_pct"],
            where="post",
            color=colour,
            linestyle=style,
            linewidth=1.5,
            label=label,
            zorder=3,
        )
    if optimum_pct is not None:
        reference_line(ax, optimum_pct, f"optimum {optimum_pct:.2f}")
    columns = ["mean_pct"] if crowd else ["mean_pct", "q25_pct", "q75_pct"]
    shown = pl.concat([trajectories[name] for name in columns]).drop_nulls().to_list()
    if shown:
        shown += [] if optimum_pct is None else [optimum_pct]
        accuracy_axis(ax, min(shown), max(shown))
        ax.set_xscale("log")
    ax.set_xlabel(_LABELS[along])
    return ax


def trajectories_figure(trajectories: pl.DataFrame, by_time: pl.DataFrame, regrets: pl.DataFrame) -> Figure:
    """All searches of one space and dataset: one row of panels per constraint, against evaluations and against time.

    Parameters
    ----------
    trajectories, by_time, regrets : polars.DataFrame
        Rows of the views ``trajectories`` and ``trajectories_by_time`` and of the table ``regrets``, of one space and
        dataset.
    """
    shown = regrets.drop_nulls("budget")
    key = ["constraint_id", *_SEARCH, "budget"]
    largest = [rows.join(shown.select(key), on=key, how="semi") for rows in (trajectories, by_time)]
    constraints = shown["constraint_id"].unique(maintain_order=True).to_list()
    searches = shown.select(_SEARCH).unique(maintain_order=True).rows()
    figure, axes = panels(2 * len(constraints), 2, width=4.2, height=2.5)
    for pair, constraint in zip(np.reshape(axes, (-1, 2)), constraints, strict=True):
        optimum = shown.filter(constraint_id=constraint)["optimum_pct"][0]
        for ax, rows, along in zip(pair, largest, _LABELS, strict=True):
            found = rows.filter(constraint_id=constraint)
            draw_trajectories(ax, found, along=along, optimum_pct=optimum, searches=searches)
        pair[0].set_title(constraint)
        pair[1].set_ylabel("")
    space, dataset = regrets.select("space", "dataset").row(0)
    suptitle(
        figure,
        f"{space}, {dataset}: the best network so far",
        f"Each search at its largest budget; lines: mean of {counted(shown['runs'], 'runs')}"
        + ("" if is_crowd(len(searches)) else "; bands: the middle half"),
    )
    legend_below(figure, axes[0].lines[: len(searches)], choice_labels(searches), columns=2)
    return figure
