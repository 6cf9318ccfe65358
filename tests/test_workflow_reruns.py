"""What a run computes again after a change, and what it does not."""

import os
import re
import shutil

import numpy as np
import polars as pl
import pytest
import yaml
from conftest import Workspace
from PIL import Image


def test_batches_follow_the_image_file_and_not_the_learning_rate(workspace):
    made = workspace()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), np.uint8)
    training = {"train_images": 10, "valid_images": 10, "batch_size": 5}
    dataset = {"images": "mine.npz", "training": training}
    settings = {"run": "mine", "batch_size": 4, "spaces": {"sss": {}}, "datasets": {"mine": dataset}}
    run = Workspace(made.folder, "mine.yaml")

    def call(*options: str) -> str:
        (run.folder / "mine.yaml").write_text(yaml.safe_dump(settings))
        done = run.snakemake("--cores", "1", *options, "--", "results/mine/batches/mine.npz")
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    np.savez(run.folder / "mine.npz", images=pixels, labels=np.arange(40) % 4)
    call()
    training["learning_rate"] = 0.01
    assert "Nothing to be done" in call("--dry-run")
    np.savez(run.folder / "mine.npz", images=pixels[::-1], labels=np.arange(40) % 4)
    assert "Nothing to be done" not in call("--dry-run")
    os.utime(run.folder / "mine.npz", (0, 0))  # as a file has it that was copied with its time
    assert "Nothing to be done" not in call("--dry-run")
    call()
    assert "Nothing to be done" in call("--dry-run")


def test_batches_follow_a_folder_of_images(workspace):
    made = workspace()
    settings = {"run": "mine", "batch_size": 4, "spaces": {"sss": {}}, "datasets": {"mine": {"images": "mine"}}}
    run = Workspace(made.folder, "mine.yaml")
    (run.folder / "mine.yaml").write_text(yaml.safe_dump(settings))

    def save(first: int) -> None:
        rng = np.random.default_rng(first)
        for number in range(first, first + 8):
            path = run.folder / "mine" / f"class {number % 2}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(path)
        for path in sorted((run.folder / "mine").rglob("*"), reverse=True):
            os.utime(path, (0, 0))  # as copies have it that keep times
        os.utime(run.folder / "mine", (0, 0))

    def call(*options: str) -> str:
        done = run.snakemake("--cores", "1", *options, "--", "results/mine/batches/mine.npz")
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    save(0)
    call()
    assert "Nothing to be done" in call("--dry-run")
    os.utime(run.folder / "mine" / "class 0" / "0.png", (1, 1))  # written again in its place
    assert "Nothing to be done" not in call("--dry-run")
    call()
    shutil.rmtree(run.folder / "mine")
    save(8)
    assert "Nothing to be done" not in call("--dry-run")


def test_nothing_follows_settings_of_other_rules(workspace):
    """Accuracies do not depend on how many networks are trained again, nor seconds on what else a benchmark does."""
    made = workspace()
    truth = {"source": "table", "path": "resources/digits/tss.parquet", "retrain": 0}
    dataset = {"images": "digits", "training": {}, "truth": {"tss": truth}}
    settings = {"run": "mine", "batch_size": 4, "spaces": {"tss": {"stem_width": 8, "cells_per_stage": 1}}}
    benchmark = {"batch_sizes": [4], "networks": 3, "seconds": 0.01}
    settings |= {"datasets": {"digits": dataset}, "benchmark": benchmark}
    run = Workspace(made.folder, "mine.yaml")
    files = [f"results/mine/{name}.parquet" for name in ("truth/tss/digits", "benchmark/speed/tss/digits/weights")]

    def call(*options: str) -> str:
        (run.folder / "mine.yaml").write_text(yaml.safe_dump(settings))
        done = run.snakemake("--cores", "1", *options, "--", *files)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    call()
    truth["retrain"] = 3
    benchmark |= {"values": 7, "rounds": 1}
    assert "Nothing to be done" in call("--dry-run")
    benchmark["seconds"] = 0.02
    planned = call("--dry-run")
    assert "Timing tss on digits: weights" in planned and "Reading accuracies" not in planned


def test_parameters_are_functions_of_wildcards_alone(root):
    # Snakemake compares no parameter whose function takes input, output, threads or resources.
    rules = "".join(path.read_text() for path in root.glob("rules/*.smk"))
    parameters = re.findall(r"^    params:\n((?:        .*\n)+)", rules, re.MULTILINE)
    arguments = [names for block in parameters for names in re.findall(r"lambda ([\w, ]+):", block)]
    assert arguments and set(arguments) == {"wildcards"}


