"""Rank correlation of two columns, also given others, and its uncertainty by resampling networks."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import stats

# Bootstrap samples that go through the tree together: their counters fill one cache line, and share every address.
_BLOCK = 16

# A variance left by controls below this share is that of a column which they determine.
_DETERMINED = 1e-9

# Units resampled from which on there are intervals: of fewer, the samples have hardly another correlation than all of
# them, so that an interval of 95% would often have no width.
_FEWEST = 5

Array = NDArray[np.float64]
Interval = tuple[float, float]
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Correlation:
    """Rank correlation of one proxy with accuracy.

    Attributes
    ----------
    kendall, spearman : float
        Kendall's tau-b and Spearman's rho, from -1 to 1; NaN where all scores or all accuracies are equal.
    kendall_interval, spearman_interval : tuple of float
        Bounds of the 95% bootstrap interval; NaN of fewer than five units, and where no sample has a correlation.
    n : int
        Networks ranked.
    """

    kendall: float
    spearman: float
    kendall_interval: Interval
    spearman_interval: Interval
    n: int


@dataclass(frozen=True)
class Resampled:
    """Rank correlation of two columns: of the networks as they are, then of each bootstrap sample.

    Attributes
    ----------
    kendall, spearman : float64, shape (1 + n_resamples,)
        Kendall's tau-b and Spearman's rho; NaN where all values of a column are equal. What is computed from several
        of these number by number is a statistic with its bootstrap samples, too.
    n : int
        Networks ranked.
    n_units : int
        Units, such as classes, that these are of.
    """

    kendall: Array
    spearman: Array
    n: int
    n_units: int

    def summary(self) -> Correlation:
        """Both correlations, with their percentile intervals."""
        few = self.n_units < _FEWEST
        intervals = [(np.nan, np.nan) if few else _interval(values) for values in (self.kendall, self.spearman)]
        return Correlation(float(self.kendall[0]), float(self.spearman[0]), *intervals, self.n)


def worst_if_missing(score: NDArray[np.float64], higher_is_better: bool) -> NDArray[np.float64]:
    """Scores with every non-finite one replaced by the worst there is, so that these rank last and are tied.

    Parameters
    ----------
    score : float64, any shape
        Proxy values; NaN or infinite where a network has no score.
    higher_is_better : bool
        Direction of the proxy.

    Returns
    -------
    float64, the same shape
        The sign of the proxy is kept.
    """
    return np.where(np.isfinite(score), score, -np.inf if higher_is_better else np.inf)


def correlate(
    scores: Mapping[Name, NDArray[np.float64]],
    accuracy: NDArray[np.float64],
    *,
    n_resamples: int,
    seed: int,
    units: NDArray[np.int64] | None = None,
) -> dict[Name, Correlation]:
    """Kendall's tau-b and Spearman's rho of each score with accuracy, with percentile bootstrap intervals.

    Ties count as ties: tau-b corrects for them, rho gives them average ranks. Infinite scores rank like any number; a
    network whose score is NaN is left out of that score's correlation.

    A bootstrap sample draws as many units as there are, with replacement, and all scores are correlated on the same
    samples, so differences between them can be judged too. With one unit per network, the interval says how far the
    value would move had other networks of this kind been trained. Networks of one class share their score and almost
    their accuracy, so they are not independent; resampling classes gives the wider interval of independent functions.
    Neither contains the noise of training or of the initialisation.

    Parameters
    ----------
    scores : mapping to float64, shape (n,)
        Score columns by any name.
    accuracy : float64, shape (n,)
        Accuracy of the same networks, finite.
    n_resamples : int
        Number of bootstrap samples; 0 for no intervals.
    seed : int
        Their seed.
    units : int64, shape (n,), optional
        What is resampled: networks with the same number are drawn together. By default every network on its own.

    Returns
    -------
    dict of the same names to Correlation

    References
    ----------
    .. [1] M. G. Kendall, "The treatment of ties in ranking problems", Biometrika, 1945.
    .. [2] B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.
    """
    pairs = {name: (score, accuracy) for name, score in scores.items()}
    found = resample(pairs, n_resamples=n_resamples, seed=seed, units=units)
    return {name: resampled.summary() for name, resampled in found.items()}


def resample(
    pairs: Mapping[Name, tuple[Array, Array]],
    *,
    n_resamples: int,
    seed: int,
    units: NDArray[np.int64] | None = None,
) -> dict[Name, Resampled]:
    """`correlate` pairs of columns of the same networks, and keep every bootstrap sample.

    Parameters
    ----------
    pairs : mapping to pair of float64, shape (n,)
        Two columns by any name; networks whose value in the first one is NaN are left out. The second one is finite,
        or infinite.
    n_resamples, seed, units
        See `correlate`.

    Returns
    -------
    dict of the same names to Resampled
    """
    if not pairs:
        return {}
    ranked = {name: _RankedPair(*pair) for name, pair in pairs.items()}
    blocks = {name: [np.array(pair.observed())[:, None]] for name, pair in ranked.items()}
    n = next(iter(pairs.values()))[0].size
    units = np.arange(n) if units is None else _dense_rank(units)
    for counts in _bootstrap_counts(units, n_resamples, seed):
        for name, pair in ranked.items():
            blocks[name].append(pair.resampled(counts))
    found = {}
    for name, pair in ranked.items():
        kendall, spearman = np.concatenate(blocks[name], axis=1)[:, : 1 + n_resamples]
        found[name] = Resampled(kendall, spearman, pair.kept.size, np.unique(units[pair.kept]).size)
    return found


def partial(xy: Array, x: Array, y: Array, controls: Array) -> Array:
    """Partial correlation of x and y given controls, from the correlations of all of them.

    Of Pearson's correlations, Spearman's are those of ranks, and Kendall's tau-b those of the signs of differences
    over all pairs of networks. So this is, for ranks and for signs, the correlation of what is left of x and of y when
    the controls are regressed out [1]_. Signs have a weakness: given a control on which both depend, and nothing else,
    a partial tau is small, not 0 [2]_.

    Parameters
    ----------
    xy : float64, shape (...)
        Correlation of x and y.
    x, y : float64, shape (..., k)
        Correlations of x, and of y, with each control.
    controls : float64, shape (..., k, k)
        Correlations of the controls, which may determine one another. One whose values are all equal has NaN in `x` and
        `y`, and controls nothing.

    Returns
    -------
    float64, shape (...)
        NaN where all controls are constant, where they determine x or y, and where `xy` is NaN.

    References
    ----------
    .. [1] M. G. Kendall, "Partial rank correlation", Biometrika, 1942.
    .. [2] E. L. Korn, "The ranges of limiting values of some partial correlations under conditional independence", The
       American Statistician, 1984.
    """
    varies = ~(np.isnan(x) | np.isnan(y))
    x, y = np.where(varies, x, 0.0), np.where(varies, y, 0.0)
    controls = np.where(varies[..., :, None] & varies[..., None, :], controls, 0.0)
    weights = np.linalg.pinv(controls, rcond=_DETERMINED, hermitian=True)
    left_x, left_y, left_xy = (
        whole - np.einsum("...i,...ij,...j->...", one, weights, other)
        for whole, one, other in ((1.0, x, x), (1.0, y, y), (xy, x, y))
    )
    defined = (left_x > _DETERMINED) & (left_y > _DETERMINED) & varies.any(axis=-1)
    scale = np.sqrt(np.where(defined, left_x * left_y, 1.0))
    return np.where(defined, left_xy / scale, np.nan)


class _RankedPair:
    """Two columns as dense ranks, sorted by the first: all that resampling needs, computed once."""

    def __init__(self, score: NDArray[np.float64], accuracy: NDArray[np.float64]) -> None:
        present = np.flatnonzero(~np.isnan(score))
        self.kept = present[np.argsort(score[present], kind="stable")]
        self._x_rank = _dense_rank(score[self.kept])
        self._y_rank = _dense_rank(accuracy[self.kept])

    def observed(self) -> tuple[float, float]:
        """Tau-b and rho of the networks as they are."""
        if not (self._x_rank.any() and self._y_rank.any()):
            return np.nan, np.nan
        return (
            float(stats.kendalltau(self._x_rank, self._y_rank).statistic),
            float(stats.spearmanr(self._x_rank, self._y_rank).statistic),
        )

    def resampled(self, counts: NDArray[np.int32]) -> NDArray[np.float64]:
        """Tau-b and rho of the samples in which network i comes ``counts[i, s]`` times; NaN where undefined."""
        if not (self._x_rank.any() and self._y_rank.any()):
            return np.full((2, _BLOCK), np.nan)
        counts = counts[self.kept]
        x_rank, x_untied, x_spread = _average_ranks(_totals(self._x_rank, counts))
        y_rank, y_untied, y_spread = _average_ranks(_totals(self._y_rank, counts))
        with np.errstate(invalid="ignore"):
            return np.stack(
                [
                    _concordance(self._x_rank, self._y_rank, counts) / np.sqrt(x_untied * y_untied),
                    _rank_product(self._x_rank, self._y_rank, counts, x_rank, y_rank) / np.sqrt(x_spread * y_spread),
                ]
            )


def _dense_rank(values: NDArray) -> NDArray[np.int64]:
    """Rank from 0 of each value among the distinct values."""
    return np.unique(values, return_inverse=True)[1]


def _bootstrap_counts(units: NDArray[np.int64], n_resamples: int, seed: int) -> Iterator[NDArray[np.int32]]:
    """Blocks of samples: how often each network comes in each; int32, shape (n, _BLOCK). The last one is not cut.

    Networks of one unit, numbered from 0, come together.
    """
    rng = np.random.default_rng(seed)
    n_units = int(units.max(initial=-1)) + 1
    for _ in range(0, n_resamples, _BLOCK):
        counts = np.empty((units.size, _BLOCK), np.int32)
        for sample in range(_BLOCK):
            counts[:, sample] = np.bincount(rng.integers(n_units, size=n_units), minlength=n_units)[units]
        yield counts


def _interval(values: Array) -> Interval:
    """2.5% and 97.5% quantile of the samples, those that are defined; the first value is none of them."""
    samples = values[1:][~np.isnan(values[1:])]
    if not samples.size:
        return np.nan, np.nan
    low, high = np.quantile(samples, [0.025, 0.975])
    return float(low), float(high)


@njit(cache=True)
def _totals(rank, counts):
    """Networks of each dense rank in each sample; int64, shape (number of ranks, _BLOCK)."""
    totals = np.zeros((rank.max() + 1, _BLOCK), np.int64)
    for i in range(rank.size):
        for s in range(_BLOCK):
            totals[rank[i], s] += counts[i, s]
    return totals


@njit(cache=True)
def _average_ranks(totals):
    """Average rank of each dense rank, less the mean of all; pairs that are not tied; sum of squared average ranks."""
    ranks = np.empty(totals.shape)
    below, untied, spread = np.zeros(_BLOCK), np.zeros(_BLOCK), np.zeros(_BLOCK)
    half = totals.sum(axis=0) / 2
    for k in range(totals.shape[0]):
        for s in range(_BLOCK):
            ranks[k, s] = below[s] + totals[k, s] / 2 - half[s]
            untied[s] += below[s] * totals[k, s]
            spread[s] += totals[k, s] * ranks[k, s] ** 2
            below[s] += totals[k, s]
    return ranks, untied, spread


@njit(cache=True)
def _concordance(x, y, counts):
    """Concordant less discordant pairs of each sample; `x`, `y` are dense ranks, `x` sorted.

    A Fenwick tree over the ranks of y holds the networks with smaller x; each of its nodes holds all samples.
    """
    n_ranks = y.max() + 1
    tree = np.zeros((n_ranks + 1, _BLOCK), np.int32)
    at = np.zeros((n_ranks, _BLOCK), np.int32)
    seen = np.zeros(_BLOCK, np.int32)
    below = np.empty(_BLOCK, np.int32)
    pairs = np.zeros(_BLOCK, np.int64)
    start = 0
    while start < x.size:
        end = start
        while end < x.size and x[end] == x[start]:
            below[:] = 0
            node = y[end]
            while node > 0:
                for s in range(_BLOCK):
                    below[s] += tree[node, s]
                node &= node - 1
            for s in range(_BLOCK):
                above = seen[s] - below[s] - at[y[end], s]
                pairs[s] += counts[end, s] * (below[s] - above)
            end += 1
        for i in range(start, end):
            for s in range(_BLOCK):
                seen[s] += counts[i, s]
                at[y[i], s] += counts[i, s]
            node = y[i] + 1
            while node <= n_ranks:
                for s in range(_BLOCK):
                    tree[node, s] += counts[i, s]
                node += node & -node
        start = end
    return pairs


@njit(cache=True)
def _rank_product(x, y, counts, x_rank, y_rank):
    """Sum of the product of centred average ranks over the networks of each sample."""
    product = np.zeros(_BLOCK)
    for i in range(x.size):
        for s in range(_BLOCK):
            product[s] += counts[i, s] * x_rank[x[i], s] * y_rank[y[i], s]
    return product
