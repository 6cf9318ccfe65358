"""Scores of a candidate set: sums of ranks and of standardised scores, which no network has by itself.

`add_aggregates` takes a whole space for the set, or as much of it as all terms are scored on, and makes columns of the
score tables: these are proxies of the registry. The other functions take columns of scores of any candidate set, higher
is better unless said otherwise; they and what is returned are float64 of shape (n,). A score that is not finite ranks
worst, tied with all such, where ranks are summed; elsewhere the network has no aggregate (NaN). Nothing is imputed.
Names of columns are those of the registry.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from proxybank import store
from proxybank.analysis.ranks import worst_if_missing

Scores = NDArray[np.float64]
Positions = NDArray[np.int64]
N_REFERENCE = 100


def standardised(scores: Scores, reference: Positions) -> Scores:
    """Scores minus the mean, over the (population) standard deviation, both over the finite scores of some networks.

    Parameters
    ----------
    scores : float64, shape (n,)
    reference : int64, shape (m,)
        Positions of the networks that mean and deviation are taken from.

    Returns
    -------
    float64, shape (n,)
        NaN where a score is not finite, and everywhere if all scores of the reference are equal.
    """
    finite = np.where(np.isfinite(scores), scores, np.nan)
    known = finite[reference]
    known = known[~np.isnan(known)]
    if known.size == 0 or known.min() == known.max():  # their deviation need not be 0, by rounding
        return np.full(len(scores), np.nan)
    return (finite - known.mean()) / known.std()


def ninaswot(naswot: Scores, ni: Scores, reference: Positions) -> Scores:
    """NINASWOT: twice the standardised NASWOT plus the standardised noise immunity; shapes as in `standardised`.

    References
    ----------
    .. [1] M.-T. Wu, H.-I. Lin, C.-W. Tsai, "A training-free genetic neural architecture search", ICEA 2021.
    """
    return 2 * standardised(naswot, reference) + standardised(ni, reference)


def ninaswot_ntk(naswot: Scores, ni: Scores, ntk: Scores, reference: Positions) -> Scores:
    """NINASWOT over the root of 5, minus the standardised condition number of the tangent kernel (lower is better).

    It is the hybrid score of genetic searches; shapes as in `standardised`. The authors' code puts -1e6 where this has
    NaN.
    """
    return ninaswot(naswot, ni, reference) / np.sqrt(5) - standardised(ntk, reference)


def rank_sum(columns: Sequence[Scores]) -> Scores:
    """Sum of ranks, each from 0 for the best with average ranks for ties; lower is better.

    With the columns ni, naswot and logsynflow it is the rank sum (rk) of rank-based searches.
    """
    return np.sum([rankdata(-worst_if_missing(column, True)) - 1 for column in columns], axis=0)


def log_rank_sum(columns: Sequence[Scores]) -> Scores:
    """Sum of ln(rank / n), ranks from 1 for the worst with average ranks for ties; 0 for a network best in all.

    With the columns az_expressivity, az_progressivity, az_trainability and flops it is AZ-NAS [1]_; with vkdnw, jacov,
    az_expressivity, az_trainability and flops it is VKDNW-agg [2]_.

    References
    ----------
    .. [1] J. Lee, B. Ham, "AZ-NAS: Assembling zero-cost proxies for network architecture search", CVPR 2024.
    .. [2] O. Tybl, L. Neumann, "Training-free neural architecture search through variance of knowledge of deep network
       weights", CVPR 2025.
    """
    return np.sum([np.log(rankdata(worst_if_missing(column, True)) / len(column)) for column in columns], axis=0)


def freerea_fitness(naswot: Scores, logsynflow: Scores, skipped_layers: Scores) -> Scores:
    """Sum of the three scores, each over its largest magnitude in the set.

    Parameters
    ----------
    naswot, logsynflow, skipped_layers : float64, shape (n,)

    Returns
    -------
    float64, shape (n,)
        NaN where a score is not finite; the authors' code puts the least NASWOT there.

    References
    ----------
    .. [1] N. Cavagnero, L. Robbiano, B. Caputo, G. Averta, "FreeREA", WACV 2023, arXiv:2207.05135.
    """
    columns = [np.where(np.isfinite(column), column, np.nan) for column in (naswot, logsynflow, skipped_layers)]
    largest = [np.max(np.abs(column), where=np.isfinite(column), initial=0.0) for column in columns]
    # 1e-9 is the authors' guard against a maximum of 0.
    return np.sum([column / (most + 1e-9) for column, most in zip(columns, largest, strict=True)], axis=0)


def vote(columns: Sequence[Scores]) -> Scores:
    """Number of networks of the set that each one beats, minus the number it loses to.

    One beats another if more columns prefer it than do not; a score that is not finite loses to one that is. With
    synflow, jacov and snip it is the vote of [1]_, which judges pairs: this is the order that follows from all of them.

    References
    ----------
    .. [1] M. S. Abdelfattah, A. Mehrotra, L. Dudziak, N. D. Lane, "Zero-cost proxies for lightweight NAS", ICLR 2021,
       arXiv:2101.08134.
    """
    # Ranks, since -inf less -inf is no number.
    scores = np.stack([rankdata(worst_if_missing(column, True)) for column in columns])
    balance = np.empty(scores.shape[1])
    for k, own in enumerate(scores.T):
        preferred = np.sign(own[:, None] - scores).sum(axis=0)
        balance[k] = np.sign(preferred).sum()
    return balance


# Name in the registry -> function of the columns it is computed of, in the registry's order, and of the reference.
AGGREGATES: dict[str, Callable[[Sequence[Scores], Positions], Scores]] = {
    "ninaswot": lambda columns, reference: ninaswot(*columns, reference),
    "ninaswot_ntk": lambda columns, reference: ninaswot_ntk(*columns, reference),
    "rank_sum": lambda columns, _: rank_sum(columns),
    "freerea_fitness": lambda columns, _: freerea_fitness(*columns),
    "vote": lambda columns, _: vote(columns),
    "az_nas": lambda columns, _: log_rank_sum(columns),
    "vkdnw_agg": lambda columns, _: log_rank_sum(columns),
}


def reference_of(seed: int, n: int) -> Positions:
    """Positions of the 100 networks (all of fewer) that scores of a seed are standardised by; int64, shape (100,)."""
    return np.random.default_rng(seed).choice(n, min(N_REFERENCE, n), replace=False)


def add_aggregates(
    by_seed: pl.DataFrame,
    networks: pl.DataFrame,
    terms: Mapping[str, Iterable[str]],
    samples: store.Samples = store.NO_SAMPLES,
) -> pl.DataFrame:
    """Give a table ``scores_by_seed`` the scores of `AGGREGATES`, each seed by itself.

    The set is every network that an aggregate has been asked for; the others, and other seeds, have no score.

    Parameters
    ----------
    by_seed, networks : polars.DataFrame
        Rows of the tables of these names, of one space and dataset; the former sorted by arch_index and seed, with
        every seed of every network.
    terms : mapping of str to names
        Aggregate -> the columns it is computed of, in the registry's order.
    samples : mapping of str to Sample
        Aggregates of terms that are scored on some classes and seeds only, with those that all terms share.
    """
    seeds = by_seed["seed"].unique().sort().to_list()
    networks = networks.sort("arch_index")
    for name, columns in terms.items():
        # network -> seed -> score
        scores = [by_seed[column].cast(pl.Float64).to_numpy().reshape(-1, len(seeds)) for column in columns]
        found = np.full((networks.height, len(seeds)), np.nan)
        members = np.flatnonzero(store.asked(networks, samples, name))
        for seed in store.asked_seeds(seeds, samples, name) if members.size else []:
            k = seeds.index(seed)
            reference = reference_of(seed, members.size)
            found[members, k] = AGGREGATES[name]([s[members, k] for s in scores], reference)
        by_seed = by_seed.with_columns(pl.Series(name, found.ravel()).fill_nan(None))
    return by_seed


def aggregate_status(
    networks: pl.DataFrame, by_seed: pl.DataFrame, name: str, statuses: Sequence[tuple[str, pl.DataFrame]]
) -> pl.DataFrame:
    """Table ``score_status`` of an aggregate.

    Without a score, the status is that of the first term that has none, or ``constant`` where all have one: their
    scores do not vary. Where one term was not asked for, neither was the aggregate. Seconds are those of the terms
    together, of which those that a pass feeds at once count once.

    Parameters
    ----------
    networks, by_seed : polars.DataFrame
        Rows of the tables of these names, of one space and dataset.
    name : str
        Column of `by_seed`.
    statuses : sequence of (str, polars.DataFrame)
        For each term, what feeds it and its rows of ``score_status``.
    """
    key = ["class_index", "seed"]
    scored = by_seed.join(networks.select("arch_index", "class_index"), on="arch_index").group_by(key)
    # Any: networks of a class have all of their terms in common, and a sample leaves some of them out.
    rows = scored.agg(pl.col(name).is_not_null().any().alias("scored")).sort(key)
    left_out = pl.any_horizontal(pl.col(f"status_{k}") == store.NOT_SAMPLED for k in range(len(statuses)))
    reasons, seconds = [], {}
    for k, (group, status) in enumerate(statuses):
        term = status.select(*key, pl.col("status").alias(f"status_{k}"), pl.col("seconds").alias(f"seconds_{k}"))
        rows = rows.join(term, on=key, how="left", maintain_order="left")
        reasons.append(pl.when(pl.col(f"status_{k}") != "ok").then(pl.col(f"status_{k}")))
        seconds.setdefault(group, []).append(f"seconds_{k}")
    return rows.select(
        pl.lit(networks["space"][0]).alias("space"),
        pl.lit(networks["dataset"][0]).alias("dataset"),
        *key,
        pl.lit(name).alias("proxy"),
        pl.when("scored")
        .then(pl.lit("ok"))
        .when(left_out)
        .then(pl.lit(store.NOT_SAMPLED))
        .otherwise(pl.coalesce(*reasons, pl.lit("constant")))
        .alias("status"),
        pl.when(left_out)
        .then(0.0)
        .otherwise(pl.sum_horizontal(pl.max_horizontal(names) for names in seconds.values()))
        .alias("seconds"),
    )
