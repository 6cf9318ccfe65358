"""Rule regrets: networks, scores, accuracies and search runs in, regrets under constraints out."""

from typing import TYPE_CHECKING

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        params = job.params
        table = analysis.regrets_table(
            *map(store.read_parquet, job.input), params.constraints, params.higher_is_better, params.samples
        )
        store.write_table("regrets", table, job.output.table)


if __name__ == "__main__":
    main(snakemake)
