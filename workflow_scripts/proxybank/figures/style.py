"""House style: colours that colour-blind readers can tell apart, quiet axes, files that change only with the data."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from proxybank import store

# Okabe and Ito, "Color universal design", 2008, without the yellow, which is too light for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#6E6E6E"
LIGHT = "#D9D9D9"
MARKERS = "osD^vPX"
DENSITY = LinearSegmentedColormap.from_list("density", ["#C6DBEF", "#4292C6", "#08519C", "#041F4A"])

_RC: dict[Any, object] = {
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.formatter.use_mathtext": True,
    "grid.color": "#EBEBEB",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.minor.visible": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.hashsalt": "proxybank",
}
_NORMALISED = re.compile(r"\s*/\s*max\(\s*(\w+|\w+\(\s*\w+\s*\))\s*\)")
_LOG_RANGE = 1e3
# Left of titles and right of the longest, as a share of the width of the figure.
_MARGIN = 0.008
_FOOTER = 0.18  # inches
_FEW_SEEDS = 5  # all of which are named
_METADATA = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}


def place_scores(score: NDArray[np.float64]) -> tuple[str, NDArray[np.bool_], str]:
    """Scale of the axis of a score, which scores have a place on it, and a note that counts the others.

    The scale is ``"log"`` if all scores are at least 0 and the positive ones span more than three decades; zeros have
    no place then. Else it is ``"linear"``. What is not finite has no place.
    """
    finite = np.isfinite(score)
    positive = score[finite & (score > 0)]
    log = positive.size > 0 and not (score[finite] < 0).any() and positive.max() > _LOG_RANGE * positive.min()
    placed = finite & (score > 0) if log else finite
    zero, absent = (finite & ~placed).sum(), (~finite).sum()
    notes = [f"{zero:,} at 0"] * bool(zero) + [f"{absent:,} without a score"] * bool(absent)
    return "log" if log else "linear", placed, ", ".join(notes)


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save in the house style inside this block, whatever matplotlibrc the user has."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def is_crowd(n_searches: int) -> bool:
    """Whether so many searches share a panel that the spread of each one's runs would hide the others."""
    return n_searches > 12


