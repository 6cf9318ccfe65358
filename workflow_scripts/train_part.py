"""Rule train_part: images and a schedule in, accuracies of one part of a space out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import data, logs, spaces, store, truth

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        space, dead_edges = job.wildcards.space, job.params.dead_edges
        part, size = int(job.wildcards.part), job.params.networks_per_part
        chosen = truth.classes_to_train(space, dead_edges, job.params.widths)[part * size : (part + 1) * size]
        images = data.load(**job.params.images)
        progress = store.Progress(job.output.accuracies, truth.settings_of(job.params, images, chosen), truth.KEY)
        for rows in truth.train_classes(
            chosen,
            spaces.get(space).class_genes(dead_edges)[chosen],
            space,
            images,
            images.skeleton(**job.params.skeleton),
            job.params.training,
            progress.rows,
        ):
            progress.add(rows)
        rows = progress.rows.filter(pl.col("seed").is_in(job.params.training["seeds"]))
        store.write_parquet(rows.sort(truth.KEY), job.output.accuracies)
        progress.keep()


if __name__ == "__main__":
    main(snakemake)
