"""Table ``correlations``: how well each proxy ranks the trained networks."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from proxybank import store
from proxybank.analysis.ranks import correlate, worst_if_missing


def correlations_table(
    networks: pl.DataFrame,
    scores: pl.DataFrame,
    accuracies: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    *,
    samples: int,
    seed: int,
    scored_on: store.AllSamples = store.NO_SAMPLES,
) -> pl.DataFrame:
    """Rank correlation of every proxy with final test accuracy, on the networks whose accuracy is known.

    The sign is the proxy's own: a proxy of which lower is better should come out negative. Two subsets: ``all``
    networks, where those without a score rank worst and are tied; and ``finite``, those with a score. The
    95% intervals (see `ranks.correlate`) are bootstrapped over classes: networks that compute the same function share
    their scores and nearly their accuracy, and would make intervals over networks too narrow. Networks that a proxy was
    not asked for are in neither.

    Parameters
    ----------
    networks, scores, accuracies : polars.DataFrame
        The tables of these names.
    higher_is_better : mapping of str to bool
        Direction of each proxy that is wanted.
    samples, seed : int
        Number and seed of the bootstrap samples.
    scored_on : mapping
        Space -> dataset -> proxies that are scored on some classes only.

    Returns
    -------
    polars.DataFrame
        Table ``correlations``: two rows per space, dataset and proxy; null where a correlation is not defined.
    """
    key = ["space", "dataset", "arch_index"]
    known = scores.join(store.final_accuracies(accuracies), on=key).sort("arch_index")
    of_networks = pl.col(*key, "class_index", "^sample_place$")
    known = known.join(networks.select(of_networks), on=key, how="left", maintain_order="left")
    parts = known.partition_by("space", "dataset", maintain_order=True)
    return store.stack(
        "correlations", (_correlations(part, higher_is_better, samples, seed, scored_on) for part in parts)
    )


def _correlations(
    networks: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    samples: int,
    seed: int,
    scored_on: store.AllSamples,
) -> pl.DataFrame:
    """Rows of one space and dataset."""
    space, dataset = networks.select("space", "dataset").row(0)
    columns = {}
    for proxy, direction in higher_is_better.items():
        score = networks[proxy].cast(pl.Float64).to_numpy()
        asked = store.asked(networks, scored_on.get(space, {}).get(dataset, {}), proxy)
        columns[proxy, "all"] = np.where(asked, worst_if_missing(score, direction), np.nan)
        if np.isnan(score[asked]).any():
            columns[proxy, "finite"] = score
    accuracy, classes = (networks[column].to_numpy() for column in ("accuracy_pct", "class_index"))
    found = correlate(columns, accuracy, samples=samples, seed=seed, units=classes)
    rows = []
    for proxy in higher_is_better:
        for subset in ("all", "finite"):
            # Where every network has a score the two subsets are one.
            result = found.get((proxy, subset), found[proxy, "all"])
            rows.append(
                {
                    "space": space,
                    "dataset": dataset,
                    "proxy": proxy,
                    "subset": subset,
                    "kendall": result.kendall,
                    "spearman": result.spearman,
                    "low": result.kendall_interval[0],
                    "high": result.kendall_interval[1],
                    "n": result.n,
                    "n_finite": networks[proxy].count(),
                    "spearman_low": result.spearman_interval[0],
                    "spearman_high": result.spearman_interval[1],
                }
            )
    return pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))
