"""Rule search: scores, their seconds and costs of one space and dataset in, outcomes of all searches out."""

from typing import TYPE_CHECKING

import polars as pl

from proxybank import analysis, logs, searches, spaces, store
from proxybank.errors import SearchError

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        space, dataset = job.wildcards.space, job.wildcards.dataset
        networks, scores, status, accuracies = (
            store.read_table(path, space=space, dataset=dataset)
            for path in (job.input.networks, job.input.scores, job.input.status, job.input.accuracies)
        )
        # Which networks were trained is all that a search learns of the accuracies.
        networks = networks.join(store.final_accuracies(accuracies), on="arch_index", how="semi").sort("arch_index")
        index = networks["arch_index"].to_numpy()
        columns = networks.select("arch_index").join(scores, on="arch_index", how="left", maintain_order="left")
        seconds = store.scoring_seconds(networks, status)
        frames = []
        for constraint in job.params.constraints:
            problem = searches.make_problem(
                spaces.get(space).genes[index],
                index,
                {name: columns[name].to_numpy() for name in job.params.proxies},
                seconds,
                analysis.feasible(networks, constraint),
            )
            for entry in job.params.entries:
                try:
                    outcomes = searches.replay(
                        problem, runs=job.params.runs, seed=job.params.seed, constraint=constraint["id"], **entry
                    )
                except SearchError as error:  # the other searches can still run
                    logs.log.warning("Left out: %s", error)
                    continue
                frames.append(
                    pl.DataFrame(
                        {
                            "space": space,
                            "dataset": dataset,
                            "algorithm": entry["algorithm"],
                            "objective": entry["objective"],
                            "budget": float(entry["evaluations"]),
                            "constraint_id": constraint["id"],
                            "run": range(job.params.runs),
                            "best_arch_index": outcomes.best,
                            "n_evaluated": outcomes.n_evaluated,
                            "simulated_seconds": outcomes.simulated_seconds,
                        }
                    ).with_columns(pl.col("best_arch_index").replace(-1, None))
                )
        store.write_parquet(pl.concat(frames), job.output.runs)


if __name__ == "__main__":
    main(snakemake)
