"""What there is in this run: helpers of the rules, and the constraints of all wildcards."""

import hashlib
import os
import re
from functools import cache
from math import ceil
from pathlib import Path

import yaml

from proxybank import data, provenance, proxies, searches, spaces, store, versions
from proxybank.benchmark import COMPARISONS


wildcard_constraints:
    run=re.escape(config["run"]),
    space="|".join(config["spaces"]),
    dataset="|".join(config["datasets"]),
    passes="|".join(proxies.GROUPS),
    part=r"(sample-)?\d+",
    comparison="|".join(COMPARISONS),


# Classes in a part of a sample: few, as what is scored on samples takes long, and always as many, so that a larger sample
# has the parts of a smaller one.
CLASSES_PER_SAMPLE_PART = 250


def pairs(truth=False):
    """(space, dataset) of this run; with `truth`, only those with accuracies."""
    return [
        (space, dataset)
        for space in config["spaces"]
        for dataset, settings in config["datasets"].items()
        if not truth or space in settings["truth"]
    ]


def for_pairs(pattern, truth=False):
    """Paths of a pattern with {space} and {dataset}, for all pairs of this run; other wildcards stay."""
    return [
        expand(pattern, space=s, dataset=d, allow_missing=True)[0]
        for s, d in pairs(truth)
    ]


def versions_of(names):
    """Versions of some proxies: Snakemake does not see the modules a script imports."""
    return {name: proxies.REGISTRY[name].version for name in names}


def requested_versions(group):
    """Versions of the requested proxies of one group."""
    return versions_of(proxies.in_group(config["proxies"], group))


def precision_file(wildcards):
    """The precision of this run, for the groups of passes that may run in bfloat16."""
    return (
        "results/{run}/precision.json"
        if wildcards.passes in proxies.LOW_PRECISION
        else []
    )


def sample_of(space, dataset, group):
    """Classes and seeds that one group of passes is run for, if they are not all."""
    for entry in config["samples"]:
        if (
            entry["space"] == space
            and group in entry["passes"]
            and dataset in entry.get("datasets", [dataset])
        ):
            every = n_scored_classes(space)
            chosen = entry.get("seeds", config["seeds"])
            return {
                "classes": min(entry.get("classes", every), every),
                "seeds": [seed for seed in config["seeds"] if seed in chosen],
            }
    return None


def samples():
    """Proxies that are not scored on all classes and seeds, with these; for each space and dataset."""
    found = {space: {} for space in config["spaces"]}
    for space, dataset in pairs():
        of_group = {group: sample_of(space, dataset, group) for group in proxies.GROUPS}
        found[space][dataset] = {
            name: sample
            for group, sample in of_group.items()
            if sample
            for name in requested_versions(group)
        }
        for name, terms in aggregates().items():
            shared = [
                found[space][dataset][term]
                for term in terms
                if term in found[space][dataset]
            ]
            if shared:
                found[space][dataset][name] = {
                    "classes": min(sample["classes"] for sample in shared),
                    "seeds": [
                        seed
                        for seed in config["seeds"]
                        if all(seed in sample["seeds"] for sample in shared)
                    ],
                }
    return found


def score_parts():
    """All score parts of this run, as (space, dataset, passes, part)."""
    return [
        (space, dataset, group, part)
        for space, dataset in pairs()
        for group in proxies.GROUPS
        if requested_versions(group)
        for part in parts_of_group(space, dataset, group)
    ]


def parts_of_group(space, dataset, group):
    """Names of the parts of one group of passes: numbers, and sample-0 and so on in the order samples are drawn in."""
    sample = sample_of(space, dataset, group)
    if sample is None or sample["classes"] == n_scored_classes(space):
        return parts(n_scored_classes(space), config["networks_per_part"])
    # One at least: it holds no rows, but tells of the proxies.
    n_classes_scored = max(sample["classes"], 1)
    return [f"sample-{k}" for k in parts(n_classes_scored, CLASSES_PER_SAMPLE_PART)]