def test_a_further_proxy_and_seed_update_parts(workspace):
    made = workspace()
    settings = {"run": "few", "seeds": [0], "batch_size": 4, "spaces": {"tss": {"stem_width": 1, "cells_per_stage": 1}}}
    settings |= {"datasets": {"digits": {"images": "digits"}}, "proxies": ["logsynflow"], "networks_per_part": 8192}
    run = Workspace(made.folder, "few.yaml")

    def call() -> tuple[str, pl.DataFrame]:
        (run.folder / "few.yaml").write_text(yaml.safe_dump(settings))
        part = "results/few/scores/tss/digits/synaptic_flow/0.parquet"
        done = run.snakemake("--cores", "1", "--", part)
        assert done.returncode == 0, done.stderr
        log = (run.results / "logs/score_part/tss/digits/synaptic_flow/0.log").read_text()
        return log, pl.read_parquet(run.folder / part)

    log, first = call()
    assert "Computed: logsynflow" in log
    settings["proxies"] = ["synflow", "logsynflow"]
    log, both = call()
    assert "Computed: synflow\n" in log
    assert both.select(first.columns).equals(first)  # seconds too: they were not measured again
    assert both["synflow"].null_count() == 0
    settings["seeds"] = [0, 1]
    log, seeds = call()
    assert "Computed: synflow, logsynflow\n" in log
    assert seeds.filter(seed=0).equals(both) and seeds.filter(seed=1).height == both.height


def test_a_larger_sample_adds_parts_and_computes_none_again(workspace):
    made = workspace()
    settings = {"run": "some", "seeds": [0, 1], "batch_size": 4, "networks_per_part": 8192}
    settings |= {"spaces": {"tss": {"stem_width": 1, "cells_per_stage": 1}}, "proxies": ["logsynflow"]}
    sample = {"space": "tss", "passes": ["synaptic_flow"], "classes": 250, "seeds": [1]}
    settings |= {"datasets": {"digits": {"images": "digits"}}, "samples": [sample]}
    run = Workspace(made.folder, "some.yaml")

    def call(*options: str) -> str:
        (run.folder / "some.yaml").write_text(yaml.safe_dump(settings))
        done = run.snakemake("--cores", "1", *options, "--", "results/some/tables/score_status.parquet")
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def parts() -> dict[str, int]:
        folder = run.results / "scores/tss/digits"
        return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}

    call()
    before = parts()
    assert before.keys() == {"synaptic_flow/sample-0.parquet"}
    sample["classes"] = 300
    planned = call("--dry-run")
    assert "synaptic_flow, part sample-1" in planned
    assert "synaptic_flow, part sample-0" not in planned
    call()
    after = parts()
    assert {name: time for name, time in after.items() if name in before} == before
    assert after.keys() - before.keys() == {"synaptic_flow/sample-1.parquet"}

    networks = run.table("networks").select("arch_index", "class_index", "sample_place")
    inside = networks.filter(pl.col("sample_place") < 300)
    by_seed = run.table("scores_by_seed").filter(pl.col("logsynflow").is_not_null())
    assert by_seed["arch_index"].to_list() == inside["arch_index"].sort().to_list()
    assert by_seed["seed"].unique().to_list() == [1]
    assert run.table("scores")["logsynflow"].count() == inside.height
    counts = run.table("score_status").group_by("proxy", "seed", "status").agg(pl.len())
    assert counts.sort("proxy", "seed", "status").rows() == [
        ("logsynflow", 0, "not_sampled", 5044),
        ("logsynflow", 1, "not_sampled", 4744),
        ("logsynflow", 1, "ok", 300),
    ]


def test_a_part_whose_job_failed_is_made_by_the_next_run(workspace):
    made = workspace()
    settings = {"run": "some", "seeds": [0], "batch_size": 4, "networks_per_part": 8192, "proxies": ["l2_norm"]}
    settings |= {
        "spaces": {"tss": {"stem_width": 1, "cells_per_stage": 1}},
        "datasets": {"digits": {"images": "digits"}},
    }
    run = Workspace(made.folder, "some.yaml")

    def call(*options: str, **changes) -> tuple[int, str]:
        (run.folder / "some.yaml").write_text(yaml.safe_dump(settings | changes))
        target = "results/some/scores/tss/digits/weights/0.parquet"
        done = run.snakemake("--cores", "1", *options, "--", target)
        return done.returncode, done.stdout + done.stderr

    assert call()[0] == 0
    before = pl.read_parquet(run.results / "scores/tss/digits/weights/0.parquet")
    code, output = call(device="cuda:77")
    assert code == 1 and "cuda:77" in output
    # What was there is of another device, and must not be taken for what was asked.
    assert "Scoring tss on digits: weights, part 0" in call("--dry-run", device="cuda:77")[1]
    code, output = call()
    assert code == 0 and "Computed: nothing, all was there" in output
    assert pl.read_parquet(run.results / "scores/tss/digits/weights/0.parquet").equals(before)


