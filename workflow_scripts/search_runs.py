"""Rule search_runs: outcomes of searches in, the table of what the networks they found are worth out."""

from typing import TYPE_CHECKING

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        networks, accuracies = store.read_parquet(job.input.networks), store.read_parquet(job.input.accuracies)
        for name, files, path in (
            ("search_runs", job.input.runs, job.output.table),
            ("search_trajectories", job.input.trajectories, job.output.trajectories),
        ):
            with store.table_writer(name, path) as append:
                append(store.stack(name, []))
                for rows in map(store.read_parquet, files):  # one space and dataset at a time: there are millions
                    if rows.height:
                        place = rows.select("space", "dataset").row(0, named=True)
                        of_place = (table.filter(**place) for table in (networks, accuracies))
                        append(analysis.judge(name, rows, *of_place, job.params.constraints))


if __name__ == "__main__":
    main(snakemake)
