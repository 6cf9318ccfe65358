"""Rule figure_regrets: regrets of one space and dataset in, a picture out."""

from typing import TYPE_CHECKING

from proxybank import figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        place = {"space": job.wildcards.space, "dataset": job.wildcards.dataset}
        regrets = store.read_parquet(job.input.regrets, **place)
        figure = figures.regrets_figure(regrets, ", ".join(place.values()), job.params.lower_is_better)
        figures.footer(figure, store.read_parquet(job.input.provenance))
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
