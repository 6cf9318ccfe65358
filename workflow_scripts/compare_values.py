"""Rule compare_values: images in, scores by both sides out."""

from typing import TYPE_CHECKING

from proxybank import data, logs, store
from proxybank.benchmark import COMPARISONS, comparison

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        images = data.load(job.params.images, job.params.n_classes)
        chosen, settings = COMPARISONS[job.wildcards.comparison], job.params.settings
        setting = comparison.Setting(
            chosen,
            images,
            images.skeleton(**job.params.spaces[chosen.space]),
            batch_size=job.params.batch_size,
            seed=job.params.seed,
            initialisation=job.params.initialisation,
            dead_edges=job.params.dead_edges,
        )
        rows = comparison.compare_values(setting, networks=settings["values"], cores=job.threads)
        store.write_parquet(rows, job.output.values)


if __name__ == "__main__":
    main(snakemake)
