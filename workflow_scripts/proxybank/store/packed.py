"""Scores of a run as a few small files, which a repository can carry and DuckDB can query where they lie."""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl

from proxybank import spaces
from proxybank.errors import TableError
from proxybank.store.files import atomic, parquet_writer, read_parquet
from proxybank.store.schema import NOT_SAMPLED, TABLES

# Tables that are packed, each to a file of its name.
PACKED = ("networks", "scores", "scores_by_seed", "score_status", "provenance")
MAX_FILE_BYTES, MAX_BYTES = 20_000_000, 60_000_000
_DIGITS_OF_SECONDS = 3
_SORTED_BY = ("space", "dataset", "proxy", "arch_index", "class_index", "seed", "key")
_LARGEST, _SMALLEST = 3.4e38, 1.2e-38  # of float32, without those of fewer digits


def pack(tables: Mapping[str, str | Path], outputs: Mapping[str, str | Path], computed: Collection[str]) -> None:
    """Write all files, once each of them is complete.

    Rows are sorted by space, dataset, arch_index and seed, statuses by proxy, class_index and seed; a group of rows in
    a file is a space and dataset. Scores are float32 (7 digits) where all of a column are within its range, and float64
    elsewhere; costs, which limits compare with, stay float64. A proxy that no network has a score of has no column. Of
    ``score_status`` there is what was computed, as `known.known_scores` needs it; seconds have 3 digits, more than
    repeat. Users' columns of ``networks`` are left out, for they are not ours to give away, and so is all that is not
    in `PACKED`: accuracies, searches.

    Parameters
    ----------
    tables, outputs : mapping of str to path
        Name in `PACKED` -> Parquet file of the run, and file to write.
    computed : collection of str
        Proxies that passes feed: all but closed forms and aggregates.

    Raises
    ------
    TableError
        If networks of a space are missing, or a file, or all of them, are too large to be handed around.
    """
    frames = {name: read_parquet(tables[name]) for name in PACKED}
    frames["networks"] = frames["networks"].select(_columns_of_networks(frames["networks"]))
    scored = [series.name for series in frames["scores"] if series.null_count() < len(series)]
    for name in ("scores", "scores_by_seed"):
        frames[name] = frames[name].select(column for column in frames[name].columns if column in [*scored, "seed"])
    frames["score_status"] = (
        frames["score_status"]
        .filter(pl.col("status") != NOT_SAMPLED, pl.col("proxy").is_in(list(computed)))
        .with_columns(pl.col("seconds").round_sig_figs(_DIGITS_OF_SECONDS).cast(pl.Float32))
    )
    for name in ("networks", "scores", "scores_by_seed"):
        _check_complete(frames[name], str(tables[name]))
    with ExitStack() as stack:
        # The last is renamed first: provenance, which says what the others are, last of all.
        temporary = {name: stack.enter_context(atomic(outputs[name])) for name in reversed(PACKED)}
        for name, frame in frames.items():
            _write(frame, name, temporary[name])
        sizes = {str(outputs[name]): temporary[name].stat().st_size for name in PACKED}
        _check_sizes(sizes)


def _columns_of_networks(networks: pl.DataFrame) -> list[str]:
    ours = {column.name for column in TABLES["networks"].own}
    return [column for column in networks.columns if column in ours]


def _check_complete(frame: pl.DataFrame, where: str) -> None:
    seeds = frame["seed"].n_unique() if "seed" in frame.columns else 1
    for space, dataset, n in frame.group_by("space", "dataset", maintain_order=True).len().iter_rows():
        expected = spaces.get(space).size * seeds
        if n != expected:
            raise TableError(f"{where}: {n} rows of {space}, {dataset}. Expected {expected}. Run the whole space.")


def _check_sizes(sizes: Mapping[str, int]) -> None:
    for path, size in sizes.items():
        if size > MAX_FILE_BYTES:
            raise TableError(
                f"{path}: it would have {size / 1e6:.1f} MB. Expected at most {MAX_FILE_BYTES / 1e6:.0f}, so that a "
                "repository can carry it. Ask for fewer proxies or seeds."
            )
    total = sum(sizes.values())
    if total > MAX_BYTES:
        raise TableError(
            f"{', '.join(sizes)}: they would have {total / 1e6:.1f} MB. Expected at most {MAX_BYTES / 1e6:.0f} in all. "
            "Ask for fewer proxies or seeds."
        )


def _write(frame: pl.DataFrame, name: str, path: Path) -> None:
    narrowed = [column for column in frame.columns if name.startswith("scores") and _fits(frame[column])]
    key = sorted(TABLES[name].key, key=_SORTED_BY.index)
    frame = frame.with_columns(pl.col(pl.Int64).cast(pl.Int32), pl.col(narrowed).cast(pl.Float32)).sort(key)
    encoding: dict[str, Any] = {
        "use_dictionary": [column for column in frame.columns if frame[column].dtype == pl.String]
    }
    if name == "score_status":  # sorted by proxy, numbers rise by one or not at all, and seconds repeat themselves
        encoding["use_dictionary"].append("seconds")
        encoding["column_encoding"] = dict.fromkeys(["class_index", "seed"], "DELTA_BINARY_PACKED")
    elif narrowed:  # bytes of the same place of all numbers stand together: signs and exponents then compress
        encoding["use_byte_stream_split"] = [column for column in frame.columns if frame[column].dtype.is_float()]
    else:
        encoding = {}
    with parquet_writer(path, compression_level=19, **encoding) as append:
        for part in frame.partition_by(key[:2], maintain_order=True) if "space" in key else [frame]:
            append(part)


def _fits(column: pl.Series) -> bool:
    """Whether all of a column's numbers are 0 or within the range of float32."""
    if column.dtype != pl.Float64:
        return False
    size = column.abs().drop_nulls()
    return bool(((size == 0) | size.is_between(_SMALLEST, _LARGEST)).all())
