"""Rule figure_sampling: scores by seed and accuracies of one space and dataset in, a picture out."""

from typing import TYPE_CHECKING

from proxybank import analysis, figures, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake

# Numbers of networks on the axis, and the one in the picture by initialisations, as in CV_U's figures.
N_NETWORKS = (1, 2, 3, 5, 7, 10, 15, 25, 40, 60, 100, 150, 250, 400, 600, 1000)
N_FIXED = 100


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), figures.house_style():
        place = {"space": job.wildcards.space, "dataset": job.wildcards.dataset}
        *paths, provenance = job.input
        by_seed, accuracies, networks = (store.read_parquet(path, **place) for path in paths)
        samples = job.params.samples[job.wildcards.space][job.wildcards.dataset]
        sampling = analysis.sampling_table(
            by_seed, accuracies, job.params.higher_is_better, N_NETWORKS, networks, samples
        )
        n_all = store.final_accuracies(accuracies).height
        figure = figures.sampling_figure(sampling, N_FIXED, n_all, ", ".join(place.values()))
        figures.footer(figure, store.read_parquet(provenance))
        figures.save(figure, *job.output)


if __name__ == "__main__":
    main(snakemake)