def test_rules_know_the_versions_of_what_they_compute(root):
    rules = "".join(path.read_text() for path in root.glob("rules/*.smk"))
    bodies = {body.split(":")[0]: body for body in re.split("^rule ", rules, flags=re.MULTILINE)[1:]}
    with_script = {name for name, body in bodies.items() if "    script:" in body}
    without = {name for name in with_script if not re.search(r"^        versions?=", bodies[name], re.MULTILINE)}
    assert without == {"speed"}  # it shows what other rules have measured
    measured = {"speed_part", "compare_seconds", "compare_values"}
    of_proxies = {name for name in with_script if "versions=lambda wildcards: " in bodies[name]}
    assert of_proxies == measured | {"score_part"}
    assert all("versions_of_networks=" in bodies[name] for name in of_proxies)


CHANGED = {
    "initialisation": "default",
    "dead_edges": "keep",
    "device": "cuda:7",
    "hamming": "popcount",
    "known_scores": "resources/nats-bench",
    "bootstrap": {"seed": 1234},
    "searches": {"seed": 4321, "clocks": {"slow": {"naswot": 2.5}}},
}
PLACES = {"here": ("tss", "digits"), "other_images": ("tss", "other"), "sizes": ("sss", "digits")}
SEARCH = {"algorithm": "random", "objective": "naswot", "evaluations": 1}
# What is about another space or dataset goes past the searches on digits.
OTHER = {
    "spaces": {"sss": {}},
    "datasets": {
        "other": {"images": "digits", "truth": {"tss": {"source": "table", "path": "two.csv"}}},
        "digits": {"truth": {"sss": {"source": "table", "path": "resources/digits/sss.parquet"}}},
    },
    "columns": [
        {"space": space, "datasets": [dataset], "path": "times.csv", "columns": {f"s_{where}": "s"}}
        for where, (space, dataset) in PLACES.items()
    ],
    "searches": {
        **CHANGED["searches"],
        "entries": [
            {**SEARCH, "name": f"random {where}", "spaces": [space], "datasets": [dataset]}
            for where, (space, dataset) in PLACES.items()
        ],
    },
}
BOOTSTRAP = [{"n_resamples": 100, "seed": 1234}]


@pytest.mark.parametrize(
    ("further", "rules", "targets", "expected"),
    [
        (
            OTHER,
            "precision score_part search correlations partial_correlations ceilings retrain",
            "precision.json scores/tss/digits/weights/sample-0.parquet searches/tss/digits.parquet "
            "tables/correlations.parquet tables/partial_correlations.parquet tables/ceilings.parquet "
            "figures/retrained_tss_digits.csv",
            {
                "Measuring whether this processor is fast in bfloat16": ["cuda:7"],
                "Scoring tss on digits: weights, part sample-0": [
                    *("default", "keep", "cuda:7", "popcount", "resources/nats-bench")
                ],
                "Replaying searches on tss, digits": [4321, {"slow": {"naswot": 2.5}}, "random here", ["s_here"]],
                "Correlating scores with accuracies": BOOTSTRAP,
                "Correlating scores with accuracies, given costs": BOOTSTRAP,
                "Correlating accuracies and scores with themselves": BOOTSTRAP,
                "Training 4 random networks of tss on digits": ["keep"],
            },
        ),
        (
            {},
            "networks_table truth",
            "tables/networks.parquet truth/tss/digits.parquet",
            {"Listing networks and their costs": ["keep"], "Reading accuracies of tss on digits": ["keep"]},
        ),
    ],
    ids=["most", "what they need"],
)
def test_changed_settings_reach_the_rules_that_use_them(tiny_run, tmp_path, further, rules, targets, expected):
    # None of these rules needs another's output: a job that has to run anyway does not tell of its parameters.
    (tmp_path / "times.csv").write_text("arch_index,s\n0,0.5\n")
    (tmp_path / "two.csv").write_text("arch_index,split,epochs,accuracy_pct\n0,test,9,50\n1,test,9,60\n")
    settings = re.sub(r"\w+\.csv", rf"{tmp_path}/\g<0>", yaml.safe_dump(CHANGED | further))
    (tmp_path / "changed.yaml").write_text(settings)
    done = tiny_run.snakemake(
        str(tmp_path / "changed.yaml"),
        *("--dry-run", "--quiet", "host", "--allowed-rules", *rules.split(), "--"),
        *(f"results/tiny/{target}" for target in targets.split()),
    )
    assert done.returncode == 0, done.stderr
    reasons = dict(re.findall(r"^Job \d+: (.*)\nReason: .*Params have changed.* now: (.*)$", done.stdout, re.MULTILINE))
    assert reasons.keys() == expected.keys()
    for job, params in expected.items():
        assert [param for param in params if repr(param) not in reasons[job]] == [], reasons[job]
    assert not re.search("random (other_images|sizes)", done.stdout)
