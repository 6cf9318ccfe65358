"""The configuration of a run: its closed schema, defaults, and the checks that a schema cannot express.

``python -m proxybank.config`` prints the reference of all keys, which is ``docs/configuration.md``.
"""

import itertools
import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import yaml
from numpy.typing import NDArray

from proxybank import data, searches, spaces, store
from proxybank.errors import ConfigError, SearchError, TableError, suggest
from proxybank.proxies import AGGREGATE, GROUPS, REGISTRY

Config = dict[str, Any]
# A number is finite, and 64.0 is no integer: `range` would not take it.
_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "number": lambda _, value: type(value) in (int, float) and abs(value) <= sys.float_info.max,
        "integer": lambda _, value: type(value) is int,
    }
)


def _check_pattern(_, pattern: str, value: Any, __) -> Iterator[jsonschema.ValidationError]:
    """Match all of a text: to `re.search`, of JSON schemas, a line's end behind it is no part of it."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"pattern": _check_pattern}, type_checker=_TYPES
)


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one place, of which YAML would silently take the last."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        # As it is written: later, merged keys stand in it as well.
        node = super().compose_mapping_node(anchor)
        first: dict[str, yaml.Mark] = {}
        for key, _ in node.value:
            mark = first.setdefault(str(key.value), key.start_mark)
            if mark is not key.start_mark:
                raise ConfigError(
                    f"the key '{key.value}' stands in lines {mark.line + 1} and {key.start_mark.line + 1}. Expected it "
                    "once. Remove one of the two."
                )
        return node


@cache
def schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a configuration."""
    return yaml.safe_load(Path(__file__).with_name("config.schema.yaml").read_text())


def load(path: str | Path) -> Config:
    """Read a configuration file, and return it checked and complete; see `check`."""
    return check(read(path), where=str(path))


def read(path: str | Path) -> Any:
    """Read a YAML file as it is.

    Raises
    ------
    ConfigError
        If it is missing, is no YAML in UTF-8, has a key twice in one place, or holds what is no value.
    """
    try:
        found = yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)
        json.dumps(found, default=str, skipkeys=True)  # raises ValueError if an anchor holds itself
        return found
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}. Expected a configuration file. Correct the path, or its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start + 1} is not UTF-8. Expected a text file in UTF-8. Save it as that."
        ) from error
    except (yaml.YAMLError, ValueError) as error:  # the latter of values, such as the 30th of February
        raise ConfigError(f"{path}: this is not valid YAML. {' '.join(str(error).split())}.") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def check(config: Config, where: str = "config.yaml") -> Config:
    """Return the configuration with all defaults filled in, or say what is wrong with it.

    Parameters
    ----------
    config : dict
        As read from a file; it is not changed.
    where : str
        Name of the file, with which messages begin.

    Raises
    ------
    ConfigError
        If a key is unknown, missing, of the wrong type or out of range, or contradicts another one.
    """
    for path, message in _check_keys(config, []):
        raise ConfigError(f"{_place(where, path)}: {message}")
    config = _without_left_out(_without_searches_left_out(config))
    errors = _Validator(schema()).iter_errors(config)
    for error in sorted(errors, key=lambda error: list(map(str, error.absolute_path))):
        raise ConfigError(_message(error, where))
    complete = _with_defaults(config, schema())
    for rule in (
        _check_proxies,
        _check_samples,
        _check_datasets,
        _check_columns,
        _check_searches,
        _check_constraints,
        _check_benchmark,
    ):
        for path, message in rule(complete):
            raise ConfigError(f"{_place(where, path)}: {message}")
    return complete


