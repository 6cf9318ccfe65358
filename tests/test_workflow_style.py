"""The linters have nothing to say."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        "ruff check .",
        "ruff format --check .",
        "snakefmt --check Snakefile rules",
        "snakemake --lint",
        "sqlfluff lint workflow_scripts/proxybank/store/sql",
    ],
)
def test_linters_are_silent(root, command):
    program, *options = command.split()
    done = subprocess.run([TOOLS / program, *options], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
