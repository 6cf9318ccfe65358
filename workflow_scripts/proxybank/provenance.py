"""How a run came about: code, versions, machine, and hashes of what went in."""

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import polars as pl
import psutil

from proxybank import __version__, versions
from proxybank.data import Batches

LIBRARIES = ("duckdb", "numba", "numpy", "polars", "pyarrow", "scikit-learn", "scipy", "snakemake", "torch")


def facts(batches: Iterable[str | Path], tables: Iterable[str | Path]) -> dict[str, object]:
    """Facts about this run, nested, as `store.provenance_table` takes them.

    Parameters
    ----------
    batches : paths
        The ``.npz`` files of the batches; the batch of each seed gets its SHA-256.
    tables : paths
        Further input files; each gets its SHA-256.
    """
    return {
        "proxybank": {"version": __version__, "commit": commit(Path(__file__).parent)},
        "libraries": libraries(),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
            "system": system(),
            "python": platform.python_version(),
        },
        "sha256": {
            "batches": {Path(path).stem: Batches.read(path).fingerprints() for path in batches},
            "tables": {str(path): hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in tables},
        },
    }


def libraries() -> dict[str, str]:
    """Versions of the libraries that results depend on."""
    return {name: version(name) for name in LIBRARIES}


def versions_of_code() -> dict[str, object]:
    """What has a record made again: this code, its stages, and the libraries."""
    stages = {name: number for name, number in vars(versions).items() if name.isupper()}
    return {"proxybank": __version__, "stages": stages, "libraries": libraries()}


def with_machine(seconds: pl.DataFrame) -> pl.DataFrame:
    """Add to a table of measured times, as columns, what they depend on: see `machine`."""
    return seconds.with_columns(pl.lit(value).alias(name) for name, value in machine().items())


def machine() -> dict[str, str | int]:
    """Processor, cores, code and libraries that times are measured with."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": system(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "proxybank": __version__,
        "commit": commit(Path(__file__).parent),
    }


def made_by(device: str) -> str:
    """What computes on a device, in a line: this code and its commit, torch, and the processor, or the GPU."""
    computing = processor()
    if device != "cpu":
        import torch  # not above: it takes seconds

        computing = torch.cuda.get_device_name(device)
    return f"proxybank {__version__} ({commit(Path(__file__).parent)}), torch {version('torch')}, {computing}"


def commit(folder: Path) -> str:
    """Git's name of the code in a folder, ending in -dirty if it was changed; unknown where no repository has it.

    Files that were never added are no change, as Git has it.
    """
    git = ["git", "-C", str(folder)]
    try:
        # A repository further up, such as one of somebody's home, may know nothing of this folder.
        subprocess.run([*git, "ls-files", "--error-unmatch", "."], capture_output=True, check=True)
        described = subprocess.run(
            [*git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=True
        )
        return described.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def system() -> str:
    """Name of the operating system and the first two numbers of its kernel: the rest tells one machine from another."""
    numbers = re.findall(r"\d+", platform.release())
    return f"{platform.system()} {'.'.join(numbers[:2])}"


def processor() -> str:
    """Model of the processor."""
    info = Path("/proc/cpuinfo")
    models = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else []
    return models[0] if models else platform.processor() or platform.machine()
