"""Rule figure_relus: networks and scores of one space and dataset in, a picture out."""

from typing import TYPE_CHECKING

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        place = {"space": job.wildcards.space, "dataset": job.wildcards.dataset}
        *paths, provenance = job.input
        tables = [store.read_parquet(path, **place) for path in paths]
        samples = job.params.samples[job.wildcards.space][job.wildcards.dataset]
        figure = figures.relus_figure(*tables, job.params.proxies, samples)
        figures.footer(figure, store.read_parquet(provenance))
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
