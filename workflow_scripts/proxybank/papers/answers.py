"""What a run has beside a figure in print: a correlation, what a search finds, a best of random networks, seconds."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from proxybank import analysis, store
from proxybank.errors import ConfigError
from proxybank.papers.rules import ANSWERS

_N_BOOTSTRAPS = 400
# Some of the networks, by `rules.AMONG`: which, and what they are called.
_AMONG = {
    "no_dead_edges": (pl.col("n_none") + pl.col("n_live_edges") == 6, "networks without dead edges"),
    "with_skip": (pl.col("n_skip") > 0, "networks with a skip connection"),
    "distinct_widths": (
        pl.concat_list(f"width_{k}" for k in range(5)).list.n_unique() == 5,
        "networks of five distinct widths",
    ),
}


class NoAnswerError(Exception):
    """The run has no answer; the text says why."""


@dataclass(frozen=True)
class Answer:
    """What the run has beside a figure in print.

    Attributes
    ----------
    value : float
        In the unit of the figure.
    std : float or None
        Standard deviation over runs or draws.
    error : float
        Standard error of `value`: of a correlation, what other weights and images would change, where several seeds
        tell, and another sample of networks, and so of the best of some networks; of a search, what other runs would on
        the same scores. Of runs that see one seed each, half a 95% interval over 1.96, since seeds are few. 0 of what
        is exact, and of seconds.
    of : str
        What it is, for readers.
    n : int
        Networks or runs.
    counted : {"networks", "runs"}
        What `n` counts.
    n_scored : int or None
        Of the networks, those with a score.
    spread : float
        Standard deviation over single seeds, which the figure in print has too: of a correlation, and of a search whose
        runs see one seed each, widened as its error is; else 0.
    n_seeds : int or None
        Seeds of the scores that come in, of the proxy with the fewest; None where no seed changes any.
    """

    value: float
    std: float | None
    error: float
    of: str
    n: int
    counted: str
    n_scored: int | None = None
    spread: float = 0.0
    n_seeds: int | None = None


@dataclass
class Run:
    """Tables of a run, by name; `speed` is None where nothing was timed.

    Attributes
    ----------
    networks, scores, scores_by_seed, accuracies, regrets, search_runs : polars.DataFrame
        The tables of these names.
    not_sampled : polars.DataFrame
        Columns space, dataset, class_index, proxy: classes that were left out on purpose.
    higher_is_better : mapping of str to bool
        Direction of each proxy of the run.
    speed : polars.DataFrame or None
        Seconds of passes, as the benchmark has them.
    """

    networks: pl.DataFrame
    scores: pl.DataFrame
    scores_by_seed: pl.DataFrame
    accuracies: pl.DataFrame
    regrets: pl.DataFrame
    search_runs: pl.DataFrame
    not_sampled: pl.DataFrame
    higher_is_better: Mapping[str, bool]
    speed: pl.DataFrame | None = None
    _spreads: dict[tuple[str, ...], dict[str, float]] = field(default_factory=dict, init=False, repr=False)
    _drawn: dict[tuple[str, ...], bool] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _final(self) -> pl.DataFrame:
        return store.final_accuracies(self.accuracies)

    def answer(self, says: Mapping[str, Any], figure: Mapping[str, Any], names: Mapping[str, str]) -> Answer:
        """Answer a figure as a rule says.

        Parameters
        ----------
        says : mapping
            One of `rules.ANSWERS`, with its options; ``{name}`` stands for what `names` or the figure has.
        figure : mapping
            Row of the figures in print.
        names : mapping of str to str
            What the patterns of the rule found.

        Raises
        ------
        NoAnswerError
            With the reason.
        """
        known = {"seconds": f"{figure['seconds'] or 0:g}", "method": figure["method"], **names}
        says = {key: value if isinstance(value, dict) else _filled(value, known) for key, value in says.items()}
        place = {key: says.pop(key, figure[key]) for key in ("space", "dataset")}
        kind = next(key for key in says if key in ANSWERS)
        if kind != "nothing" and self.networks.filter(**place).is_empty():
            raise NoAnswerError(f"the run has no {place['space']} on {place['dataset']}")
        answer = getattr(self, f"_{kind}")(says.pop(kind), place, figure["quantity"], **says)
        elsewhere = [value for key, value in place.items() if value != figure[key]]
        return replace(answer, of=", ".join([answer.of, *elsewhere]))

    def _nothing(self, reason: str, place: dict, quantity: str) -> Answer:
        raise NoAnswerError(reason)

    def _correlation(
        self,
        proxy: str,
        place: dict,
        quantity: str,
        among: str = "all",
        missing: str = "last",
        ties: str = "b",
        plus: Mapping[str, float] | None = None,
        split: str = "test",
        sign: str = "own",
    ) -> Answer:
        if proxy not in self.scores.columns:
            raise NoAnswerError(f"`{proxy}` is not scored in this run")
        score, accuracy, classes = self._ranked(self.scores, proxy, place, among, split, plus)
        n_scored = int(np.isfinite(score).sum())
        if missing == "first":
            score = np.where(np.isfinite(score), score, -score)
        if sign == "turned":
            score = -score
        if not n_scored or (score == score[0]).all():
            raise NoAnswerError(
                f"`{proxy}` is the same for all networks" if n_scored else f"no network has a score by `{proxy}`"
            )
        over_seeds = self._spread(proxy, place, among, split)
        # All networks are the same ones as in print; what was drawn anew are weights and images, or a sample. What
        # stands in for a single seed's noise resamples classes, since their members share it.
        sampled = not self._left_out(proxy, place).is_empty()
        drawn = sampled or not over_seeds
        found = analysis.resample(
            {"": (score, accuracy)},
            n_resamples=_N_BOOTSTRAPS if drawn else 0,
            seed=0,
            units=None if sampled else classes,
        )[""]
        value, *again = getattr(found, quantity)
        spread = over_seeds.get(quantity, 0.0)
        error = float(np.hypot(spread, np.nanstd(again, ddof=1) if drawn else 0.0))
        label = f"`{proxy}`" + (f" with costs of {', '.join(f'`{column}`' for column in plus)}" if plus else "")
        if ties != "b":
            value, label = float(stats.kendalltau(score, accuracy, variant=ties).statistic), f"{label}, τ-{ties}"
        label += _named(among) + (", networks without a score first" if missing == "first" else "")
        label += (", validation accuracy" if split == "valid" else "") + (", sign turned" if sign == "turned" else "")
        scored = n_scored if n_scored < score.size else None
        return Answer(value, None, error, label, score.size, "networks", scored, spread, self._n_seeds([proxy], place))

    def _search(
        self,
        algorithm: str,
        place: dict,
        quantity: str,
        objective: str | None = None,
        budget: str | None = None,
        constraint: str = "unlimited",
        score: str | None = None,
        found_on: str | None = None,
    ) -> Answer:
        searched = place | {"dataset": found_on or place["dataset"]}
        runs = self.search_runs.filter(algorithm=algorithm, constraint_id=constraint, **searched)
        if objective is not None:
            runs = runs.filter(objective=objective)
        if budget is not None:
            runs = runs.filter(budget=float(budget))
        name = " ".join(part for part in (f"`{algorithm}`", objective and f"`{objective}`", budget) if part)
        if runs.is_empty():
            raise NoAnswerError(f"the run has no search {name} within {constraint}")
        kinds = runs.select("objective", "budget").unique().sort("objective", "budget")
        if kinds.height > 1:
            found = "; ".join(f"{row[0]}, {row[1]:g}" for row in kinds.rows())
            raise ConfigError(f"search {name} is several in this run ({found}). Name its objective and budget.")
        worth = self._values(quantity, place, score)
        found = runs.join(worth, left_on="best_arch_index", right_on="arch_index", how="left", maintain_order="left")
        found = found.select("seed", value="regret_pct" if quantity == "regret_pct" else "value").drop_nulls("value")
        values = found["value"]
        if values.is_empty():
            raise NoAnswerError(f"no run of search {name} found a network")
        std = values.std() if values.len() > 1 else None
        n_seeds = self._n_seeds(re.findall(r"\w+", f"{kinds['objective'][0]} {score or ''}"), searched)
        label = f"`{algorithm}`, {kinds['budget'][0]:g} "
        in_seconds = runs["budget_unit"][0] == "seconds"
        label += f"s, {runs['n_evaluated'].mean():.0f} networks" if in_seconds else "networks"
        label += f", found on {found_on}" if found_on else ""
        half = analysis.half_interval(found, "value") if found["seed"].count() else None
        error = (std or 0.0) / values.len() ** 0.5 if half is None else half / analysis.HALF_INTERVAL
        spread = 0.0
        if found["seed"].count():
            n_seeds = 1
            # Print's search saw scores of its own, as uncertain as those of one seed; `half` is of the mean of all.
            spread = 0.0 if half is None else error * found["seed"].drop_nulls().n_unique() ** 0.5
        return Answer(values.mean(), std, error, label, values.len(), "runs", spread=spread, n_seeds=n_seeds)

    def _best_of(
        self, proxy: str, place: dict, quantity: str, networks: str, score: str | None = None, among: str = "all"
    ) -> Answer:
        n = int(networks)
        values = self._only(self._values(quantity, place, score), place, among)
        n_seeds = self._n_seeds(re.findall(r"\w+", f"{proxy} {score or ''}"), place)
        if trained := re.fullmatch(r"(test|valid)_(\d+)|accuracy", proxy):
            known = values.rename({"value": "rank"})
            if proxy != "accuracy":
                known = self._accuracies(trained[1], int(trained[2]), place).rename({"accuracy_pct": "rank"})
            table = values.join(known, on="arch_index", maintain_order="left")
            mean, std = analysis.best_of_random(table["rank"].to_numpy(), table["value"].to_numpy(), n)
            by = proxy if proxy == "accuracy" else f"`{proxy}`"
            label = ("all networks" if n == 1 else f"best of {n:,} by {by}, exact") + _named(among)
            return Answer(mean, std, 0.0, label, table.height, "networks", n_seeds=n_seeds)
        if proxy not in self.scores.columns:
            raise NoAnswerError(f"`{proxy}` is not scored in this run")
        rank, found = self._ranked_values(self.scores, proxy, place, values)
        mean, std = analysis.best_of_random(rank, found, n)
        if mean is None:
            raise NoAnswerError(f"no network has a score by `{proxy}`")
        sampled = not self._left_out(proxy, place).is_empty()
        label = f"best of {n:,} of the sample by `{proxy}`" if sampled else f"best of {n:,} by `{proxy}`, exact"
        by_seed = []
        for seed in self._seeds(proxy, place):
            scores = self.scores_by_seed.filter(seed=seed)
            values = self._only(self._values(quantity, place, score, scores), place, among)
            by_seed.append(analysis.best_of_random(*self._ranked_values(scores, proxy, place, values), n)[0])
        by_seed = [mean for mean in by_seed if mean is not None]
        over_seeds = np.std(by_seed, ddof=1) if len(by_seed) > 1 else 0.0
        error = float(np.hypot(over_seeds, _error_of_best(rank, found, n) if sampled else 0.0))
        return Answer(mean, std, error, label + _named(among), rank.size, "networks", n_seeds=n_seeds)

    def _optimum(self, constraint: str, place: dict, quantity: str) -> Answer:
        reason = f"the run has no constraint {constraint}"
        row = self._row_of(self.regrets, reason, algorithm=analysis.ORACLE, constraint_id=constraint, **place)
        label = "best network" if constraint == "unlimited" else f"best network within `{constraint}`"
        return Answer(row["optimum_pct"], None, 0.0, label, row["n_feasible"], "networks")

    def _seconds(self, group: str, place: dict, quantity: str, batch_size: str) -> Answer:
        if self.speed is None:
            raise NoAnswerError("no passes were timed")
        reason = f"pass `{group}` was not timed with {batch_size} images"
        row = self._row_of(self.speed, reason, passes=group, batch_size=int(batch_size), **place)
        label = f"pass `{group}`, {batch_size} images, one core of {row['processor']}, median"
        return Answer(row["pass_seconds"], None, 0.0, label, row["n_runs"], "networks")

    def _row_of(self, table: pl.DataFrame, reason: str, **equal: object) -> dict[str, Any]:
        rows = table.filter(**equal)
        if rows.is_empty():
            raise NoAnswerError(reason)
        return rows.row(0, named=True)

    def _values(
        self, quantity: str, place: dict, score: str | None, scores: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Columns arch_index and value: what a quantity is for each network, of the run's scores if not of others."""
        if quantity == "score":
            if score is None:
                raise ConfigError(
                    "answers: a rule about a quantity 'score' lacks score, the proxy that stands beside it."
                )
            logarithm = re.fullmatch(r"log\((\w+)\)", score)
            column = pl.col(logarithm[1]).log() if logarithm else pl.col(score)
            scores = self.scores if scores is None else scores
            return scores.filter(**place).select("arch_index", column.alias("value"))
        split = "valid" if quantity == "valid_accuracy_pct" else "test"
        epochs = 12 if quantity == "test_accuracy_12_pct" else None
        return self._accuracies(split, epochs, place).rename({"accuracy_pct": "value"})

    def _accuracies(self, split: str, epochs: int | None, place: dict) -> pl.DataFrame:
        """Columns arch_index and accuracy_pct after some epochs, by default those of the final test accuracy."""
        epochs = epochs or self._final.filter(**place)["epochs"].max()
        rows = self.accuracies.filter(split=split, epochs=epochs, **place)
        if rows.is_empty():
            raise NoAnswerError(f"the run has no {split} accuracy on {place['dataset']} after {epochs} epochs")
        return rows.select("arch_index", "accuracy_pct")

    def _ranked_values(
        self, scores: pl.DataFrame, proxy: str, place: dict, values: pl.DataFrame
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores of the networks that were to have one, the best the highest, and their values; NaN where none is."""
        table = self._sampled(scores, proxy, place).join(values, on="arch_index", maintain_order="left")
        sign = 1 if self.higher_is_better[proxy] else -1
        rank, found = sign * table[proxy].cast(pl.Float64).to_numpy(), table["value"].to_numpy()
        return np.where(np.isfinite(found), rank, np.nan), found

    def _left_out(self, proxy: str, place: dict) -> pl.DataFrame:
        """Classes outside the sample of a proxy."""
        return self.not_sampled.filter(proxy=proxy, **place)

    def _sampled(self, scores: pl.DataFrame, proxy: str, place: dict) -> pl.DataFrame:
        """Scores by a proxy of the networks that were to have one."""
        networks = self.networks.select(*place, "arch_index", "class_index", "sample_place").filter(**place)
        n_left_out = self._left_out(proxy, place).height
        if n_left_out:  # of the classes inside, the networks that were not drawn have no score either
            networks = networks.filter(pl.col("sample_place") < networks["sample_place"].n_unique() - n_left_out)
        # Of the many columns, one is wanted: copies of all would take most of the time.
        found = scores.select(*place, "arch_index", proxy).filter(**place)
        return found.join(networks.select("arch_index", "class_index"), on="arch_index", maintain_order="left")

    def _ranked(
        self,
        scores: pl.DataFrame,
        proxy: str,
        place: dict,
        among: str,
        split: str,
        plus: Mapping[str, float] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Scores of the networks that were to have one, the worst where one has none, final accuracies, and classes.

        `plus` has columns of the networks that are added to the scores, each times a number.
        """
        final = self._accuracies(split, None, place)
        table = self._sampled(scores, proxy, place).join(final, on="arch_index", maintain_order="left")
        table = self._only(table, place, among)
        if plus:
            added = pl.sum_horizontal(pl.col(column) * number for column, number in plus.items())
            costs = self.networks.filter(**place).select("arch_index", added=added)
            table = table.join(costs, on="arch_index", maintain_order="left")
            # What adds up to the same must tie.
            table = table.with_columns((pl.col(proxy) + pl.col("added")).round(6).alias(proxy))
        score = analysis.worst_if_missing(table[proxy].cast(pl.Float64).to_numpy(), self.higher_is_better[proxy])
        return score, table["accuracy_pct"].to_numpy(), table["class_index"].to_numpy()

    def _only(self, table: pl.DataFrame, place: dict, among: str) -> pl.DataFrame:
        """Rows of some of the networks."""
        if among == "all":
            return table
        wanted = self.networks.filter(_AMONG[among][0], **place)
        return table.join(wanted, on="arch_index", how="semi", maintain_order="left")

    def _spread(self, proxy: str, place: dict, among: str, split: str) -> dict[str, float]:
        """Standard deviation of tau and rho over the scores of single seeds; empty for a single seed."""
        key = (*place.values(), proxy, among, split)
        if key not in self._spreads:
            found = []
            by_seed = self.scores_by_seed.select(*place, "arch_index", "seed", proxy).filter(**place)
            for seed in self._seeds(proxy, place):
                pair = self._ranked(by_seed.filter(seed=seed), proxy, place, among, split)[:2]
                of_seed = analysis.resample({"": pair}, n_resamples=0, seed=0)[""]
                found.append({"kendall": of_seed.kendall[0], "spearman": of_seed.spearman[0]})
            several = len(found) > 1
            self._spreads[key] = pl.DataFrame(found).select(pl.all().std()).row(0, named=True) if several else {}
        return self._spreads[key]

    def _seeds(self, proxy: str, place: dict) -> list[int]:
        """Seeds that a proxy has scores of."""
        by_seed = self.scores_by_seed.select(*place, "seed", proxy).filter(**place)
        return by_seed.drop_nulls(proxy)["seed"].unique().sort().to_list()

    def _n_seeds(self, words: list[str], place: dict) -> int | None:
        """Fewest seeds of the proxies among some words, None if there is none that a seed changes."""
        proxies = set(words) & set(self.scores.columns) & set(self.scores_by_seed.columns) - set(place)
        counts = {proxy: len(self._seeds(proxy, place)) for proxy in proxies}
        return min((n for proxy, n in counts.items() if n == 1 or self._differs(proxy, place)), default=None)

    def _differs(self, proxy: str, place: dict) -> bool:
        """Whether a proxy has different scores by different seeds, which closed forms have not."""
        key = (*place.values(), proxy)
        if key not in self._drawn:
            by_seed = self.scores_by_seed.select(*place, "arch_index", proxy).filter(**place)
            n_different = by_seed.group_by("arch_index").agg(pl.col(proxy).drop_nulls().n_unique())[proxy]
            self._drawn[key] = bool((n_different > 1).any())
        return self._drawn[key]


def read_run(files: Iterable[str | Path], higher_is_better: Mapping[str, bool], speed: str | Path | None = None) -> Run:
    """Read a finished run.

    Parameters
    ----------
    files : iterable of path
        Its tables: those that `Run` has, and score_status.
    higher_is_better : mapping of str to bool
        Direction of each of its proxies; there may be more.
    speed : path, optional
        Seconds of passes, as the benchmark writes them.
    """
    paths = {Path(path).stem: path for path in files}
    not_sampled = read_not_sampled(paths.pop("score_status"))
    tables = {name: store.read_parquet(path) for name, path in paths.items()}
    tables["networks"] = store.by_function(tables["networks"])
    timed = store.read_parquet(speed) if speed else None
    return Run(**tables, not_sampled=not_sampled, higher_is_better=higher_is_better, speed=timed)


def read_not_sampled(path: str | Path) -> pl.DataFrame:
    """Which classes table ``score_status`` at `path` says were left out on purpose with every seed."""
    of_class = pl.scan_parquet(path).group_by("space", "dataset", "class_index", "proxy")
    left_out = of_class.agg(left_out=(pl.col("status") == store.NOT_SAMPLED).all()).filter("left_out").drop("left_out")
    return left_out.collect()


def _error_of_best(rank: NDArray[np.float64], found: NDArray[np.float64], n_networks: int) -> float:
    """Standard error of `analysis.best_of_random` in a sample of networks, by the bootstrap."""
    rng, means = np.random.default_rng(0), []
    for _ in range(_N_BOOTSTRAPS):
        drawn = rng.integers(rank.size, size=rank.size)
        means.append(analysis.best_of_random(rank[drawn], found[drawn], n_networks)[0])
    return float(np.std([mean for mean in means if mean is not None], ddof=1))


def _named(among: str) -> str:
    """What the label of an answer says of the networks that it is about, if they are not all."""
    return "" if among == "all" else f", {_AMONG[among][1]}"


def _filled(value: object, names: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], str(value))
