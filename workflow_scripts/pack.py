"""Rule pack: tables of networks, scores and provenance in, the same as a few small files out."""

from typing import TYPE_CHECKING

from proxybank import logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        store.pack(dict(job.input.items()), dict(job.output.items()), job.params.computed)


if __name__ == "__main__":
    main(snakemake)