def seeds_of(wildcards):
    """Seeds that one group of passes is run for."""
    sample = sample_of(wildcards.space, wildcards.dataset, wildcards.passes)
    return sample["seeds"] if sample else config["seeds"]


def size_of_part(wildcards):
    """Classes in a part like this one."""
    sampled = wildcards.part.startswith("sample-")
    return CLASSES_PER_SAMPLE_PART if sampled else config["networks_per_part"]


def sample_of_part(wildcards):
    """Classes of the sample up to the end of this part, so that a larger sample changes no full part; None for a number."""
    if not wildcards.part.startswith("sample-"):
        return None
    sample = sample_of(wildcards.space, wildcards.dataset, wildcards.passes)
    end = (int(wildcards.part.removeprefix("sample-")) + 1) * CLASSES_PER_SAMPLE_PART
    return min(sample["classes"], end)


def score_part_files():
    """Path of each of `score_parts`."""
    pattern = "results/{run}/scores/{space}/{dataset}/{passes}/{part}.parquet"
    return [
        expand(pattern, space=s, dataset=d, passes=g, part=p, allow_missing=True)[0]
        for s, d, g, p in score_parts()
    ]


def closed_forms():
    """Requested proxies that are columns of the table of networks, with these columns."""
    return {
        name: proxies.REGISTRY[name].column
        for name in requested_versions(proxies.CLOSED_FORM)
    }


def aggregates():
    """Requested proxies that are computed of others, with these and what feeds each."""
    return {
        name: {
            term: proxies.REGISTRY[term].needs for term in proxies.REGISTRY[name].terms
        }
        for name in requested_versions(proxies.AGGREGATE)
    }


@cache
def n_scored_classes(space):
    """Number of classes of a space: functions, or single networks where dead edges are kept."""
    return len(spaces.get(space).class_genes(config["dead_edges"]))


def parts(n_networks, networks_per_part):
    """Numbers of the parts that networks are scored or trained in."""
    return range(ceil(n_networks / networks_per_part))


def directions():
    """Whether higher is better, for each requested proxy."""
    return {name: proxies.REGISTRY[name].higher_is_better for name in config["proxies"]}


def lower_is_better():
    """The requested proxies of which lower is better."""
    return [name for name, higher in directions().items() if not higher]


def images_of(wildcards):
    """The user's files of images of one dataset, of which a changed one counts as a changed input; none for digits.

    Of images by class these are the folders, whose files `digests` looks at.
    """
    return data.files(config["datasets"][wildcards.dataset]["images"])


def digests(paths):
    """What is in the user's files and folders: one in whose place an older one is put is, to Snakemake, unchanged.

    Folders are `ancient` inputs beside: their times change with any file that a file manager leaves there.

    It is for parameters that are computed of wildcards alone: those of a function that has `input` among its arguments
    are not compared with those of the run before.
    """
    return [digest(path) for path in paths if Path(path).exists()]


@cache
def digest(path):
    """Size of a file and, where that is no more than Snakemake takes checksums of, a checksum, else its time.

    Of a folder, names, sizes and times of its files decide: reading them all would take longer than what depends on
    them may.
    """
    if Path(path).is_dir():
        try:
            files = sorted(
                (file.name, file.stat().st_size, file.stat().st_mtime_ns)
                for file in os.scandir(path)
                if file.is_file() and not file.name.startswith(".")
            )
        except PermissionError:  # the job that reads them says so
            files = []
        return len(files), hashlib.sha256(str(files).encode()).hexdigest()
    size = Path(path).stat().st_size
    if size > workflow.dag_settings.max_checksum_file_size:
        return size, Path(path).stat().st_mtime_ns
    with open(path, "rb") as file:
        return size, hashlib.file_digest(file, "sha256").hexdigest()


def how_to_read(wildcards):
    """Images of one dataset and how they are read, as `data.load` takes it."""
    settings = config["datasets"][wildcards.dataset]
    return {key: settings.get(key) for key in ("images", "n_classes", "image_side")}


