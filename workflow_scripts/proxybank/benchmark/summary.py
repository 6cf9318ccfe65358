"""What measurements of a comparison say: total times, their ratio, and how far values are apart."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from proxybank import spaces
from proxybank.benchmark import Comparison

SAMPLES = 10_000  # of the bootstrap


def ratio_of(comparison: Comparison, dead_edges: str, seconds: pl.DataFrame) -> dict[str, float]:
    """Total time of a space by plain code and by the library, and how many times less the second is.

    Plain code takes the mean over networks times the networks of the space. The library takes the mean over classes
    times the classes, divided by the cores, which all work at once; closed forms of the whole space come on top.

    Parameters
    ----------
    comparison : Comparison
    dead_edges : {"drop", "keep"}
    seconds : polars.DataFrame
        As `comparison.compare_seconds` returns it.

    Returns
    -------
    dict
        plain_hours, library_hours, ratio, low, high (95% bootstrap over networks and runs), plain_seconds (per
        network), library_seconds (per class on one core), n_plain, n_library (networks and classes timed), n_cores.
    """
    space = spaces.get(comparison.space)
    plain = seconds.filter(side="plain")["seconds"].to_numpy()
    runs = seconds.filter((pl.col("side") == "library") & (pl.col("round") >= 0))
    library = (runs["seconds"] / runs["n_networks"]).to_numpy()
    closed_forms = float(seconds.filter((pl.col("side") == "library") & (pl.col("round") < 0))["seconds"].sum())
    n_classes, n_cores = len(space.class_genes(dead_edges)), seconds["n_cores"][0]

    def totals(plain_mean: NDArray, library_mean: NDArray) -> tuple[NDArray, NDArray]:
        return plain_mean * space.size, library_mean * n_classes / n_cores + closed_forms

    plain_total, library_total = totals(plain.mean(), library.mean())
    plain_drawn, library_drawn = totals(_resampled_means(plain, 0), _resampled_means(library, 1))
    low, high = np.quantile(plain_drawn / library_drawn, [0.025, 0.975])
    return {
        "plain_hours": plain_total / 3600,
        "library_hours": library_total / 3600,
        "ratio": plain_total / library_total,
        "low": low,
        "high": high,
        "plain_seconds": plain.mean(),
        "library_seconds": library.mean(),
        "n_plain": len(plain),
        "n_library": int(runs["n_networks"].sum()),
        "n_cores": n_cores,
    }


def _resampled_means(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    return values[np.random.default_rng(seed).integers(0, len(values), (SAMPLES, len(values)))].mean(axis=1)


def differences_of(values: pl.DataFrame) -> pl.DataFrame:
    """How far the library's values are from those of plain code.

    Parameters
    ----------
    values : polars.DataFrame
        As `comparison.compare_values` returns it.

    Returns
    -------
    polars.DataFrame
        One row per proxy: proxy, n (classes), n_one_side (only one side has a score), and over those with both: median
        and greatest absolute difference, median of the difference divided by the plain value (0 where both are 0), and
        Spearman's correlation, null where a side has the same score for all; then farthest, the class whose ranks are
        farthest apart, and spearman_without, the correlation of all others, null where ranks agree.
    """
    rows = []
    for (name,), part in values.group_by("proxy", maintain_order=True):
        both = part.drop_nulls()
        library, plain = both["library"].to_numpy(), both["plain"].to_numpy()
        difference = np.abs(library - plain)
        relative = np.divide(difference, np.abs(plain), out=np.where(difference > 0, np.inf, 0.0), where=plain != 0)
        spearman = _spearman(library, plain)
        apart = np.abs(stats.rankdata(library) - stats.rankdata(plain))
        farthest = int(apart.argmax()) if apart.any() else None
        rows.append(
            {
                "proxy": name,
                "n": part.height,
                "n_one_side": int((part["library"].is_null() != part["plain"].is_null()).sum()),
                "median_absolute": float(np.median(difference)) if both.height else None,
                "max_absolute": float(difference.max()) if both.height else None,
                "median_relative": float(np.median(relative)) if both.height else None,
                "spearman": spearman,
                "farthest": None if farthest is None else both["class_index"][farthest],
                "spearman_without": None
                if farthest is None
                else _spearman(np.delete(library, farthest), np.delete(plain, farthest)),
            }
        )
    dtypes = {"median_absolute": pl.Float64, "max_absolute": pl.Float64, "median_relative": pl.Float64}
    dtypes |= {"spearman": pl.Float64, "farthest": pl.Int64, "spearman_without": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=dtypes, infer_schema_length=None)


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    varies = min(len(np.unique(x)), len(np.unique(y))) > 1
    return float(stats.spearmanr(x, y).statistic) if varies else None
