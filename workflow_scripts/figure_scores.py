"""Rule figure_scores: scores, accuracies and correlations of one space and dataset in, a picture of every proxy out."""

from typing import TYPE_CHECKING

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        place = {"space": job.wildcards.space, "dataset": job.wildcards.dataset}
        *paths, provenance = job.input
        *tables, networks = (store.read_parquet(path, **place) for path in paths)
        params = job.params
        samples = params.samples[job.wildcards.space][job.wildcards.dataset]
        figure = figures.scores_figure(*tables, params.proxies, networks, samples, params.lower_is_better)
        figures.footer(figure, store.read_parquet(provenance))
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
