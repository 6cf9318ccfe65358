"""Rule database: every table of the run in, one DuckDB file out."""

from typing import TYPE_CHECKING

from proxybank import logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        store.build_database(dict(job.input.items()), job.output.database)


if __name__ == "__main__":
    main(snakemake)
