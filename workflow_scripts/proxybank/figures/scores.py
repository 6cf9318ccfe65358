"""Score against accuracy: every network of a space, one panel per proxy."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.transforms import Transform
from numpy.typing import NDArray

from proxybank import store
from proxybank.figures.style import (
    DENSITY,
    GREY,
    accuracy_axis,
    nothing_to_draw,
    panels,
    place_scores,
    proxy_labels,
    suptitle,
)

_UNITS = {"params": " (millions)", "flops": " (millions of multiply-adds)"}
_BINS = (72, 60)
# Margins of the score axis, and a band in the left one for networks without a place on it; shares of all cells' width.
_MARGIN, _WITH_BAND, _BAND = 0.02, 0.11, 0.06


def draw_score(
    ax: Axes,
    score: NDArray[np.float64],
    accuracy: NDArray[np.float64],
    *,
    proxy: str,
    kendall: Sequence[float | None] = (None, None, None),
    whole: NDArray[np.float64] | None = None,
) -> Axes:
    """Density of networks by score and accuracy.

    The accuracy axis is spaced by the logarithm of the error; the score axis is logarithmic if the positive scores span
    more than three decades. Networks that have no place on the score axis (no score, or zero on a logarithmic axis) are
    in a grey band on the left, and counted.

    Parameters
    ----------
    ax : Axes
        Drawn on.
    score : float64, shape (n,)
        Proxy values; NaN where a network has no score.
    accuracy : float64, shape (n,)
        Test accuracy in percent.
    proxy : str
        Label of the proxy.
    kendall : sequence of three float, optional
        Tau-b of all networks and the bounds of its interval, for the title; None for what is not known.
    whole : float64, optional
        Test accuracy of all networks, if these are a sample: axis and colours are made for all, and the label says n.

    Returns
    -------
    Axes
        Each `QuadMesh` holds numbers of networks, 0 masked; one colour means the same number for any score of these
        networks.
    """
    whole = accuracy if whole is None else whole
    scale, placed, note = place_scores(score)
    ax.set_xscale(scale)
    accuracy_axis(ax, whole.min(), whole.max())
    x_edges = _edges(score[placed], ax.xaxis.get_transform(), _BINS[0])
    y_edges = _edges(whole, ax.yaxis.get_transform(), _BINS[1])
    norm = LogNorm(1, max(whole.size / 50, 10))
    look: dict[str, Any] = {"cmap": DENSITY, "norm": norm, "rasterized": True}
    counts = np.histogram2d(score[placed], accuracy[placed], [x_edges, y_edges])[0]
    ax.pcolormesh(x_edges, y_edges, np.ma.masked_equal(counts.T, 0), **look)
    if not placed.all():
        band = _beside(x_edges, ax.xaxis.get_transform(), -_WITH_BAND, _BAND - _WITH_BAND)
        aside = np.histogram(accuracy[~placed], y_edges)[0]
        ax.axvspan(*band, color="#F0F0F0", linewidth=0)
        ax.pcolormesh(band, y_edges, np.ma.masked_equal(aside[:, None], 0), **look)
        ax.annotate(
            f"left: {note}", (0.98, 0.02), xycoords="axes fraction", ha="right", va="bottom", fontsize=7.5, color=GREY
        )
    left = -_MARGIN if placed.all() else -_WITH_BAND
    ax.set_xlim(*_beside(x_edges, ax.xaxis.get_transform(), left, 1 + _MARGIN))
    if scale == "linear":
        ax.locator_params(axis="x", nbins=4)
        ax.ticklabel_format(axis="x", scilimits=(-3, 4))
    # On the left, for the power of ten of the axis is on the right.
    ax.set_xlabel(proxy + (f", n = {score.size:,}" if score.size < whole.size else ""), loc="left")
    ax.set_title(_title(*kendall))
    return ax


def scores_figure(
    scores: pl.DataFrame,
    accuracies: pl.DataFrame,
    correlations: pl.DataFrame,
    proxies: Sequence[str],
    networks: pl.DataFrame | None = None,
    samples: store.Samples = store.NO_SAMPLES,
    lower_is_better: Collection[str] = (),
) -> Figure:
    """All proxies of one space and dataset, one panel each, on the networks whose accuracy is known.

    Parameters
    ----------
    scores, accuracies, correlations : polars.DataFrame
        Rows of the tables of these names, of one space and dataset.
    proxies : sequence of str
        Columns of `scores` to draw, in order; those without any score are left out.
    networks : polars.DataFrame, optional
        Rows of the table of this name, needed where there are samples.
    samples : mapping of str to Sample
        Proxies that are scored on some classes only.
    lower_is_better : collection of str
        Proxies of which lower is better; they have an arrow down.
    """
    known = scores.join(store.final_accuracies(accuracies), on=["space", "dataset", "arch_index"])
    if networks is not None:
        known = known.join(networks.select("arch_index", "^sample_place$"), on="arch_index")
    of_proxies = store.scored(known, samples, proxies)
    space, dataset, epochs = known.select("space", "dataset", "epochs").row(0)
    title = f"{space}, {dataset}: score and accuracy of {known.height:,} networks trained for {epochs} epochs"
    if not of_proxies:
        return nothing_to_draw(title, "No proxy has a score of one of them")
    figure, axes = panels(len(of_proxies), columns=4)
    labels = proxy_labels(of_proxies, lower_is_better)
    for k, (ax, label, (proxy, shown)) in enumerate(zip(axes, labels, of_proxies.items(), strict=True)):
        rows = correlations.filter(proxy=proxy, subset="all").select("kendall", "low", "high").rows()
        score, accuracy = (known[column].cast(pl.Float64).to_numpy() for column in (proxy, "accuracy_pct"))
        kendall = rows[0] if rows else ()
        draw_score(
            ax, score[shown], accuracy[shown], proxy=label + _UNITS.get(proxy, ""), kendall=kendall, whole=accuracy
        )
        if k % 4:
            ax.set_ylabel("")
            ax.tick_params(labelleft=False)
    suptitle(
        figure,
        title,
        "Kendall's τ-b of all, 95% bootstrap interval over classes of networks; those without a score rank last",
    )
    bar = figure.colorbar(axes[0].collections[0], ax=axes, shrink=0.5, aspect=30, pad=0.01, extend="max")
    bar.set_label("networks per cell")
    return figure


def _title(kendall: float | None = None, low: float | None = None, high: float | None = None) -> str:
    if kendall is None:
        return "τ not defined: all scores equal"
    interval = "" if low is None or high is None else f" [{low:.3f}, {high:.3f}]"
    return f"τ = {kendall:.3f}{interval}".replace("-", "\N{MINUS SIGN}")


def _edges(values: NDArray[np.float64], transform: Transform, n: int) -> NDArray[np.float64]:
    """Edges of `n` cells of equal size on the paper that hold all values."""
    low, high = transform.transform(np.array([values.min(), values.max()])) if values.size else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = transform.inverted().transform(np.linspace(low, high, n + 1))
    if values.size:  # rounding must not leave out the extremes
        edges[0], edges[-1] = min(edges[0], values.min()), max(edges[-1], values.max())
    return edges


def _beside(edges: NDArray[np.float64], transform: Transform, start: float, end: float) -> NDArray[np.float64]:
    """Values at two places on an axis, 0 being the first edge and 1 the last."""
    low, high = transform.transform(edges[[0, -1]])
    return transform.inverted().transform(low + np.array([start, end]) * (high - low))