def panels(n: int, columns: int, width: float = 2.9, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    """Make a figure with `n` axes in rows of `columns`; sizes of one of them in inches."""
    columns = min(n, columns)
    rows = -(-n // columns)
    figure = Figure(figsize=(columns * width, rows * height))
    axes = [figure.add_subplot(rows, columns, k + 1) for k in range(n)]
    return figure, axes


def suptitle(figure: Figure, title: str, subtitle: str) -> None:
    """Say above all axes what the figure shows, and in grey how to read it; widen the figure if that needs more."""
    # The second, empty line keeps the room that the subtitle takes: a text of its own, since it has another style.
    head = figure.suptitle(f"{title}\n", x=_MARGIN, ha="left", fontsize=11, fontweight="bold")
    below = figure.transFigure + ScaledTranslation(0, -0.25, figure.dpi_scale_trans)
    note = figure.text(_MARGIN, 1, subtitle, transform=below, va="top", fontsize=9, color=GREY)
    note.set_in_layout(False)
    _widen(figure, head, note)


def _widen(figure: Figure, *artists: Text | Legend) -> None:
    """Make the figure as wide as these need, to which the layout gives height alone."""
    figure.set_figwidth(max(figure.get_figwidth(), *map(_width_for, artists)))


def _width_for(artist: Text | Legend) -> float:
    """Width of a figure that holds this between its margins, in inches."""
    return artist.get_window_extent().width / artist.get_figure(root=True).dpi / (1 - 2 * _MARGIN)


def footer(figure: Figure, provenance: pl.DataFrame) -> None:
    """Say below everything that has been drawn, small and in grey, what it comes from; the figure grows by a line.

    Parameters
    ----------
    figure : Figure
    provenance : polars.DataFrame
        The run's table ``provenance``, which has its seeds, the size of its batches, and the code and processors that
        computed its scores.
    """
    note = figure.text(_MARGIN, 0, _origin(dict(provenance.rows())), va="bottom", fontsize=7, color=GREY)
    note.set_in_layout(False)
    _widen(figure, note)
    height = figure.get_figheight() + _FOOTER
    figure.set_figheight(height)
    bottom = _FOOTER / height
    for legend in figure.legends:  # all of `legend_below`; the layout keeps no room for those with a place of their own
        legend.set_bbox_to_anchor((0, bottom, 1, 1 - bottom), figure.transSubfigure)
    bottom = max([bottom, *(legend.get_window_extent().y1 / figure.bbox.height for legend in figure.legends)])
    figure.get_layout_engine().set(rect=(0, bottom, 1, 1 - bottom))


def _origin(facts: Mapping[str, str]) -> str:
    makers = [maker for key, maker in facts.items() if key.startswith("scores.made_by.")]
    if not makers:  # closed forms alone leave none
        makers = [
            f"proxybank {facts['proxybank.version']}, torch {facts['libraries.torch']}, {facts['machine.processor']}"
        ]
    # Each is "proxybank 0.1.0 (1d5f013), torch 2.13.0, AMD EPYC", or `store.NO_MAKER`.
    found = [re.sub(r" \(.*?\)", "", maker, count=1).split(", ", 2) for maker in makers if maker != store.NO_MAKER]
    by = []
    if found:
        code, torch, processors = (" and ".join(sorted(set(names))) for names in zip(*found, strict=True))
        by.append(f"{code}, {torch} on {processors}")
    if store.NO_MAKER in makers:
        by.append("code that left no name")
    seeds = [str(seed) for seed in json.loads(facts["config.seeds"])]
    if len(seeds) > _FEW_SEEDS:
        seeds[2:-1] = ["\N{HORIZONTAL ELLIPSIS}"]
    return (
        f"Run {facts['config.run']}. Seeds: {', '.join(seeds)}. Batches of {facts['config.batch_size']} images. "
        f"Scores by {'; and by '.join(by)}."
    )


def save(figure: Figure, *paths: str | Path) -> None:
    """Save atomically as the ending of each path says, PNG (200 dpi) or SVG; the same picture gives the same bytes."""
    for path in paths:
        with store.atomic(path) as temporary:
            figure.savefig(temporary, metadata=_METADATA[temporary.suffix])


def proxy_rows(ax: Axes, labels: Sequence[str]) -> None:
    """A row per proxy from top to bottom, every other one shaded, for correlations along the other axis."""
    for place in range(0, len(labels), 2):
        ax.axhspan(place - 0.5, place + 0.5, color="#F5F5F5", linewidth=0, zorder=0)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    ax.set_xlabel("Kendall's τ-b with final test accuracy")


def shades(n: int) -> list[tuple[float, ...]]:
    """Return `n` colours from light to dark, for things that have an order."""
    return [DENSITY(value) for value in (np.linspace(0.2, 1, n) if n > 1 else [0.6] * n)]


def choice_labels(choices: Sequence[tuple[str, str]]) -> list[str]:
    """Short names of searches, given as (algorithm, objective): objectives lose the normalisation of each term.

    Objectives that would then look alike stay whole.
    """
    short = [_choice_label(algorithm, _NORMALISED.sub("", objective)) for algorithm, objective in choices]
    return [
        label if short.count(label) == 1 else _choice_label(*choice)
        for label, choice in zip(short, choices, strict=True)
    ]


def toward_better(column: str, lower_is_better: Collection[str]) -> pl.Expr:
    """Correlations of the proxies in the column ``proxy``, with the other sign for those of which lower is better."""
    return pl.when(pl.col("proxy").is_in(list(lower_is_better))).then(-pl.col(column)).otherwise(pl.col(column))


def proxy_labels(names: Iterable[str], lower_is_better: Collection[str]) -> list[str]:
    """Names of proxies, with an arrow down where lower is better."""
    return [f"{name} \N{DOWNWARDS ARROW}" if name in lower_is_better else name for name in names]


def sample_labels(labels: Iterable[str], counts: Iterable[int], n_all: int) -> list[str]:
    """Labels, with the number of networks where it is less than all."""
    return [f"{label} (n = {n:,})" if n < n_all else label for label, n in zip(labels, counts, strict=True)]


def nothing_to_draw(title: str, why: str) -> Figure:
    """Say in place of a figure why it is empty."""
    figure, (ax,) = panels(1, 1, width=7.2, height=1.2)
    ax.set_axis_off()
    suptitle(figure, title, why)
    return figure


def budget_label(budget: float, unit: str) -> str:
    """Budget of a search in words: ``N = 200`` evaluations, or ``45 s``."""
    return f"{budget:,g} s" if unit == "seconds" else f"N = {budget:,g}"


def counted(numbers: Iterable[int], what: str) -> str:
    """How many, where it may differ: ``500 runs``, or ``10 to 500 runs``."""
    low, high = min(numbers), max(numbers)
    return f"{high:,} {what}" if low == high else f"{low:,} to {high:,} {what}"


def _choice_label(algorithm: str, objective: str) -> str:
    return f"{algorithm}: {objective}" if objective else algorithm


def accuracy_axis(ax: Axes, low: float, high: float) -> None:
    """Make y an axis of accuracy in percent, spaced by the logarithm of the error, as the best networks deserve room.

    Parameters
    ----------
    ax : Axes
        Drawn on afterwards or before.
    low, high : float
        Least and greatest accuracy shown, percent.
    """
    ax.set_yscale("function", functions=(_log_error, _accuracy))
    bottom, top = _log_error(np.array([low, high]))
    if bottom == top:  # one value, or values that all lie where the axis ends
        low, high = low - 1, min(high + 1, 100)
        bottom, top = _log_error(np.array([low, high]))
    margin = 0.03 * (top - bottom)
    ax.set_ylim(*_accuracy(np.array([bottom - margin, top + margin])))
    ax.yaxis.set_major_locator(FixedLocator(_accuracy_ticks(low, high)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_ylabel("test accuracy (%)")


def reference_line(ax: Axes, value: float, text: str) -> None:
    """Draw a dashed horizontal line with a text under its left end."""
    ax.axhline(value, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
    ax.annotate(
        text,
        (0.01, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, -3),
        textcoords="offset points",
        va="top",
        fontsize=7.5,
        color=GREY,
    )


def legend_beside(ax: Axes, **options: Any) -> None:
    """Put the legend right of the axes, where it hides nothing."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, alignment="left", **options)


def legend_below(figure: Figure, lines: Sequence[Line2D], labels: Sequence[str], columns: int) -> None:
    """Put the legend of all axes below them, in a figure that grows by its height.

    It has `columns` or as many as fit below the `suptitle`, which is thus said before; the figure is widened for one.
    """
    legend = figure.legend(lines, labels, loc="outside lower left", ncols=columns)
    while columns > 1 and _width_for(legend) > figure.get_figwidth():
        legend.remove()
        columns -= 1
        legend = figure.legend(lines, labels, loc="outside lower left", ncols=columns)
    _widen(figure, legend)
    figure.set_figheight(figure.get_figheight() + 0.19 * -(-len(labels) // columns))


def _accuracy_ticks(low: float, high: float) -> list[float]:
    """Return accuracies as round as leaves five of them that can be told apart, one of them near the top."""
    bottom, top = _log_error(np.array([low, high]))
    ticks: list[float] = []
    for step in (10, 5, 2, 1, 0.5, 0.2, 0.1):
        for k in range(int(np.ceil(low / step)), int(high / step + 1e-9) + 1):
            tick = round(k * step, 1)
            places = _log_error(np.array([*ticks, np.inf]))[:-1]
            if tick < 100 and (abs(places - _log_error(np.array(tick))) > 0.1 * (top - bottom)).all():
                ticks.append(tick)
        if len(ticks) >= 5 and top - _log_error(np.array(max(ticks))) < 0.15 * (top - bottom):
            break
    return sorted(ticks)


def _log_error(accuracy: np.ndarray) -> np.ndarray:
    # An error below 0.1 points would take as much room as all others.
    return -np.log10(np.maximum(100 - accuracy, 0.1))


def _accuracy(log_error: np.ndarray) -> np.ndarray:
    return 100 - 10.0 ** (-log_error)