def held_back(wildcards):
    """Sizes of the splits of one dataset, which decide what images may be scored on; None if nothing is trained."""
    training = config["datasets"][wildcards.dataset].get("training")
    return training and {k: training[k] for k in ("train_images", "valid_images")}


def truth_of(wildcards):
    """Where the accuracies of one space and dataset come from."""
    return config["datasets"][wildcards.dataset]["truth"][wildcards.space]


def training_of(wildcards):
    """How networks are trained on one dataset."""
    return config["datasets"][wildcards.dataset]["training"]


def schedule_of(wildcards):
    """What decides the outcome of training in one space: how it is cut into parts does not."""
    settings = {
        key: value
        for key, value in training_of(wildcards).items()
        if key != "networks_per_part"
    }
    return settings | {"seeds": settings["seeds"][wildcards.space]}


def memory_of_training(wildcards, input):
    """Megabytes: networks side by side take one gigabyte, or one alone more; images lie there as bytes and as float32.

    With NATS-Bench's widths, one alone does on images of more than 40 x 40 pixels in mini-batches of 50. Of images by
    class these are the folders, which do not tell how much is in them.
    """
    return 1500 + int(
        6 * sum(Path(path).stat().st_size for path in input.images) / 2**20
    )


def truth_files(wildcards):
    """The user's tables, the imported archive, or the parts that are trained here."""
    truth = truth_of(wildcards)
    if truth["source"] == "table":
        return [truth["path"], *truth.get("further_paths", [])]
    if truth["source"] == "archive":
        return expand("results/{run}/archives/{space}.parquet", **wildcards)
    n_networks = (
        len(spaces.get(wildcards.space).indexes_of_widths(truth["widths"]))
        if truth.get("widths")
        else n_scored_classes(wildcards.space)
    )
    numbers = parts(n_networks, training_of(wildcards)["networks_per_part"])
    return expand(
        "results/{run}/truth/{space}/{dataset}/{part}.parquet",
        part=numbers,
        **wildcards,
    )


def archive_of(wildcards):
    """Folder of the official archive of one space: the same for all datasets that take accuracies from it."""
    truths = [
        settings["truth"].get(wildcards.space, {})
        for settings in config["datasets"].values()
    ]
    return next(t["path"] for t in truths if t.get("source") == "archive")


def columns_tables():
    """The users' tables of columns."""
    return [table["path"] for table in config["columns"]]


def truth_tables():
    """Tables of accuracies that come from outside: the users' own, and what was imported of their archives."""
    truths = [
        (space, truth)
        for settings in config["datasets"].values()
        for space, truth in settings["truth"].items()
    ]
    tables = [
        path
        for _, truth in truths
        if truth["source"] == "table"
        for path in [truth["path"], *truth.get("further_paths", [])]
    ]
    archives = [
        f"results/{{run}}/archives/{space}.parquet"
        for space, truth in truths
        if truth["source"] == "archive"
    ]
    return list(dict.fromkeys(tables + archives))


def entries_of(space, dataset):
    """Searches of one space and dataset, each with whether its histories are written."""
    return [
        {"histories": config["searches"]["histories"]} | entry
        for entry in config["searches"]["entries"]
        if space in entry.get("spaces", [space])
        and dataset in entry.get("datasets", [dataset])
    ]


def child_labels(space, dataset):
    """Searches with histories that share an objective and differ in how children are made, with that."""
    labels, kinds = {}, {}
    for entry in entries_of(space, dataset):
        parameters = searches.get_algorithm(entry["algorithm"]).parameters
        if "child" in parameters and entry["histories"]:
            name = entry.get("name", entry["algorithm"])
            child = entry.get("child", parameters["child"].default)
            label = name if child in name else f"{name}: {child}"
            labels.setdefault(entry["objective"], {})[name] = label
            kinds.setdefault(entry["objective"], set()).add(child)
    return {
        name: label
        for objective, of_objective in labels.items()
        if len(kinds[objective]) > 1
        for name, label in of_objective.items()
    }


