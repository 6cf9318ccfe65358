"""Rank correlation of every proxy, with its interval."""

from collections.abc import Collection, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxybank.figures.style import (
    COLOURS,
    GREY,
    legend_beside,
    panels,
    proxy_labels,
    proxy_rows,
    suptitle,
    toward_better,
)


def draw_correlations(
    ax: Axes,
    correlations: pl.DataFrame,
    proxies: Sequence[str],
    datasets: Sequence[str],
    lower_is_better: Collection[str] = (),
) -> Axes:
    """Kendall's tau-b of each proxy (a row) on each dataset (a colour) of one space, with its 95% bootstrap interval.

    A marker is hollow if it is of a sample of the networks. A proxy without a tau-b (all scores equal, or none) has no
    marker. Where there is one dataset only, its numbers are written beside.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    correlations : polars.DataFrame
        Rows of the table ``correlations`` of one space and one subset.
    proxies : sequence of str
        From top to bottom.
    datasets : sequence of str
        In the order of the colours; the space need not have all.
    lower_is_better : collection of str
        Proxies of which lower is better; they have an arrow down.

    Returns
    -------
    Axes
        A labelled line of markers and a collection of intervals per dataset.
    """
    places = pl.DataFrame({"proxy": proxies}).with_row_index("place")
    for k, dataset in enumerate(datasets):
        rows = correlations.filter(dataset=dataset)
        found = places.join(rows.drop_nulls("kendall"), on="proxy", maintain_order="left")
        tau, colour = found["kendall"].to_numpy(), COLOURS[k % len(COLOURS)]
        y = found["place"].to_numpy() + (k - (len(datasets) - 1) / 2) * 0.75 / len(datasets)
        # A percentile interval of few networks need not hold the value itself.
        ax.hlines(y, found["low"], found["high"], color=colour, linewidth=1.1, zorder=3)
        ax.plot(tau, y, "o", color=colour, markersize=3.6, label=dataset, zorder=4)
        hollow = (found["n"] < (rows["n"].max() or 0)).fill_null(False).to_numpy()
        ax.plot(tau[hollow], y[hollow], "o", color="white", markersize=1.8, zorder=5)
        if len(datasets) == 1:
            for value, place, low, high in zip(tau, y, found["low"], found["high"], strict=True):
                ends = [end for end in (value, low, high) if end is not None]
                ax.annotate(
                    f"{round(value, 2) + 0:.2f}".replace("-", "\N{MINUS SIGN}"),
                    (min(ends) if value < 0 else max(ends), place),
                    xytext=(-5 if value < 0 else 5, 0),
                    textcoords="offset points",
                    ha="right" if value < 0 else "left",
                    va="center",
                    fontsize=7.5,
                    color=GREY,
                )
    proxy_rows(ax, proxy_labels(proxies, lower_is_better))
    ax.margins(x=0.18 if len(datasets) == 1 else 0.05)  # room for numbers
    return ax


def correlations_figure(correlations: pl.DataFrame, lower_is_better: Collection[str] = ()) -> Figure:
    """All proxies and datasets of a run, a panel per space, on all networks whose accuracy is known.

    Proxies with a tau-b on the same spaces and datasets stand between two lines, those with most on top, sorted by the
    mean of their tau-b, of its negative where lower is better: means over other networks would not compare. Those that
    are scored on no network are left out.

    Parameters
    ----------
    correlations : polars.DataFrame
        The table ``correlations``.
    lower_is_better : collection of str
        Proxies of which lower is better.
    """
    rows = correlations.filter(pl.col("n").max().over("proxy") > 0, subset="all")
    tau = toward_better("kendall", lower_is_better)
    pairs = pl.concat_str("space", "dataset", separator=" ").filter(tau.is_not_null()).sort().str.join()
    order = rows.group_by("proxy", maintain_order=True).agg(n=tau.count(), pairs=pairs, mean=tau.mean())
    order = order.sort("n", "pairs", "mean", descending=True, maintain_order=True)
    proxies = order["proxy"].to_list()
    spaces = rows.sort("space", descending=True, maintain_order=True).partition_by("space", maintain_order=True)
    datasets = rows["dataset"].unique(maintain_order=True).to_list()
    height = 1.3 + (0.14 + 0.035 * len(datasets)) * len(proxies)
    figure, axes = panels(max(1, len(spaces)), 2, width=3.8, height=height)
    for ax, of_space in zip(axes, spaces, strict=False):
        draw_correlations(ax, of_space, proxies, datasets, lower_is_better)
        ax.set_title(f"{of_space['space'][0]}, n = {of_space['n'].max():,}")
    for ax in axes[1:]:
        ax.sharex(axes[0])
        ax.set_yticklabels([])
    # Not before the panels share their limits, which the first line drawn across one settles.
    for place in (order["pairs"] != order["pairs"].shift()).arg_true():  # where others stand together
        for ax in axes:
            ax.axhline(place - 0.5, color=GREY, linewidth=0.6, zorder=1)
    if len(datasets) > 1:
        legend_beside(axes[-1])
    in_sample = rows["n"] < rows.select(pl.col("n").max().over("space", "dataset"))["n"]
    suptitle(
        figure,
        "How well each proxy ranks trained networks",
        "95% bootstrap intervals over classes; without a score last, all tied"
        + ("; hollow: of a sample" if in_sample.any() else "")
        + ("; \N{DOWNWARDS ARROW}: lower is better" if set(lower_is_better) & set(proxies) else ""),
    )
    return figure
