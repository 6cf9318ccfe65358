"""What the best-scored of some random networks is worth: in closed form, for any number of networks."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proxybank import store


def best_of_random(
    score: NDArray[np.float64], accuracy: NDArray[np.float64], n_networks: int
) -> tuple[float | None, float | None]:
    """Mean and standard deviation of the accuracy of the best-scored of some networks drawn with replacement.

    The r-th lowest of m scores is the best of n with chance (r / m) ** n - ((r - 1) / m) ** n. Networks of equal score
    share theirs; draws without any score are left out.

    Parameters
    ----------
    score : float64, shape (m,)
        Higher is better; non-finite where a network has no score.
    accuracy : float64, shape (m,)
        Percent.
    n_networks : int
        Networks drawn.

    Returns
    -------
    mean, std : float, percent and percentage points; None if no network has a score
    """
    scored = np.isfinite(score)
    if not scored.any():
        return None, None
    _, tie, size = np.unique(score[scored], return_inverse=True, return_counts=True)
    below = score.size - scored.sum() + np.concatenate([[0], np.cumsum(size)])
    chance = np.diff((below / score.size) ** n_networks)
    chance /= chance.sum()
    means = [np.bincount(tie, accuracy[scored] ** power) / size for power in (1, 2)]
    mean, square = (float(chance @ values) for values in means)
    return mean, float(np.sqrt(max(square - mean**2, 0.0)))


def sampling_table(
    scores_by_seed: pl.DataFrame,
    accuracies: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    n_networks: Sequence[int],
    networks: pl.DataFrame | None = None,
    samples: store.Samples = store.NO_SAMPLES,
) -> pl.DataFrame:
    """`best_of_random` by number of networks and of initialisations, for each proxy.

    A score of k initialisations is the mean over k of the seeds; results are means over all runs of k seeds in a row,
    the first one following the last.

    Parameters
    ----------
    scores_by_seed, accuracies : polars.DataFrame
        Rows of the tables of these names, of one space and dataset.
    higher_is_better : mapping of str to bool
        Direction of each proxy that is wanted.
    n_networks : sequence of int
        Numbers of networks.
    networks : polars.DataFrame, optional
        Rows of the table of this name, needed where there are samples.
    samples : mapping of str to Sample
        Proxies that are scored on some classes and seeds only: networks are drawn from these.

    Returns
    -------
    polars.DataFrame
        One row per proxy, n_networks and n_seeds: mean_pct and std_pct, null where no network has a score; n, the
        networks it was asked for, which are those drawn from.
    """
    known = store.final_accuracies(accuracies)
    if networks is not None:
        known = known.join(networks.select("arch_index", "^sample_place$"), on="arch_index", maintain_order="left")
    seeds = scores_by_seed["seed"].unique().sort().to_list()
    tables = [
        known.select("arch_index").join(rows, on="arch_index", how="left", maintain_order="left")
        for rows in _by_seed(scores_by_seed, seeds)
    ]
    accuracy = known["accuracy_pct"].to_numpy()
    rows = []
    for proxy, higher in higher_is_better.items():
        asked = store.asked(known, samples, proxy)
        asked_seeds = store.asked_seeds(seeds, samples, proxy)
        rows_of_seeds = [tables[seeds.index(seed)][proxy].cast(pl.Float64).to_numpy()[asked] for seed in asked_seeds]
        each = np.array(rows_of_seeds) * (1 if higher else -1)
        for n_seeds in range(1, len(each) + 1):
            chosen = [(np.arange(n_seeds) + first) % len(each) for first in range(len(each))]
            # All seeds at once are the same ones wherever they start.
            means = [each[seeds_in].mean(axis=0) for seeds_in in (chosen if n_seeds < len(each) else chosen[:1])]
            for n in n_networks:
                found = [best_of_random(score, accuracy[asked], n) for score in means]
                found = [pair for pair in found if pair[0] is not None]
                mean, std = np.mean(found, axis=0) if found else (None, None)
                row = {"proxy": proxy, "n_networks": n, "n_seeds": n_seeds, "mean_pct": mean, "std_pct": std}
                rows.append(row | {"n": int(asked.sum())})
    return pl.DataFrame(rows, schema_overrides={"mean_pct": pl.Float64, "std_pct": pl.Float64})


def _by_seed(scores: pl.DataFrame, seeds: Sequence[int]) -> list[pl.DataFrame]:
    return [scores.filter(pl.col("seed") == seed).drop("space", "dataset", "seed") for seed in seeds]
