"""Rule compare_seconds: images in, seconds of both sides out."""

from typing import TYPE_CHECKING

from proxybank import data, logs, provenance, store
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
        rows = comparison.compare_seconds(
            setting,
            networks=settings["plain_networks"],
            rounds=settings["rounds"],
            tasks=settings["tasks"],
            run_length=settings["run_length"][setting.comparison.space],
            cores=job.threads,
        )
        store.write_parquet(provenance.with_machine(rows), job.output.seconds)


if __name__ == "__main__":
    main(snakemake)
