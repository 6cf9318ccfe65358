"""Rule accuracies_table: accuracies of each space and dataset in, one table out."""

from typing import TYPE_CHECKING

from proxybank import logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        store.write_table("accuracies", map(store.read_parquet, job.input.accuracies), job.output.table)


if __name__ == "__main__":
    main(snakemake)
