"""Rule figure_children: whole histories of searches of one space and dataset in, a picture out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        histories = store.read_parquet(job.input.histories)
        first = histories["constraint_id"][0]
        rows = histories.filter(pl.col("algorithm").is_in(list(job.params.labels)), constraint_id=first)
        figure = figures.children_figure(rows, job.params.labels)
        for path in job.output:
            figures.save(figure, path)


if __name__ == "__main__":
    main(snakemake)
