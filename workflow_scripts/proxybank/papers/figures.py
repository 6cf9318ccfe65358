"""The table of figures in print."""

import re
from pathlib import Path

import polars as pl

from proxybank.errors import TableError

KEY = ("paper", "table", "space", "dataset", "method", "quantity")
# Beside the key: the figure as it is printed, all its digits included; over how many runs or networks, where known.
FURTHER = ("mean", "std", "runs", "networks", "seconds", "source", "note")
REQUIRED = (*KEY, "mean", "source")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
WHOLE_NUMBER = re.compile(r"\d+")
FEWEST = 5


def read_figures(path: str | Path) -> pl.DataFrame:
    """Read figures in print.

    Parameters
    ----------
    path : path
        CSV file with the columns `KEY` and `FURTHER`.

    Returns
    -------
    polars.DataFrame
        The rows in the order of the file: `mean` and `std` as they are printed, since the number of digits counts;
        `runs`, `networks` (Int64) and `seconds` (Float64), null where they are not known.

    Raises
    ------
    TableError
        For other columns, a missing entry, an entry that is no number, or a figure that is there twice.
    """
    rows = pl.read_csv(path, infer_schema=False)
    if tuple(rows.columns) != KEY + FURTHER:
        raise TableError(
            f"{path}: found the columns {', '.join(rows.columns)}. Expected {', '.join(KEY + FURTHER)}, in this order."
        )
    rows = rows.with_columns(pl.all().replace("", None))
    for line, row in enumerate(rows.iter_rows(named=True), 2):
        missing = [name for name in REQUIRED if not row[name]]
        if missing:
            raise TableError(f"{path}, line {line}: {missing[0]} is empty. Expected all of {', '.join(REQUIRED)}.")
        for name in ("mean", "std", "runs", "networks", "seconds"):
            whole = name in ("runs", "networks")
            if row[name] and not (WHOLE_NUMBER if whole else NUMBER).fullmatch(row[name]):
                expected = "a whole number, such as 500" if whole else "a number, such as 0.61"
                raise TableError(f"{path}, line {line}: {name} is '{row[name]}'. Expected {expected}.")
        if row["networks"] and int(row["networks"]) < FEWEST:  # what standard errors of correlations are defined for
            raise TableError(f"{path}, line {line}: networks is '{row['networks']}'. Expected {FEWEST} or more.")
    repeated = rows.filter(pl.struct(KEY).is_duplicated())
    if repeated.height:
        raise TableError(f"{path}: two rows are for {', '.join(repeated.select(KEY).row(0))}. Expected one each.")
    return rows.with_columns(pl.col("runs", "networks").cast(pl.Int64), pl.col("seconds").cast(pl.Float64))


def rounding(printed: str) -> float:
    """Half a unit of the last printed digit: ``0.005`` for ``0.60``."""
    return 0.5 * 10.0 ** -len(printed.partition(".")[2])
