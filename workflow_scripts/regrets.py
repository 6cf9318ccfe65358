"""Rule regrets: networks, scores, accuracies and search runs in, regrets under constraints out."""

from typing import TYPE_CHECKING

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        table = analysis.regrets_table(
            store.read_table(job.input.networks),
            store.read_table(job.input.scores),
            store.read_table(job.input.accuracies),
            store.read_table(job.input.search_runs),
            job.params.constraints,
            job.params.higher_is_better,
        )
        store.write_table("regrets", table, job.output.table)


if __name__ == "__main__":
    main(snakemake)
