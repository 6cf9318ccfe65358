"""Choose what FreeREA maximises on the topology space by CIFAR-10 alone, and see what the choice is worth elsewhere.

    python resources/objective/search_objective.py candidates
    python resources/objective/search_objective.py choose TABLES
    python resources/objective/search_objective.py evaluate TABLES > docs/objective.md

TABLES is the folder of a run's tables, such as results/nats-bench/tables. `candidates` prints the objectives there are
to choose from. `choose` replays FreeREA's search with each of them and orders them by what is lost on CIFAR-10; it
reads no other dataset. The first one is then made an entry of config/nats-bench.yaml, by hand, which fixes it. `evaluate`
looks up what that entry finds on every dataset, and writes docs/objective.md; only `evaluate --afterwards` does so for
the other candidates.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from proxybank import analysis, config, searches, spaces, store  # noqa: E402
from proxybank.errors import TableError  # noqa: E402
from proxybank.proxies import REGISTRY  # noqa: E402
from proxybank.searches import core, replays  # noqa: E402

CONFIG = ROOT / "config/nats-bench.yaml"
# Entries of the configuration: the search to compare with, and the chosen one.
BASELINE, CHOSEN = "freerea N=290", "freerea chosen N=290"
CHOICE_DATASET = "cifar10"
# Limits on costs that are known without a measurement.
COSTS = {"max_mflops", "max_params_m"}
RUNS_TO_CHOOSE, RUNS_TO_EVALUATE = 100, 500

# The candidates. Weighted sums as FreeREA's, of which its own is one: naswot, a flow, skipped layers, less parameters.
NASWOT_WEIGHTS, FLOW_WEIGHTS, SKIP_WEIGHTS, PARAMS_WEIGHTS = (0, 1, 2), (0, 1, 2), (0, 0.5, 1, 2), (0, -0.5, -1)
FLOWS = ("logsynflow", "log(synflow)")
# Sums of ranks, and of logarithms of places, of up to three proxies that one pass or none feeds, seconds for a network.
RANKED = (
    *("naswot", "logsynflow", "synflow", "skipped_layers", "params", "n_relu"),
    *("te_nas_regions", "epsinas", "pathnorm"),
)


def candidates() -> list[str]:
    """All objectives to choose from, simpler families first; a multiple of an earlier one is left out."""
    found = [text for text in _weighted_sums() if text]
    for n in (1, 2, 3):
        for names in itertools.combinations(RANKED, n):
            found.append(" + ".join(f"rank({name})" for name in names))
            if n > 1:  # the order by one place is that by one rank
                found.append(" ".join(f"- log(place({name}))" for name in names).replace("- ", "-", 1))
    return list(dict.fromkeys(found))


def _weighted_sums() -> Iterator[str]:
    seen = set()
    for flow in FLOWS:
        for weights in itertools.product(NASWOT_WEIGHTS, FLOW_WEIGHTS, SKIP_WEIGHTS, PARAMS_WEIGHTS):
            size = max(weights[:2])
            if not size or (flow, *(weight / size for weight in weights)) in seen:
                continue
            seen.add((flow, *(weight / size for weight in weights)))
            yield weighted_sum(dict(zip(("naswot", flow, "skipped_layers", "params"), weights, strict=True)))


def weighted_sum(weights: Mapping[str, float]) -> str:
    """Sum of terms, each over its largest value among the networks explored."""
    text = ""
    for term, weight in weights.items():
        if weight:
            factor = "" if abs(weight) == 1 else f"{abs(weight):g} * "
            sign = (" - " if weight < 0 else " + ") if text else ("-" if weight < 0 else "")
            text += f"{sign}{factor}{term} / max({term})"
    return text


class Dataset(NamedTuple):
    """One dataset of the topology space, rows in official order.

    Attributes
    ----------
    problems : mapping of str to Problem
        Constraint -> what is searched.
    accuracy_pct : float64, shape (15625,)
        Test accuracy after the longest training, by official index; NaN where it is not known.
    optimum_pct : mapping of str to float
        Constraint -> the best accuracy within it.
    """

    problems: Mapping[str, searches.Problem]
    accuracy_pct: NDArray[np.float64]
    optimum_pct: Mapping[str, float]


class Finding(NamedTuple):
    """What one objective finds within one constraint of one dataset."""

    mean_pct: float
    std_pct: float
    regret_pct: float
    argmax_pct: float
    argmax_regret_pct: float
    n_tied: int


def read_dataset(
    tables: Path, dataset: str, constraints: Sequence[Mapping[str, Any]], published: str | None
) -> Dataset:
    """Read one dataset, and nothing of another.

    Parameters
    ----------
    tables : path
        Folder with networks.parquet, scores.parquet and accuracies.parquet.
    dataset : str
    constraints : sequence of mapping
        As `analysis.feasible` takes them.
    published : path, optional
        CSV by arch_index, whose columns are scores where the run has none of that name.
    """
    networks, scores, accuracies = (
        store.read_table(tables / f"{name}.parquet", space="tss", dataset=dataset)
        for name in ("networks", "scores", "accuracies")
    )
    known = store.final_accuracies(accuracies).select("arch_index", "accuracy_pct")
    networks = networks.join(known, on="arch_index").sort("arch_index")
    if networks.is_empty():
        raise TableError(f"{tables}: no topology has a test accuracy on {dataset}. Expected tables of a finished run.")
    scores = networks.select("arch_index").join(scores, on="arch_index", how="left", maintain_order="left")
    if published:
        theirs = pl.read_csv(published)
        new = [name for name in theirs.columns if name in REGISTRY and name not in scores.columns]
        scores = scores.join(theirs.select("arch_index", *new), on="arch_index", how="left", maintain_order="left")
    columns = {name: scores[name].cast(pl.Float64).to_numpy() for name in scores.columns if name in REGISTRY}
    index, accuracy = networks["arch_index"].to_numpy(), networks["accuracy_pct"].to_numpy()
    by_index = np.full(spaces.get("tss").size, np.nan)
    by_index[index] = accuracy
    problems, optima = {}, {}
    for constraint in constraints:
        within = analysis.feasible(networks, constraint)
        genes = spaces.get("tss").genes[index]
        problems[constraint["id"]] = searches.make_problem(genes, index, columns, feasible=within)
        optima[constraint["id"]] = float(accuracy[within].max())
    return Dataset(problems, by_index, optima)


def find(data: Dataset, entry: Mapping[str, Any], objective: str, runs: int, exhaustive: bool) -> dict[str, Finding]:
    """Replay a search within each constraint; with `exhaustive`, look at the best-scored of all networks too.

    Parameters
    ----------
    data : Dataset
    entry : mapping
        Algorithm and evaluations, as an entry of ``searches`` has them.
    objective : str
    runs : int
    exhaustive : bool

    Returns
    -------
    dict of str to Finding
        By constraint. Networks that tie at the top count with the mean of their accuracies.
    """
    found = {}
    for name, problem in data.problems.items():
        optimum = data.optimum_pct[name]
        settings = {"evaluations": entry["evaluations"], "constraint": name}
        returned = searches.replay(problem, entry["algorithm"], objective, runs=runs, **settings).best
        accuracy = data.accuracy_pct[returned[returned >= 0]]
        top = data.accuracy_pct[best_of_all(problem, objective)] if exhaustive else np.array([np.nan])
        spread = float(accuracy.std(ddof=1)) if accuracy.size > 1 else np.nan
        mean, best = float(accuracy.mean()), float(top.mean())
        found[name] = Finding(mean, spread, optimum - mean, best, optimum - best, top.size)
    return found


def best_of_all(problem: searches.Problem, objective: str) -> NDArray[np.int64]:
    """Official indices of the feasible networks that share the highest objective, max() and ranks over all of them."""
    search = core.reference(replays.prepare(problem, objective, "all networks", 1, None, True)())
    codes = np.flatnonzero(problem.feasible)
    return problem.arch_index[codes[analysis.best_scored(core.scores_within(search, codes))]]


def mean_regret(found: Mapping[str, Finding]) -> float:
    """The criterion: mean over constraints of the mean accuracy lost."""
    return float(np.mean([finding.regret_pct for finding in found.values()]))


def choose(
    data: Dataset, entry: Mapping[str, Any], objectives: Sequence[str], runs: int
) -> tuple[list[tuple[float, str, dict[str, Finding]]], list[str]]:
    """Order objectives by the criterion, the least first, an earlier one first if equal; and those that cannot be read.

    Parameters
    ----------
    data : Dataset
    entry : mapping
        The search that every one is replayed with.
    objectives : sequence of str
    runs : int
    """
    scored = {name for name, values in next(iter(data.problems.values())).columns.items() if np.isfinite(values).any()}
    ordered, left_out = [], []
    for objective in objectives:
        if set(searches.check_objective(objective, REGISTRY)) <= scored:
            found = find(data, entry, objective, runs, exhaustive=False)
            ordered.append((mean_regret(found), objective, found))
        else:
            left_out.append(objective)
    return sorted(ordered, key=lambda row: row[0]), left_out


def read_settings(path: Path = CONFIG) -> tuple[dict[str, Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Entries of the two searches by name, and the constraints on costs, of the configuration."""
    settings = config.load(path)
    entries = {entry.get("name"): entry for entry in settings["searches"]["entries"]}
    limits = [limit for limit in settings["constraints"]["tss"] if set(limit) - {"id"} <= COSTS]
    return {name: entries[name] for name in (BASELINE, CHOSEN) if name in entries}, limits


