"""Score parts: rows of (class, seed) as the passes leave them, and the contract's score tables made of them.

A part holds ``class_index`` and ``seed`` (int64) and per proxy ``p`` three columns: ``p`` (float64, null where there is
no score), ``p__status`` (why) and ``p__seconds`` (the class's share of the pass).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from proxybank.errors import TableError
from proxybank.store.files import read_parquet, write_parquet
from proxybank.store.schema import STATUSES

_KEY = ["class_index", "seed"]
_STATUS = "__status"
_SECONDS = "__seconds"

Parts = Mapping[str, Sequence[str | Path]]


def proxies_of(part: pl.DataFrame) -> list[str]:
    """Names of the proxies a part holds, in order."""
    return [column.removesuffix(_STATUS) for column in part.columns if column.endswith(_STATUS)]


def write_part(part: pl.DataFrame, path: str | Path) -> None:
    """Check a score part and write it atomically.

    Raises
    ------
    TableError
        If a row is there twice, a status is unknown, or a score is there without status ``ok``, or not there with it.
    """
    if part.select(_KEY).is_duplicated().any():
        raise TableError(f"{path}: a pair of class_index and seed is there more than once. Expected one row each.")
    for proxy in proxies_of(part):
        status, score = part[proxy + _STATUS], part[proxy]
        unknown = status.filter(~status.is_in(STATUSES) | status.is_null())
        if unknown.len():
            raise TableError(f"{path}: {proxy} has status {unknown[0]!r}. Expected one of {', '.join(STATUSES)}.")
        if not ((status == "ok") == (score.is_not_null() & score.is_finite().fill_null(False))).all():
            raise TableError(f"{path}: {proxy} is not a finite number exactly where its status is ok.")
    write_parquet(part, path)


def read_group(paths: Sequence[str | Path], networks: pl.DataFrame, seeds: Sequence[int]) -> pl.DataFrame:
    """Join the parts of one group of passes, one row per class of `networks` and seed, in that order.

    Parameters
    ----------
    paths : sequence of path
        Score parts with the same columns, in any order.
    networks : polars.DataFrame
        Rows of the table ``networks`` of one space and dataset; `class_index` says which classes are needed.
    seeds : sequence of int
        Seeds needed of each class.

    Raises
    ------
    TableError
        If a part cannot be read, or no part has some (class, seed), or two parts have it.
    """
    rows = pl.concat([read_parquet(path) for path in paths])
    expected = networks.select(pl.col("class_index").unique().sort()).join(
        pl.DataFrame({"seed": pl.Series(sorted(seeds), dtype=pl.Int64)}), how="cross"
    )
    group = expected.join(rows, on=_KEY, how="left", maintain_order="left")
    if group.height > expected.height:
        index, seed = group.filter(pl.struct(_KEY).is_duplicated()).select(_KEY).row(0)
        raise TableError(f"{paths[0]} and the parts beside it have class {index}, seed {seed} more than once.")
    absent = group.filter(pl.col(proxies_of(rows)[0] + _STATUS).is_null())
    if absent.height:
        index, seed = absent.select(_KEY).row(0)
        raise TableError(
            f"{paths[0]} and the parts beside it lack {absent.height} of {expected.height} pairs of class and seed, "
            f"first class {index}, seed {seed}. Score the part they belong to."
        )
    return group


def scores_by_seed(networks: pl.DataFrame, parts: Parts, seeds: Sequence[int]) -> pl.DataFrame:
    """Table ``scores_by_seed`` of one space and dataset: each class's scores, given to every network of the class.

    Parameters
    ----------
    networks : polars.DataFrame
        Rows of the table ``networks`` of one space and dataset.
    parts : mapping
        Group of passes -> its score parts. The proxies of all groups become columns, in this order.
    seeds : sequence of int
        Seeds of the run.

    Returns
    -------
    polars.DataFrame
        Sorted by arch_index and seed.
    """
    rows = networks.select("space", "dataset", "arch_index", "class_index").sort("arch_index")
    rows = rows.join(pl.DataFrame({"seed": pl.Series(sorted(seeds), dtype=pl.Int64)}), how="cross")
    for paths in parts.values():
        group = read_group(paths, networks, seeds)
        rows = rows.join(group.select(_KEY + proxies_of(group)), on=_KEY, how="left", maintain_order="left")
    return rows.drop("class_index")


def mean_scores(by_seed: pl.DataFrame) -> pl.DataFrame:
    """Table ``scores``: the mean of each proxy over all seeds, null where any seed has no score.

    Null because no score means that the value is not finite (a singular NASWOT kernel scores ln 0), and then neither is
    the mean; the mean of the other seeds would be another quantity, and better than the network deserves. The view
    ``partial_scores`` lists such networks, and ``avg`` over ``scores_by_seed`` gives the other mean.

    Parameters
    ----------
    by_seed : polars.DataFrame
        As `scores_by_seed` returns it: sorted, with every seed of every network.
    """
    n_seeds = by_seed["seed"].n_unique()
    means = by_seed.gather_every(n_seeds).drop("seed")
    for proxy in means.columns[3:]:
        # NumPy adds in the order of seeds, so the bits do not depend on the number of threads; NaN stands for null.
        mean = by_seed[proxy].to_numpy().reshape(-1, n_seeds).mean(axis=1)
        means = means.with_columns(pl.Series(proxy, np.where(np.isfinite(mean), mean, np.nan)).fill_nan(None))
    return means


def score_status(networks: pl.DataFrame, parts: Parts, seeds: Sequence[int]) -> Iterator[pl.DataFrame]:
    """Table ``score_status`` of one space and dataset, one frame per proxy (the whole would not fit in little memory).

    The parameters are those of `scores_by_seed`.
    """
    space, dataset = networks.select("space", "dataset").row(0)
    for paths in parts.values():
        group = read_group(paths, networks, seeds)
        for proxy in proxies_of(group):
            yield group.select(
                pl.lit(space).alias("space"),
                pl.lit(dataset).alias("dataset"),
                "class_index",
                "seed",
                pl.lit(proxy).alias("proxy"),
                pl.col(proxy + _STATUS).alias("status"),
                pl.col(proxy + _SECONDS).alias("seconds"),
            )
