"""Rule figure_correlations: correlations in, a picture out."""

from typing import TYPE_CHECKING

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        figure = figures.correlations_figure(store.read_parquet(job.input.correlations), job.params.lower_is_better)
        figures.footer(figure, store.read_parquet(job.input.provenance))
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
