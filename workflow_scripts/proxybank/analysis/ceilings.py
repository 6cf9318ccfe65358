"""Table ``ceilings``: how far the noise of training and of initialisation limits any rank correlation."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proxybank import logs, store
from proxybank.analysis.correlations import (
    ALL,
    BEST,
    asked_networks,
    at_place,
    best_percent,
    known_networks,
    row_of,
    samples_of,
)
from proxybank.analysis.ranks import Resampled, resample, worst_if_missing

ACCURACY = "accuracy"
CLASS_MEAN = "class_mean"
OTHER_HALF = "other_half"
NOISE_ADDED = "noise_added"
TWO_SEEDS = "two_seeds"
SEED_MEANS = "seed_means"

# Halvings for `OTHER_HALF`, and trainings drawn for `NOISE_ADDED`; each noise is one of so many residuals of classes
# that are about as accurate: as many above as below, and so the fewest for the best, whose noise is smaller than that
# of those below them.
_N_DRAWS = 8
_MOST_RESIDUALS, _FEWEST_RESIDUALS = 400, 40
_SUBSETS = {ALL: 100, **BEST}

Array = NDArray[np.float64]
# (quantity, estimate) -> of whose correlations it is the mean: two columns, and the accuracy that says which are best
Agreements = dict[tuple[str, str], list[tuple[Array, Array, Array]]]


def ceilings_table(
    networks: pl.DataFrame,
    scores_by_seed: pl.DataFrame,
    accuracies: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    *,
    n_resamples: int,
    seed: int,
    scored_on: store.AllSamples = store.NO_SAMPLES,
) -> pl.DataFrame:
    """How well accuracies, and each proxy, agree with what they would be if measured again.

    Members of a class compute one function, and were trained each for itself: no score of the function can tell them
    apart. So ``accuracy`` has the correlation of a network's final test accuracy with

    - ``class_mean``, the mean accuracy of its class, on classes with two or more trained members. It knows the
      network's own accuracy, which flatters it;
    - ``other_half``: members of each class are halved at random, and those of one half are ranked by the mean accuracy
      of the other, which has noise of its own, and so stays below the ceiling, but for ties within classes, of which
      halves have fewer; mean over eight halvings. Not each by the mean of all others: the more accurate a member, the
      lower is that of the others, which puts every pair of a class in the wrong order;
    - ``noise_added``: what the accuracies would have with those of one more training, if they were without noise
      themselves, which flatters them a little. On all networks, the only ones of their class too, and on those that are
      best after that training; mean over eight, each with noise drawn from what members of classes about as accurate
      deviate from their mean. Alone in this, it says something of the best 1%, few of which are of one class: of these
      an estimate, since only some forty deviations are of classes as accurate.

    A proxy has that of its scores by two seeds, the mean over all pairs of seeds (``two_seeds``); and what
    `spearman_brown` makes of it for its means over as many seeds as it is scored with (``seed_means``).

    Parameters
    ----------
    networks, scores_by_seed, accuracies : polars.DataFrame
        The tables of these names.
    higher_is_better : mapping of str to bool
        Direction of each proxy that is wanted.
    n_resamples, seed : int
        Number and seed of the bootstrap samples, which resample classes; see `ranks.correlate`.
    scored_on : mapping
        Space -> dataset -> proxies that are scored on some classes and seeds only, which then are all they agree on.

    Returns
    -------
    polars.DataFrame
        Table ``ceilings``, on all networks with an accuracy and on the best of them, as in ``correlations``. Without
        rows: accuracies where no class has two trained members (SSS), or where all those of a class have one accuracy,
        which says that they were not trained each for itself; and proxies whose scores are the same for all seeds.
    """
    frames = []
    for known in known_networks(networks, scores_by_seed, accuracies):
        by_seed = known.sort("seed", "arch_index").partition_by("seed", maintain_order=True)
        accuracy, classes = (by_seed[0][column].to_numpy() for column in ("accuracy_pct", "class_index"))
        agreements = _of_accuracy(accuracy, classes, seed)
        if not agreements:
            place = ", ".join(known.select("space", "dataset").row(0))
            logs.log.warning("%s: no class has networks that were trained each for itself, so no ceiling.", place)
        agreements |= _of_scores(by_seed, accuracy, higher_is_better, scored_on)
        found = resample(
            {
                (*name, subset, k): (np.where(best_percent(measured, percent), one, np.nan), other)
                for name, several in agreements.items()
                for k, (one, other, measured) in enumerate(several)
                for subset, percent in _SUBSETS.items()
            },
            n_resamples=n_resamples,
            seed=seed,
            units=classes,
        )
        rows = []
        for (quantity, estimate), several in agreements.items():
            for subset in _SUBSETS:
                mean = _mean([found[quantity, estimate, subset, k] for k in range(len(several))])
                row = {"quantity": quantity, "subset": subset}
                rows.append(row | {"estimate": estimate, **row_of(mean.summary())})
                if estimate == TWO_SEEDS:
                    # Of n seeds there are n (n - 1) / 2 pairs, and n (n - 1) is between (n - 1) ** 2 and n ** 2.
                    means = spearman_brown(mean, math.isqrt(2 * len(several)) + 1)
                    rows.append(row | {"estimate": SEED_MEANS, **row_of(means.summary())})
        if rows:
            frames.append(at_place(known, rows))
    return store.stack("ceilings", frames)


def spearman_brown(of_two: Resampled, n: int) -> Resampled:
    """Correlation of means over n measurements with means over n others, from that of two measurements.

    Exact for Pearson's correlation and noise of one size; so nearly for rho, and there is none for tau. Noise shrinks a
    correlation with any other quantity by the root of it. Two measurements that agree less than by chance share
    nothing, and neither do means over more.

    References
    ----------
    .. [1] C. Spearman, "Correlation calculated from faulty data", British Journal of Psychology, 1910.
    """
    rho = np.maximum(of_two.spearman, 0)  # the formula has a pole at -1 / (n - 1)
    return Resampled(np.full(rho.size, np.nan), n * rho / (1 + (n - 1) * rho), of_two.n, of_two.n_units)


def _of_accuracy(accuracy: Array, classes: NDArray[np.int64], seed: int) -> Agreements:
    """Agreements of accuracies with others of the same function; none if no class says anything."""
    of_network = np.unique(classes, return_inverse=True)[1]
    size = np.bincount(of_network)[of_network]
    total = np.where(size > 1, np.bincount(of_network, accuracy)[of_network], np.nan)
    mean = np.round(total / size, 9)  # so that what is equal ties
    trained = np.flatnonzero(size > 1)
    if not (np.abs(mean - accuracy)[trained] > 1e-9).any():
        return {}
    # A member deviates less from a mean that it is part of than from the accuracy of the function.
    trained = trained[np.argsort(mean[trained], kind="stable")]
    residual = (accuracy - mean)[trained] * np.sqrt(size / np.maximum(size - 1, 1))[trained]
    middle = np.searchsorted(mean[trained], accuracy)
    nearest_edge = np.minimum(middle, trained.size - middle)
    width = np.minimum(np.clip(2 * nearest_edge, _FEWEST_RESIDUALS, _MOST_RESIDUALS), trained.size)
    first = np.clip(middle - width // 2, 0, trained.size - width)
    rng = np.random.default_rng(seed)
    draws = rng.integers(width, size=(_N_DRAWS, accuracy.size))
    again = accuracy + residual[first + draws]
    return {
        (ACCURACY, CLASS_MEAN): [(mean, accuracy, accuracy)],
        (ACCURACY, OTHER_HALF): [
            (_mean_of_other_half(accuracy, of_network, rng), accuracy, accuracy) for _ in range(_N_DRAWS)
        ],
        (ACCURACY, NOISE_ADDED): [(accuracy, measured, measured) for measured in again],
    }


def _mean_of_other_half(accuracy: Array, of_network: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Mean over one half of each class, for the members of the other, which has one more of an odd number; else NaN."""
    shuffled = rng.permutation(accuracy.size)
    shuffled = shuffled[np.argsort(of_network[shuffled], kind="stable")]
    helps = np.empty(accuracy.size, bool)
    helps[shuffled] = (np.arange(accuracy.size) - np.searchsorted(of_network[shuffled], of_network[shuffled])) % 2 == 1
    n_helping = np.bincount(of_network, helps)[of_network]
    total = np.bincount(of_network, np.where(helps, accuracy, 0.0))[of_network]
    return np.where(helps | (n_helping == 0), np.nan, np.round(total / np.maximum(n_helping, 1), 9))


