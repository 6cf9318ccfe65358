"""Rule truth: a table of accuracies, or parts trained here, in; accuracies of one space and dataset out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import logs, spaces, store, truth

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        space, dataset = spaces.get(job.wildcards.space), job.wildcards.dataset
        if job.params.truth["source"] == "table":
            rows = store.read_accuracies(job.input[0], space, dataset, job.params.truth.get("measurements"))
        else:
            trained = pl.concat(map(store.read_parquet, job.input))
            rows = truth.spread(trained, space, job.params.dead_edges, dataset)
        store.write_table("accuracies", rows, job.output.table)


if __name__ == "__main__":
    main(snakemake)
