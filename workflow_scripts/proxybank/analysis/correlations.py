"""Tables ``correlations`` and ``partial_correlations``: how well each proxy ranks the trained networks."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proxybank import store
from proxybank.analysis.ranks import Correlation, Resampled, correlate, partial, resample, worst_if_missing

ALL = "all"
FINITE = "finite"
# Name of a subset -> its percentage of the networks; the best by accuracy, and by the score itself.
BEST = {"best_10_pct": 10, "best_1_pct": 1}
BEST_SCORED = {"best_scored_10_pct": 10, "best_scored_1_pct": 1}
# What a network costs: columns of the table ``networks``.
COSTS = ("params_m", "mflops", "n_relu")

_KEY = ["space", "dataset", "arch_index"]


def correlations_table(
    networks: pl.DataFrame,
    scores: pl.DataFrame,
    scores_by_seed: pl.DataFrame,
    accuracies: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    *,
    n_resamples: int,
    seed: int,
    scored_on: store.AllSamples = store.NO_SAMPLES,
) -> pl.DataFrame:
    """Rank correlation of every proxy with final test accuracy, on the networks whose accuracy is known.

    The sign is the proxy's own: a proxy of which lower is better should come out negative. Subsets are ``all``
    networks, where those without a score rank worst and are tied; ``finite``, those with a score; and the best 10% and
    1% of all (see `best_percent`), by accuracy (``best_10_pct``, ``best_1_pct``) and by the score itself
    (``best_scored_10_pct``, ``best_scored_1_pct``). The 95% intervals (see `ranks.correlate`) are bootstrapped over
    classes: networks that compute the same function share their scores and nearly their accuracy, and would make
    intervals over networks too narrow. A subset keeps its networks in all samples. Of a proxy that is scored on a
    sample, networks outside are in none.

    Other weights and images would move a correlation too, on the size space by more than other networks: their part is
    the standard deviation over single seeds, on the same networks.

    Parameters
    ----------
    networks, scores, scores_by_seed, accuracies : polars.DataFrame
        The tables of these names.
    higher_is_better : mapping of str to bool
        Direction of each proxy that is wanted.
    n_resamples, seed : int
        Number and seed of the bootstrap samples.
    scored_on : mapping
        Space -> dataset -> proxies that are scored on some classes only.

    Returns
    -------
    polars.DataFrame
        Table ``correlations``: a row per space, dataset, proxy and subset; null where a correlation is not defined.
    """
    parts = known_networks(networks, scores, accuracies)
    return store.stack(
        "correlations",
        (_correlations(part, scores_by_seed, higher_is_better, n_resamples, seed, scored_on) for part in parts),
    )


def partial_correlations_table(
    networks: pl.DataFrame,
    scores: pl.DataFrame,
    accuracies: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    *,
    n_resamples: int,
    seed: int,
    scored_on: store.AllSamples = store.NO_SAMPLES,
) -> pl.DataFrame:
    """What of every proxy's correlation with final test accuracy is left, given what the networks cost.

    As `correlations_table` on ``all`` networks, with `ranks.partial` given each of `COSTS`, and given all of them.

    Parameters
    ----------
    networks, scores, accuracies, higher_is_better, n_resamples, seed, scored_on
        See `correlations_table`.

    Returns
    -------
    polars.DataFrame
        Table ``partial_correlations``: four rows per space, dataset and proxy. Null where the costs determine the
        ranks of the proxy, and where they are the same for all networks; a cost that is the same for all does nothing
        beside others. Proxies that no network was asked for have no rows.
    """
    frames = []
    for part in known_networks(networks, scores, accuracies):
        sharing: dict[bytes, list[str]] = {}  # which networks were asked for -> the proxies that were
        for proxy in higher_is_better:
            sharing.setdefault(asked_networks(part, scored_on, proxy).tobytes(), []).append(proxy)
        for asked, proxies in sharing.items():
            within = part.filter(pl.Series(np.frombuffer(asked, bool)))
            if within.height:
                frames.append(_partial(within, {name: higher_is_better[name] for name in proxies}, n_resamples, seed))
    return store.stack("partial_correlations", frames)


def known_networks(networks: pl.DataFrame, scores: pl.DataFrame, accuracies: pl.DataFrame) -> list[pl.DataFrame]:
    """Scores, final test accuracy, class and costs of the networks that have all; a frame per space and dataset."""
    known = scores.join(store.final_accuracies(accuracies), on=_KEY).sort(_KEY)
    # A proxy may have the name of a column of networks.
    structure = networks.select(pl.col(*_KEY, "class_index", "^sample_place$"), pl.struct(COSTS).alias("costs"))
    known = known.join(structure, on=_KEY, how="left", maintain_order="left")
    return known.partition_by("space", "dataset", maintain_order=True)


def asked_networks(known: pl.DataFrame, scored_on: store.AllSamples, proxy: str) -> NDArray[np.bool_]:
    """Which networks of one space and dataset a proxy was asked for; ``scored_on`` is that of `correlations_table`."""
    return store.asked(known, samples_of(known, scored_on), proxy)


def samples_of(known: pl.DataFrame, scored_on: store.AllSamples) -> store.Samples:
    """Samples of the space and dataset that some networks belong to."""
    space, dataset = known.select("space", "dataset").row(0)
    return scored_on.get(space, {}).get(dataset, {})


def best_percent(values: NDArray[np.float64], percent: int) -> NDArray[np.bool_]:
    """Which are the largest so many percent of the values that are not NaN, rounded up, and all that tie with the last.

    Parameters
    ----------
    values : float64, shape (n,)
    percent : int

    Returns
    -------
    bool, shape (n,)
    """
    present = values[~np.isnan(values)]
    n_best = -(-present.size * percent // 100)
    if not n_best:
        return np.zeros(values.size, bool)
    return values >= np.partition(present, -n_best)[-n_best]


def row_of(found: Correlation) -> dict[str, float | int]:
    """Columns of a table for a correlation: rho's interval comes last, as it is no part of the contract."""
    return {
        "kendall": found.kendall,
        "spearman": found.spearman,
        "low": found.kendall_interval[0],
        "high": found.kendall_interval[1],
        "n": found.n,
        "spearman_low": found.spearman_interval[0],
        "spearman_high": found.spearman_interval[1],
    }


