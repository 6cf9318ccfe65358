"""What a long job has done, in a file beside its output: a job that runs again goes on from there.

The file stays when the job is done. Snakemake removes an output before its job runs again for whatever reason, and what
a job that failed leaves; where it is told to keep them (`update`), it takes the output that a failed job found for the
one that was asked for, and never makes that.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa

from proxybank.errors import TableError
from proxybank.store.files import atomic, read_metadata, read_parquet, write_parquet

SECONDS = 60.0  # that a job which is stopped may lose


class Checkpoint:
    """A file of rows beside the output of a job.

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
        self._output, self._metadata, self._saved = output, metadata, time.monotonic()

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

    def keep_output(self) -> None:
        """Give the output, once it is there, the name of the file as well, which takes no space."""
        with atomic(self.path) as temporary:
            try:
                os.link(self._output, temporary)
            except OSError:  # the file system has no hard links
                shutil.copyfile(self._output, temporary)


class Progress:
    """Rows that are there already, and those that come in.

    Parameters
    ----------
    output : path
        What the job will write.
    settings : mapping
        All that decides a row: those of other settings are not taken.
    key : sequence of str
        Columns that say which row is which. A row that comes in takes the place of an earlier one.
    """

    def __init__(self, output: str | Path, settings: Mapping[str, object], key: Sequence[str]) -> None:
        self._metadata = {"settings": json.dumps(settings, default=repr, sort_keys=True)}
        self._checkpoint = Checkpoint(output, self._metadata)
        self._key, self._frames = key, []
        try:
            if read_metadata(self._checkpoint.path)["settings"] == self._metadata["settings"]:
                self._frames.append(read_parquet(self._checkpoint.path))
        except (OSError, pa.ArrowInvalid, KeyError, TableError):
            pass  # no file, or none that this version of the project has written

    @property
    def rows(self) -> pl.DataFrame:
        """All rows so far; without columns if there are none."""
        if not self._frames:
            return pl.DataFrame()
        return pl.concat(self._frames).unique(self._key, keep="last", maintain_order=True)

    def add(self, rows: pl.DataFrame) -> None:
        """Take further rows, of the same columns."""
        self._frames.append(rows)
        self._checkpoint.save(self.rows)

    def keep(self) -> None:
        """Write all rows to the file, where the job finds them if it runs again."""
        write_parquet(self.rows, self._checkpoint.path, self._metadata)
