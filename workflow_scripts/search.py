"""Rule search: scores, their seconds and costs of one space and dataset in, outcomes of all searches out."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proxybank import analysis, logs, searches, spaces, store
from proxybank.errors import SearchError

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake

TABLES = {
    "runs": searches.runs_table,
    "trajectories": searches.trajectories_table,
    "histories": searches.histories_table,
}
# What searches may look at: values of each column, in the order of networks, and the seconds that they take.
Known = tuple[Mapping[str, NDArray[np.float64]], Mapping[str, NDArray[np.float64]]]
# Keys of an entry that are not for `searches.replay`.
OURS = ("name", "clock", "runs", "scores", "histories", "spaces", "datasets")


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        paths = dict(job.output.items())
        frames: dict[str, list[pl.DataFrame]] = {name: [pl.DataFrame()] for name in paths}
        for label, runs, found in outcomes(job):
            for name in paths:
                of_table = label.drop("kind", "budget_unit", "seed") if name == "trajectories" else label
                if name == "histories" and not found.histories:
                    frames[name].append(of_table.clear())  # a table of no history has its columns, too
                else:
                    frames[name].append(of_table.join(TABLES[name](runs, found), how="cross"))
        if job.params.entries and len(frames["runs"]) == 1:
            raise SearchError(f"searches: none could run on {job.wildcards.space}, {job.wildcards.dataset}; see above.")
        for name, path in paths.items():
            store.write_parquet(pl.concat(frames[name], how="diagonal"), path)


def outcomes(job: "Snakemake") -> Iterator[tuple[pl.DataFrame, Sequence[int], searches.Outcomes]]:
    """Label, runs and outcomes of each search under each constraint; the log names those that cannot run, and why."""
    space, dataset = job.wildcards.space, job.wildcards.dataset
    tables = {
        name: store.read_parquet(job.input[name], space=space, dataset=dataset)
        for name in ("networks", "scores", "by_seed", "status", "accuracies")
    }
    # Which networks were tested is all that a search learns of their test accuracy.
    tested = store.final_accuracies(tables["accuracies"])
    networks = tables["networks"].join(tested, on="arch_index", how="semi").sort("arch_index")
    entries = job.params.entries
    shares = [seeds_and_runs(entry, range(entry.get("runs", job.params.runs)), tables["by_seed"]) for entry in entries]
    known = known_by_seed(networks, tables, {seed for share in shares for seed in share}, job.params)
    said: set[str] = set()
    for constraint in job.params.constraints:
        try:
            feasible = analysis.feasible(networks, constraint)
        except SearchError as error:
            warn_once(said, error)
            continue
        problems = problems_within(feasible, space, networks, known, job.params)
        for entry, share in zip(entries, shares, strict=True):
            try:
                for seed in share:
                    check_samples(entry["objective"], networks, known[seed][0], job.params.samples[space][dataset])
                replayed = [  # all of an entry's runs, or none
                    searches.replay(
                        problems[entry.get("clock"), seed],
                        runs=runs,
                        seed=job.params.seed,
                        constraint=constraint["id"],
                        threads=job.threads,
                        trajectories=True,
                        histories=entry["histories"],
                        **{key: value for key, value in entry.items() if key not in OURS},
                    )
                    for seed, runs in share.items()
                ]
            except SearchError as error:
                warn_once(said, error)
                continue
            for (seed, runs), found in zip(share.items(), replayed, strict=True):
                yield label_of(space, dataset, constraint["id"], entry, seed), runs, found


def known_by_seed(
    networks: pl.DataFrame, tables: Mapping[str, pl.DataFrame], seeds: Collection[int | None], params: Any
) -> dict[int | None, Known]:
    """What searches see by the scores of each seed; None stands for the mean over all."""
    users = {name: networks[name].to_numpy() for name in params.columns if name in networks.columns}
    validation, training_seconds = store.validation_columns(networks, tables["accuracies"])
    known = {}
    for seed in seeds:
        scores = tables["scores"] if seed is None else tables["by_seed"].filter(seed=seed)
        status = tables["status"] if seed is None else tables["status"].filter(seed=seed)
        columns = {name: store.column_in_order(networks, scores, name) for name in params.proxies}
        seconds = store.scoring_seconds(networks, status)
        known[seed] = columns | users | validation, seconds | training_seconds
    return known


def problems_within(
    feasible: NDArray[np.bool_], space: str, networks: pl.DataFrame, known: Mapping[int | None, Known], params: Any
) -> dict[tuple[str | None, int | None], searches.Problem]:
    """What is searched among feasible networks, by the clock of an entry and the seed whose scores it sees."""
    index = networks["arch_index"].to_numpy()
    genes = spaces.get(space).genes[index]
    found = {}
    for clock in {entry.get("clock") for entry in params.entries}:
        measured = store.clock_seconds(networks, params.clocks[clock] if clock else {})
        for seed, (columns, seconds) in known.items():
            found[clock, seed] = searches.make_problem(genes, index, columns, seconds | measured, feasible)
    return found


def warn_once(said: set[str], error: SearchError) -> None:
    """Say what is left out and why, once though it is so within each limit."""
    if str(error) not in said:
        logs.log.warning("left out: %s", error)
        said.add(str(error))


def seeds_and_runs(entry: Mapping[str, Any], runs: range, by_seed: pl.DataFrame) -> dict[int | None, range]:
    """Runs of an entry by the seed whose scores they see: all of them None, the mean, or each seed in turn.

    Seeds that a proxy of the objective has no scores of are left out; where none has them all, the search of the means
    says what is missing.
    """
    if entry.get("scores", "mean") == "mean":
        return {None: runs}
    named = set(re.findall(r"\w+", entry["objective"])) & set(by_seed.columns)
    scored = by_seed.group_by("seed").agg(pl.col(name).is_not_null().any() for name in named)
    seeds = scored.filter(pl.all_horizontal(named)).sort("seed")["seed"].to_list() if named else [None]
    return {seed: runs[k :: len(seeds)] for k, seed in enumerate(seeds[: len(runs)])} or {None: runs}


def check_samples(objective: str, networks: pl.DataFrame, columns: Collection[str], samples: store.Samples) -> None:
    """Raise SearchError if an objective reads a proxy that some of the networks were never scored on."""
    for name in searches.check_objective(objective, columns):
        n_asked = store.asked(networks, samples, name).sum()
        if n_asked < networks.height:
            raise SearchError(
                f"objective '{objective}': {name} is scored on a sample, which has {n_asked} of {networks.height} "
                "networks. Expected scores of all. Remove its passes from samples, or the search."
            )


def label_of(space: str, dataset: str, constraint_id: str, entry: Mapping[str, Any], seed: int | None) -> pl.DataFrame:
    """One row: what tells the runs of a search from all others, and the seed whose scores they see."""
    unit = "seconds" if "seconds" in entry else "evaluations"
    return pl.DataFrame(
        {
            "space": space,
            "dataset": dataset,
            "algorithm": entry.get("name", entry["algorithm"]),
            "objective": entry["objective"],
            "budget": float(entry[unit]),
            "constraint_id": constraint_id,
            "kind": entry["algorithm"],
            "budget_unit": unit,
            "seed": pl.Series([seed], dtype=pl.Int64),
        }
    )


if __name__ == "__main__":
    main(snakemake)