def _correlations(
    networks: pl.DataFrame,
    scores_by_seed: pl.DataFrame,
    higher_is_better: Mapping[str, bool],
    n_resamples: int,
    seed: int,
    scored_on: store.AllSamples,
) -> pl.DataFrame:
    """Rows of one space and dataset."""
    accuracy, classes = (networks[column].to_numpy() for column in ("accuracy_pct", "class_index"))
    columns, n_finite = {}, {}
    for proxy, higher in higher_is_better.items():
        score = networks[proxy].cast(pl.Float64).to_numpy()
        ranked = worst_if_missing(score, higher)
        asked = asked_networks(networks, scored_on, proxy)
        subsets = {ALL: asked, FINITE: asked & np.isfinite(score)}
        for values, percentages in ((accuracy, BEST), (ranked if higher else -ranked, BEST_SCORED)):
            for subset, percent in percentages.items():
                subsets[subset] = best_percent(np.where(asked, values, np.nan), percent)
        for subset, within in subsets.items():
            n_finite[proxy, subset] = int((within & np.isfinite(score)).sum())
            # Where every network has a score the first two subsets are one.
            if subset != FINITE or not within[asked].all():
                columns[proxy, subset] = np.where(within, ranked, np.nan)
    found = correlate(columns, accuracy, n_resamples=n_resamples, seed=seed, units=classes)
    over_seeds = _over_seeds(networks, scores_by_seed, columns, higher_is_better)
    rows = []
    for (proxy, subset), n in n_finite.items():
        key = (proxy, subset if (proxy, subset) in found else ALL)
        tau, rho = over_seeds.get(key, (np.nan, np.nan))
        row = {"proxy": proxy, "subset": subset, "n_finite": n, **row_of(found[key])}
        rows.append(row | {"seeds_std": tau, "spearman_seeds_std": rho})
    return at_place(networks, rows)