def users_columns(space, dataset):
    """Names of the users' columns of one space and dataset."""
    return [
        name
        for table in config["columns"]
        if table["space"] == space and dataset in table.get("datasets", [dataset])
        for name in table["columns"]
    ]


def histories_file():
    """The file of whole histories, if any are asked for."""
    asked = any(entry["histories"] for pair in pairs() for entry in entries_of(*pair))
    path = "results/{run}/searches/{space}/{dataset}_histories.parquet"
    return {"histories": path} if asked else {}


def figure_files():
    """Every picture (PNG, the SVG comes with it) and table of the report; without accuracies, what each proxy chooses."""
    chosen = [f"results/{{run}}/figures/chosen_{s}_{d}.csv" for s, d in pairs()]
    if not pairs(truth=True):
        return chosen
    retrained = [
        (space, dataset)
        for space, dataset in pairs(truth=True)
        if config["datasets"][dataset]["truth"][space]["retrain"]
    ]
    with_children = [
        (space, dataset)
        for space, dataset in pairs(truth=True)
        if child_labels(space, dataset)
    ]
    searched = [pair for pair in pairs(truth=True) if entries_of(*pair)]
    of_kind = dict.fromkeys(
        ["scores", "best_networks", "regrets", "relus", "sampling"], pairs(truth=True)
    )
    of_kind |= dict.fromkeys(["search_time", "trajectories"], searched)
    of_kind["children"] = with_children
    return [
        *chosen,
        "results/{run}/figures/correlations.png",
        *(
            f"results/{{run}}/figures/{kind}_{space}_{dataset}.png"
            for kind, drawn in of_kind.items()
            for space, dataset in drawn
        ),
        *(f"results/{{run}}/figures/retrained_{s}_{d}.csv" for s, d in retrained),
    ]


def for_all_passes(pattern):
    """Paths of a pattern with {space}, {dataset} and {passes}, for every group of passes there is."""
    return [
        path
        for pair in for_pairs(pattern)
        for path in expand(pair, passes=proxies.GROUPS, allow_missing=True)
    ]


def comparisons():
    """(comparison, dataset) of this run."""
    return [
        (name, dataset)
        for name, comparison in COMPARISONS.items()
        if comparison.space in config["spaces"]
        for dataset in config["datasets"]
    ]


def for_comparisons(pattern):
    """Paths of a pattern with {comparison} and {dataset}, for all of this run."""
    return [
        expand(pattern, comparison=c, dataset=d, allow_missing=True)[0]
        for c, d in comparisons()
    ]


def compared(wildcards):
    """What the two sides of one comparison score, as `comparison.Setting.of` takes it."""
    return {
        "images": how_to_read(wildcards),
        "spaces": config["spaces"],
        "batch_size": config["batch_size"],
        "seed": config["seeds"][0],
        "initialisation": config["initialisation"],
        "dead_edges": config["dead_edges"],
    }


def benchmark_settings(*keys):
    """Some settings of the benchmark, so that others are no reason to measure again what takes these."""
    return {key: config["benchmark"][key] for key in keys}


def timed_passes():
    """Seconds of the forward pass by batch size, which one table in print has for topologies on CIFAR-10."""
    if ("tss", "cifar10") not in pairs():
        return {}
    return {
        "speed": f"results/{config['run']}/benchmark/speed/tss/cifar10/forward.parquet"
    }


# Tables that answers are read of.
ANSWERING = [
    *("networks", "scores", "scores_by_seed", "score_status", "accuracies"),
    *("regrets", "search_runs"),
]


def further_runs(run):
    """These tables of the further runs that rules of answers name, by what their names have behind this one's.

    Of those that are finished, for the others' answers are only left out.
    """
    content = yaml.safe_load(Path("resources/papers/rules.yaml").read_text())
    return {
        name: [f"results/{run}-{name}/tables/{table}.parquet" for table in ANSWERING]
        for name in content.get("runs", {})
        if Path(f"results/{run}-{name}/scores.duckdb").exists()
    }
