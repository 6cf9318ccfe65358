"""Rule speed: seconds of every group of passes in, one table as Parquet and CSV out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        table = pl.concat(store.read_parquet(path) for path in job.input.parts)
        store.write_parquet(table, job.output.table)
        with store.atomic(job.output.csv) as path:
            table.write_csv(path)


if __name__ == "__main__":
    main(snakemake)
