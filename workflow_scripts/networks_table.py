"""Rule networks_table: spaces and the shape of images in, the table of all networks out."""

from typing import TYPE_CHECKING

from proxybank import data, logs, spaces, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        frames = []
        for name, settings in job.params.spaces.items():
            space = spaces.get(name)
            class_index = space.classes(job.params.dead_edges)
            for dataset, path in zip(job.params.datasets, job.input.batches, strict=True):
                skeleton = data.Batches.read(path).skeleton(**settings)
                frames.append(store.networks_table(space, dataset, class_index, space.costs(skeleton)))
        store.write_table("networks", frames, job.output.table)


if __name__ == "__main__":
    main(snakemake)
