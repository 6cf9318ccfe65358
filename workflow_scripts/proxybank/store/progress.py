"""What a long job has done so far, in a file beside its output: a job that was stopped goes on from there."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa

from proxybank.errors import TableError
from proxybank.store.files import read_metadata, read_parquet, write_parquet

SECONDS = 60.0  # that a job which is stopped may lose


class Progress:
    """Rows that are there already, and those that come in.

    Parameters
    ----------
    output : path
        What the job will write; the file has this name and ``.progress`` behind it.
    settings : mapping
        All that decides the rows: those of other settings are not taken.
    """

    def __init__(self, output: str | Path, settings: Mapping[str, object]) -> None:
        self._path = Path(f"{output}.progress")
        self._metadata = {"settings": json.dumps(settings, default=repr, sort_keys=True)}
        self._frames, self._saved = self._earlier(), time.monotonic()

    def _earlier(self) -> list[pl.DataFrame]:
        try:
            if read_metadata(self._path)["settings"] == self._metadata["settings"]:
                return [read_parquet(self._path)]
        except (OSError, pa.ArrowInvalid, KeyError, TableError):
            pass  # no file, or none that this version of the project has written
        return []

    @property
    def rows(self) -> pl.DataFrame:
        """All rows so far; without columns if there are none."""
        return pl.concat(self._frames) if self._frames else pl.DataFrame()

    def add(self, rows: pl.DataFrame) -> bool:
        """Take further rows, of the same columns; return whether the file has all now, which is so once a minute."""
        self._frames.append(rows)
        if time.monotonic() - self._saved <= SECONDS:
            return False
        write_parquet(self.rows, self._path, self._metadata)
        self._saved = time.monotonic()
        return True

    def remove(self) -> None:
        """Remove the file, once the output is there."""
        self._path.unlink(missing_ok=True)
