"""Rule figure_speed: seconds per network in, a picture out."""

from typing import TYPE_CHECKING

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        rows = store.read_parquet(job.input.speed).filter(dataset=job.wildcards.dataset)
        figure = figures.speed_figure(rows)
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
