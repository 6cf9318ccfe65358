"""The linters of `make lint`, the one list of them, have nothing to say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(sys.executable).parent

MAKEFILE = (Path(__file__).parents[1] / "Makefile").read_text()
RECIPE = MAKEFILE.split("\nlint:")[1].split("\n\n")[0]
COMMANDS = re.findall(r"^\t\.venv/bin/(.*)$", RECIPE, re.MULTILINE)


def test_every_line_of_the_recipe_is_run_here():
    assert len(COMMANDS) == len(RECIPE.splitlines()) - 1  # the first names what it needs


@pytest.mark.parametrize("command", COMMANDS)
def test_linters_are_silent(root, command):
    program, *options = command.split()
    done = subprocess.run([TOOLS / program, *options], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
