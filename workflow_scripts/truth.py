"""Rule truth: tables, an archive or parts trained here in, accuracies of one space and dataset out."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from proxybank import logs, spaces, store, truth

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        space, dataset = spaces.get(job.wildcards.space), job.wildcards.dataset
        settings = job.params.truth
        if settings["source"] == "table":
            further = settings.get("further_paths", ())
            rows = store.read_accuracies(settings["path"], space, dataset, settings.get("measurements"), further)
        elif settings["source"] == "archive":
            trainings = store.read_parquet(job.input[0])
            its_name = settings.get("archive_dataset", dataset)
            rows = store.archive_accuracies(trainings, space, its_name, dataset, Path(settings["path"]).name)
        else:
            trained = pl.concat(map(store.read_parquet, job.input))
            rows = truth.spread(trained, space, job.params.dead_edges, dataset)
        known = store.final_accuracies(rows).height
        if settings["source"] != "train" and "widths" not in settings and known < space.size:
            logs.log.warning(
                "%s, %s: %d of %d networks have a final test accuracy. Correlations and searches are of these.",
                *(space.name, dataset, known, space.size),
            )
        store.write_table("accuracies", rows, job.output.table)


if __name__ == "__main__":
    main(snakemake)
