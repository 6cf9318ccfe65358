"""Rule search_runs: outcomes of searches in, the table of what the networks they found are worth out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        networks, accuracies = store.read_table(job.input.networks), store.read_table(job.input.accuracies)
        for name, found, path in (
            ("search_runs", job.input.runs, job.output.table),
            ("search_trajectories", job.input.trajectories, job.output.trajectories),
        ):
            runs = pl.concat([pl.DataFrame(), *map(store.read_parquet, found)], how="diagonal")
            store.write_table(name, analysis.judge(name, runs, networks, accuracies, job.params.constraints), path)


if __name__ == "__main__":
    main(snakemake)
