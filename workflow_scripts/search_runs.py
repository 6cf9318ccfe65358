"""Rule search_runs: outcomes of searches in, the table of what the networks they found are worth out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        runs = [store.read_parquet(path) for path in job.input.runs]
        table = analysis.judge_runs(
            pl.concat(runs) if runs else pl.DataFrame(),
            store.read_table(job.input.networks),
            store.read_table(job.input.accuracies),
            job.params.constraints,
        )
        store.write_table("search_runs", table, job.output.table)


if __name__ == "__main__":
    main(snakemake)
