"""What a long job has done, in files beside its output: a job that runs again goes on from there.

``.progress`` is there while it computes, and after it was stopped; ``.kept`` is what it last finished. Snakemake
removes an output before its job runs again, for whatever reason, and what a job that failed leaves; where it is told to
keep it (`update`), it takes the output that a failed job found for the one that was asked for, and never makes that.
"""

import json
import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from proxybank.store.files import atomic, read_metadata, read_parquet, write_parquet

log = logging.getLogger("proxybank")

SECONDS = 60.0  # that a job which is stopped may lose


class Checkpoint:
    """The files beside the output of a job.

    Parameters
    ----------
    output : path
        What the job will write.
    metadata : mapping of str to str
        Goes into what is saved.
    """

    def __init__(self, output: str | Path, metadata: Mapping[str, str]) -> None:
        self._output, self._metadata, self._saved = output, metadata, time.monotonic()

    @staticmethod
    def unfinished(output: str | Path) -> Path:
        """Rows of a job that is at work, or was stopped."""
        return Path(f"{output}.progress")

    @staticmethod
    def finished(output: str | Path) -> Path:
        """Rows of the job that last came to its end."""
        return Path(f"{output}.kept")

    def save(self, rows: pl.DataFrame) -> bool:
        """Write all rows so far if a minute has passed; return whether it has."""
        if time.monotonic() - self._saved <= SECONDS:
            return False
        write_parquet(rows, self.unfinished(self._output), self._metadata)
        self._saved = time.monotonic()
        return True

    def keep(self, rows: pl.DataFrame | None = None) -> None:
        """Keep these rows, or the output once it is there, which then has a second name and takes no further space."""
        if rows is not None:
            write_parquet(rows, self.finished(self._output), self._metadata)
        else:
            with atomic(self.finished(self._output)) as temporary:
                try:
                    os.link(self._output, temporary)
                except OSError:  # the file system has no hard links
                    if not temporary.exists():
                        shutil.copyfile(self._output, temporary)
        self.unfinished(self._output).unlink(missing_ok=True)


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
        metadata = {"settings": json.dumps(settings, default=repr, sort_keys=True)}
        self._checkpoint = Checkpoint(output, metadata)
        self._key, self._frames = key, []
        for path in (Checkpoint.finished(output), Checkpoint.unfinished(output)):
            try:
                if read_metadata(path)["settings"] == metadata["settings"]:
                    self._frames.append(read_parquet(path))
            except FileNotFoundError:
                pass
            except Exception as error:  # a damaged file raises whatever pyarrow and polars do
                log.warning("Nothing is taken from the earlier %s, which cannot be read: %r", path, error)

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
        """Keep all rows, for the job to find if it runs again."""
        self._checkpoint.keep(self.rows)
