"""The conda environment, the pip requirements and the versions installed are in step, and so is our own version."""

import importlib.metadata
import re

import pytest
import yaml
from packaging.requirements import Requirement

from proxybank import __version__

# What builds of torch for a GPU need on top; the lock is of all else.
ACCELERATOR = ("cuda-", "nvidia-", "triton")
# The machine of the lock; others may need less.
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"}
INSTALLED = {re.sub(r"[-_.]+", "-", found.name).lower() for found in importlib.metadata.distributions()}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines) -> dict[str, str]:
    """Names of packages -> versions, of lines like ``numpy==2.4.6``."""
    return {canonical(name): version for name, version in (line.split("==") for line in lines if "==" in line)}


@pytest.fixture(scope="module")
def lock(root) -> dict[str, str]:
    return pins((root / "envs/constraints.txt").read_text().splitlines())


def requirements(root, name: str) -> list[str]:
    lines = (root / "envs" / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def needed(names) -> set[str]:
    """Some packages and all that they need on Linux, directly or not."""
    found, todo = set(), [(canonical(name), "") for name in names]
    while todo:
        package = todo.pop()
        if package not in found:
            found.add(package)
            name, extra = package
            needs = importlib.metadata.requires(name) if name in INSTALLED else None
            for wanted in map(Requirement, needs or []):
                if wanted.marker is None or wanted.marker.evaluate(LINUX | {"extra": extra}):
                    todo += [(canonical(wanted.name), of) for of in ("", *wanted.extras)]
    return {name for name, _ in found if not name.startswith(ACCELERATOR)}


def test_conda_environment_is_the_locked_requirements(root, lock):
    environment = yaml.safe_load((root / "envs/proxybank.yaml").read_text())
    python, pip, wheels = environment["dependencies"]
    expected = {name: lock[name] for name in needed(requirements(root, "requirements.txt"))}
    assert pins(wheels["pip"]) == expected
    assert (python, pip) == ("python=3.11", "pip")
    assert environment["channels"] == ["conda-forge", "nodefaults"]


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-slurm.txt", "requirements-test.txt", "requirements-oracle.txt"]
)
def test_every_requirement_is_locked_once(root, lock, name):
    text = (root / "envs" / name).read_text()
    assert "-c constraints.txt" in text
    assert {canonical(line) for line in requirements(root, name)} <= lock.keys()


def test_the_lock_is_what_the_requirements_need(root, lock):
    direct = [name for part in ("", "-slurm", "-test") for name in requirements(root, f"requirements{part}.txt")]
    # What the oracle needs is not installed, but for what all of it needs anyway.
    expected = needed(direct) | {canonical(name) for name in requirements(root, "requirements-oracle.txt")}
    assert lock.keys() == expected
    installed = {name: importlib.metadata.version(name).split("+")[0] for name in expected & INSTALLED}
    assert lock | installed == lock


def test_every_rule_names_the_environment(root):
    for path in (root / "rules").glob("*.smk"):
        text = path.read_text()
        n_scripts = text.count("\nrule ") - text.count("localrule: True")  # those that only gather run nothing
        assert n_scripts == text.count('"../envs/proxybank.yaml"'), path.name


def test_the_version_stands_in_one_place(root):
    # CITATION.cff and the changelog repeat it, because other programs and people read it there.
    assert yaml.safe_load((root / "CITATION.cff").read_text())["version"] == __version__
    assert f"## {__version__} " in (root / "CHANGELOG.md").read_text()