def _check_keys(value: Any, path: list[str | int]) -> "Problems":
    """Check that all keys are texts: YAML reads some words and all digits otherwise, and JSON schemas pass these by."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(value, dict) and not isinstance(key, str):
            yield path, f"found {key!r} for a key, of type {type(key).__name__}. Expected text. Put it into quotes."
        yield from _check_keys(item, [*path, key])


# Mappings in which null leaves a name out: how a second file takes away what a first one has; * is any key. A truth is
# among them, for each source has keys of its own.
_WITH_NAMES = (
    ("spaces",),
    ("datasets",),
    ("datasets", "*", "truth"),
    ("datasets", "*", "truth", "*"),
    ("searches", "clocks"),
)


def _without_left_out(value: Any, path: tuple[str, ...] = ()) -> Any:
    """Copy of what stands at a path, without the names that are null."""
    if not isinstance(value, dict):
        return value
    named = any(len(known) == len(path) and all(map(lambda a, b: a in ("*", b), known, path)) for known in _WITH_NAMES)
    return {
        key: _without_left_out(item, (*path, str(key))) for key, item in value.items() if not named or item is not None
    }


def _without_searches_left_out(config: Any) -> Any:
    """Configuration without the searches by a clock that is null; what is malformed stays, for the schema to refuse."""
    part = config.get("searches") if isinstance(config, dict) else None
    clocks, entries = (part.get(key) if isinstance(part, dict) else None for key in ("clocks", "entries"))
    if not isinstance(clocks, dict) or not isinstance(entries, list):
        return config
    left_out = [name for name, clock in clocks.items() if clock is None]
    kept = [entry for entry in entries if not isinstance(entry, dict) or entry.get("clock") not in left_out]
    return config | {"searches": part | {"entries": kept}}


def check_files(config: Config) -> None:
    """Read every image file and table that a complete configuration names, so that a bad one stops a run at once.

    Raises
    ------
    ProxybankError
        If some are missing, or one does not hold what the run needs; the message begins with their names.
    """
    _check_present(config)
    if config["known_scores"]:
        store.check_known(config["known_scores"])
    validated: dict[tuple[str, str], set[int]] = {}
    for dataset, settings in config["datasets"].items():
        images = data.load(settings["images"], settings.get("n_classes"), settings.get("image_side"))
        for space in config["spaces"].values():
            try:
                images.skeleton(**space)
            except ConfigError as error:
                raise ConfigError(f"{settings['images']}, {error}") from error
        pool = data.scoring_pool(images, settings.get("training"))
        data.draw_batches(images, config["batch_size"], config["seeds"], pool)
        for name, truth in settings["truth"].items():
            validated[name, dataset] = {settings["training"]["epochs"]} if truth["source"] == "train" else set()
            if truth["source"] == "archive":
                validated[name, dataset].update(store.ARCHIVED_EPOCHS[name])
                store.check_archive(truth["path"], spaces.get(name))
                _check_retrained(dataset, settings, truth, store.ARCHIVED_EPOCHS[name])
            if truth["source"] == "table":
                rows = store.read_accuracies(
                    truth["path"],
                    spaces.get(name),
                    dataset,
                    truth.get("measurements"),
                    truth.get("further_paths", ()),
                )
                validated[name, dataset].update(rows.filter(split="valid")["epochs"])
                _check_complete(truth, store.final_accuracies(rows)["arch_index"].to_numpy())
                _check_retrained(dataset, settings, truth, rows["epochs"].unique().sort().to_list())
                n_final = store.final_accuracies(rows).height
                if n_final < 2:
                    raise TableError(
                        f"{truth['path']}: {n_final} networks have a final test accuracy. Expected at least 2, which "
                        "scores can be compared with. Add rows of split test, or remove the table from truth."
                    )
    _check_validated(config, validated)
    clocks = config["searches"]["clocks"].values()
    of_clocks = {seconds for clock in clocks for seconds in clock.values() if isinstance(seconds, str)}
    for table in config["columns"]:
        datasets = table.get("datasets", config["datasets"])
        store.read_columns(table["path"], spaces.get(table["space"]), table["columns"], datasets, of_clocks)


def _check_validated(config: Config, validated: Mapping[tuple[str, str], Collection[int]]) -> None:
    """Raise ConfigError if no accuracies are known where a search runs, or none after the epochs that it trains for."""
    for k, entry in enumerate(config["searches"]["entries"]):
        places = [
            (space, dataset)
            for space, dataset in validated
            if space in entry.get("spaces", [space]) and dataset in entry.get("datasets", [dataset])
        ]
        if not places:
            raise ConfigError(
                f"searches.entries[{k}]: there are no accuracies of the spaces and datasets that it is for. Expected a "
                "truth of one of them. Add one, or remove the search."
            )
        known = [f"valid_{n}" for place in places for n in sorted(validated[place])]
        for name in _TRAINED.findall(entry["objective"]):
            if validated and name not in known:
                raise ConfigError(
                    f"searches.entries[{k}].objective: no truth that this search runs on has '{name}', validation "
                    f"accuracies after so many epochs. Known: {', '.join(dict.fromkeys(known)) or 'none'}. Correct it, "
                    "or remove the search."
                )


def _check_retrained(dataset: str, settings: Config, truth: Config, epochs: Collection[int]) -> None:
    """Raise ConfigError if networks are to be trained again for other epochs than any that they are compared with."""
    if truth["retrain"] and settings["training"]["epochs"] not in epochs:
        raise ConfigError(
            f"datasets.{dataset}.training.epochs: found {settings['training']['epochs']}. Expected "
            f"{' or '.join(map(str, epochs))}, after which {truth['path']} has accuracies to compare with. Correct it, "
            "or set retrain to 0."
        )


def _check_present(config: Config) -> None:
    """Raise ConfigError if several files are missing, or one that the configuration says where to get."""
    named = [settings["images"] for settings in config["datasets"].values() if settings["images"] != data.DIGITS]
    for settings in config["datasets"].values():
        for truth in settings["truth"].values():
            named += [truth["path"], *truth.get("further_paths", ())] if "path" in truth else []
    named += [table["path"] for table in config["columns"]]
    missing = [path for path in dict.fromkeys(named) if not store.may_be_there(path)]
    if len(missing) > 1 or (missing and "data_source" in config):
        raise ConfigError(
            f"{', '.join(missing)}: there {'are no such files' if len(missing) > 1 else 'is no such file'}. Expected "
            f"what the configuration names. {config.get('data_source', 'Correct the paths.')}"
        )


def check_device(device: str, hamming: str = "product") -> None:
    """Raise ConfigError unless this machine can compute on a device, and so: keys ``device``, ``hamming``."""
    if device == "cpu":
        return
    import torch  # neither above: they take seconds to import, and a run on the CPU has nothing to ask them here
    from numba import cuda

    n_devices = torch.cuda.device_count()
    if int(device.partition(":")[2] or 0) >= n_devices:
        raise ConfigError(
            f"device: found '{device}', and PyTorch sees {n_devices} CUDA devices on this machine. Expected cpu, or "
            "the number of one of them. Correct it, or run where there is one."
        )
    if hamming == "popcount" and not cuda.is_available():
        raise ConfigError(
            "hamming: found popcount, and numba finds no CUDA toolkit on this machine. Expected one, whose compiler "
            "(NVVM) its kernel needs. Install it and set CUDA_HOME, or have product, which gives the same scores."
        )


def _check_complete(truth: Config, indexes: NDArray[np.int64]) -> None:
    """Raise TableError unless a table has every network of the widths it is said to cover."""
    if "widths" not in truth:
        return
    space = spaces.get("sss")
    missing = np.setdiff1d(space.indexes_of_widths(truth["widths"]), indexes)
    if missing.size:
        raise TableError(
            f"{truth['path']}: {missing.size} networks have no final test accuracy, the first is {missing[0]}, "
            f"{space.arch_strings[missing[0]]}. Expected all of widths {', '.join(map(str, truth['widths']))}. "
            "Add them, or correct widths in the configuration."
        )


def _place(where: str, path: list[str | int]) -> str:
    """Where a value stands: ``config.yaml, datasets.digits.images`` or ``config.yaml, proxies[2]``."""
    dotted = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return f"{where}, {dotted.lstrip('.')}" if path else where


def _message(error: jsonschema.ValidationError, where: str) -> str:
    """One sentence each for where, what was found, what was expected and what to do."""
    place, rule, value = _place(where, list(error.absolute_path)), error.schema, error.instance
    meaning = rule.get("description", "")
    if error.validator == "additionalProperties":
        known = list(rule["properties"])
        name = next(key for key in value if key not in known)
        return f"{place}: no key is called '{name}'.{suggest(str(name), known)} Known: {', '.join(known) or 'none'}."
    if error.validator == "required":
        name = next(key for key in error.validator_value if key not in value)
        return f"{place}: the key '{name}' is missing. Expected: {rule['properties'][name]['description']}"
    if error.validator == "uniqueItems":
        name = next(item for k, item in enumerate(value) if item in value[:k])
        return f"{place}: {name!r} stands there more than once. Expected every item once. Remove the copies."
    return f"{place}: found {value!r}. Expected {_expected(rule)}. {meaning}{_as_number(value)}".rstrip()


def _as_number(value: Any) -> str:
    """What to do about a text that looks like a number, which 1e9 is to YAML; nothing about others."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        return ""
    return " To YAML this is a text: 1e9 is written 1.0e+9, with a point and a sign."


