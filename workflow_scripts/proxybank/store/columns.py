"""A user's table of further columns of networks, such as measured latencies, made part of the table ``networks``."""

from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

from proxybank.spaces import Space
from proxybank.store.users_tables import (
    INDEX,
    check_about,
    check_once,
    check_seconds,
    listed,
    numbers,
    read_users_table,
    with_indexes,
)


def read_columns(
    path: str | Path,
    space: Space,
    columns: Mapping[str, str],
    datasets: Collection[str],
    seconds: Collection[str] = (),
) -> pl.DataFrame:
    """Read some columns of numbers from CSV or Parquet.

    Parameters
    ----------
    path : path
        ``.csv`` or ``.parquet``, one row per network, named by ``arch_index``, ``arch`` or both.
    space : Space
        The space the networks belong to.
    columns : mapping of str to str
        Name of each column here -> its name in the file.
    datasets : collection of str
        What the table is for. A column `dataset`, if there is one, has to name it, so that nothing is taken for that of
        other images.
    seconds : collection of str
        Names of columns here that are to hold times, for clocks count them.

    Returns
    -------
    polars.DataFrame
        `arch_index` and the columns as float64, one row per network of the space, in official order; null where the
        table has no row, or no finite number.

    Raises
    ------
    TableError
        If the file is missing or unreadable, is about another space or dataset, lacks a column, has one that holds no
        numbers, or negative ones for times, or names an unknown network or one twice.
    """
    path = Path(path)
    table = read_users_table(path)
    check_about(table, {"space": space.name, "dataset": " and ".join(datasets)}, path)
    table = with_indexes(table, space, path)
    found = table.select(
        pl.col(INDEX).alias("arch_index"), **{name: numbers(table, column, path) for name, column in columns.items()}
    )
    check_once(found, path)
    every = pl.DataFrame({"arch_index": pl.int_range(space.size, eager=True)})
    found = found.select("arch_index", *(pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in columns))
    for name in columns.keys() & seconds:
        check_seconds(found[name], columns[name], path)
    return every.join(found, on="arch_index", how="left", maintain_order="left")


def missing_networks(columns: pl.DataFrame) -> list[str]:
    """Say of each column that `read_columns` has read which networks have no value in it, if some have none."""
    return [
        f"column {series.name} has no value for {series.null_count()} of {series.len()} networks: "
        + listed("network", columns.filter(series.is_null())["arch_index"].to_list())
        for series in columns.drop("arch_index")
        if series.null_count()
    ]
