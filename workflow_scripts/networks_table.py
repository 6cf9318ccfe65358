"""Rule networks_table: spaces and the shape of images in, the table of all networks out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import data, logs, spaces, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        frames = []
        for name, settings in job.params.spaces.items():
            space, users = spaces.get(name), users_columns(job, name)
            for dataset, path in zip(job.params.datasets, job.input.batches, strict=True):
                skeleton = data.Batches.read(path).skeleton(**settings)
                table = store.networks_table(space, dataset, job.params.dead_edges, space.costs(skeleton))
                for datasets, further in users:
                    if dataset in datasets:
                        table = table.join(further, on="arch_index", how="left", maintain_order="left")
                frames.append(table)
        store.write_table("networks", frames, job.output.table)


def users_columns(job: "Snakemake", space: str) -> list[tuple[list[str], pl.DataFrame]]:
    """Datasets and columns of users' tables that are about a space; the log says which networks they miss."""
    found = []
    for path, table in zip(job.input.columns, job.params.columns, strict=True):
        if table["space"] == space:
            datasets = table.get("datasets", job.params.datasets)
            columns = store.read_columns(path, spaces.get(space), table["columns"], datasets)
            for message in store.missing_networks(columns):
                logs.log.warning(
                    "%s: %s. No proxy chooses these within limits on it; regrets under such limits, and searches that "
                    "need it, are left out.",
                    path,
                    message,
                )
            found.append((datasets, columns))
    return found


if __name__ == "__main__":
    main(snakemake)
