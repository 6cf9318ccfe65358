"""Rule choices: networks and scores in, what limits allow and what each proxy would choose out."""

from typing import TYPE_CHECKING

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        networks, scores = map(store.read_parquet, job.input)
        constraints = job.params.constraints
        functions = analysis.by_function(networks)
        table = analysis.choices_table(functions, scores, constraints, job.params.higher_is_better)
        store.write_table("choices", table, job.output.table)
        store.write_table("feasible_networks", analysis.feasible_networks(networks, constraints), job.output.feasible)


if __name__ == "__main__":
    main(snakemake)
