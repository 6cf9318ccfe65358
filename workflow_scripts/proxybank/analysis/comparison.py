"""Two ways to score the same networks, side by side: which ranks them better, and how sure that is."""

from collections.abc import Mapping

import polars as pl

from proxybank.analysis.correlations import at_place, known_networks
from proxybank.analysis.ranks import Resampled, resample, worst_if_missing
from proxybank.errors import TableError

_KEY = ["space", "dataset", "arch_index"]


def compare_scores(
    one: pl.DataFrame,
    other: pl.DataFrame,
    networks: pl.DataFrame,
    accuracies: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    *,
    n_resamples: int,
    seed: int,
) -> pl.DataFrame:
    """Kendall's tau-b with final test accuracy of each proxy in two tables of scores, and the difference.

    For scores of networks as they are written against those of their functions, `one` is table ``scores`` of a run with
    ``dead_edges: keep`` and one seed, `other` the rows of that seed in table ``scores_by_seed`` of a run with
    ``dead_edges: drop``, and `networks` that run's, whose classes are functions. Intervals are those of
    `ranks.correlate`: both are resampled together, so that of the difference is narrower than the two let one think.

    Parameters
    ----------
    one, other : polars.DataFrame
        Tables of scores: space, dataset, arch_index, and a column per proxy. A network without a score ranks worst.
    networks, accuracies : polars.DataFrame
        The tables of these names, of one of the runs.
    higher_is_better : mapping of str to bool
        Direction of each proxy that is wanted; both tables have all of them.
    n_resamples, seed : int
        Number and seed of the bootstrap samples, which resample classes.

    Returns
    -------
    polars.DataFrame
        One row per space, dataset and proxy, of the networks that both tables and accuracies have: kendall_one,
        kendall_other, difference (other less one), low, high (its 95% interval) and n; null where tau is not defined.

    Raises
    ------
    TableError
        If no network has all.
    """
    proxies = list(higher_is_better)
    scores = one.select(*_KEY, pl.struct(proxies).alias("one")).join(
        other.select(*_KEY, pl.struct(proxies).alias("other")), on=_KEY
    )
    frames = []
    for known in known_networks(networks, scores, accuracies):
        accuracy, classes = (known[column].to_numpy() for column in ("accuracy_pct", "class_index"))
        pairs = {
            (proxy, table): (
                worst_if_missing(known[table].struct.field(proxy).cast(pl.Float64).to_numpy(), higher),
                accuracy,
            )
            for proxy, higher in higher_is_better.items()
            for table in ("one", "other")
        }
        found = resample(pairs, n_resamples=n_resamples, seed=seed, units=classes)
        rows = []
        for proxy in proxies:
            first, second = found[proxy, "one"], found[proxy, "other"]
            gains = (getattr(second, kind) - getattr(first, kind) for kind in ("kendall", "spearman"))
            difference = Resampled(*gains, first.n, first.n_units).summary()
            rows.append(
                {
                    "proxy": proxy,
                    "kendall_one": float(first.kendall[0]),
                    "kendall_other": float(second.kendall[0]),
                    "difference": difference.kendall,
                    "low": difference.kendall_interval[0],
                    "high": difference.kendall_interval[1],
                    "n": first.n,
                }
            )
        frames.append(at_place(known, rows))
    if not frames:
        raise TableError(
            "compare_scores: no network is in both tables of scores and has a final test accuracy. Expected tables of "
            "the same spaces and datasets."
        )
    return pl.concat(frames)
