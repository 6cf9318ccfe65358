"""Choose what FreeREA maximises on the topology space by CIFAR-10 alone, and see what the choice is worth elsewhere.

    python resources/objective/search_objective.py candidates
    python resources/objective/search_objective.py choose TABLES
    python resources/objective/search_objective.py evaluate TABLES > docs/objective.md

TABLES is the folder of a run's tables, such as results/nats-bench/tables. `candidates` prints the objectives there are
to choose from. `choose` replays FreeREA's search with each of them and orders them by what is lost on CIFAR-10; it
reads no other dataset. The first one is then made an entry of config/nats-bench.yaml by hand, which fixes it.
`evaluate` looks up what that entry finds on every dataset, and writes docs/objective.md; what the other candidates
would have found there is looked up only with --afterwards.
"""

import argparse
import itertools
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr, t

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from proxybank import __version__, analysis, config, provenance, searches, spaces, store  # noqa: E402
from proxybank.errors import ConfigError, TableError  # noqa: E402
from proxybank.proxies import REGISTRY  # noqa: E402
from proxybank.searches import core, replays  # noqa: E402

TSS = spaces.get("tss")
CONFIG = ROOT / "config/nats-bench.yaml"
# Entries of the configuration: the search to compare with, and the chosen one.
BASELINE, CHOSEN = "freerea N=290", "freerea chosen N=290"
CHOICE_DATASET = "cifar10"
# Limits on costs that are known without a measurement.
COSTS = {"max_mflops", "max_params_m"}
RUNS_TO_CHOOSE, RUNS_TO_EVALUATE = 50, 500

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
    """One dataset of the topology space.

    Attributes
    ----------
    problems : mapping of str to Problem
        Constraint -> what is searched.
    accuracy_pct : float64, shape (15625,)
        Test accuracy after the longest training, by official index; NaN where it is not known.
    optimum_pct : mapping of str to float
        Constraint -> the best accuracy within it.
    seconds : mapping of str to float
        Proxy -> what it takes to score a network, mean over networks, all seeds together.
    """

    problems: Mapping[str, searches.Problem]
    accuracy_pct: NDArray[np.float64]
    optimum_pct: Mapping[str, float]
    seconds: Mapping[str, float]


class Finding(NamedTuple):
    """What one objective finds within one constraint of one dataset.

    Attributes
    ----------
    optimum_pct : float
        Best accuracy within the constraint.
    runs_pct : float64, shape (runs,)
        Test accuracy of what each run returned, NaN where it returned nothing.
    top_pct : float64, shape (n_tied,)
        Test accuracies of the best-scored of all networks; empty if not looked up.
    """

    optimum_pct: float
    runs_pct: NDArray[np.float64]
    top_pct: NDArray[np.float64]

    @property
    def mean_pct(self) -> float:
        """Mean over runs."""
        return float(np.nanmean(self.runs_pct))

    @property
    def regret_pct(self) -> float:
        """Accuracy lost, mean over runs."""
        return self.optimum_pct - self.mean_pct


def read_dataset(
    tables: Path,
    dataset: str,
    constraints: Sequence[Mapping[str, Any]],
    published: str | None = None,
    seed: int | None = None,
) -> Dataset:
    """Read one dataset, and nothing of another.

    Parameters
    ----------
    tables : path
        Folder with networks.parquet, scores.parquet, score_status.parquet and accuracies.parquet.
    dataset : str
    constraints : sequence of mapping
        As `analysis.feasible` takes them.
    published : path, optional
        Table of scores where the run has none of that name, see `published_scores`.
    seed : int, optional
        Whose scores to take, from scores_by_seed.parquet; the means over all by default.

    Raises
    ------
    TableError
        If no network has a test accuracy.
    """
    networks, status, accuracies = (
        store.read_parquet(tables / f"{name}.parquet", space="tss", dataset=dataset)
        for name in ("networks", "score_status", "accuracies")
    )
    if seed is None:
        scores = store.read_parquet(tables / "scores.parquet", space="tss", dataset=dataset)
    else:
        scores = store.read_parquet(tables / "scores_by_seed.parquet", space="tss", dataset=dataset, seed=seed)
    known = store.final_accuracies(accuracies).select("arch_index", "accuracy_pct")
    networks = networks.join(known, on="arch_index").sort("arch_index")
    if networks.is_empty():
        raise TableError(f"{tables}: no topology has a test accuracy on {dataset}. Expected tables of a finished run.")
    scores = networks.select("arch_index").join(scores, on="arch_index", how="left", maintain_order="left")
    if published:
        theirs = published_scores(published)
        new = [name for name in theirs.columns if name in REGISTRY and name not in scores.columns]
        scores = scores.join(theirs.select("arch_index", *new), on="arch_index", how="left", maintain_order="left")
    columns = {name: scores[name].cast(pl.Float64).to_numpy() for name in scores.columns if name in REGISTRY}
    index, accuracy = networks["arch_index"].to_numpy(), networks["accuracy_pct"].to_numpy()
    by_index = np.full(TSS.size, np.nan)
    by_index[index] = accuracy
    problems, optima = {}, {}
    for constraint in constraints:
        within = analysis.feasible(networks, constraint)
        problems[constraint["id"]] = searches.make_problem(TSS.genes[index], index, columns, feasible=within)
        optima[constraint["id"]] = float(accuracy[within].max())
    seconds = {name: float(values.mean()) for name, values in store.scoring_seconds(networks, status).items()}
    return Dataset(problems, by_index, optima, seconds)


