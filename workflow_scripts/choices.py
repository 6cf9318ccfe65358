"""Rule choices: networks and scores in, what limits allow and what each proxy would choose out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        networks, scores = map(store.read_parquet, job.input)
        constraints = job.params.constraints
        functions = store.by_function(networks)
        table = analysis.choices_table(functions, scores, constraints, job.params.higher_is_better)
        kept = analysis.feasible_networks(networks, constraints)
        warn_of_limits_that_none_keeps(networks, constraints, kept)
        store.write_table("choices", table, job.output.table)
        store.write_table("feasible_networks", kept, job.output.feasible)


def warn_of_limits_that_none_keeps(
    networks: pl.DataFrame, constraints: dict[str, list[dict]], kept: pl.DataFrame
) -> None:
    """Name them: no table has a row of theirs."""
    found = set(kept.select("space", "dataset", "constraint_id").unique().iter_rows())
    for space, dataset in networks.select("space", "dataset").unique(maintain_order=True).iter_rows():
        for constraint in constraints.get(space, ()):
            if (space, dataset, constraint["id"]) not in found:
                limits = ", ".join(f"{key} {value:g}" for key, value in constraint.items() if key != "id")
                logs.log.warning(
                    "Constraint %s: no network of %s on %s keeps %s. Expected at least one. Raise the limits.",
                    *(constraint["id"], space, dataset, limits),
                )


if __name__ == "__main__":
    main(snakemake)
