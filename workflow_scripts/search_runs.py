"""Rule search_runs: outcomes of searches in, the table of what the networks they found are worth out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        runs = [pl.DataFrame(), *map(store.read_parquet, job.input.runs)]
        table = analysis.judge_runs(
            pl.concat(runs, how="diagonal"),
            store.read_table(job.input.networks),
            store.read_table(job.input.accuracies),
            job.params.constraints,
        )
        store.write_table("search_runs", table, job.output.table)


if __name__ == "__main__":
    main(snakemake)