def published_scores(path: str) -> pl.DataFrame:
    """Read scores of all networks from a CSV by arch_index, each those of the network that stands for its class.

    A run scores classes, without dead edges; FreeREA's published logsynflow, for one, counts convolutions on them.
    """
    rows = pl.read_csv(path).sort("arch_index")
    by_code = np.argsort(spaces.codes(TSS.genes, TSS.n_choices))
    stands_for = by_code[spaces.codes(TSS.scored_genes("drop"), TSS.n_choices)]
    return rows[stands_for].with_columns(arch_index=pl.int_range(TSS.size))


def find(data: Dataset, entry: Mapping[str, Any], objective: str, runs: int, top: bool = False) -> dict[str, Finding]:
    """Replay a search within each constraint.

    Parameters
    ----------
    data : Dataset
    entry : mapping
        Algorithm and evaluations, as an entry of ``searches`` has them.
    objective : str
    runs : int
    top : bool
        Whether to look up the best-scored of all networks too.

    Returns
    -------
    dict of str to Finding
        By constraint.
    """
    found = {}
    for name, problem in data.problems.items():
        settings = {"evaluations": entry["evaluations"], "constraint": name}
        best = searches.replay(problem, entry["algorithm"], objective, runs=runs, **settings).best
        accuracy = np.where(best >= 0, data.accuracy_pct[best], np.nan)
        tied = best_of_all(problem, objective) if top else np.empty(0, np.int64)
        found[name] = Finding(data.optimum_pct[name], accuracy, data.accuracy_pct[tied])
    return found


def best_of_all(problem: searches.Problem, objective: str) -> NDArray[np.int64]:
    """Official indices of the feasible networks that share the highest objective, with max() and ranks over all."""
    search = core.reference(replays.prepare(problem, objective, "all networks", 1, None, True)())
    codes = np.flatnonzero(problem.feasible)
    return problem.arch_index[codes[analysis.best_scored(core.scores_within(search, codes))]]


def criterion(found: Mapping[str, Finding]) -> float:
    """Accuracy lost, mean over runs and then over constraints."""
    return float(np.mean([finding.regret_pct for finding in found.values()]))


def choose(
    data: Dataset, entry: Mapping[str, Any], objectives: Sequence[str], runs: int
) -> tuple[dict[str, dict[str, Finding]], list[str]]:
    """Order objectives by the criterion, the least first, of equal ones an earlier one first.

    Parameters
    ----------
    data : Dataset
    entry : mapping
        The search that every one is replayed with.
    objectives : sequence of str
    runs : int

    Returns
    -------
    ordered : dict of str to dict
        What each objective finds, see `find`.
    left_out : list of str
        Objectives that read a proxy without scores.
    """
    columns = next(iter(data.problems.values())).columns
    scored = {name for name, values in columns.items() if np.isfinite(values).any()}
    readable = [text for text in objectives if set(searches.check_objective(text, REGISTRY)) <= scored]
    found = {text: find(data, entry, text, runs) for text in readable}
    ordered = dict(sorted(found.items(), key=lambda row: criterion(row[1])))
    return ordered, [text for text in objectives if text not in found]


