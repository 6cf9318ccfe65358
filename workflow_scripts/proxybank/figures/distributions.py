"""Spread of scores in groups of networks: by number of ReLUs, and by the way children are made."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from proxybank import store
from proxybank.figures.style import (
    COLOURS,
    GREY,
    choice_labels,
    counted,
    nothing_to_draw,
    panels,
    place_scores,
    suptitle,
)

# More different numbers than these are put into so many groups of equal size.
_MOST_GROUPS = 12
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# The Turin paper's figure 4 shows the last 80 of 300 networks.
LAST = 80


def draw_spread(ax: Axes, places: Sequence[float], groups: Sequence[NDArray[np.float64]], colour: str) -> Axes:
    """Median (dot), middle half (thick) and middle 90% (thin) of each group.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    places : sequence of float
        Where each group stands on the horizontal axis.
    groups : sequence of float64 arrays
        Values of each group, none of them empty.
    colour : str

    Returns
    -------
    Axes
        Two collections of vertical lines, thin ones first, and one line of markers.
    """
    low, first, median, third, high = np.array([np.quantile(group, _QUANTILES) for group in groups]).T
    ax.vlines(places, low, high, color=colour, linewidth=1, alpha=0.6)
    ax.vlines(places, first, third, color=colour, linewidth=5, alpha=0.45)
    ax.plot(places, median, "o", color=colour, markersize=5, markeredgecolor="white", zorder=3)
    return ax


def draw_score_by_relus(ax: Axes, score: NDArray[np.float64], n_relu: NDArray[np.float64], *, proxy: str) -> Axes:
    """Spread of a score among networks with the same number of ReLUs, or with about the same, as in the Turin paper.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    score, n_relu : float64, shape (n,)
        Of each network; those without a place on the axis (`place_scores`) are left out, and counted.
    proxy : str
        Name of the proxy.
    """
    scale, shown, note = place_scores(score)
    ax.set_yscale(scale)
    values = score[shown]
    groups = _groups(n_relu[shown])
    if groups:
        places = [float(np.mean(n_relu[shown][rows])) for rows in groups]
        draw_spread(ax, places, [values[rows] for rows in groups], COLOURS[0])
    ax.set_title(note, fontsize=7.5, color=GREY)
    ax.set(ylabel=proxy)
    return ax


def _groups(numbers: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Positions of equal numbers; where there are many, of numbers next to one another."""
    found, inverse = np.unique(numbers, return_inverse=True)
    if found.size <= _MOST_GROUPS:
        return [np.flatnonzero(inverse == k) for k in range(found.size)]
    return [part for part in np.array_split(np.argsort(numbers, kind="stable"), _MOST_GROUPS) if part.size]


def relus_figure(
    networks: pl.DataFrame,
    scores: pl.DataFrame,
    proxies: Sequence[str],
    samples: store.Samples = store.NO_SAMPLES,
) -> Figure:
    """All proxies of one space and dataset, one panel each.

    Parameters
    ----------
    networks, scores : polars.DataFrame
        Rows of the tables of these names, of one space and dataset. Where all networks call the same number of ReLUs,
        as in the size space, the scalars that go into them stand in for it.
    proxies : sequence of str
        Columns of `scores` to draw, in order; those without any score are left out.
    samples : mapping of str to Sample
        Proxies that are scored on some classes only.
    """
    column = "n_relu" if networks["n_relu"].n_unique() > 1 else "relu_units"
    of_networks = networks.select("arch_index", "^sample_place$", pl.col(column).cast(pl.Float64).alias("counted"))
    known = of_networks.join(scores, on="arch_index")
    of_proxies = store.scored(known, samples, proxies)
    space, dataset = networks.select("space", "dataset").row(0)
    title = f"{space}, {dataset}: score of {known.height:,} networks by their ReLUs"
    if not of_proxies:
        return nothing_to_draw(title, "No proxy has a score of one of them")
    figure, axes = panels(len(of_proxies), columns=4)
    for ax, (proxy, rows) in zip(axes, of_proxies.items(), strict=True):
        shown = known.filter(rows)
        score, numbers = (shown[name].cast(pl.Float64).to_numpy() for name in (proxy, "counted"))
        draw_score_by_relus(ax, score, numbers, proxy=proxy)
        if score.size < known.height:
            notes = [f"n = {score.size:,}", ax.get_title(loc="left")]
            ax.set_title(", ".join(filter(None, notes)), fontsize=7.5, color=GREY)
        ax.set_xlabel("ReLUs" if column == "n_relu" else "scalars into ReLUs")
    suptitle(
        figure,
        title,
        "Dot: median; thick: middle half; thin: 5th to 95th percentile of networks with as many",
    )
    return figure


def draw_children(ax: Axes, histories: pl.DataFrame, labels: Mapping[str, str]) -> Axes:
    """Spread of the objective among the last 80 networks of each run, one group per search at its largest budget.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    histories : polars.DataFrame
        Whole histories of searches by one objective, of one space, dataset and constraint.
    labels : mapping of str to str
        Search -> its label, in order.
    """
    largest = histories.filter(pl.col("budget") == pl.col("budget").max().over("algorithm"))
    last = largest.filter(pl.col("n_evaluated") > pl.col("n_evaluated").max().over("algorithm", "run") - LAST)
    groups = {name: last.filter(algorithm=name)["value"].drop_nulls().to_numpy() for name in labels}
    shown = [name for name, values in groups.items() if values.size]
    if shown:
        draw_spread(ax, range(len(shown)), [groups[name] for name in shown], COLOURS[0])
    ax.set_xticks(range(len(shown)), [labels[name] for name in shown], rotation=30, ha="right", rotation_mode="anchor")
    ax.set_xlim(-0.6, max(len(shown), 1) - 0.4)
    ax.grid(False, axis="x")
    return ax


def children_figure(histories: pl.DataFrame, labels: Mapping[str, str], where: str) -> Figure:
    """Searches that differ in how children are made, of one space, dataset and constraint; one panel per objective.

    Parameters
    ----------
    histories : polars.DataFrame
        Whole histories of these searches; empty if none could run, and so is the panel then.
    labels : mapping of str to str
        Search -> its label, in order.
    where : str
        Space and dataset, for the title.
    """
    objectives = histories["objective"].unique(maintain_order=True).to_list()
    names = choice_labels([("", objective) for objective in objectives])
    figure, axes = panels(max(len(objectives), 1), 3, width=3.6, height=3.0)
    for ax, objective, name in zip(axes, objectives, names, strict=bool(objectives)):
        rows = histories.filter(objective=objective)
        draw_children(ax, rows, {key: label for key, label in labels.items() if key in rows["algorithm"]})
        ax.set_ylabel(textwrap.fill(name.removeprefix(": "), 30))
    if histories.is_empty():
        suptitle(figure, f"{where}: score by how children are made", "None of these searches could run; see the log")
        return figure
    runs = histories.group_by("algorithm", "objective").agg(pl.col("run").n_unique())["run"]
    suptitle(
        figure,
        f"{where}, {histories['constraint_id'][0]}: score by how children are made",
        f"Last {LAST} of up to {histories['n_evaluated'].max():,} networks of {counted(runs, 'runs')}; dot: median; "
        "thick, thin: middle 50% and 90%",
    )
    return figure
