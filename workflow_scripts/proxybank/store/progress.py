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


class Checkpoint:
    """A file of unfinished rows beside the output of a job.

    Parameters
    ----------
    output : path
        What the job will write; the file has this name and ``.progress`` behind it.
    metadata : mapping of str to str
        Goes into the file.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, output: str | Path, metadata: Mapping[str, str]) -> None:
        self.path = self.beside(output)
        self._metadata, self._saved = metadata, time.monotonic()

    @staticmethod
    def beside(output: str | Path) -> Path:
        """Where the file of an output is."""
        return Path(f"{output}.progress")

    def save(self, rows: pl.DataFrame) -> bool:
        """Write all rows so far if a minute has passed; return whether it has."""
        if time.monotonic() - self._saved <= SECONDS:
            return False
        write_parquet(rows, self.path, self._metadata)
        self._saved = time.monotonic()
        return True

    def remove(self) -> None:
        """Remove the file, once the output is there."""
        self.path.unlink(missing_ok=True)


class Progress:
    """Rows that are there already, and those that come in.

    Parameters
    ----------
    output : path
        What the job will write.
    settings : mapping
        All that decides the rows: those of other settings are not taken.
    """

    def __init__(self, output: str | Path, settings: Mapping[str, object]) -> None:
        metadata = {"settings": json.dumps(settings, default=repr, sort_keys=True)}
        self._checkpoint = Checkpoint(output, metadata)
        self._frames = []
        try:
            if read_metadata(self._checkpoint.path)["settings"] == metadata["settings"]:
                self._frames.append(read_parquet(self._checkpoint.path))
        except (OSError, pa.ArrowInvalid, KeyError, TableError):
            pass  # no file, or none that this version of the project has written

    @property
    def rows(self) -> pl.DataFrame:
        """All rows so far; without columns if there are none."""
        return pl.concat(self._frames) if self._frames else pl.DataFrame()

    def add(self, rows: pl.DataFrame) -> None:
        """Take further rows, of the same columns."""
        self._frames.append(rows)
        self._checkpoint.save(self.rows)

    def remove(self) -> None:
        """Remove the file, once the output is there."""
        self._checkpoint.remove()