def _expected(rule: dict[str, Any]) -> str:
    """What a schema allows, in words: ``an integer from 1 to 20``."""
    if "enum" in rule:
        return "one of " + ", ".join(map(str, rule["enum"]))
    if "pattern" in rule:
        return rule["title"]
    words = {"object": "keys and values", "array": "a list", "string": "text", "integer": "an integer"}
    words |= {"boolean": "true or false", "number": "a number"}
    if isinstance(rule["type"], list):
        return f"{_expected({**rule, 'type': 'number'})}, or text"
    text = words[rule["type"]]
    if "multipleOf" in rule:
        text = f"a multiple of {rule['multipleOf']}"
    low = rule.get("minimum", rule.get("exclusiveMinimum"))
    high = rule.get("maximum", rule.get("exclusiveMaximum"))
    if low is not None:
        text += f" above {low}" if "exclusiveMinimum" in rule else f" of at least {low}"
    if high is not None:
        text += " and" * (low is not None) + (f" below {high}" if "exclusiveMaximum" in rule else f" at most {high}")
    text += ", not empty" if {"minItems", "minLength", "minProperties"} & rule.keys() else ""
    return text + (f"; {rule['propertyNames']['title']}" if "propertyNames" in rule else "")


def _resolve(rule: dict[str, Any]) -> dict[str, Any]:
    return schema()["$defs"][rule["$ref"].rsplit("/", 1)[1]] if "$ref" in rule else rule


