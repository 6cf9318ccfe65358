"""Rule archive: an official archive of NATS-Bench in, every training in it out."""

from typing import TYPE_CHECKING

from proxybank import logs, spaces, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        space = spaces.get(job.wildcards.space)
        store.write_parquet(store.read_archive(job.input.folder, space, processes=job.threads), job.output.trainings)


if __name__ == "__main__":
    main(snakemake)
