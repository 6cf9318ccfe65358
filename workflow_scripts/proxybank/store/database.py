"""The portable DuckDB file of a run: every table of the contract, with units as comments, and the views of ``sql/``.

Macros that views share are in ``macros.sql``, and in the file, too.
"""

import itertools
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from proxybank.errors import TableError
from proxybank.store.files import atomic
from proxybank.store.schema import TABLES

# Readable by DuckDB 1.2 and later.
STORAGE_VERSION = "v1.2.0"
_MEMORY_LIMIT = "1GB"


def build_database(tables: Mapping[str, str | Path], output: str | Path) -> None:
    """Write all tables of a run, and views over them, to one DuckDB file.

    The file holds the data, no paths; it appears when it is complete.

    Parameters
    ----------
    tables : mapping of str to path
        Name of each table of the contract -> its Parquet file.
    output : path
        The DuckDB file; an older one is replaced.

    Raises
    ------
    TableError
        If a table of the contract is missing from `tables`, or its file.
    """
    for name in TABLES:
        if name not in tables or not Path(tables[name]).is_file():
            raise TableError(
                f"{output}: table {name} is missing. Expected a Parquet file of each: {', '.join(TABLES)}."
            )
    with atomic(output) as temporary, duckdb.connect(config={"memory_limit": _MEMORY_LIMIT}) as con:
        con.execute(f"attach {_quoted(temporary)} as bank (storage_version '{STORAGE_VERSION}')")
        con.execute("use bank")
        for name in TABLES:
            con.execute(f"create table {name} as select * from read_parquet({_quoted(tables[name])})")
            _comment(con, name)
        con.execute(macros())
        for name, view in views().items():
            con.execute(view)
            con.execute(f"comment on view {name} is {_quoted(_opening(view))}")
        con.execute("use memory")
        con.execute("detach bank")


def read_view(database: str | Path, name: str, **equal: str) -> pl.DataFrame:
    """Read a view of a run's DuckDB file, or its rows with the given values, for example ``space="tss"``.

    Raises
    ------
    TableError
        If there is no such file.
    """
    if not Path(database).is_file():
        raise TableError(
            f"{database}: there is no such file. Expected the database of a run. Run the rule that makes it."
        )
    wanted = " and ".join(f"{column} = ${column}" for column in equal) or "true"
    with duckdb.connect(str(database), read_only=True) as con:
        return con.sql(f"select * from {name} where {wanted}", params=equal or None).pl()


def views() -> dict[str, str]:
    """Return name and SQL of every view, in the order of file names, which is one in which they can be created."""
    folder = files("proxybank.store") / "sql"
    return {
        file.name.removesuffix(".sql"): file.read_text("utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
    }


def macros() -> str:
    """Return the SQL of the macros."""
    return (files("proxybank.store") / "macros.sql").read_text("utf-8")


def comments() -> dict[str, list[str]]:
    """Return by table what is written into the database about it: what a row is, and what each column means."""
    return {
        name: [table.grain, *(column.meaning for column in (*table.columns, *table.optional, table.further) if column)]
        for name, table in TABLES.items()
    }


def _opening(sql: str) -> str:
    """Comment with which a file begins."""
    lines = itertools.takewhile(lambda line: line.startswith("--"), sql.splitlines())
    return " ".join(line.removeprefix("--").strip() for line in lines)


def _comment(con: duckdb.DuckDBPyConnection, name: str) -> None:
    con.execute(f"comment on table {name} is {_quoted('One row: ' + TABLES[name].grain)}")
    for (column,) in con.execute(f"select column_name from (describe {name})").fetchall():
        if known := TABLES[name].column(column):
            con.execute(f'comment on column {name}."{column}" is {_quoted(known.meaning)}')


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
