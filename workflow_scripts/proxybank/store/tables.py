"""The contract's tables as Parquet files, written through the check of `schema`; `files.read_parquet` reads them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from proxybank import spaces
from proxybank.errors import TableError
from proxybank.spaces import Space
from proxybank.store.files import parquet_writer
from proxybank.store.schema import TABLES, conform


@contextmanager
def table_writer(name: str, path: str | Path) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield a function that checks a frame against table `name` and appends it to the Parquet file `path`.

    Frames must differ in the text columns of the key (a frame per space and dataset, say): then the key is unique in
    the file if it is in every frame, and no more than one frame needs to be in memory.

    Raises
    ------
    TableError
        If a frame breaks the contract, or comes a second time.
    """
    table = TABLES[name]
    text_key = [column.name for column in table.columns if column.name in table.key and column.dtype == pl.String]
    seen: set[tuple[str, ...]] = set()
    with parquet_writer(path) as append:

        def check_and_append(frame: pl.DataFrame) -> None:
            frame = conform(frame, name, str(path))
            groups = set(frame.select(text_key).unique().iter_rows())
            if groups & seen:
                raise TableError(f"{path}: table {name} gets rows of {', '.join(min(groups & seen))} a second time.")
            seen.update(groups)
            append(frame)

        yield check_and_append


def stack(name: str, frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Put frames of table `name` under one another, each checked by `schema.conform`.

    A column that only some frames have is null in the others; without any frame the table has no rows.
    """
    empty = pl.DataFrame(schema={column.name: column.dtype for column in TABLES[name].columns})
    return pl.concat([empty, *(conform(frame, name, f"table {name}") for frame in frames)], how="diagonal")


def write_table(name: str, frames: pl.DataFrame | Iterable[pl.DataFrame], path: str | Path) -> None:
    """Check one frame, or several put under one another, against table `name`, and write it atomically.

    Raises TableError as `schema.conform` does.
    """
    with table_writer(name, path) as append:
        append(frames if isinstance(frames, pl.DataFrame) else stack(name, frames))


def networks_table(space: Space, dataset: str, dead_edges: str, costs: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Table ``networks`` of one space and dataset.

    Parameters
    ----------
    space : Space
        The space; rows follow its official order.
    dataset : str
        Name of the dataset.
    dead_edges : {"drop", "keep"}
        What makes a class, see `Space.scored_genes`.
    costs : mapping of str to array, shape (space.size,)
        Columns as ``space.costs`` returns them.

    Returns
    -------
    polars.DataFrame
        One row per network: space, dataset, arch_index, arch, class_index, the costs, sample_place.
    """
    return pl.DataFrame(
        {
            "arch_index": np.arange(space.size),
            "arch": space.arch_strings,
            "class_index": space.classes(dead_edges),
            **costs,
            "sample_place": space.sample_places(dead_edges),
        }
    ).select(pl.lit(space.name).alias("space"), pl.lit(dataset).alias("dataset"), pl.all())


def by_function(networks: pl.DataFrame) -> pl.DataFrame:
    """Table ``networks`` with the classes of what networks compute, also where each was scored as it is written.

    A run with ``dead_edges: keep`` has each network in a class of its own. They compute the same functions all the
    same, so that their accuracies, and closed forms, are as alike as those of any other run.
    """
    parts = [
        part.with_columns(class_index=spaces.get(space).classes("drop")[part["arch_index"].to_numpy()])
        for (space,), part in networks.group_by("space", maintain_order=True)
    ]
    return pl.concat(parts)


def provenance_table(facts: Mapping[str, object]) -> pl.DataFrame:
    """Table ``provenance``: nested facts as dotted keys, sorted; text as it is, anything else as JSON.

    Parameters
    ----------
    facts : mapping
        For example ``{"config": {"seeds": [0, 1]}, "version": "0.1.0"}``: keys ``config.seeds`` and ``version``.
    """
    rows = sorted(_flat(facts, ""))
    return pl.DataFrame(rows, schema={"key": pl.String, "value": pl.String}, orient="row")


def _flat(facts: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in facts.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, sort_keys=True)
