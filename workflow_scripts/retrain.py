"""Rule retrain: accuracies and a schedule in; some networks trained again, and how they compare, out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import data, logs, spaces, store, truth

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        space, dataset = spaces.get(job.wildcards.space), job.wildcards.dataset
        known = store.read_parquet(job.input.accuracies)
        classes = space.classes(job.params.dead_edges)
        comparable = known.filter(epochs=job.params.training["epochs"])
        chosen = truth.draw_networks(comparable, job.params.n_networks, classes)
        images = data.load(**job.params.images)
        settings = truth.settings_of(job.params, images, classes[chosen])
        progress = store.Progress(job.output.accuracies, settings, truth.KEY)
        for trained in truth.train_classes(
            classes[chosen],
            space.scored_genes(job.params.dead_edges)[chosen],
            space.name,
            images,
            images.skeleton(**job.params.skeleton),
            job.params.training,
            progress.rows,
        ):
            progress.add(trained)
        rows = progress.rows.filter(pl.col("seed").is_in(job.params.training["seeds"]))
        rows = truth.spread(rows, space, job.params.dead_edges, dataset)
        rows = rows.filter(pl.col("arch_index").is_in(chosen))
        store.write_table("accuracies", rows, job.output.accuracies)
        with store.atomic(job.output.comparison) as path:
            truth.compare(rows, known).write_csv(path, float_precision=3)
        progress.keep()


if __name__ == "__main__":
    main(snakemake)
