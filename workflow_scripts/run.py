"""What `make run` does: clear what a killed run left behind, run the workflow, and write its HTML report.

`make results` and `make benchmark` have it make their targets.

It takes no other options of Snakemake, which the report would need as well: with those, call Snakemake itself.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from proxybank import config, processes  # noqa: E402  (it is used in place, not installed)
from proxybank.errors import ConfigError, ProxybankError  # noqa: E402

LOCKS = Path(".snakemake/locks")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--configfile", nargs="+", default=["config.yaml"])
    parser.add_argument("--cores", default="all", type=cores)
    parser.add_argument("--target", help="rule or file to make, in place of the whole run and its report")
    options = parser.parse_args(arguments)
    try:
        settings = load(options.configfile)
        config.check_files(settings)
        config.check_device(settings["device"], settings["hamming"])
    except ProxybankError as error:
        print(error, file=sys.stderr)
        return 1
    snakemake = [sys.executable, "-m", "snakemake", "--configfile", *options.configfile]
    if any(LOCKS.glob("*")):
        if stranger := engine_of_others():
            print(
                f"Process {stranger.pid} of {stranger.username()} may be computing here: a run has locked this folder. "
                "Expected no other run. Wait for its end; if it computes elsewhere, remove the files in "
                f"{LOCKS}.",
                file=sys.stderr,
            )
            return 1
        wait_for_other_run()
        stop_orphans()
    if any(LOCKS.glob("*")):
        print("Removing the lock of a run that was killed here.", file=sys.stderr)
        if code := run_to_its_end([*snakemake, "--unlock", "--quiet", "all"]):
            return code
    if not processes_here(is_engine) and not processes_here(is_job):  # which leave them alone that still are written
        for folder in ("results", "resources"):
            remove_temporaries(Path(folder))
    memory = f"mem_mb={processes.memory_bytes() // 2**20}"  # so that jobs do not ask for more together
    target = ["--", options.target] if options.target else []
    code = run_to_its_end([*snakemake, "--cores", options.cores, "--resources", memory, *target])
    if code == 0 and not target:
        report = f"results/{settings['run']}/report.html"
        code = run_to_its_end([*snakemake, "--quiet", "all", "--report", report])
        print(f"Report: {report}" if code == 0 else "The report failed; all other results are there.", file=sys.stderr)
    return code


def cores(text: str) -> str:
    """Check a number of cores: with none, Snakemake waits for ever."""
    if text != "all" and not re.fullmatch("[1-9][0-9]*", text):
        raise argparse.ArgumentTypeError(f"found '{text}'. Expected all, or a number from 1. Correct it.")
    return text


def load(paths: list[str]) -> config.Config:
    """Read a configuration file, with further ones put over it, and return it checked."""
    settings, *further = map(config.read, paths)
    if further:
        from snakemake.utils import update_config  # not above: it takes a second to import

        for path, part in zip(paths, (settings, *further), strict=True):
            if not isinstance(part, dict):
                raise ConfigError(f"{path}: found {part!r}. Expected keys and values. Correct the file.")
        for other in further:
            update_config(settings, other)
    return config.check(settings, where=" + ".join(paths))


def run_to_its_end(command: list[str]) -> int:
    """Exit status of a Snakemake, which hears Ctrl-C itself and is given the time to end as it wants."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # here alone: a command starts with the default
    try:
        # What the configuration names has been checked, says the variable to the Snakefile.
        return subprocess.run(command, env=os.environ | {"PROXYBANK_CHECKED": "1"}).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for_other_run() -> None:
    """Return when no Snakemake is at work in this folder any more."""
    announced = False
    while engines := processes_here(is_engine):
        if not announced:
            print(f"Another run is computing here (process {engines[0].pid}): waiting for its end.", file=sys.stderr)
            announced = True
        time.sleep(1)


def engine_of_others() -> psutil.Process | None:
    """Return a Snakemake of another user, whose working folder the system does not tell."""
    for process in psutil.process_iter():
        try:
            engine = is_engine(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        try:
            if engine:
                process.cwd()
        except psutil.AccessDenied:
            return process
        except psutil.NoSuchProcess:
            continue
    return None


def stop_orphans() -> None:
    """Stop jobs whose Snakemake was killed; they would compute what the new run computes as well."""
    for job in processes_here(is_job):
        print(f"Stopping process {job.pid}, a job of a run that was killed here.", file=sys.stderr)
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end by itself in this moment
            job.kill()
            job.wait()


def remove_temporaries(folder: Path) -> None:
    """Remove files that killed jobs were writing, by the names that `proxybank.store.atomic` gives them."""
    for path in folder.rglob(".*"):
        if re.fullmatch(r"\..+\.[0-9a-f]{8}(\.\w+)*", path.name):
            path.unlink(missing_ok=True)


def is_engine(command: list[str]) -> bool:
    return any(Path(word).name == "snakemake" for word in command[:3])


def is_job(command: list[str]) -> bool:
    return any(".snakemake/scripts/" in word for word in command)


def processes_here(kind: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """Processes of one kind whose working folder is this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if kind(process.cmdline()) and Path(process.cwd()) == Path.cwd():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            pass  # it ended meanwhile, or belongs to somebody else
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
