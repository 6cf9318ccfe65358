"""Table ``ceilings``: how far the noise of training and of initialisation limits any rank correlation."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proxybank import logs, store
from proxybank.analysis.correlations import ALL, BEST, at_place, best_percent, known_networks, row_of
from proxybank.analysis.ranks import Resampled, resample, worst_if_missing

ACCURACY = "accuracy"
CLASS_MEAN = "class_mean"
OTHER_MEMBERS = "other_members"
TWO_SEEDS = "two_seeds"
SEED_MEANS = "seed_means"

Array = NDArray[np.float64]
# (quantity, estimate) -> pairs of columns, of whose correlations it is the mean
Pairs = dict[tuple[str, str], list[tuple[Array, Array]]]


def ceilings_table(
    networks: pl.DataFrame,
    scores_by_seed: pl.DataFrame,
    accuracies: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    *,
    samples: int,
    seed: int,
) -> pl.DataFrame:
    """How well accuracies, and each proxy, agree with what they would be if measured again.

    Members of a class compute one function, and were trained each for itself: no score of the function can tell them
    apart. So ``accuracy`` has the correlation of a network's final test accuracy, where its class has two or more
    trained members, with

    - ``class_mean``, the mean accuracy of its class. It knows the network's own accuracy: the ceiling is lower;
    - ``other_members``, the mean of the others in its class. It has noise of its own: the ceiling is higher.

    A proxy has that of its scores by two seeds, the mean over all pairs of seeds (``two_seeds``); and what
    `spearman_brown` makes of it for its means over as many seeds as the run has (``seed_means``).

    Parameters
    ----------
    networks, scores_by_seed, accuracies : polars.DataFrame
        The tables of these names.
    higher_is_better : mapping of str to bool
        Direction of each proxy that is wanted.
    samples, seed : int
        Number and seed of the bootstrap samples, which resample classes; see `ranks.correlate`.

    Returns
    -------
    polars.DataFrame
        Table ``ceilings``, on all networks with an accuracy and on the best of them, as in ``correlations``. Without
        rows: accuracies where no class has two trained members (SSS), or where all those of a class have one accuracy,
        which says that they were not trained each for itself; and proxies whose scores are the same for all seeds.
    """
    frames = []
    for known in known_networks(networks, scores_by_seed, accuracies):
        by_seed = known.sort("seed").partition_by("seed", maintain_order=True)
        accuracy, classes = (by_seed[0][column].to_numpy() for column in ("accuracy_pct", "class_index"))
        pairs = _accuracy_pairs(accuracy, classes)
        if not pairs:
            place = ", ".join(known.select("space", "dataset").row(0))
            logs.log.warning("%s: no class has networks that were trained each for itself, so no ceiling.", place)
        pairs |= _score_pairs(by_seed, higher_is_better)
        subsets = {ALL: np.ones(accuracy.size, bool)}
        subsets |= {subset: best_percent(accuracy, percent) for subset, percent in BEST.items()}
        found = resample(
            {
                (name, subset, k): (np.where(within, one, np.nan), other)
                for name, several in pairs.items()
                for k, (one, other) in enumerate(several)
                for subset, within in subsets.items()
            },
            samples=samples,
            seed=seed,
            units=classes,
        )
        rows = []
        for (quantity, estimate), several in pairs.items():
            for subset in subsets:
                mean = _mean([found[(quantity, estimate), subset, k] for k in range(len(several))])
                row = {"quantity": quantity, "subset": subset}
                rows.append(row | {"estimate": estimate, **row_of(mean.summary())})
                if estimate == TWO_SEEDS:
                    means = spearman_brown(mean, len(by_seed))
                    rows.append(row | {"estimate": SEED_MEANS, **row_of(means.summary())})
        if rows:
            frames.append(at_place(known, rows))
    return store.stack("ceilings", frames)


def spearman_brown(of_two: Resampled, n: int) -> Resampled:
    """Correlation of means over n measurements with means over n others, from that of two measurements.

    Exact for Pearson's correlation and noise of one size; so nearly for rho, and there is none for tau. Noise shrinks a
    correlation with any other quantity by the root of it.

    References
    ----------
    .. [1] C. Spearman, "Correlation calculated from faulty data", British Journal of Psychology, 1910.
    """
    rho = of_two.spearman
    return Resampled(np.full(rho.size, np.nan), n * rho / (1 + (n - 1) * rho), of_two.n)


def _accuracy_pairs(accuracy: Array, classes: NDArray[np.int64]) -> Pairs:
    """What its class says of each accuracy, NaN for the only one of its class; nothing if no class says anything."""
    of_network = np.unique(classes, return_inverse=True)[1]
    size = np.bincount(of_network)[of_network]
    total = np.where(size > 1, np.bincount(of_network, accuracy)[of_network], np.nan)
    # Rounded, so that what is equal ties.
    mean, others = (np.round(sums, 9) for sums in (total / size, (total - accuracy) / np.maximum(size - 1, 1)))
    if not (np.abs(mean - accuracy) > 1e-9).any():
        return {}
    return {(ACCURACY, CLASS_MEAN): [(mean, accuracy)], (ACCURACY, OTHER_MEMBERS): [(others, accuracy)]}


def _score_pairs(by_seed: Sequence[pl.DataFrame], higher_is_better: Mapping[str, bool]) -> Pairs:
    """Scores by each two seeds, of the proxies that differ."""
    pairs: Pairs = {}
    for proxy, higher in higher_is_better.items():
        columns = [worst_if_missing(rows[proxy].cast(pl.Float64).to_numpy(), higher) for rows in by_seed]
        if any((column != columns[0]).any() for column in columns):
            pairs[proxy, TWO_SEEDS] = list(combinations(columns, 2))
    return pairs


def _mean(several: Sequence[Resampled]) -> Resampled:
    """Mean of each of their numbers."""
    kendall, spearman = (np.mean([getattr(one, kind) for one in several], axis=0) for kind in ("kendall", "spearman"))
    return Resampled(kendall, spearman, several[0].n)
