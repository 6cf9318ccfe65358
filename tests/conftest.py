"""What tests share: folders, the real data that may be linked, one finished run of tests/config.yaml."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
import yaml
from polars.testing import assert_frame_equal

from proxybank import passes
from proxybank.proxies import group_of

ROOT = Path(__file__).parents[1]
# What a run reads of the repository.
PARTS = ("Snakefile", "rules", "workflow_scripts", "profiles", "envs", "captions", "resources", "config.yaml", "tests")
# Real data: the files that docs/nats-bench.md lists.
FILES = [
    *("images/cifar10.npz", "images/cifar100.npz", "images/imagenet16-120.npz"),
    *("natsbench/tss_accuracies.csv", "natsbench/tss_short_training.csv", "natsbench/sss_accuracies.csv"),
    *("hardware/tss_latency_ms.parquet", "reference/tss_cifar10_freerea.csv"),
    "reference/tss_cifar10_suite_zero_725.csv",
]

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # `make test` runs as many tests side by side as there are cores


@dataclass(frozen=True)
class Workspace:
    """A folder that looks like the repository, so that a run in it disturbs no other."""

    folder: Path
    configfile: str = "tests/config.yaml"

    @property
    def results(self) -> Path:
        """Folder of the results."""
        return self.folder / "results" / yaml.safe_load((self.folder / self.configfile).read_text())["run"]

    def command(self, *options: str) -> list[str]:
        """What `make run` calls."""
        return [sys.executable, "workflow_scripts/run.py", "--configfile", self.configfile, "--cores", "2", *options]

    def run(self, *options: str) -> subprocess.CompletedProcess:
        """Run as `make run` does."""
        return execute(self.command(*options), self.folder)

    def snakemake(self, *options: str) -> subprocess.CompletedProcess:
        """Run Snakemake itself."""
        return execute([sys.executable, "-m", "snakemake", "--configfile", self.configfile, *options], self.folder)

    def table(self, name: str) -> pl.DataFrame:
        """Table of the results."""
        return pl.read_parquet(self.results / "tables" / f"{name}.parquet")


def execute(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    # Snakemake keeps a cache of sources at home; a test must not depend on it.
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="session")
def root() -> Path:
    """Root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the files that docs/nats-bench.md lists; the test is skipped where one of them is absent."""
    return folder_with(FILES)


@pytest.fixture(scope="session")
def further_data() -> Path:
    """The same folder, for tests of what no run needs (CONTRIBUTING.md); skipped where any of that is absent."""
    return folder_with([*FILES, "natsbench/archives", "papers/published.csv"])


def folder_with(names: list[str]) -> Path:
    """Folder `data` with files of these names, linked or beside the checkout; the test is skipped if there is none."""
    for folder in (ROOT / "data", ROOT.parent / "shared/data"):
        missing = [name for name in names if not (folder / name).exists()]
        if not missing:
            return folder
    pytest.skip(f"no real data: {', '.join(missing)} are not in the folder data (docs/nats-bench.md, CONTRIBUTING.md)")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Callable[[], Workspace]:
    """Make a new workspace with each call."""

    def make() -> Workspace:
        folder = tmp_path_factory.mktemp("workspace")
        for name in PARTS:
            if (ROOT / name).exists():
                (folder / name).symlink_to(ROOT / name)
        return Workspace(folder)

    return make


@pytest.fixture(scope="session")
def tiny_run(workspace) -> Workspace:
    """The finished run of tests/config.yaml, which no test may change."""
    made = workspace()
    done = made.run()
    assert done.returncode == 0, done.stderr
    return made


def provided(part: str, members, batch, initialisation: str, seed: int) -> list[tuple[Any, float]]:
    """What a pass provides of each network, by name, and the seconds it took."""
    return [found[part] for found in passes.run(group_of(part), {part}, members, batch, initialisation, seed)]


@pytest.fixture
def few_repeats(monkeypatch) -> None:
    """Two initialisations where a definition asks for dozens, for tests that score many networks."""
    for name in ("activation_rank", "initial_accuracy", "perturbed_noise", "sign_pattern"):
        monkeypatch.setattr(f"proxybank.passes.{name}.N_REPEATS", 2)


def assert_same_tables(one: Workspace, other: Workspace, names: Iterable[str]) -> None:
    """Fail unless tables of two runs hold the same bits in the same order; seconds are measured, and left out."""
    for name in names:
        tables = [run.table(name).select(~pl.selectors.contains("seconds")) for run in (one, other)]
        assert_frame_equal(*tables, check_exact=True)
