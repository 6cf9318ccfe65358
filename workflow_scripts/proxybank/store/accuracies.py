"""Accuracies of trained networks: a user's table read into the contract's form, and the one column analysis reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from proxybank.errors import TableError, suggest
from proxybank.spaces import Space
from proxybank.store.schema import SPLITS
from proxybank.store.users_tables import (
    INDEX,
    ROW,
    check_about,
    check_once,
    check_seconds,
    column_of,
    listed,
    numbers,
    read_users_table,
    rows_of,
    texts,
    with_indexes,
)

_LONG = ("split", "epochs", "accuracy_pct")


def read_accuracies(
    path: str | Path,
    space: Space,
    dataset: str,
    measurements: Sequence[Mapping[str, Any]] | None = None,
    further_paths: Sequence[str | Path] = (),
) -> pl.DataFrame:
    """Read accuracies from CSV or Parquet, from one file or several.

    A network is named by ``arch_index`` (official index), ``arch`` (architecture string), or both, which must agree.
    A column ``space`` or ``dataset`` must say what is asked for in every row, so that no accuracy is taken for that of
    other images. Columns that are not needed are left alone.

    Parameters
    ----------
    path : path
        ``.csv`` or ``.parquet``. Long form, without `measurements`: one row per network, split and epochs, with columns
        ``split`` (test or valid), ``epochs``, ``accuracy_pct`` and, if known, ``train_seconds`` (of the training).
        Wide form, with `measurements`: one row per network.
    space : Space
        The space the networks belong to. The file may hold some of its networks only.
    dataset : str
        Name of the dataset the accuracies were measured on.
    measurements : sequence of mapping, optional
        Wide form: what to read from which column. ``split``, ``epochs``, ``accuracy`` (a column), and, if known, one of
        ``train_seconds`` and ``train_seconds_per_epoch`` (a column each; the latter is multiplied by the epochs).
    further_paths : sequence of path
        Further files of the same form. A measurement takes each column from the first file that has it.

    Returns
    -------
    polars.DataFrame
        Table ``accuracies`` of the space and dataset, sorted by split, epochs, arch_index; `source` is the file's name.

    Raises
    ------
    TableError
        If the file is missing or unreadable, is about another space or dataset, lacks a column or has one of the wrong
        type, names an unknown architecture or one twice, or holds an accuracy that is missing or not within 0 to 100
        percent, or seconds that are negative or infinite; or if two files measure the same.
    """
    tables: dict[Path, pl.DataFrame] = {}
    for file in map(Path, (path, *further_paths)):
        table = read_users_table(file)
        check_about(table, {"space": space.name, "dataset": dataset}, file)
        tables[file] = with_indexes(table, space, file)
    if measurements is None:
        parts = [(file, _long(table, file)) for file, table in tables.items()]
    else:
        parts = [_measured(tables, measurement) for measurement in measurements]
    frames = [
        _finished(pl.concat(rows for whose, rows in parts if whose == file), file, space, dataset)
        for file in dict(parts)
    ]
    rows = pl.concat(frames).sort("split", "epochs", "arch_index")
    twice = rows.filter(pl.struct("arch_index", "split", "epochs").is_duplicated())
    if twice.height:
        split, epochs, *files = twice.select("split", "epochs").row(0) + tuple(twice["source"].unique().sort())
        raise TableError(
            f"{path}: accuracies of split {split} after {epochs} epochs come from {' and '.join(files)}. Expected them "
            "once. Remove them from one of the two."
        )
    return rows


def _finished(rows: pl.DataFrame, path: Path, space: Space, dataset: str) -> pl.DataFrame:
    """Rows of one file, checked, as rows of the table ``accuracies``."""
    _check_accuracies(rows, path)
    repeated = rows.filter(pl.struct("arch_index", "split", "epochs").is_duplicated())
    if repeated.height:
        raise TableError(
            f"{path}: {_some(repeated)} appear more than once for the same split and epochs. "
            "Expected one row per network; average repeated trainings first."
        )
    return rows.sort("split", "epochs", "arch_index").select(
        pl.lit(space.name).alias("space"),
        pl.lit(dataset).alias("dataset"),
        "arch_index",
        "split",
        "epochs",
        "accuracy_pct",
        "train_seconds",
        pl.lit(path.name).alias("source"),
    )


def final_accuracies(accuracies: pl.DataFrame) -> pl.DataFrame:
    """Test accuracy of each network after its longest training.

    Parameters
    ----------
    accuracies : polars.DataFrame
        Table ``accuracies``, any number of spaces and datasets.

    Returns
    -------
    polars.DataFrame
        Columns space, dataset, arch_index, epochs, accuracy_pct: the test rows at the largest number of epochs in the
        table for their space and dataset, sorted.
    """
    rows = accuracies.filter(split="test")
    rows = rows.filter(pl.col("epochs") == pl.col("epochs").max().over("space", "dataset"))
    return rows.select("space", "dataset", "arch_index", "epochs", "accuracy_pct").sort(
        "space", "dataset", "arch_index"
    )


def _long(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    found = [column for column in table.columns if column not in (ROW, INDEX)]
    missing = [column for column in _LONG if column not in found]
    if missing:
        raise TableError(
            f"{path}: found columns {', '.join(found)}. Expected split, epochs and accuracy_pct."
            f"{suggest(missing[0], found)} Or, for one column per measurement, a list of `measurements` that says what "
            "each one holds."
        )
    split, epochs = texts(table, "split", path), column_of(table, "epochs", path)
    unknown = ~split.is_in(SPLITS).fill_null(False)
    if unknown.any():
        raise TableError(
            f"{path}: {rows_of(unknown)}: split is '{split.filter(unknown)[0]}'. Expected {' or '.join(SPLITS)}."
        )
    if not epochs.dtype.is_integer():
        raise TableError(f"{path}: column epochs holds {epochs.dtype} values. Expected whole numbers.")
    unusable = ~(epochs.cast(pl.Int64, strict=False) >= 1).fill_null(False)
    if unusable.any():
        raise TableError(
            f"{path}: {rows_of(unusable)}: epochs is {epochs.filter(unusable)[0]}. "
            "Expected a positive whole number of at most 64 bits."
        )
    seconds = None
    if "train_seconds" in table.columns:
        seconds = check_seconds(numbers(table, "train_seconds", path), "train_seconds", path)
    return table.select(
        ROW,
        pl.col(INDEX).alias("arch_index"),
        split,
        epochs.cast(pl.Int64),
        numbers(table, "accuracy_pct", path),
        pl.lit(seconds, dtype=pl.Float64).alias("train_seconds"),
    )


def _measured(tables: Mapping[Path, pl.DataFrame], measurement: Mapping[str, Any]) -> tuple[Path, pl.DataFrame]:
    """Rows of one measurement, and the file that has its accuracies."""
    epochs = int(measurement["epochs"])
    path = _holder(tables, measurement["accuracy"])
    table = tables[path]
    seconds = None
    for name, factor in (("train_seconds", 1), ("train_seconds_per_epoch", epochs)):
        if name in measurement:
            seconds = _seconds_of(tables, measurement[name], table[INDEX]) * factor
    return path, table.select(
        ROW,
        pl.col(INDEX).alias("arch_index"),
        pl.lit(measurement["split"]).alias("split"),
        pl.lit(epochs, dtype=pl.Int64).alias("epochs"),
        numbers(table, measurement["accuracy"], path).alias("accuracy_pct"),
        pl.lit(seconds, dtype=pl.Float64).alias("train_seconds"),
    )


def _holder(tables: Mapping[Path, pl.DataFrame], name: str) -> Path:
    """First file that has a column; the first one if none has it, whose columns the message then lists."""
    return next((path for path, table in tables.items() if name in table.columns), next(iter(tables)))


def _seconds_of(tables: Mapping[Path, pl.DataFrame], name: str, indexes: pl.Series) -> pl.Series:
    """Return a column of seconds for the networks asked for, in their order; null for those that its file lacks."""
    path = _holder(tables, name)
    seconds = check_seconds(numbers(tables[path], name, path), name, path)
    values = tables[path].select(pl.col(INDEX).alias("arch_index"), seconds.alias("value"))
    check_once(values, path)
    return indexes.to_frame("arch_index").join(values, "arch_index", "left", maintain_order="left")["value"]


def _check_accuracies(rows: pl.DataFrame, path: Path) -> None:
    accuracy = rows["accuracy_pct"]
    if accuracy.null_count():
        raise TableError(
            f"{path}: {_some(rows.filter(accuracy.is_null()))} have no accuracy. Leave out what is unknown."
        )
    outside = rows.filter(~accuracy.is_between(0, 100))
    if outside.height:
        raise TableError(
            f"{path}: {_some(outside)} have an accuracy of {outside['accuracy_pct'][0]:g}. Expected percent, 0 to 100."
        )
    best = rows.group_by("split", "epochs").agg(pl.col("accuracy_pct").max())["accuracy_pct"].min()
    if best <= 1:
        raise TableError(f"{path}: no accuracy is above {best:g}. Expected percent, not fractions.")


def _some(rows: pl.DataFrame) -> str:
    """Name the first networks of some rows, and where they stand in the file."""
    networks, places = (rows[column].unique(maintain_order=True).to_list() for column in ("arch_index", ROW))
    return f"{listed('network', networks)} ({listed('row', places)})"
