"""What a run computes again after a change, and what it does not."""

import numpy as np
import polars as pl
import yaml
from conftest import Workspace


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


def test_a_further_proxy_of_a_group_updates_its_parts(workspace):
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
