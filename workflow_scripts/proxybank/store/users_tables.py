"""Users' tables of networks, CSV or Parquet. What is wrong with one is a TableError, which begins with the path."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from proxybank.errors import TableError, suggest
from proxybank.spaces import Space
from proxybank.store.files import UNREADABLE, may_be_there

# Columns of our own: the number of each row, from 1 below the header, and the official index of its network.
ROW, INDEX = "row of the file", "network of the row"


def read_users_table(path: Path) -> pl.DataFrame:
    """Read a table that has rows."""
    if not may_be_there(path) or os.path.isdir(path):
        found = "this is a folder" if os.path.isdir(path) else "there is no such file"
        raise TableError(f"{path}: {found}. Expected a table of networks, CSV or Parquet. Correct the path.")
    readers = {
        ".csv": lambda: _read_csv(path),
        ".parquet": lambda: pl.read_parquet(path, glob=False, hive_partitioning=False),
    }
    if path.suffix not in readers:
        raise TableError(f"{path}: found a file ending in '{path.suffix}'. Expected .csv or .parquet.")
    try:
        table = readers[path.suffix]()
    except PermissionError as error:
        raise TableError(f"{path}: {error.strerror}. Expected a readable file. Change its permissions.") from None
    except UNREADABLE as error:
        # What follows the first paragraph is advice to callers of polars.
        found = " ".join(str(error).partition("\n\n")[0].split())
        form = (
            "commas between fields, and in each row as many as in the header"
            if path.suffix == ".csv"
            else "a whole file"
        )
        raise TableError(
            f"{path}: this cannot be read as a {path.suffix[1:]} table: {found}. Expected {form}. Write it again."
        ) from None
    if not table.height:
        raise TableError(f"{path}: the table has no rows. Expected one per network.")
    return table


def _read_csv(path: Path) -> pl.DataFrame:
    table = pl.read_csv(path, infer_schema_length=None, glob=False)
    # Polars renames what is there twice. Spreadsheets leave several columns without a name.
    renamed = (re.fullmatch(r"(.+)_duplicated_\d+", name) for name in table.columns)
    if twice := next((found[1] for found in renamed if found and found[1] in table.columns), None):
        raise TableError(f"{path}: found more than one column '{twice}'. Expected one. Rename or drop the others.")
    return table


def with_indexes(table: pl.DataFrame, space: Space, path: Path) -> pl.DataFrame:
    """Add the columns `ROW` and `INDEX`, the latter from `arch_index`, `arch` or both."""
    return table.with_columns(_arch_index_of(table, space, path).alias(INDEX)).with_row_index(ROW, offset=1)


def _arch_index_of(table: pl.DataFrame, space: Space, path: Path) -> pl.Series:
    """Official index of each row."""
    if "arch_index" not in table.columns and "arch" not in table.columns:
        raise TableError(
            f"{path}: no column names the networks. Expected arch_index (official index) or arch (string). "
            f"Found: {', '.join(table.columns)}."
        )
    indexes = []
    if "arch_index" in table.columns:
        index = table["arch_index"]
        if not index.dtype.is_integer():
            raise TableError(f"{path}: column arch_index holds {index.dtype} values. Expected whole numbers.")
        given, index = index, index.cast(pl.Int64, strict=False)  # narrow ones cannot be compared with a space's size
        unknown = index.is_null() | ~index.is_between(0, space.size - 1)
        if unknown.any():
            raise TableError(
                f"{path}: {rows_of(unknown)}: {space.name} has no network {given.filter(unknown)[0]}. "
                f"Expected an official index from 0 to {space.size - 1}."
            )
        indexes.append(index)
    if "arch" in table.columns:
        arch = texts(table, "arch", path)
        index = arch.replace_strict(space.index_of_string, default=None, return_dtype=pl.Int64)
        if index.null_count():
            raise TableError(
                f"{path}: {rows_of(index.is_null())}: '{arch.filter(index.is_null())[0]}' is no architecture of "
                f"{space.name}. Expected a string like '{space.arch_strings[0]}'."
            )
        indexes.append(index.rename("arch_index"))
    if not (indexes[0] == indexes[-1]).all():
        differ = indexes[0] != indexes[-1]
        raise TableError(
            f"{path}: {rows_of(differ)}: arch_index is {indexes[0].filter(differ)[0]}, but arch is network "
            f"{indexes[-1].filter(differ)[0]} in the official order. Drop the column that is wrong."
        )
    return indexes[0]


def check_about(table: pl.DataFrame, expected: Mapping[str, str], path: Path) -> None:
    """Check that columns, where there are such, have one value in every row: column -> value."""
    for name, value in expected.items():
        if name not in table.columns:
            continue
        others = table[name].cast(pl.String).fill_null("nothing")
        others = others.filter(others != value)
        if others.len():
            raise TableError(
                f"{path}: column {name} has {others[0]} in {others.len()} of {table.height} rows. Expected {value}, "
                "for which the configuration names this file. Name one with its rows alone, or none; or drop the "
                "column, if it means something else."
            )


def column_of(table: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """Return a column, or say which there are."""
    found = [column for column in table.columns if column not in (ROW, INDEX)]
    if name not in found:
        raise TableError(f"{path}: there is no column '{name}'.{suggest(name, found)} Found: {', '.join(found)}.")
    return table[name]


def texts(table: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """Return a column as strings."""
    values = column_of(table, name, path)
    if values.dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise TableError(f"{path}: column {name} holds {values.dtype} values. Expected text.")
    return values.cast(pl.String)


def numbers(table: pl.DataFrame, name: str, path: Path) -> pl.Series:
    """Return a column as float64, NaN as null."""
    values = column_of(table, name, path)
    if values.dtype == pl.String:  # of a CSV file, also where numbers are padded, or NaN is written as Python does
        parsed = values.str.strip_chars().cast(pl.Float64, strict=False)
        bad = values.is_not_null() & parsed.is_null()
        if bad.any():
            raise TableError(f"{path}: column {name}, {rows_of(bad)}: '{values.filter(bad)[0]}'. Expected numbers.")
        values = parsed
    if not values.dtype.is_numeric() and values.null_count() < values.len():
        raise TableError(f"{path}: column {name} holds {values.dtype} values. Expected numbers.")
    return values.cast(pl.Float64).fill_nan(None)


def check_seconds(values: pl.Series, name: str, path: Path) -> pl.Series:
    """Return the numbers of a column if all of them are times: finite, from 0, null where they are not known."""
    bad = (~values.is_finite() | (values < 0)).fill_null(False)
    if bad.any():
        raise TableError(
            f"{path}: column {name}, {rows_of(bad)}: found {values.filter(bad)[0]:g}. Expected seconds from 0, and "
            "nothing where they are not known. Correct the table."
        )
    return values


def check_once(table: pl.DataFrame, path: Path) -> None:
    """Check that no network has two rows."""
    twice = table.filter(pl.col("arch_index").is_duplicated())["arch_index"].unique(maintain_order=True)
    if twice.len():
        raise TableError(
            f"{path}: {listed('network', twice.to_list())} stands there more than once. Expected one row each."
        )


def rows_of(mask: pl.Series) -> str:
    """Name the first rows of a mask, numbered from 1 below the header."""
    return listed("row", (np.flatnonzero(mask.to_numpy()) + 1).tolist())


def listed(noun: str, items: list[int]) -> str:
    """Name the first five of some things: ``networks 3, 7, 8, 9, 21 and 12 more``."""
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return f"{noun}{'s' if len(items) > 1 else ''} {', '.join(map(str, items[:5]))}{more}"
