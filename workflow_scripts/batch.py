"""Rule batch: images in, one batch per seed out."""

from typing import TYPE_CHECKING

from proxybank import data, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        images = data.load(**job.params.images)
        pool = data.scoring_pool(images, job.params.training)
        batches = data.draw_batches(images, job.params.batch_size, job.params.seeds, pool)
        with store.atomic(job.output.batches) as path:
            batches.write(path)


if __name__ == "__main__":
    main(snakemake)
