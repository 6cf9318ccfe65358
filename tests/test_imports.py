"""Imports run one way: rules -> scripts -> proxybank; inside, spaces <- networks <- passes <- proxies."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "workflow_scripts"
PACKAGE = SCRIPTS / "proxybank"
# What each part of the library may import of the library, besides itself, errors and logs.
LAYERS = {
    "spaces": set(),
    "pickles": set(),
    "processes": set(),
    "image_files": {"pickles"},
    "data": {"spaces", "image_files"},
    "networks": {"spaces"},
    "passes": {"spaces", "networks"},
    "proxies": {"spaces", "data", "networks", "passes", "processes"},
    "truth": {"spaces", "data", "networks", "processes"},
    "store": {"spaces", "pickles", "processes"},
    "searches": {"spaces"},
    "analysis": {"store"},
    "papers": {"store", "analysis"},
    "benchmark": {"spaces", "data", "networks", "passes", "processes", "proxies"},
    "figures": {"store", "analysis"},
}
NO_TORCH = (
    *("spaces", "pickles", "processes", "data", "store", "searches", "analysis", "papers", "figures", "config"),
    "benchmark",
)


def imported(path: Path) -> set[str]:
    """Modules that a file imports anywhere, as dotted names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files(part: str) -> list[Path]:
    return [PACKAGE / f"{part}.py"] if (PACKAGE / f"{part}.py").exists() else sorted((PACKAGE / part).rglob("*.py"))


@pytest.mark.parametrize("part", LAYERS)
def test_layers(part):
    allowed = LAYERS[part] | {part, "errors", "logs", "__version__"}
    assert files(part)
    for path in files(part):
        used = {name.split(".")[1] for name in imported(path) if name.startswith("proxybank.")}
        assert used <= allowed, f"{path.name} imports {', '.join(sorted(used - allowed))}"


def test_every_part_of_the_library_has_its_layer():
    parts = {path.stem for path in PACKAGE.iterdir() if path.name[0] not in "_." and path.suffix in ("", ".py")}
    assert parts == LAYERS.keys() | {"errors", "logs", "config", "provenance", "versions"}


def test_the_library_knows_neither_snakemake_nor_the_scripts():
    for path in PACKAGE.rglob("*.py"):
        names = imported(path)
        assert not {name for name in names if name.split(".")[0] == "snakemake"}, path.name
        if path.parent != PACKAGE:  # config.py itself, and nothing below it, knows the configuration
            assert not {name for name in names if name.startswith("proxybank.config")}, path.name


@pytest.mark.parametrize("part", NO_TORCH)
def test_parts_without_torch(part):
    # In a fresh interpreter, since other tests have imported torch here.
    code = f"import sys, proxybank.{part}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS).returncode == 0


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_a_script_is_safe_to_import(path):
    # Nothing runs unless it is started as a script, and imports stand at the top.
    tree = ast.parse(path.read_text())
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.If, ast.Assign)
    others = [node for node in tree.body if not isinstance(node, kinds)]
    assert isinstance(others[0].value, ast.Constant)  # the docstring
    # What starts Snakemake has to find the library first.
    assert [ast.unparse(node).split("(")[0] for node in others[1:]] == ["sys.path.insert"] * (path.stem == "run")
    conditions = {ast.unparse(node.test) for node in tree.body if isinstance(node, ast.If)}
    assert conditions <= {"TYPE_CHECKING", "__name__ == '__main__'"}
