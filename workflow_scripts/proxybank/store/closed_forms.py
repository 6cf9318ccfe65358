"""Scores that are known without a pass, and what the others cost: both read from tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray


def add_closed_forms(by_seed: pl.DataFrame, networks: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Give a table ``scores_by_seed`` the proxies that are columns of ``networks``; no seed changes them.

    Parameters
    ----------
    by_seed, networks : polars.DataFrame
        Rows of the tables of these names, of one space and dataset.
    columns : mapping of str to str
        Name of the proxy -> column of `networks`.
    """
    known = networks.select("arch_index", **{name: pl.col(column).cast(pl.Float64) for name, column in columns.items()})
    return by_seed.join(known, on="arch_index", how="left", maintain_order="left")


def closed_form_status(networks: pl.DataFrame, names: Iterable[str], seeds: Sequence[int]) -> Iterator[pl.DataFrame]:
    """Table ``score_status`` of closed forms: always there, for nothing. One frame per proxy."""
    rows = networks.select("space", "dataset", "class_index").unique().sort("class_index")
    rows = rows.join(pl.DataFrame({"seed": pl.Series(sorted(seeds), dtype=pl.Int64)}), how="cross")
    for name in names:
        yield rows.with_columns(pl.lit(name).alias("proxy"), pl.lit("ok").alias("status"), pl.lit(0.0).alias("seconds"))


def scoring_seconds(networks: pl.DataFrame, status: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Seconds it took to score each network by each proxy, all seeds together.

    Parameters
    ----------
    networks, status : polars.DataFrame
        Rows of the tables ``networks`` and ``score_status``, of one space and dataset; the latter has every class.

    Returns
    -------
    dict of str to float64, shape (networks.height,)
    """
    of_class = status.group_by("class_index", "proxy").agg(pl.col("seconds").sum())
    return {
        proxy: networks.select("class_index")
        .join(of_class.filter(proxy=proxy), on="class_index", how="left", maintain_order="left")["seconds"]
        .to_numpy()
        for proxy in status["proxy"].unique(maintain_order=True)
    }
