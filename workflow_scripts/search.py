"""Rule search: scores, their seconds and costs of one space and dataset in, outcomes of all searches out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from proxybank import analysis, logs, searches, spaces, store
from proxybank.errors import SearchError

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        frames = list(outcomes(job))
        if job.params.entries and not frames:
            raise SearchError(f"searches: none could run on {job.wildcards.space}, {job.wildcards.dataset}; see above.")
        store.write_parquet(pl.concat(frames) if frames else pl.DataFrame(), job.output.runs)


def can_run(problem: searches.Problem, objective: str) -> bool:
    """Whether some network keeps the limits and has every score that the objective reads."""
    names = searches.check_objective(objective, problem.columns)
    scored = [np.isfinite(problem.columns[name]) for name in names]
    return bool(np.logical_and.reduce([problem.feasible, *scored]).any())


def outcomes(job: "Snakemake") -> Iterator[pl.DataFrame]:
    """Runs of each search under each constraint; a search that cannot run is named in the log, and left out."""
    space, dataset = job.wildcards.space, job.wildcards.dataset
    networks, scores, status, accuracies = (
        store.read_table(job.input[name], space=space, dataset=dataset)
        for name in ("networks", "scores", "status", "accuracies")
    )
    # Which networks were trained is all that a search learns of the accuracies.
    networks = networks.join(store.final_accuracies(accuracies), on="arch_index", how="semi").sort("arch_index")
    columns = networks.select("arch_index").join(scores, on="arch_index", how="left", maintain_order="left")
    index = networks["arch_index"].to_numpy()
    for constraint in job.params.constraints:
        problem = searches.make_problem(
            spaces.get(space).genes[index],
            index,
            {name: columns[name].to_numpy() for name in job.params.proxies},
            store.scoring_seconds(networks, status),
            analysis.feasible(networks, constraint),
        )
        for entry in job.params.entries:
            runs = range(job.params.runs)
            try:
                found = searches.replay(problem, runs=runs, seed=job.params.seed, constraint=constraint["id"], **entry)
            except SearchError as error:
                if can_run(problem, entry["objective"]):
                    raise
                logs.log.warning("left out: %s", error)
                continue
            yield pl.DataFrame({"run": runs, "n_evaluated": found.n_evaluated}).select(
                pl.lit(space).alias("space"),
                pl.lit(dataset).alias("dataset"),
                pl.lit(entry["algorithm"]).alias("algorithm"),
                pl.lit(entry["objective"]).alias("objective"),
                pl.lit(float(entry["evaluations"])).alias("budget"),
                pl.lit(constraint["id"]).alias("constraint_id"),
                "run",
                pl.Series("best_arch_index", found.best).replace(-1, None),
                "n_evaluated",
                pl.Series("simulated_seconds", found.simulated_seconds),
            )


if __name__ == "__main__":
    main(snakemake)
