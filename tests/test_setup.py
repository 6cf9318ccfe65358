"""The set-up of `make`, with a stand-in for Python that writes down what it is asked to install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# Installs nothing; fails, as a killed pip would, on the file that BREAK names. While it would install, another make is
# called, for the target that MEANWHILE names.
PYTHON = """#!/bin/sh
case "$*" in
  "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo venv >> calls ;;
  "-m pip"*) echo "pip ${*##*/}" >> calls; case "$*" in *"${BREAK:-nothing}"*) exit 1 ;; esac
    target="$MEANWHILE"; unset MEANWHILE; [ -z "$target" ] || make "$target" 2> said || true ;;
  "-m pytest"*|workflow_scripts*) echo "$2" >> calls ;;
esac
"""
RUN = ["venv", "pip requirements.txt"]
TEST = ["pip requirements-test.txt", "pip requirements-oracle.txt"]


@pytest.fixture
def make(root, tmp_path):
    """Return a function that calls `make` in a folder of its own, and tells what was installed."""
    shutil.copy(root / "Makefile", tmp_path)
    shutil.copytree(root / "envs", tmp_path / "envs")
    python = tmp_path / "python3.11"
    python.write_text(PYTHON)
    python.chmod(0o755)

    def call(target: str, broken: str = "nothing", meanwhile: str = "") -> list[str]:
        calls = Path(tmp_path / "calls")
        calls.write_text("")
        environment = os.environ | {"BREAK": broken, "MEANWHILE": meanwhile}
        subprocess.run(["make", f"PYTHON={python}", target], cwd=tmp_path, env=environment, capture_output=True)
        return [line for line in calls.read_text().splitlines() if line.startswith(("venv", "pip "))]

    return call


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
