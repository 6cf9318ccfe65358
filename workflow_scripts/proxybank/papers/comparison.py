"""Figures in print beside those of a run: differences, which of them are beyond what is uncertain, and why."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from proxybank.errors import ConfigError
from proxybank.papers.answers import Answer, NoAnswerError, Run
from proxybank.papers.figures import KEY, rounding
from proxybank.papers.rules import REASONS, Rules

_COMPARED = {
    "figure": pl.Int64,
    **dict.fromkeys(KEY, pl.String),
    "printed": pl.String,
    "printed_std": pl.String,
    "ours": pl.Float64,
    "ours_std": pl.Float64,
    "difference": pl.Float64,
    "allowed": pl.Float64,
    "beyond": pl.Boolean,
    "because": pl.String,
    "reason": pl.String,
    "of": pl.String,
    "run": pl.String,
    "n": pl.Int64,
    "counted": pl.String,
    "n_scored": pl.Int64,
    "seeds": pl.Int64,
    "source": pl.String,
    "note": pl.String,
}
_UNANSWERED = {
    "figure": pl.Int64,
    **dict.fromkeys(KEY, pl.String),
    "printed": pl.String,
    "printed_std": pl.String,
    "reason": pl.String,
}
_HELD = {
    "what": pl.String,
    **dict.fromkeys(KEY, pl.String),
    "printed": pl.String,
    "target": pl.String,
    "ours": pl.Float64,
    "of": pl.String,
    "holds": pl.Boolean,
    "because": pl.String,
    "reason": pl.String,
}


def compare(
    figures: pl.DataFrame, rules: Rules, run: Run, further: Mapping[str, Run] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Put what a run has beside each figure in print.

    A difference is beyond what is uncertain if it is larger than two standard errors of both sides together, and half
    a unit of the last printed digit. The standard errors are:

    - a correlation over all networks: the standard deviation over single seeds, for either side, since both rank the
      same networks by the same accuracies, and differ in the weights and images drawn. A side with a sample of the
      networks has the sampling error on top: ours by the bootstrap over networks, print's by the formulas of Bonett and
      Wright [1]_. A single seed does not tell what others would change: of a sample the sampling error is all there is,
      of all networks it stands in for ours, and print's has no part for seeds;
    - a search: the standard deviation over runs by the square root of their number; of runs that see one seed each,
      that of the means of seeds, times what Student's t of so few has over 1.96; in print, if the number of runs is
      not known, the standard deviation itself;
    - a regret in print, without a standard deviation: that of the accuracy it is made of;
    - the best of some networks, in closed form: the standard deviation over single seeds, where there are several; of a
      sample, the bootstrap over networks on top;
    - what is exact, such as the best of all networks: none.

    Parameters
    ----------
    figures : polars.DataFrame
        As `figures.read_figures` returns them.
    rules : Rules
        `answers` and `reasons` are used: of the rules that fit a figure every answer is taken, and the first reason.
    run : Run
    further : mapping of str to Run, optional
        Further runs that answers come from, by the keys of `rules.runs`; one that is not there has no answer.

    Returns
    -------
    compared : polars.DataFrame
        One row per figure and answer: the figure's row, from 0, and what is printed; ours; difference (ours less
        print's), allowed (what is uncertain of it), beyond; beyond it because, null if no rule says why, and the kind
        of reason, one of `rules.REASONS`; of (what ours is), run (the further one it is from, else null), n, what it
        counts, and seeds.
    unanswered : polars.DataFrame
        One row per figure without an answer, with the reason.

    Raises
    ------
    ConfigError
        If no rule of `answers` is about a figure.

    References
    ----------
    .. [1] D. G. Bonett, T. A. Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman
       correlations", Psychometrika 65, 2000.
    """
    compared, unanswered = [], []
    for number, figure in enumerate(_with_deviations(figures).iter_rows(named=True)):
        found, reasons, fits = [], [], False
        for rule in rules.answers:
            names = rule.fits(figure)
            if names is None:
                continue
            fits = True
            try:
                found.append(_answer(rule.says, figure, names, rules, {None: run, **(further or {})}))
            except NoAnswerError as reason:
                reasons.append(str(reason))
        if not fits:
            raise ConfigError(
                f"answers: no rule is about {', '.join(figure[name] for name in KEY)}. Expected one, be it nothing."
            )
        about = {"figure": number} | {name: figure[name] for name in KEY}
        about |= {"printed": figure["mean"], "printed_std": figures["std"][number]}
        compared += [about | _compared(figure, answer, name, rules) | {"run": name} for name, answer in found]
        if not found:
            unanswered.append(about | {"reason": "; ".join(dict.fromkeys(reasons))})
    return pl.DataFrame(compared, schema=_COMPARED), pl.DataFrame(unanswered, schema=_UNANSWERED)


def _with_deviations(figures: pl.DataFrame) -> pl.DataFrame:
    """Figures in print, where regrets have the deviation of the test accuracy that was found."""
    key = [name for name in KEY if name != "quantity"]
    found = figures.filter(quantity="test_accuracy_pct").select(*key, found="std", found_runs="runs")
    both = figures.join(found, on=key, how="left", maintain_order="left")
    is_regret = (pl.col("quantity") == "regret_pct") & pl.col("std").is_null()
    filled = {"std": "found", "runs": "found_runs"}
    columns = [pl.when(is_regret).then(other).otherwise(name).alias(name) for name, other in filled.items()]
    return both.with_columns(columns).select(figures.columns)


