"""Rule figure_children: whole histories of searches of one space and dataset in, a picture out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        histories = store.read_parquet(job.input.histories)
        rows = histories.filter(pl.col("algorithm").is_in(list(job.params.labels)))
        of_first = rows.filter(pl.col("constraint_id") == pl.col("constraint_id").first())
        where = f"{job.wildcards.space}, {job.wildcards.dataset}"
        figure = figures.children_figure(of_first, job.params.labels, where)
        figures.footer(figure, store.read_parquet(job.input.provenance))
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
