"""Rule regrets: networks, scores, accuracies and search runs in, regrets under constraints out."""

from typing import TYPE_CHECKING

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        networks, scores, accuracies, search_runs = map(store.read_table, job.input)
        constraints = job.params.constraints
        table = analysis.regrets_table(
            networks, scores, accuracies, search_runs, constraints, job.params.higher_is_better, job.params.samples
        )
        store.write_table("regrets", table, job.output.table)
        feasible = analysis.feasible_networks(networks, accuracies, constraints)
        store.write_table("feasible_networks", feasible, job.output.feasible)


if __name__ == "__main__":
    main(snakemake)
