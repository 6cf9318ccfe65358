"""Rank correlation of every proxy, with its interval."""

from collections.abc import Collection

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxybank.figures.style import COLOURS, GREY, legend_beside, proxy_labels, suptitle, toward_better

_GAP = 0.8  # between the bars of two proxies, in bars


def draw_correlations(ax: Axes, correlations: pl.DataFrame, lower_is_better: Collection[str] = ()) -> Axes:
    """Kendall's tau-b of each proxy, one bar per space and dataset, with its 95% bootstrap interval.

    Proxies are sorted by their mean tau-b, of those with an arrow down by its negative, and a bar is 1 high with its
    margin. A proxy without one (all scores equal) has no bar; one that is scored on a sample says its n; one that is
    scored on no network is left out.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    correlations : polars.DataFrame
        Rows of the table ``correlations`` of one subset.
    lower_is_better : collection of str
        Proxies of which lower is better.

    Returns
    -------
    Axes
        One labelled container of bars per space and dataset.
    """
    order = (
        correlations.filter(pl.col("n").max().over("proxy") > 0)
        .group_by("proxy", maintain_order=True)
        .agg(toward_better("kendall", lower_is_better).mean().fill_null(0).alias("kendall"))
    )
    bars = correlations.drop_nulls("kendall").with_columns(number=pl.int_range(pl.len()).over("proxy"))
    lengths = _n_bars(correlations)
    order = order.sort("kendall", descending=True, maintain_order=True).join(lengths, on="proxy", maintain_order="left")
    order = order.with_columns(first=pl.col("n_bars").cum_sum() - pl.col("n_bars") + _GAP * pl.int_range(pl.len()))
    most = correlations.group_by("space", "dataset", maintain_order=True).agg(pl.col("n").max())
    in_sample = pl.col("n") < pl.col("n").max().over("space", "dataset")
    for k, (space, dataset, n_all) in enumerate(most.rows()):
        rows = order.drop("kendall").join(bars.filter(space=space, dataset=dataset), on="proxy", maintain_order="left")
        tau, middle = rows["kendall"].to_numpy(), (rows["first"] + rows["number"]).to_numpy()
        label = f"{space}, {dataset}, n = {n_all:,}" if rows.height else f"{space}, {dataset}"
        ax.barh(middle, tau, 0.88, color=COLOURS[k % len(COLOURS)], label=label)
        low, high = (rows[bound].fill_null(rows["kendall"]).to_numpy() for bound in ("low", "high"))
        ax.errorbar(
            tau,
            middle,
            xerr=np.maximum([tau - low, high - tau], 0),  # of few networks, neither bound need be on its side
            linestyle="none",
            color="black",
            elinewidth=1,
            capsize=2,
            capthick=1,
        )
        for value, bound, place, n in zip(tau, np.where(tau < 0, low, high), middle, rows["n"], strict=True):
            of_sample = f" (n = {n:,})" if n < n_all else ""
            ax.annotate(
                f"{round(value, 2) + 0:.2f}".replace("-", "\N{MINUS SIGN}") + of_sample,
                (bound, place),
                xytext=(-4 if value < 0 else 4, 0),
                textcoords="offset points",
                ha="right" if value < 0 else "left",
                va="center",
                fontsize=7.5,
                color=GREY,
            )
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yticks(order["first"] + (order["n_bars"] - 1) / 2, proxy_labels(order["proxy"], lower_is_better))
    ax.set_ylim(order["n_bars"].sum() + _GAP * (order.height - 1) - 0.2, -0.8)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(False, axis="y")
    ax.margins(x=0.1 if correlations.filter(in_sample).is_empty() else 0.36)  # room for n
    ax.set_xlabel("Kendall's τ-b with final test accuracy")
    return ax


def _n_bars(correlations: pl.DataFrame) -> pl.DataFrame:
    """Bars of each proxy that is scored on some network; room for one where it has none."""
    scored = correlations.filter(pl.col("n").max().over("proxy") > 0)
    return scored.group_by("proxy", maintain_order=True).agg(n_bars=pl.col("kendall").count().clip(1).cast(pl.Int64))


def correlations_figure(correlations: pl.DataFrame, lower_is_better: Collection[str] = ()) -> Figure:
    """All proxies, spaces and datasets of a run, on all networks whose accuracy is known.

    Parameters
    ----------
    correlations : polars.DataFrame
        The table ``correlations``.
    lower_is_better : collection of str
        Proxies of which lower is better.
    """
    rows = correlations.filter(subset="all")
    lengths = _n_bars(rows)
    figure = Figure(figsize=(7.2, 1.5 + 0.17 * (lengths["n_bars"].sum() + _GAP * lengths.height)))
    ax = draw_correlations(figure.add_subplot(), rows, lower_is_better)
    legend_beside(ax)
    suptitle(
        figure,
        "How well each proxy ranks trained networks",
        "95% bootstrap intervals over classes of networks; networks without a score rank last, all tied",
    )
    return figure
