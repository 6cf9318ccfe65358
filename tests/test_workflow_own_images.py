"""From a folder of images to a network to train: config/own-images.yaml, which has no accuracies, made smaller."""

import re
import sys
import textwrap
from dataclasses import replace

import duckdb
import numpy as np
import polars as pl
import pytest
import torch
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from proxybank import networks, spaces

SKELETON = {"stem_width": 4, "cells_per_stage": 1}


@pytest.fixture(scope="module")
def run(workspace, root):
    made = workspace()
    digits = load_digits()
    for number, (image, label) in enumerate(zip(digits.images[:60], digits.target[:60], strict=True)):
        folder = made.folder / "images" / f"class {label % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype(np.uint8)).save(folder / f"{number}.png")
    config = yaml.safe_load((root / "config/own-images.yaml").read_text())
    config["datasets"]["mine"] |= {"images": "images", "image_side": 16}
    config |= {"seeds": [0, 1], "batch_size": 16, "spaces": {"tss": SKELETON}}
    config["constraints"] = {"tss": [{"id": "unlimited"}, {"id": "tiny", "max_params_m": 0.008}]}
    config["samples"] = [{"space": "tss", "passes": ["forward", "synaptic_flow"], "classes": 40}]
    (made.folder / "my.yaml").write_text(yaml.safe_dump(config))
    made = replace(made, configfile="my.yaml")
    done = made.run()
    assert done.returncode == 0, done.stderr
    return made


def query(run, sql):
    with duckdb.connect(run.results / "scores.duckdb", read_only=True) as connection:
        return connection.sql(sql).fetchall()


def test_a_chosen_network_can_be_built_and_trained(run, root):
    page = (root / "docs/own-images.md").read_text()
    sql = next(block for block in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if "from choices" in block)
    rows = query(run, sql.replace("'small'", "'tiny'"))
    assert [row[0] for row in rows] == list(range(1, 11))
    scores = [row[2] for row in rows]
    assert scores == sorted(scores, reverse=True) and scores[0] > scores[-1]
    skeleton = spaces.Skeleton(in_channels=1, n_classes=3, image_side=16, **SKELETON)
    for _, arch, _, params_m, _ in rows:
        model = networks.build("tss", arch, skeleton)
        n_params = sum(weight.numel() for weight in model.parameters())
        assert n_params == round(params_m * 1e6) <= 8000
    logits = model(torch.rand(4, 1, 16, 16))
    assert logits.shape == (4, 3)
    logits.sum().backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_no_accuracy_is_needed_and_the_report_lists_the_choices(run):
    tables = {name for (name,) in query(run, "select table_name from duckdb_tables()")}
    empty = {name for name in tables if query(run, f"select count(*) from {name}") == [(0,)]}
    assert empty == tables - {
        *("networks", "scores", "scores_by_seed", "score_status"),
        *("feasible_networks", "choices", "proxies", "provenance"),
    }
    assert "chosen_tss_mine.csv" in (run.results / "report.html").read_text()
    header, *rows = (run.results / "figures/chosen_tss_mine.csv").read_text().splitlines()
    assert header == "constraint_id,proxy,place,arch_index,arch,score,params_m,mflops,n_relu"
    assert len(rows) == 2 * 8 * 3


def test_proxies_say_what_they_are(run):
    rows = query(run, "select proxy, higher_is_better, fed_by from proxies where proxy in ('naswot', 'flops')")
    assert sorted(rows) == [("flops", True, "closed_form"), ("naswot", True, "forward")]


def test_what_the_page_builds(root, tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).integers(256, size=(6, 40, 50, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        folder = tmp_path / f"data/my-images/class {number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    (tmp_path / "workflow_scripts").symlink_to(root / "workflow_scripts")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    page = (root / "docs/own-images.md").read_text()
    build, time = (textwrap.dedent(code) for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    found = {}
    exec(build, found)
    assert found["model"](torch.rand(2, 3, 32, 32)).shape == (2, 5)
    assert found["mean"] == pytest.approx(found["images"].pixels.mean(axis=(0, 2, 3)))
    assert found["std"] == pytest.approx(found["images"].pixels.std(axis=(0, 2, 3)))
    assert networks.build("sss", "64:64:64:64:64", found["skeleton"])(torch.rand(2, 3, 32, 32)).shape == (2, 5)
    # The third network is too large; the others are one function, of which the smaller one is timed.
    archs = [spaces.get("tss").arch_strings[index] for index in (0, 10, 20)]
    table = {"space": "tss", "arch": archs, "arch_index": [0, 10, 20], "class_index": [4, 4, 5], "n_none": 0}
    (tmp_path / "results/own-images/tables").mkdir(parents=True)
    table = pl.DataFrame({**table, "params_m": [0.4, 0.3, 0.6]})
    table.write_parquet(tmp_path / "results/own-images/tables/networks.parquet")
    exec(time, found)
    timed = pl.read_csv(tmp_path / "latency.csv")
    assert timed["arch"].to_list() == [archs[1]] and timed["milliseconds"][0] > 0


def test_what_the_page_says_networks_cost(root):
    page = (root / "docs/own-images.md").read_text()
    for name, said in (
        ("tss", r"topologies have\s+0.073 to 1.53 million parameters and\s+7.8 to 220 million multiply-adds"),
        ("sss", r"sizes 0.012 to 0.71 and 4.5 to 274;"),
    ):
        assert re.search(said, page)
        costs = spaces.get(name).costs(spaces.Skeleton(n_classes=10, image_side=32))
        params, mflops = (list(map(float, bounds)) for bounds in re.findall(r"([\d.]+) to ([\d.]+)", said))
        for column, (low, high) in (("params_m", params), ("mflops", mflops)):
            assert costs[column].min() == pytest.approx(low, rel=0.03)
            assert costs[column].max() == pytest.approx(high, rel=0.01)
