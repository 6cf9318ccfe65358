"""Rule performance: seconds and scores of both sides in, ratios of total times and differences of scores out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import logs, provenance, store
from proxybank.benchmark import COMPARISONS, summary

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        ratios, differences = [], []
        for (name, dataset), seconds, values in zip(
            job.params.comparisons, job.input.seconds, job.input.values, strict=True
        ):
            comparison, place = COMPARISONS[name], {"comparison": name, "dataset": dataset}
            about = {"space": comparison.space, "proxies": " ".join(comparison.proxies)}
            rows = store.read_parquet(seconds)
            machine = rows.select(provenance.machine().keys()).row(0, named=True)
            ratio = summary.ratio_of(comparison, job.params.dead_edges, rows)
            ratios.append(place | about | ratio | {"batch_size": job.params.batch_size} | machine)
            found = summary.differences_of(store.read_parquet(values))
            differences.append(found.select(*(pl.lit(value).alias(key) for key, value in place.items()), pl.all()))
        for frame, path in (
            (pl.DataFrame(ratios), job.output.ratios),
            (pl.concat(differences), job.output.differences),
        ):
            with store.atomic(path) as temporary:
                frame.write_csv(temporary)


if __name__ == "__main__":
    main(snakemake)
