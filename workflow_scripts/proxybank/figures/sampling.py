"""Accuracy of the best-scored of some random networks, by how many there are and by how often they are initialised."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from proxybank.figures.style import (
    COLOURS,
    MARKERS,
    counted,
    legend_below,
    nothing_to_draw,
    panels,
    sample_labels,
    suptitle,
)

# More lines than these cannot be told apart.
_MOST = 12
_LABELS = {"n_networks": "random networks scored", "n_seeds": "initialisations averaged"}


def draw_sampling(ax: Axes, sampling: pl.DataFrame, *, along: str, n_all: int) -> Axes:
    """Mean accuracy of the best-scored network, one line per proxy.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    sampling : polars.DataFrame
        Rows of `analysis.sampling_table` that differ in the proxy and in `along` only.
    along : {"n_networks", "n_seeds"}
        Column of the horizontal axis.
    n_all : int
        Networks whose accuracy is known; a proxy with fewer is of a sample.

    Returns
    -------
    Axes
        One line per proxy, empty for one without any score; a label with n is of a sample.
    """
    labels = dict(zip(sampling["proxy"], sample_labels(sampling["proxy"], sampling["n"], n_all), strict=True))
    for k, proxy in enumerate(labels):
        rows = sampling.filter(proxy=proxy).drop_nulls("mean_pct").sort(along)
        ax.plot(
            rows[along],
            rows["mean_pct"],
            color=COLOURS[k % len(COLOURS)],
            marker=MARKERS[k // len(COLOURS) % len(MARKERS)],
            markersize=3.5,
            linewidth=1.3,
            label=labels[proxy],
        )
    if along == "n_networks":
        ax.set_xscale("log")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set_xlim(0.5, sampling["n_seeds"].max() + 0.5)
    ax.set(xlabel=_LABELS[along], ylabel="test accuracy (%)")
    return ax


def sampling_figure(sampling: pl.DataFrame, n_networks: int, n_all: int, where: str) -> Figure:
    """Both pictures of one space and dataset.

    Parameters
    ----------
    sampling : polars.DataFrame
        `analysis.sampling_table` of one space and dataset. Of many proxies, twelve are drawn: those that find the
        best networks among most.
    n_networks : int
        Number of networks in the picture by initialisations.
    n_all : int
        See `draw_sampling`.
    where : str
        Space and dataset, for the title.
    """
    most = sampling.group_by("proxy", maintain_order=True).agg(pl.col("n_seeds").max())  # fewer in a sample, maybe
    by_networks = sampling.join(most, on=most.columns, maintain_order="left")
    found = by_networks.drop_nulls("mean_pct").filter(pl.col("n_networks") == pl.col("n_networks").max())
    title = f"{where}: accuracy of the best-scored of some random networks"
    if found.is_empty():
        return nothing_to_draw(title, "No proxy has a score of one of them")
    shown = found.top_k(_MOST, by="mean_pct")["proxy"].implode()
    figure, (left, right) = panels(2, 2, width=4.2, height=3.2)
    by_seeds = sampling.filter(pl.col("n_networks") == n_networks)
    for ax, rows, along in ((left, by_networks, "n_networks"), (right, by_seeds, "n_seeds")):
        draw_sampling(ax, rows.filter(pl.col("proxy").is_in(shown)), along=along, n_all=n_all)
    n_seeds = counted(most["n_seeds"], "initialisations")
    left.set_title(f"by networks, {n_seeds.removesuffix('s') if n_seeds == '1 initialisations' else n_seeds}")
    right.set_title(f"by initialisations, {n_networks} networks")
    right.set_ylabel("")
    suptitle(
        figure,
        title + (f", {_MOST} best of {found.height} proxies" if found.height > _MOST else ""),
        "Expected value over all draws with replacement, in closed form; networks without a score are never chosen",
    )
    legend_below(figure, left.lines, [line.get_label() for line in left.lines], columns=5)
    return figure
