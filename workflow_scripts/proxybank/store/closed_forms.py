"""Scores that are known without a pass, read from the table of networks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl


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
    """Table ``score_status`` of closed forms: always there, for nothing.

    Parameters
    ----------
    networks : polars.DataFrame
        Rows of the table of that name, of one space and dataset.
    names : iterable of str
        The proxies.
    seeds : sequence of int

    Yields
    ------
    polars.DataFrame
        Of one proxy, one row per class and seed, sorted by them: space, dataset, class_index, seed, proxy, status
        (``ok``) and seconds (0).
    """
    rows = networks.select("space", "dataset", "class_index").unique().sort("class_index")
    rows = rows.join(pl.DataFrame({"seed": pl.Series(sorted(seeds), dtype=pl.Int64)}), how="cross")
    for name in names:
        yield rows.with_columns(pl.lit(name).alias("proxy"), pl.lit("ok").alias("status"), pl.lit(0.0).alias("seconds"))
