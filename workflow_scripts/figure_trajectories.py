"""Rule figure_trajectories: the database in, a picture out."""

from typing import TYPE_CHECKING

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        place = {"space": job.wildcards.space, "dataset": job.wildcards.dataset}
        views = ("trajectories", "trajectories_by_time", "regrets")
        figure = figures.trajectories_figure(*(store.read_view(job.input.database, view, **place) for view in views))
        figures.footer(figure, store.read_parquet(job.input.provenance))
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
