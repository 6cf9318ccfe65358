"""Rule figure_search_time: search runs and regrets of one space and dataset in, a picture out."""

from typing import TYPE_CHECKING

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        place = {"space": job.wildcards.space, "dataset": job.wildcards.dataset}
        *paths, provenance = job.input
        tables = [store.read_parquet(path, **place) for path in paths]
        figure = figures.search_time_figure(*tables)
        figures.footer(figure, store.read_parquet(provenance))
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
