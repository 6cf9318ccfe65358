"""What of a run answers which figures in print, why the two differ, and what must hold: rules over rows of figures."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from proxybank.errors import ConfigError, suggest
from proxybank.papers.figures import KEY

# Kinds of answers, each with the further keys it needs and those it may have.
ANSWERS = {
    "correlation": ((), ("among", "missing", "ties", "plus", "split", "sign")),
    "search": ((), ("objective", "budget", "constraint", "score", "found_on")),
    "best_of": (("networks",), ("score", "among")),
    "optimum": ((), ()),
    "seconds": (("batch_size",), ()),
    "nothing": ((), ()),
}
AMONG = ("all", "no_dead_edges", "with_skip", "distinct_widths")  # networks that an answer is about
MISSING = ("last", "first")  # where networks without a score rank
TIES = ("b", "c")  # kinds of Kendall's tau
SPLITS = ("test", "valid")  # whose accuracies scores are correlated with
SIGNS = ("own", "turned")  # turned where print has that of a proxy of which lower is better
FIGURE_NAMES = ("method", "seconds")  # of the figure itself, that a rule may use
REASONS = ("because", "supposed", "unexplained")
TARGETS = ("at_least", "at_most", "within")

Figure = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """Rows of figures, and what is said of them.

    Attributes
    ----------
    rows : dict of str to tuple of Pattern
        Columns of the key -> patterns, of which one must fit; a column that is not named may hold anything.
    says : dict
        The rest of the rule.
    """

    rows: dict[str, tuple[re.Pattern, ...]]
    says: dict[str, Any]

    def fits(self, figure: Figure) -> dict[str, str] | None:
        """What the ``{names}`` in the rule's patterns stand for in a figure; None if the rule is not about it."""
        found: dict[str, str] = {}
        for column, patterns in self.rows.items():
            match = next((m for pattern in patterns if (m := pattern.fullmatch(figure[column]))), None)
            if match is None:
                return None
            found |= match.groupdict()
        return found


@dataclass(frozen=True)
class Rules:
    """All rules of a file.

    Attributes
    ----------
    answers, reasons, must_hold : tuple of Rule
        What answers figures, why the two differ, and promises.
    runs : dict of str to str
        Further runs, by what their names have behind that of the run and a hyphen, and what readers are told of each.
    """

    answers: tuple[Rule, ...]
    reasons: tuple[Rule, ...]
    must_hold: tuple[Rule, ...]
    runs: dict[str, str]


def read_rules(path: str | Path) -> Rules:
    """Read rules from a YAML file.

    Every rule names `rows`: columns of the figures' key, each with a text or a list of texts, in which ``{name}``
    stands for anything, and may be used in what the rule says. A rule of ``answers`` has one of `ANSWERS`, and may have
    `space`, `dataset` and `run`, one of ``runs``, from where the answer is; of ``reasons`` one of `REASONS`, by how
    sure it is, and if it is for some differences only `ours` (higher or lower), `run`, and `by`, a piece of what
    readers are told the answer is; of ``must_hold`` the name of what is promised, one of `TARGETS` with a number, or
    ``printed``, and perhaps `not_by`, a piece that what the answer is does not have.

    Raises
    ------
    ConfigError
        For an unknown or missing key, a name that no pattern has, and what is no list, mapping or number.
    """
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    checks = {"answers": _check_answer, "reasons": _check_reason, "must_hold": _check_must_hold}
    _expect_type(content, dict, str(path))
    _expect_keys(content, checks, ("runs",), str(path))
    parts = {part: _rules(content[part], check, f"{path}, {part}") for part, check in checks.items()}
    runs = content.get("runs", {})
    _expect_type(runs, dict, f"{path}, runs")
    for part in ("answers", "reasons"):
        for number, rule in enumerate(parts[part]):
            _expect_keys({rule.says["run"]} if "run" in rule.says else (), (), runs, f"{path}, {part}[{number}], run")
    return Rules(**parts, runs=runs)


def _rules(entries: list[dict], check: Any, where: str) -> tuple[Rule, ...]:
    rules = []
    _expect_type(entries, list, where)
    for number, entry in enumerate(entries):
        here = f"{where}[{number}]"
        _expect_type(entry, dict, here)
        says = {key: value for key, value in entry.items() if key != "rows"}
        check(says, here)
        rows = entry.get("rows", {})
        _expect_type(rows, dict, f"{here}, rows")
        _expect_keys(rows, (), KEY, f"{here}, rows")
        rule = Rule({column: _patterns(texts) for column, texts in rows.items()}, says)
        names = list(FIGURE_NAMES)
        for patterns in rule.rows.values():  # of several, all need the name
            names += set.intersection(*(set(pattern.groupindex) for pattern in patterns))
        for key, value in says.items():
            _expect_keys(re.findall(r"\{(\w+)\}", str(value)), (), names, f"{here}, {key}")
        rules.append(rule)
    return tuple(rules)


def _patterns(texts: object) -> tuple[re.Pattern, ...]:
    return tuple(
        re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(str(text))))
        for text in (texts if isinstance(texts, list) else [texts])
    )


def _check_answer(says: dict, where: str) -> None:
    kind = _one_of(ANSWERS, says, where)
    needed, allowed = ANSWERS[kind]
    _expect_keys(says, (kind, *needed), (*allowed, "space", "dataset", "run"), where)
    _expect_type(says.get("plus", {}), dict, f"{where}, plus")
    for key, known in (("among", AMONG), ("missing", MISSING), ("ties", TIES), ("split", SPLITS), ("sign", SIGNS)):
        if says.get(key, known[0]) not in known:
            raise ConfigError(f"{where}: {key} is '{says[key]}'. Expected {' or '.join(known)}.")


def _check_reason(says: dict, where: str) -> None:
    _expect_keys(says, (_one_of(REASONS, says, where),), ("ours", "run", "by"), where)
    if says.get("ours", "higher") not in ("higher", "lower"):
        raise ConfigError(f"{where}: ours is '{says['ours']}'. Expected higher or lower.")


def _check_must_hold(says: dict, where: str) -> None:
    kind = _one_of(TARGETS, says, where)
    _expect_keys(says, ("what", kind), ("not_by",), where)
    is_number = isinstance(says[kind], int | float) and not isinstance(says[kind], bool)
    if not is_number and (says[kind] != "printed" or kind == "within"):
        expected = "a number" if kind == "within" else "a number, or printed"
        raise ConfigError(f"{where}: {kind} is '{says[kind]}'. Expected {expected}.")


def _one_of(kinds: Collection[str], says: dict, where: str) -> str:
    found = [key for key in says if key in kinds]
    if len(found) != 1:
        raise ConfigError(f"{where}: found {', '.join(says) or 'no key'}. Expected one of {', '.join(kinds)}.")
    return found[0]


def _expect_type(value: object, kind: type, where: str) -> None:
    if not isinstance(value, kind):
        expected = "a list" if kind is list else "a mapping"
        raise ConfigError(f"{where}: found {'nothing' if value is None else repr(value)}. Expected {expected}.")


def _expect_keys(found: Collection, needed: Any, allowed: Any, where: str) -> None:
    known = [*needed, *allowed]
    for key in found:
        if key not in known:
            raise ConfigError(f"{where}: unknown key '{key}'.{suggest(str(key), known)} Known: {', '.join(known)}.")
    missing = [key for key in needed if key not in found]
    if missing:
        raise ConfigError(f"{where}: {missing[0]} is missing. Expected {', '.join(needed)}.")