def _answer(
    says: Mapping[str, Any],
    figure: Mapping[str, Any],
    names: Mapping[str, str],
    rules: Rules,
    runs: Mapping[str | None, Run],
) -> tuple[str | None, Answer]:
    """Answer of a rule, and the further run it is from."""
    name = says.get("run")
    if name not in runs:
        raise NoAnswerError(f"there is no further run '{name}', {rules.runs[name]}")
    answer = runs[name].answer({key: value for key, value in says.items() if key != "run"}, figure, names)
    return name, replace(answer, of=f"{answer.of}, {rules.runs[name]}") if name else answer


def _compared(figure: Mapping[str, Any], answer: Answer, run: str | None, rules: Rules) -> dict[str, Any]:
    difference = answer.value - float(figure["mean"])
    errors = np.hypot(answer.error, _printed_error(figure, answer))
    allowed = float(2 * errors + rounding(figure["mean"]))
    # Numbers of two digits that differ by less than a rounding are not told apart from it by binary fractions.
    beyond = abs(difference) > allowed + 1e-9
    reason, because = _reason(figure, answer.of, difference, run, rules) if beyond else (None, None)
    return {
        "ours": answer.value,
        "ours_std": answer.std,
        "difference": difference,
        "allowed": allowed,
        "beyond": beyond,
        "because": because,
        "reason": reason,
        "of": answer.of,
        "n": answer.n,
        "counted": answer.counted,
        "n_scored": answer.n_scored,
        "seeds": answer.n_seeds,
        "source": figure["source"],
        "note": figure["note"],
    }


def _printed_error(figure: Mapping[str, Any], answer: Answer) -> float:
    """Standard error of a figure in print."""
    mean, n = float(figure["mean"]), figure["networks"]
    sampling = 0.0
    if n is not None and figure["quantity"] == "spearman":
        sampling = (1 - mean**2) * ((1 + mean**2 / 2) / (n - 3)) ** 0.5
    elif n is not None and figure["quantity"] == "kendall":
        sampling = (1 - mean**2) * (0.437 / (n - 4)) ** 0.5
    over_runs = float(figure["std"] or 0) / (figure["runs"] or 1) ** 0.5
    return float(np.hypot(np.hypot(answer.spread, sampling), over_runs))


def _reason(
    figure: Mapping[str, Any], by: str, difference: float, run: str | None, rules: Rules
) -> tuple[str, str | None]:
    """Kind of the reason of a difference, and what it says."""
    direction = "higher" if difference > 0 else "lower"
    for rule in rules.reasons:
        says = rule.says
        only = says.get("ours", direction) == direction and says.get("run", run) == run and says.get("by", "") in by
        if only and rule.fits(figure) is not None:
            return next((kind, says[kind]) for kind in REASONS if kind in says)
    return "unexplained", None


def must_hold(compared: pl.DataFrame, unanswered: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """What the project promises of its figures, and whether it holds; answers of further runs are not asked.

    ``at_least: printed`` and ``at_most: printed`` compare as many digits as are printed; targets in numbers, and
    distances (``within``), compare all.

    Parameters
    ----------
    compared, unanswered : polars.DataFrame
        As `compare` returns them.
    rules : Rules
        `must_hold` is used.

    Returns
    -------
    polars.DataFrame
        One row per promise, figure and answer; `ours` and `holds` are null where there is no answer. A broken one has
        the reason of the difference, if that is beyond what is uncertain.

    Raises
    ------
    ConfigError
        If a promise is about no figure at all.
    """
    rows = []
    for rule in rules.must_hold:
        about = [row for row in [*compared.to_dicts(), *unanswered.to_dicts()] if rule.fits(row) is not None]
        if not about:
            raise ConfigError(f"must_hold, {rule.says['what']}: no figure in print fits. Expected one or more.")
        says = {key: value for key, value in rule.says.items() if key != "not_by"}
        rows += [
            _held(figure, **says)
            for figure in about
            if figure.get("run") is None and rule.says.get("not_by", "\n") not in figure.get("of", "")
        ]
    return pl.DataFrame(rows, schema=_HELD)


def _held(figure: Mapping[str, Any], what: str, **target: float | str) -> dict[str, Any]:
    ((kind, limit),) = target.items()
    printed, ours = figure["printed"], figure.get("ours")
    compared = ours
    if limit == "printed":
        limit = float(printed)
        compared = ours if ours is None else round(ours, len(printed.partition(".")[2]))
    words = kind.replace("_", " ") + f" {limit:g}" + (f" of {printed}" if kind == "within" else "")
    about = {name: figure[name] for name in (*KEY, "printed")} | {"what": what, "target": words}
    if compared is None:
        return about
    if kind == "within":
        holds = abs(compared - float(printed)) <= limit + 1e-9
    else:
        holds = compared >= limit if kind == "at_least" else compared <= limit
    reason = {} if holds else {name: figure[name] for name in ("because", "reason")}
    return about | {"ours": ours, "of": figure["of"], "holds": holds, **reason}
