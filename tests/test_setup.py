"""The set-up of `make`, with a stand-in for Python that writes down what it is asked to install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Installs nothing; is killed on the file that BREAK names, and fails on the one that FAIL names. While it would
# install, another make is called, for the target that MEANWHILE names.
PYTHON = """#!/bin/sh
case "$*" in
  "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo venv >> calls ;;
  "-m pip"*) echo "pip ${*##*/}" >> calls
    case "$*" in *"${BREAK:-nothing}"*) kill -9 $$ ;; *"${FAIL:-nothing}"*) exit 2 ;; esac
    target="$MEANWHILE"; unset MEANWHILE; [ -z "$target" ] || make "$target" 2> said || true ;;
  workflow_scripts*|docs*) echo "$*" >> calls ;;
esac
"""
RUN = ["venv", "pip requirements.txt"]
TEST = ["pip requirements-test.txt", "pip requirements-oracle.txt"]


@pytest.fixture
def make(root, tmp_path):
    """Return a function that calls `make` in a folder of its own, and tells what was installed."""
    set_up(root, tmp_path)

    def call(target: str, broken: str = "nothing", meanwhile: str = "", failing: str = "nothing") -> list[str]:
        environment = os.environ | {"BREAK": broken, "MEANWHILE": meanwhile, "FAIL": failing}
        command = ["make", f"PYTHON={tmp_path}/python3.11", target]
        subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
        return [line for line in take(tmp_path / "calls") if line.startswith(("venv", "pip "))]

    return call


def set_up(root: Path, folder: Path) -> None:
    """Put what `make` reads, and the stand-in, into a folder."""
    shutil.copy(root / "Makefile", folder)
    shutil.copytree(root / "envs", folder / "envs")
    python = folder / "python3.11"
    python.write_text(PYTHON)
    python.chmod(0o755)


def take(calls: Path) -> list[str]:
    """Lines of a file that is then gone."""
    lines = calls.read_text().splitlines() if calls.exists() else []
    calls.unlink(missing_ok=True)
    return lines


def test_what_is_installed_stays(make):
    assert make("run") == RUN
    assert make("test") == TEST
    assert make("run") == make("test") == []


@pytest.mark.parametrize("page", ["configuration", "proxies", "algorithms"])
def test_pages_that_the_code_writes_set_up_what_they_need(make, root, tmp_path, page):
    (tmp_path / "workflow_scripts").symlink_to(root / "workflow_scripts")
    (tmp_path / "docs").mkdir()
    assert make(f"docs/{page}.md") == RUN


@pytest.mark.parametrize("broken", ["requirements-test.txt", "requirements-oracle.txt"])
def test_half_installed_test_tools_are_not_left_to_a_run(make, broken):
    make("test", broken)
    assert make("run") == RUN


def test_a_half_done_set_up_starts_afresh(make, tmp_path):
    assert make("run", "requirements.txt") == RUN
    assert make("test") == RUN + TEST
    (tmp_path / ".venv/unfinished").touch()  # of a make that was killed before it wrote down its number
    assert make("run") == RUN


def test_what_is_installed_survives_a_failure(make):
    make("run")
    assert make("test", failing="requirements-oracle.txt") == TEST
    assert make("run") == []
    assert make("test") == TEST


@pytest.mark.parametrize(("target", "installed"), [("run", RUN), ("test", RUN + TEST)])
def test_a_set_up_at_work_is_left_alone(make, tmp_path, target, installed):
    assert make(target, meanwhile="run") == installed
    assert ".venv: process " in (said := (tmp_path / "said").read_text())
    assert " is installing packages into it. Expected no other make here. Wait for its end" in said
    assert make(target) == []  # it is whole


def test_changed_requirements_of_slurm_are_installed(make, tmp_path):
    make("test")
    later = (tmp_path / ".venv/test.stamp").stat().st_mtime + 1
    os.utime(tmp_path / "envs/requirements-slurm.txt", (later, later))
    assert make("test") == TEST


def test_a_path_that_snakemake_cannot_work_in_is_refused_before_anything_is_installed(root, tmp_path):
    folder = tmp_path / "my projects"
    folder.mkdir()
    set_up(root, folder)
    done = subprocess.run(["make", f"PYTHON={folder}/python3.11", "run"], cwd=folder, capture_output=True, text=True)
    assert f"make: {folder}: found a space or a special character in this path. Expected none" in done.stderr
    assert (done.returncode, take(folder / "calls"), (folder / ".venv").exists()) == (2, [], False)


@pytest.mark.parametrize(
    ("target", "runs", "pages"),
    [
        ("run", [(["my.yaml"], None)], []),
        ("readme", [(["config.yaml"], None)], ["docs/update_readme.py"]),
        ("benchmark", [(["config/benchmark.yaml"], "benchmark")], []),
        ("performance", [(["config/benchmark.yaml"], "benchmark")], ["docs/update_performance.py"]),
        (
            "results",
            [
                (
                    ["config/nats-bench.yaml", "config/nats-bench-literal.yaml"],
                    "results/nats-bench-literal/scores.duckdb",
                ),
                (["config/nats-bench.yaml", "config/nats-bench-128.yaml"], "results/nats-bench-128/scores.duckdb"),
                (["config/nats-bench.yaml"], "results"),
            ],
            ["docs/update_results.py"],
        ),
    ],
)
def test_what_is_run(make, root, tmp_path, target, runs, pages):
    make("run")
    command = ["make", f"PYTHON={tmp_path}/python3.11", "CONFIG=my.yaml", "CORES=3", target]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (*started,) = (line.split() for line in take(tmp_path / "calls"))
    assert [words[0] for words in started] == ["workflow_scripts/run.py"] * len(runs) + pages
    for words, (files, made) in zip(started, runs, strict=False):
        assert words[1:] == ["--configfile", *files, "--cores", "3", *(["--target", made] if made else [])]
        if made and "/" not in made:
            assert any(f"rule {made}:" in path.read_text() for path in (root / "rules").glob("*.smk"))
        for file in files:
            assert file == "my.yaml" or (root / file).exists()
        if made and made.startswith("results/"):  # the run that the last file names
            assert f"run: {Path(made).parent.name}\n" in (root / files[-1]).read_text()
    assert all((root / page).exists() for page in pages)