def _of_scores(
    by_seed: Sequence[pl.DataFrame],
    accuracy: Array,
    higher_is_better: Mapping[str, bool],
    scored_on: store.AllSamples,
) -> Agreements:
    """Agreements of scores by each two seeds, for the proxies that differ, on the networks they were asked for."""
    agreements: Agreements = {}
    for proxy, higher in higher_is_better.items():
        asked = asked_networks(by_seed[0], scored_on, proxy)
        columns = []
        for rows in by_seed:
            if store.asked_seeds(rows["seed"][:1].to_list(), samples_of(rows, scored_on), proxy):
                column = worst_if_missing(rows[proxy].cast(pl.Float64).to_numpy(), higher)
                columns.append(np.where(asked, column, np.nan))
        if any((column != columns[0])[asked].any() for column in columns):
            measured = np.where(asked, accuracy, np.nan)
            agreements[proxy, TWO_SEEDS] = [(one, other, measured) for one, other in combinations(columns, 2)]
    return agreements


def _mean(several: Sequence[Resampled]) -> Resampled:
    """Mean of each of their numbers, samples of rho without bias.

    Near 1, rho's samples are farther from it than rho: networks that come several times make a swap of neighbours one
    of several places, which takes up to twice as much. All may be below rho; so they are moved until their mean is rho.
    """
    kendall, spearman = (np.mean([getattr(one, kind) for one in several], axis=0) for kind in ("kendall", "spearman"))
    samples = spearman[1:]
    if not np.isnan(samples).all():
        samples += spearman[0] - np.nanmean(samples)
    # Which are best, or in the first half, differs between draws.
    n, n_units = round(np.mean([one.n for one in several])), min(one.n_units for one in several)
    return Resampled(kendall, np.clip(spearman, -1, 1), n, n_units)
