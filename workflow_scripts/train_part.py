"""Rule train_part: images and a schedule in, accuracies of one part of a space out."""

from typing import TYPE_CHECKING

from proxybank import data, logs, store, truth

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        images = data.load(**job.params.images)
        rows = truth.train_part(
            space=job.wildcards.space,
            dead_edges=job.params.dead_edges,
            widths=job.params.widths,
            part=int(job.wildcards.part),
            networks_per_part=job.params.networks_per_part,
            images=images,
            skeleton=images.skeleton(**job.params.skeleton),
            training=job.params.training,
        )
        store.write_parquet(rows, job.output.accuracies)


if __name__ == "__main__":
    main(snakemake)
