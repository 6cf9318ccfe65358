"""How well proxies rank the best networks, and networks of equal cost, beside what noise of training allows."""

from collections.abc import Collection

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from proxybank import analysis
from proxybank.figures.style import (
    COLOURS,
    legend_beside,
    proxy_labels,
    proxy_rows,
    sample_labels,
    suptitle,
    toward_better,
)

# Subset, or costs that are given -> how it is called, and its colour.
_SETS = {
    "all": ("all networks", COLOURS[0]),
    "given": ("all, given params, FLOPs and ReLUs", COLOURS[2]),
    "best_10_pct": ("best 10% by accuracy", COLOURS[4]),
    "best_1_pct": ("best 1% by accuracy", COLOURS[1]),
}


def draw_best_networks(
    ax: Axes,
    correlations: pl.DataFrame,
    partial: pl.DataFrame,
    ceilings: pl.DataFrame,
    lower_is_better: Collection[str] = (),
) -> Axes:
    """Kendall's tau-b of each proxy (a row) on each set of networks (a colour), with its 95% bootstrap interval.

    A dashed line in the colour of a set is its ceiling: the tau-b that accuracies themselves would have with those of
    one more training. Proxies are sorted by tau-b on all networks, of those with an arrow down by its negative. Those
    without one, whose scores are all equal, are left out, and so are those that are scored on no network.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    correlations, partial, ceilings : polars.DataFrame
        Rows of the tables ``correlations``, ``partial_correlations`` and ``ceilings`` of one space and dataset.
    lower_is_better : collection of str
        Proxies of which lower is better.

    Returns
    -------
    Axes
        A labelled line of markers and a collection of intervals per set, and a line per ceiling.
    """
    given = partial.filter(given=", ".join(analysis.COSTS))
    columns = ["proxy", "subset", "kendall", "low", "high", "n"]
    rows = pl.concat([correlations.select(columns), given.with_columns(subset=pl.lit("given")).select(columns)])
    order = rows.filter(pl.col("n") > 0, pl.col("kendall").is_not_null(), subset="all").sort(
        toward_better("kendall", lower_is_better), descending=True, maintain_order=True
    )
    order = order.select("proxy", "n").with_row_index("place")
    reached = ceilings.filter(quantity=analysis.ACCURACY, estimate=analysis.NOISE_ADDED)
    reached = dict(reached.select("subset", "kendall").iter_rows())
    for k, (subset, (label, colour)) in enumerate(_SETS.items()):
        of_set = rows.filter(subset=subset).drop_nulls("kendall")
        found = order.drop("n").join(of_set, on="proxy", maintain_order="left")
        n = f" (n = {found['n'].max():,})" if found.height else ""
        places = found["place"].to_numpy() + 0.18 * (k - 1.5)
        ax.plot(found["kendall"], places, "o", color=colour, markersize=4, label=f"{label}{n}", zorder=3)
        # A percentile interval of few networks need not hold the value itself.
        ax.hlines(places, found["low"], found["high"], color=colour, linewidth=1.3, zorder=3)
        if reached.get(subset) is not None:
            ax.axvline(reached[subset], color=colour, linewidth=1.2, linestyle=(0, (4, 3)), zorder=2)
    labels = proxy_labels(order["proxy"], lower_is_better)
    proxy_rows(ax, sample_labels(labels, order["n"], correlations.filter(subset="all")["n"].max()))
    return ax


def best_networks_figure(
    correlations: pl.DataFrame,
    partial: pl.DataFrame,
    ceilings: pl.DataFrame,
    lower_is_better: Collection[str] = (),
) -> Figure:
    """All proxies on one space and dataset.

    Parameters
    ----------
    correlations, partial, ceilings, lower_is_better
        See `draw_best_networks`.
    """
    n_proxies = correlations.filter(pl.col("kendall").is_not_null(), subset="all").height
    figure = Figure(figsize=(8.5, 1.5 + 0.34 * n_proxies))
    ax = draw_best_networks(figure.add_subplot(), correlations, partial, ceilings, lower_is_better)
    legend_beside(ax)
    space, dataset = correlations.select("space", "dataset").row(0)
    ceiling = "; dashed: what noise of training lets any score reach" if "accuracy" in ceilings["quantity"] else ""
    suptitle(
        figure,
        f"{space}, {dataset}: proxies among the best networks, and among those of equal cost",
        f"95% bootstrap intervals over classes{ceiling}",
    )
    return figure
