"""Rule chosen: the table of choices in, the first three places on one space and dataset as CSV out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        rows = store.read_parquet(job.input.choices, space=job.wildcards.space, dataset=job.wildcards.dataset)
        with store.atomic(job.output.table) as path:
            shown = rows.filter(pl.col("place") <= 3).drop("space", "dataset")
            # Rounded numbers would be written with all digits of what is nearest to them.
            text = pl.col(pl.Float64).map_elements("{:.7g}".format, pl.String)
            shown.with_columns(text).write_csv(path)


if __name__ == "__main__":
    main(snakemake)