def read_settings() -> tuple[dict[str, Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Entries of the baseline and, once there is one, of the choice; and the constraints on costs."""
    settings = config.load(CONFIG)
    entries = {entry.get("name"): entry for entry in settings["searches"]["entries"]}
    limits = [limit for limit in settings["constraints"]["tss"] if set(limit) - {"id"} <= COSTS]
    return {name: entries[name] for name in (BASELINE, CHOSEN) if name in entries}, limits


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def choice_table(ordered: Mapping[str, Mapping[str, Finding]], marked: Collection[str], n: int) -> str:
    """The first `n` objectives and the marked ones, with the accuracy lost within each constraint."""
    limits = list(next(iter(ordered.values())))
    rows = (
        [f"{place}", f"{criterion(found):.3f}", *(f"{found[k].regret_pct:.2f}" for k in limits), f"`{objective}`"]
        for place, (objective, found) in enumerate(ordered.items(), 1)
        if place <= n or objective in marked
    )
    return table(["place", "mean", *limits, "objective"], rows)


def result_rows(dataset: str, baseline: Mapping[str, Finding], chosen: Mapping[str, Finding]) -> list[list[str]]:
    """A row for each constraint of one dataset, one for their mean, and one for the mean of FreeREA's own limits."""
    rows, gains = [], {}
    for limit, ours in chosen.items():
        theirs = baseline[limit]
        gains[limit] = ours.runs_pct - theirs.runs_pct  # run by run: they start from the same networks
        means = [f"{found.mean_pct:.2f}" for found in (theirs, ours)]
        tops = [f"{found.top_pct.mean():.2f} ({found.top_pct.size})" for found in (theirs, ours)]
        regrets = [f"{found.regret_pct:.2f}" for found in (theirs, ours)]
        rows.append([dataset, limit, f"{ours.optimum_pct:.2f}", *means, gain_text(gains[limit]), *regrets, *tops])
    for label, some in (
        ("mean", list(chosen)),
        ("mean of flops", [name for name in chosen if name.startswith("flops")]),
    ):
        if some:
            lost = [f"{criterion({name: found[name] for name in some}):.2f}" for found in (baseline, chosen)]
            gain = np.mean([gains[name] for name in some], axis=0)
            rows.append([dataset, label, "", "", "", gain_text(gain), *lost, "", ""])
    return rows


def seed_rows(dataset: str, gains: Mapping[int, float]) -> list[str]:
    """The gain by the scores of each seed alone, and the mean with its interval."""
    mean, half = over_seeds(gains)
    interval = f" ± {half:.2f}" if np.isfinite(half) else ""
    return [dataset, *(f"{gain:+.2f}" for gain in gains.values()), f"{mean:+.2f}{interval}"]


def over_seeds(gains: Mapping[int, float]) -> tuple[float, float]:
    """Mean of the gains by each seed's scores, and half its 95% interval, Student's; infinite of a single seed."""
    values = np.array(list(gains.values()))
    if values.size == 1:
        return float(values[0]), np.inf
    half = t.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean()), float(half)


def verdict(gains: Mapping[str, Mapping[int, float]]) -> str:
    """Say whether the choice gains more than other weights change; dataset -> seed -> gain."""
    found = {name: over_seeds(of_seeds) for name, of_seeds in gains.items()}
    cells = [f"{seed_rows(name, of_seeds)[-1]} points on {name}" for name, of_seeds in gains.items()]
    certain = [name for name, (mean, half) in found.items() if mean > half]
    beyond = (
        f"beyond what other weights change on {' and '.join(certain)}"
        if certain
        else ("on none of them beyond what other weights change")
    )
    return f"**Over FreeREA's objective it gains {', '.join(cells)}** (means over limits and seeds): {beyond}."


def mean_gain(baseline: Mapping[str, Finding], chosen: Mapping[str, Finding]) -> float:
    """Accuracy gained over the baseline, mean over constraints."""
    return criterion(baseline) - criterion(chosen)


def gain_text(gain: NDArray[np.float64]) -> str:
    """Mean and 95% interval of gains, one a run; NaN where a run found nothing."""
    gain = gain[np.isfinite(gain)]
    return f"{gain.mean():+.2f} ± {1.96 * gain.std(ddof=1) / np.sqrt(gain.size):.2f}"


def afterwards_table(by_dataset: Mapping[str, Mapping[str, Mapping[str, Finding]]], chosen: str, n: int) -> str:
    """What is lost on every dataset by the first `n` objectives of the choice and by the best of each dataset."""
    first, *_ = by_dataset
    common = [text for text in by_dataset[first] if all(text in found for found in by_dataset.values())]
    best = {min(common, key=lambda text: criterion(found[text])) for found in by_dataset.values()}
    rows = []
    for place, text in enumerate(common, 1):
        if place <= n or text in best | {chosen}:
            findings = [found[text] for found in by_dataset.values()]
            unlimited = [f"{found['unlimited'].mean_pct:.2f}" for found in findings]
            rows.append([f"{place}", *(f"{criterion(found):.3f}" for found in findings), *unlimited, f"`{text}`"])
    header = ["place", *(f"{name}, lost" for name in by_dataset), *(f"{name}, unlimited" for name in by_dataset)]
    return table([*header, "objective"], rows)


PAGE = """# An objective chosen by CIFAR-10 alone

FreeREA's search on the topology space, {evaluations} evaluations, with another objective, chosen by a protocol that
looks at no accuracy of CIFAR-100 and ImageNet16-120. After a run of `config/nats-bench.yaml`, these print the
objectives there are to choose from, order them by CIFAR-10, and write this page:

    .venv/bin/python resources/objective/search_objective.py candidates
    .venv/bin/python resources/objective/search_objective.py choose {tables}
    .venv/bin/python resources/objective/search_objective.py evaluate {tables}{option} > docs/objective.md

{verdict}

1. A list of {n_candidates} objectives was written down before any was evaluated (`candidates`): weighted sums like
   FreeREA's, less parameters, and sums of ranks or of logarithms of places, of proxies that one pass or none feeds.
2. Each was replayed {runs_to_choose} times within each of the {n_limits} limits on FLOPs and parameters of
   `config/nats-bench.yaml` (`choose`). The criterion is the accuracy lost on CIFAR-10 (test, 200 epochs), mean over
   runs and then over limits; the least is chosen, and became the entry `{chosen_name}` of that file. It was chosen by
   te_nas_regions of one seed of ours, and by naswot, synflow and logsynflow as FreeREA's authors published them:
   `choose` with `--published data/reference/tss_cifar10_freerea.csv` ([what that is](nats-bench.md)), which fills in
   what a run lacks. Candidates that read pathnorm or epsinas were left out for want of scores. The choice lost 0.348
   points and was first of 257; FreeREA's objective lost 0.389 and was 13th. The tables of that day are not kept, and a
   run that has all scores cannot repeat it.
3. Only then was that entry looked up on the other datasets. By all scores, which came later, it is not the first any
   more (below); it was not chosen again.

The choice: `{chosen}`

FreeREA: `{baseline}`

## The choice, on CIFAR-10

Accuracy lost in points, by limit, of the first {n_rows} candidates, the choice and FreeREA's objective, with the scores
of this run.

{choice}

{left_out}

## What it is worth

Test accuracy in percent, mean of {runs} replays; gain of the choice over FreeREA's objective with a 95% interval over
runs that start from the same networks; accuracy lost against the best network within the limit; and the best-scored of
all networks within the limit, mean over those that tie (how many). The last rows of a dataset are the means over all
limits, and over the three of FreeREA's paper.

{results}

CIFAR-10's rows are those that it was chosen by: what is gained there is no evidence. The interval is about chance
within the search, on these scores. It says nothing of how lucky the choice was: one choice was made. What other scores
would change is seen where searches read those of one seed: the gain, mean over all limits, by each seed, and the mean
of these with a 95% interval over seeds.

{by_seed}

{seconds}
{afterwards}
proxybank {version}, {machine}.
"""

AFTERWARDS = """
## Afterwards

What the candidates would have lost, mean over limits, and the accuracy they find without a limit, {runs_to_choose}
replays each: the first {n_rows} by CIFAR-10, the choice, and the best of each dataset. This was looked up after the
choice, and nothing was changed by it.

{table}

{summary}
"""


def page(tables: Path, runs: int, runs_to_choose: int, n_rows: int, afterwards: bool) -> str:
    """Write docs/objective.md.

    Raises
    ------
    ConfigError
        If no choice was made.
    """
    entries, limits = read_settings()
    if CHOSEN not in entries:
        raise ConfigError(
            f"{CONFIG}: no search is called '{CHOSEN}'. Expected the choice, made before anything is looked up on "
            "other datasets. Run the command choose, add its first objective as an entry, and commit it."
        )
    baseline, chosen = (entries[name]["objective"] for name in (BASELINE, CHOSEN))
    names = store.read_parquet(tables / "accuracies.parquet", space="tss")["dataset"].unique(maintain_order=True)
    names = [CHOICE_DATASET, *(name for name in names if name != CHOICE_DATASET)]
    datasets = {name: read_dataset(tables, name, limits) for name in names}
    objectives = candidates()
    ordered, left_out = choose(datasets[CHOICE_DATASET], entries[BASELINE], objectives, runs_to_choose)
    seeds = store.read_parquet(tables / "scores_by_seed.parquet", space="tss")["seed"].unique().sort().to_list()
    results, gains = [], {}
    for name, data in datasets.items():
        results += result_rows(
            name, *(find(data, entry, entry["objective"], runs, top=True) for entry in entries.values())
        )
        gains[name] = {}
        for seed in seeds:
            data = read_dataset(tables, name, limits, seed=seed)
            found = [find(data, entry, entry["objective"], runs) for entry in entries.values()]
            gains[name][seed] = mean_gain(*found)
    later = ""
    if afterwards:
        found = {
            name: choose(data, entries[BASELINE], objectives, runs_to_choose)[0] for name, data in datasets.items()
        }
        later = AFTERWARDS.format(
            runs_to_choose=runs_to_choose,
            n_rows=n_rows,
            table=afterwards_table(found, chosen, n_rows),
            summary=summary(found, baseline),
        )
    return PAGE.format(
        evaluations=entries[CHOSEN]["evaluations"],
        tables="results/nats-bench/tables",
        option=" --afterwards" if afterwards else "",
        n_candidates=len(objectives),
        runs_to_choose=runs_to_choose,
        n_limits=len(limits),
        chosen_name=CHOSEN,
        chosen=chosen,
        baseline=baseline,
        n_rows=n_rows,
        choice=choice_table(ordered, {baseline, chosen}, n_rows),
        left_out=f"{len(ordered)} candidates; "
        + (f"{len(left_out)} left out, for this run has not all of their scores." if left_out else "none left out."),
        runs=runs,
        results=table(
            ["dataset", "limit", "optimum", "FreeREA's", "choice", "gain", "lost, FreeREA's", "lost, choice"]
            + ["best-scored, FreeREA's", "best-scored, choice"],
            results,
        ),
        verdict=verdict(gains),
        by_seed=table(
            ["dataset", *(f"seed {seed}" for seed in seeds), "mean"], [seed_rows(*row) for row in gains.items()]
        ),
        seconds=seconds_line(datasets, {"FreeREA's": baseline, "the choice": chosen}),
        afterwards=later,
        version=__version__,
        machine=provenance.processor(),
    )


def seconds_line(datasets: Mapping[str, Dataset], objectives: Mapping[str, str]) -> str:
    """Say what one evaluation takes on the machine that scored."""
    parts = []
    for name, data in datasets.items():
        costs = {
            label: sum(data.seconds.get(column, 0.0) for column in searches.check_objective(text, REGISTRY))
            for label, text in objectives.items()
        }
        parts.append(f"{' and '.join(f'{cost:.3f} ({label})' for label, cost in costs.items())} on {name}")
    return f"Seconds to score a network where it was scored, all seeds: {'; '.join(parts)}.\n"


def summary(by_dataset: Mapping[str, Mapping[str, Mapping[str, Finding]]], baseline: str) -> str:
    """How well the order on CIFAR-10 holds elsewhere, and how many objectives lose less than the baseline."""
    first = next(iter(by_dataset.values()))
    lines = []
    for name, found in by_dataset.items():
        common = [text for text in first if text in found]
        lost = [[criterion(each[text]) for text in common] for each in (first, found)]
        fewer = sum(criterion(found[text]) < criterion(found[baseline]) for text in common)
        rho = spearmanr(*lost).statistic
        lines.append(
            f"- {name}: {fewer} of {len(common)} lose less than FreeREA's; Spearman's rho of what is lost with "
            f"{next(iter(by_dataset))}: {rho:.2f}."
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("candidates")
    for name in ("choose", "evaluate"):
        command = commands.add_parser(name)
        command.add_argument("tables", type=Path)
        command.add_argument("--runs-to-choose", type=int, default=RUNS_TO_CHOOSE, help="replays of each candidate")
        command.add_argument("--rows", type=int, default=20, help="how many candidates to print, from the first")
    commands.choices["choose"].add_argument("--published", help="CSV of scores that the run lacks, by arch_index")
    commands.choices["evaluate"].add_argument("--runs", type=int, default=RUNS_TO_EVALUATE, help="replays of the two")
    commands.choices["evaluate"].add_argument("--afterwards", action="store_true", help="and of all candidates")
    given = parser.parse_args(arguments)
    if given.command == "candidates":
        print("\n".join(candidates()))
    elif given.command == "choose":
        entries, limits = read_settings()
        data = read_dataset(given.tables, CHOICE_DATASET, limits, given.published)
        ordered, left_out = choose(data, entries[BASELINE], candidates(), given.runs_to_choose)
        print(choice_table(ordered, {entry["objective"] for entry in entries.values()}, given.rows))
        print(f"\n{len(ordered)} candidates; {len(left_out)} left out, for the run has not all of their scores.")
    else:
        print(page(given.tables, given.runs, given.runs_to_choose, given.rows, given.afterwards), end="")


if __name__ == "__main__":
    main()