CHOICE_TABLE = """| place | criterion | {limits} | objective |
|---|---|{rules}---|
{rows}
"""


def choice_table(
    ordered: Sequence[tuple[float, str, Mapping[str, Finding]]], marked: Sequence[str | None], n: int
) -> str:
    """The first `n` objectives and the marked ones, with the mean regret within each constraint."""
    limits = list(ordered[0][2])
    rows = [
        f"| {place} | {regret:.3f} | {' | '.join(f'{found[name].regret_pct:.2f}' for name in limits)} | `{objective}` |"
        for place, (regret, objective, found) in enumerate(ordered, 1)
        if place <= n or objective in marked
    ]
    return CHOICE_TABLE.format(limits=" | ".join(limits), rules="---|" * len(limits), rows="\n".join(rows))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("candidates")
    for name, runs in (("choose", RUNS_TO_CHOOSE), ("evaluate", RUNS_TO_EVALUATE)):
        command = commands.add_parser(name)
        command.add_argument("tables", type=Path)
        command.add_argument("--runs", type=int, default=runs, help="replays of each search")
        command.add_argument("--published", help="CSV of scores by arch_index that the run lacks")
    commands.choices["choose"].add_argument("--rows", type=int, default=20, help="how many of the first to print")
    given = parser.parse_args(arguments)
    if given.command == "candidates":
        print("\n".join(candidates()))
    elif given.command == "choose":
        entries, limits = read_settings()
        data = read_dataset(given.tables, CHOICE_DATASET, limits, given.published)
        ordered, left_out = choose(data, entries[BASELINE], candidates(), given.runs)
        marked = [entry["objective"] for entry in entries.values()]
        print(choice_table(ordered, marked, given.rows))
        print(f"{len(ordered)} candidates; {len(left_out)} left out, for the run does not have their scores.")


if __name__ == "__main__":
    main()