def _with_defaults(value: Any, rule: dict[str, Any]) -> Any:
    """Copy of `value` with the defaults of the schema where keys are absent, at every depth."""
    rule = _resolve(rule)
    if isinstance(value, list):
        return [_with_defaults(item, rule.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    known = {name: _resolve(inner) for name, inner in rule.get("properties", {}).items()}
    absent = {name: inner["default"] for name, inner in known.items() if name not in value and "default" in inner}
    other = rule.get("additionalProperties") or {}
    return {name: _with_defaults(item, known.get(name, other)) for name, item in deepcopy(value | absent).items()}


# What is wrong, if anything: the path of the value in the configuration, and the message.
Problems = Iterator[tuple[list[str | int], str]]


def _check_proxies(config: Config) -> Problems:
    for k, name in enumerate(config["proxies"]):
        if name not in REGISTRY:
            known = ", ".join(sorted(REGISTRY))
            yield ["proxies", k], f"no proxy is called '{name}'.{suggest(name, REGISTRY)} Registered: {known}."
        elif REGISTRY[name].needs == AGGREGATE:
            terms = REGISTRY[name].terms
            missing = [term for term in terms if term not in config["proxies"]]
            if missing:
                yield (
                    ["proxies", k],
                    f"'{name}' is computed of {', '.join(terms)}, and '{missing[0]}' is not among the proxies of the "
                    f"run. Add it, or remove '{name}'.",
                )


def _check_samples(config: Config) -> Problems:
    taken: dict[tuple[str, str, str], int] = {}
    for k, entry in enumerate(config["samples"]):
        place: list[str | int] = ["samples", k]
        datasets = entry.get("datasets", list(config["datasets"]))
        yield from _unknown([entry["space"]], config["spaces"], [*place, "space"], "space")
        yield from _unknown(datasets, config["datasets"], [*place, "datasets"], "dataset")
        yield from _unknown(entry["passes"], GROUPS, [*place, "passes"], "group of passes")
        if not entry.keys() & {"classes", "seeds"}:
            yield place, "found neither classes nor seeds. Expected one of them, or both. Add it, or remove the entry."
        for seed in entry.get("seeds", []):
            if seed not in config["seeds"]:
                yield (
                    [*place, "seeds"],
                    f"{seed} is not among the seeds of the run, {', '.join(map(str, config['seeds']))}. Remove it.",
                )
        for key in itertools.product([entry["space"]], datasets, entry["passes"]):
            if taken.setdefault(key, k) != k:
                yield (
                    place,
                    f"samples[{taken[key]}] is about {key[2]} on {key[0]}, {key[1]}, too. Expected one for each. "
                    "Remove one of the two.",
                )


def _check_datasets(config: Config) -> Problems:
    for dataset, settings in config["datasets"].items():
        training = settings.get("training")
        if training and training["batch_size"] > training["train_images"]:
            yield (
                ["datasets", dataset, "training", "batch_size"],
                f"found {training['batch_size']}. Expected at most train_images, {training['train_images']}. Lower it.",
            )
        for space, truth in settings["truth"].items():
            place = ["datasets", dataset, "truth", space]
            if space not in config["spaces"]:
                yield place, f"'{space}' is not among the spaces of the run. Add it to spaces, or remove this key."
            if truth["source"] == "table" and "path" not in truth:
                yield place, "the key 'path' is missing. Expected the CSV or Parquet file of a table. Add it."
            if truth["source"] == "archive":
                yield from _check_archive(config, dataset, space)
            if (truth["source"] == "train" or truth["retrain"]) and not training:
                yield place, f"networks are to be trained. Expected a key 'training' in datasets.{dataset}. Add it."
            for name, sources in _SOURCES.items():
                if truth.get(name) and truth["source"] not in sources:
                    yield (
                        [*place, name],
                        f"it belongs to source {' or '.join(sources)}, and source is {truth['source']}. Remove one of "
                        "the two.",
                    )
            measured = [(measurement["split"], measurement["epochs"]) for measurement in truth.get("measurements", [])]
            for k, measurement in enumerate(truth.get("measurements", [])):
                if measured[k] in measured[:k]:
                    yield (
                        [*place, "measurements", k],
                        f"split {measured[k][0]} after {measured[k][1]} epochs stands there twice. Expected it once. "
                        "Remove one of the two.",
                    )
                if {"train_seconds", "train_seconds_per_epoch"} <= measurement.keys():
                    yield [*place, "measurements", k], "seconds come from two columns. Expected one. Remove the other."
            if space == "tss" and "widths" in truth:
                yield [*place, "widths"], "networks of the topology space have no widths to choose. Remove the key."


# Keys of truth -> sources they belong to.
_SOURCES = {
    "path": ("table", "archive"),
    "archive_dataset": ("archive",),
    "further_paths": ("table",),
    "measurements": ("table",),
    "widths": ("table", "train"),
    "retrain": ("table", "archive"),
}


def _check_archive(config: Config, dataset: str, space: str) -> Problems:
    """Check the truth of one dataset and space, of source archive."""
    place: list[str | int] = ["datasets", dataset, "truth", space]
    truth = config["datasets"][dataset]["truth"][space]
    known = schema()["$defs"]["truth"]["properties"]["archive_dataset"]["enum"]
    if "path" not in truth:
        yield place, "the key 'path' is missing. Expected the folder of an archive. Add it."
    elif "archive_dataset" not in truth and dataset not in known:
        yield (
            place,
            f"the archive has no dataset '{dataset}'. Expected a key 'archive_dataset', one of {', '.join(known)}. Add "
            "it, or rename the dataset.",
        )
    for other, settings in config["datasets"].items():
        its_truth = settings["truth"].get(space, {})
        if its_truth.get("source") == "archive" and its_truth.get("path") != truth.get("path"):
            yield (
                [*place, "path"],
                f"found {truth.get('path')!r}, and {other} has {its_truth.get('path')!r}. Expected one archive for all "
                "datasets of a space. Correct one of the two.",
            )


def _check_columns(config: Config) -> Problems:
    # Of all tables, which analysis joins with that of networks, and of both spaces, whose columns these have in common.
    taken = {*config["proxies"], *(column.name for table in store.TABLES.values() for column in table.own)}
    for k, table in enumerate(config["columns"]):
        if table["space"] not in config["spaces"]:
            yield ["columns", k, "space"], f"'{table['space']}' is not among the spaces of the run. Remove the table."
        yield from _unknown(table.get("datasets", []), config["datasets"], ["columns", k, "datasets"], "dataset")
        for name, column in table["columns"].items():
            place = ["columns", k, "columns", name]
            if name in taken or _TRAINED.fullmatch(name):
                yield place, f"a column of a run's tables is called '{name}' already. Rename it here."
            if (os.path.realpath(table["path"]), column) in _test_columns(config):
                yield (
                    place,
                    f"'{column}' is the test accuracy in {table['path']}, which no search may see. Expected scores, "
                    "costs or times. Remove it.",
                )
        for j, other in enumerate(config["columns"][:k]):
            both = set(table.get("datasets", config["datasets"])) & set(other.get("datasets", config["datasets"]))
            for name in table["columns"].keys() & other["columns"].keys() if both else ():
                if table["space"] == other["space"]:
                    yield ["columns", k, "columns", name], f"columns[{j}] has a column '{name}' as well. Rename one."


# Validation accuracy after so many epochs, as objectives name it.
_TRAINED = re.compile(r"\bvalid_[1-9]\d*\b")


@cache
def _costs(space: str) -> tuple[str, ...]:
    """Columns of the table ``networks`` that are costs or structure."""
    return tuple(spaces.get(space).costs(spaces.Skeleton()))


def _unknown(names: Iterable[str], known: Collection[str], place: list[str | int], kind: str) -> Problems:
    for name in names:
        if name not in known:
            listed = ", ".join(known) or "none"
            yield place, f"no {kind} is called '{name}'.{suggest(name, known)} Known: {listed}."


def _test_columns(config: Config) -> set[tuple[str, str]]:
    """File and column of every test accuracy that is read from a table; long ones have a column of this name."""
    long = ({"split": "test", "accuracy": "accuracy_pct"},)
    return {
        (os.path.realpath(path), measurement["accuracy"])
        for settings in config["datasets"].values()
        for truth in settings["truth"].values()
        if truth["source"] == "table" and "path" in truth
        for path in (truth["path"], *truth.get("further_paths", ()))
        for measurement in truth.get("measurements", long)
        if measurement["split"] == "test"
    }


def _check_searches(config: Config) -> Problems:
    users = [name for table in config["columns"] for name in table["columns"]]
    for name, clock in config["searches"]["clocks"].items():
        place = ["searches", "clocks", name]
        for column, seconds in clock.items():
            known = [*config["proxies"], *users, *_TRAINED.findall(column)]
            yield from _unknown([column], known, place, "score column")
            if isinstance(seconds, str):
                for where, message in _unknown([seconds], users, [*place, column], "column"):
                    yield where, message + _as_number(seconds)
    for k, entry in enumerate(config["searches"]["entries"]):
        yield from _check_entry(config, users, entry, ["searches", "entries", k])
    yield from _check_labels(config["searches"]["entries"])


def _check_entry(config: Config, users: list[str], entry: Config, place: list[str | int]) -> Problems:
    own = schema()["properties"]["searches"]["properties"]["entries"]["items"]["properties"]
    parameters = {key: value for key, value in entry.items() if key not in own}
    try:
        algorithm = searches.get_algorithm(entry["algorithm"])
        algorithm.check(parameters)
        algorithm.check_objective(entry["objective"])
        known = [*config["proxies"], *users, *_TRAINED.findall(entry["objective"])]
        searches.check_objective(entry["objective"], known)
    except SearchError as error:
        yield place, str(error)
    if not {"evaluations", "seconds"} & entry.keys():
        yield place, "there is no budget. Expected evaluations, seconds or both. Add one."
    if entry.get("name") in {*searches.ALGORITHMS, "argmax", "oracle"} - {entry["algorithm"]}:
        yield [*place, "name"], f"'{entry['name']}' is another way to choose networks. Rename the search."
    clocks = config["searches"]["clocks"]
    for key, names, there in (
        ("clock", [entry["clock"]] if "clock" in entry else [], clocks),
        ("spaces", entry.get("spaces", []), config["spaces"]),
        ("datasets", entry.get("datasets", []), config["datasets"]),
    ):
        yield from _unknown(names, there, [*place, key], key.rstrip("s"))
    clock = clocks.get(entry.get("clock"), {})
    if clock and not clock.keys() & set(re.findall(r"\w+", entry["objective"])):
        yield (
            [*place, "clock"],
            f"'{entry['clock']}' has seconds of {', '.join(clock)}, and the objective has none of them. Expected one "
            "at least. Name another clock, or none.",
        )


def _check_labels(entries: list[Config]) -> Problems:
    """Check that runs on one space and dataset are told apart by name, objective and budget, all of one unit."""
    for k, entry in enumerate(entries):
        for j, other in enumerate(entries[:k]):
            apart = any(
                key in entry and key in other and not set(entry[key]) & set(other[key])
                for key in ("spaces", "datasets")
            )
            if apart or _label(entry) != _label(other):
                continue
            if ("seconds" in entry) != ("seconds" in other):
                yield (
                    ["searches", "entries", k],
                    f"entry {j} has the same name or algorithm and objective, and only one of the two a budget in "
                    "seconds. Give one of them a name.",
                )
            if _budget(entry) == _budget(other):
                yield (
                    ["searches", "entries", k],
                    f"entry {j} has the same name or algorithm, objective and budget, so their runs could not be told "
                    "apart. Give one of them a name.",
                )


def _label(entry: Config) -> tuple[str, str]:
    return entry.get("name", entry["algorithm"]), entry["objective"]


def _budget(entry: Config) -> float:
    return entry.get("seconds", entry.get("evaluations"))


def _check_constraints(config: Config) -> Problems:
    for space, constraints in config["constraints"].items():
        names = [constraint["id"] for constraint in constraints]
        users = [name for table in config["columns"] if table["space"] == space for name in table["columns"]]
        known = ["id", *(f"max_{name}" for name in (*_costs(space), *users))]
        for k, constraint in enumerate(constraints):
            if names[k] in names[:k]:
                yield (
                    ["constraints", space, k, "id"],
                    f"'{names[k]}' stands there twice. Expected unique ids. Rename one.",
                )
            yield from _unknown(constraint, known, ["constraints", space, k], "key")


def _check_benchmark(config: Config) -> Problems:
    rounds, networks = config["benchmark"]["rounds"], config["benchmark"]["plain_networks"]
    if rounds > networks:
        yield ["benchmark", "rounds"], f"found {rounds}. Expected at most plain_networks, {networks}. Lower it."


_HEAD = """# Configuration

Made from `config.schema.yaml` by `make docs/configuration.md`. Of several files behind `--configfile`, a later one
wins: mappings are merged, key by key; lists, such as `proxies`, are replaced as a whole; null takes away a space, a
dataset, a truth, a key of a truth, or a clock with its searches (`spaces`).

"""


def reference() -> str:
    """All keys of the schema as a Markdown table."""
    rows = [
        f"| `{key}` | {_expected(rule).replace('|', '&#124;')} | {_default(rule)} | {rule['description']} |"
        for key, rule in _keys(schema())
    ]
    return _HEAD + "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _keys(rule: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Dotted names and schemas of all keys; ``<name>`` stands for a name of the user's, ``[]`` for items of a list."""
    children = {f"{prefix}.{name}".lstrip("."): inner for name, inner in rule.get("properties", {}).items()}
    if isinstance(rule.get("additionalProperties"), dict):
        children[f"{prefix}.<name>"] = rule["additionalProperties"]
    if rule.get("items", {}).get("properties"):
        children[f"{prefix}[]"] = rule["items"]
    for key, inner in children.items():
        yield key, _resolve(inner)
        yield from _keys(_resolve(inner), key)


def _default(rule: dict[str, Any]) -> str:
    return f"`{json.dumps(rule['default'])}`" if rule.get("default") not in (None, {}) else ""


if __name__ == "__main__":
    print(reference(), end="")