def _over_seeds(
    networks: pl.DataFrame,
    scores_by_seed: pl.DataFrame,
    columns: Mapping[tuple[str, str], NDArray[np.float64]],
    higher_is_better: Mapping[str, bool],
) -> dict[tuple[str, str], tuple[float, float]]:
    """Standard deviations of tau and rho over seeds, by proxy and subset, of proxies that have several.

    `columns` say by their NaN which networks a subset leaves out. What is best by the score differs between seeds, and
    is left out.
    """
    by_seed: dict[tuple[str, str], list[tuple[float, float]]] = {}
    there = scores_by_seed.join(networks.select(_KEY), on=_KEY, how="semi")
    for part in there.partition_by("seed"):
        of_seed = networks.select(_KEY).join(part, on=_KEY, how="left", maintain_order="left")
        pairs = {}
        for (proxy, subset), ranked in columns.items():
            score = of_seed[proxy].cast(pl.Float64).to_numpy()
            if subset not in BEST_SCORED and np.isfinite(score).any():
                score = worst_if_missing(score, higher_is_better[proxy])
                pairs[proxy, subset] = np.where(np.isnan(ranked), np.nan, score), networks["accuracy_pct"].to_numpy()
        for key, found in resample(pairs, n_resamples=0, seed=0).items():
            by_seed.setdefault(key, []).append((found.kendall[0], found.spearman[0]))
    # Less the first, equal ones deviate by 0, and not by roundings.
    return {
        key: tuple(np.std(np.subtract(found, found[0]), axis=0, ddof=1).tolist())
        for key, found in by_seed.items()
        if len(found) > 1
    }


def _partial(networks: pl.DataFrame, higher_is_better: Mapping[str, bool], n_resamples: int, seed: int) -> pl.DataFrame:
    """Rows of one space and dataset."""
    costs = networks["costs"].struct.unnest().cast(pl.Float64)
    # A proxy may be called like a cost.
    columns = {("cost", name): costs[name].to_numpy() for name in COSTS}
    columns["accuracy", ""] = networks["accuracy_pct"].to_numpy()
    for proxy, higher in higher_is_better.items():
        columns["proxy", proxy] = worst_if_missing(networks[proxy].cast(pl.Float64).to_numpy(), higher)
    # With a proxy first, as that is what has most different values; each pair once.
    pairs = {
        (one, other): (columns[one], columns[other])
        for k, other in enumerate(columns)
        for one in list(columns)[k + 1 :]
        if other[0] == "cost" or (one[0], other[0]) == ("proxy", "accuracy")
    }
    found = resample(pairs, n_resamples=n_resamples, seed=seed, units=networks["class_index"].to_numpy())

    def among(kind: str, these: Sequence[tuple[str, str]], those: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Correlations of columns with columns; float64, shape (1 + n_resamples, len(these), len(those))."""
        correlations = np.ones((1 + n_resamples, len(these), len(those)))
        for i, one in enumerate(these):
            for j, other in enumerate(those):
                if one != other:
                    pair = found.get((one, other)) or found[other, one]
                    correlations[:, i, j] = getattr(pair, kind)
        return correlations

    rows = []
    for proxy in higher_is_better:
        these = [("proxy", proxy)], [("accuracy", "")]
        for given in (*((cost,) for cost in COSTS), COSTS):
            controls = [("cost", cost) for cost in given]
            kendall, spearman = (
                partial(
                    among(kind, *these)[:, 0, 0],
                    *(among(kind, one, controls)[:, 0] for one in these),
                    among(kind, controls, controls),
                )
                for kind in ("kendall", "spearman")
            )
            summary = Resampled(kendall, spearman, networks.height, networks["class_index"].n_unique()).summary()
            rows.append({"proxy": proxy, "given": ", ".join(given), **row_of(summary)})
    return at_place(networks, rows)


def at_place(networks: pl.DataFrame, rows: list[dict]) -> pl.DataFrame:
    """Rows with the space and dataset of some networks; null for NaN."""
    place = {column: networks[column][0] for column in ("space", "dataset")}
    return pl.DataFrame([place | row for row in rows]).with_columns(pl.col(pl.Float64).fill_nan(None))
