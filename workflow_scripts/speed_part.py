"""Rule speed_part: images in, seconds per network of one group of passes out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import data, logs, provenance, store
from proxybank.benchmark.speed import speed_of

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        images = data.load(**job.params.images)
        rows = speed_of(
            space=job.wildcards.space,
            group=job.wildcards.passes,
            images=images,
            skeleton=images.skeleton(**job.params.skeleton),
            batch_sizes=job.params.settings["batch_sizes"],
            networks=job.params.settings["networks"],
            seconds=job.params.settings["seconds"],
            seed=job.params.seed,
            initialisation=job.params.initialisation,
            dead_edges=job.params.dead_edges,
        )
        rows = rows.insert_column(1, pl.lit(job.wildcards.dataset).alias("dataset"))
        store.write_parquet(provenance.with_machine(rows), job.output.seconds)


if __name__ == "__main__":
    main(snakemake)
