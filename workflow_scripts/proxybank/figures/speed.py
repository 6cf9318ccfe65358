"""Seconds per network of every proxy, by batch size."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxybank.figures.style import GREY, LIGHT, shades, suptitle


def rows_of(speed: pl.DataFrame) -> pl.DataFrame:
    """Proxies in the order in which they are drawn: passes from cheap to dear, and within them proxies likewise.

    Parameters
    ----------
    speed : polars.DataFrame
        Rows of the table ``speed`` of one dataset.

    Returns
    -------
    polars.DataFrame
        passes, proxy, place (0 at the top).
    """
    mean = pl.col("seconds").log().mean()
    of_passes = speed.group_by("passes").agg(mean.alias("of_passes"))
    of_proxies = speed.group_by("passes", "proxy").agg(mean.alias("of_proxy"))
    order = of_proxies.join(of_passes, on="passes").sort("of_passes", "passes", "of_proxy", "proxy")
    return order.select("passes", "proxy").with_row_index("place")


def draw_speed(ax: Axes, speed: pl.DataFrame, rows: pl.DataFrame) -> Axes:
    """Seconds per network, one line of dots for each proxy, one dot for each batch size.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    speed : polars.DataFrame
        Rows of the table ``speed`` of one space and dataset.
    rows : polars.DataFrame
        As `rows_of` returns them.

    Returns
    -------
    Axes
        One labelled line per batch size.
    """
    sizes = sorted(speed["batch_size"].unique())
    placed = rows.join(speed, on=["passes", "proxy"])
    spans = placed.group_by("place").agg(low=pl.col("seconds").min(), high=pl.col("seconds").max())
    ax.hlines(spans["place"], spans["low"], spans["high"], color=LIGHT, linewidth=1.2, zorder=1)
    for size, colour in zip(sizes, shades(len(sizes)), strict=True):
        dots = placed.filter(batch_size=size).sort("place")
        ax.plot(dots["seconds"], dots["place"], "o", markersize=4.5, color=colour, label=f"{size}")
    for place in rows.filter(pl.col("passes") != pl.col("passes").shift())["place"]:
        ax.axhline(place - 0.5, color=LIGHT, linewidth=0.8)
    ax.set_xscale("log")
    ax.set_ylim(rows.height - 0.5, -0.5)
    ax.set_yticks(rows["place"], rows["proxy"])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(False, axis="y")
    ax.set_xlabel("seconds per network on one core")
    return ax


def speed_figure(speed: pl.DataFrame) -> Figure:
    """All spaces side by side.

    Parameters
    ----------
    speed : polars.DataFrame
        Rows of the table ``speed`` of one dataset, with the machine that they were measured on.
    """
    rows = rows_of(speed)
    spaces = sorted(speed["space"].unique(), reverse=True)
    figure = Figure(figsize=(2.6 + 3.1 * len(spaces), 1.3 + 0.17 * max(rows.height, 4)))
    first = None
    for k, space in enumerate(spaces):
        ax = figure.add_subplot(1, len(spaces), k + 1, sharex=first, sharey=first)
        first = first or ax
        draw_speed(ax, speed.filter(space=space), rows)
        ax.set_title(space)
        ax.tick_params(axis="y", labelleft=k == 0)
    for passes, place in rows.group_by("passes", maintain_order=True).agg(pl.col("place").mean()).rows():
        ax.annotate(
            passes.replace("_", " "),
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
            color=GREY,
            annotation_clip=False,
        )
    about = speed.row(0, named=True)
    machine = f"{about['processor']}, torch {about['torch']}, proxybank {about['proxybank']}"
    handles, labels = ax.get_legend_handles_labels()
    title = f"images in the batch; on {machine}"
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), title=title)
    suptitle(
        figure,
        "What a proxy costs",
        "median over networks, time of the processor; no dot: a smaller batch took too long; right: the pass that "
        "feeds the proxies",
    )
    return figure
