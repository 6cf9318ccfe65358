"""Parquet files that are either whole or absent, and hold the same bytes whenever the rows are the same."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from proxybank.errors import TableError

# What polars raises of a damaged file; a panic is no Exception.
UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


def may_be_there(path: str | Path) -> bool:
    """Whether there is a file or folder; True, too, if a folder may not be entered, which its reader then says."""
    try:
        os.stat(path)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name in the folder of `path`; the file written there takes the name `path` if all went well.

    The name keeps its ending, because matplotlib and NumPy read the format from it. It is random, because after a kill
    an orphaned job may still be writing the same file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def parquet_writer(
    path: str | Path, metadata: Mapping[str, str] | None = None, **options: Any
) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield a function that appends a frame to the Parquet file `path`, which appears when the block ends.

    All frames need the same columns and dtypes. Only one of them is in memory at a time. `metadata` are texts that the
    file carries beside its rows; see `read_metadata`. `options` are those of `pyarrow.parquet.ParquetWriter`.
    """
    options = {"compression": "zstd", "compression_level": 3} | options
    with atomic(path) as temporary:
        writer = None

        def append(frame: pl.DataFrame) -> None:
            nonlocal writer
            arrow = _arrow(frame).replace_schema_metadata(metadata)
            writer = writer or pq.ParquetWriter(temporary, arrow.schema, **options)
            writer.write_table(arrow)

        try:
            yield append
        finally:
            if writer:
                writer.close()


def write_parquet(frame: pl.DataFrame, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write one frame as Parquet (zstd), under a temporary name first; `metadata` as in `parquet_writer`."""
    with parquet_writer(path, metadata) as append:
        append(frame)


def read_metadata(path: str | Path) -> dict[str, str]:
    """Texts that a Parquet file carries beside its rows."""
    return {key.decode(): value.decode() for key, value in (pq.read_schema(path).metadata or {}).items()}


def read_parquet(path: str | Path, **equal: str | int) -> pl.DataFrame:
    """Read a Parquet file that a run has made, or its rows with the given values, for example ``space="tss"``.

    Then the other rows never are in memory at once.

    Raises
    ------
    TableError
        If the file is missing or is no Parquet file.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"{path}: there is no such file. Run the rule that makes it.")
    try:
        rows = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        return (rows.filter(**equal) if equal else rows).collect()
    except UNREADABLE as error:
        raise TableError(f"{path}: this is no readable Parquet file ({error}). Delete it and run again.") from None


def _arrow(frame: pl.DataFrame) -> pa.Table:
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    # Plain strings: not every reader of Parquet knows Arrow's large ones.
    plain = [field.with_type(pa.string()) if pa.types.is_large_string(field.type) else field for field in table.schema]
    return table.cast(pa.schema(plain))
