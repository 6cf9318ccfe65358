"""A run that is killed again and again finishes with the tables of one that was left alone."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import psutil
from conftest import Workspace, assert_same_tables
from polars.testing import assert_frame_equal

from proxybank.store import TABLES


@contextlib.contextmanager
def started(run: Workspace, command: Sequence[str] = ()) -> Iterator[subprocess.Popen]:
    """A run in a group of its own, of which nothing is left behind the block."""
    command = command or run.command()
    with (run.folder / "output.txt").open("a") as output:
        process = subprocess.Popen(command, cwd=run.folder, stdout=output, stderr=output, start_new_session=True)
    try:
        yield process
    finally:
        kill_group(process)


def wait_until(condition, process: subprocess.Popen, timeout_s: float = 900) -> None:
    """Wait for a condition; `timeout_s`, several times what a busy machine needs, only ends what hangs."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < end, "the run did not get there"
        time.sleep(0.05)


def kill_group(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError):  # where it is gone already
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def jobs_of(process: subprocess.Popen) -> list[psutil.Process]:
    """Scripts that a run is executing."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any(".snakemake/scripts/" in word for word in child.cmdline()):
                found.append(child)
    return found


def kill_engine(process: subprocess.Popen) -> None:
    """Kill Snakemake and what started it, and not its jobs."""
    engine, *_ = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    engine.kill()
    process.wait()


def test_kill_and_resume(workspace, tiny_run):
    run = workspace()
    parts = run.results / "scores/tss/digits"

    def finished() -> list[Path]:
        return list(parts.glob("*/[0-9]*.parquet"))

    def recorded() -> list[Path]:
        """Those that Snakemake, a moment after they appear, has recorded as finished."""
        said = (run.folder / "output.txt").read_text()
        done = "|".join(re.findall(r"Finished jobid: (\d+) \(Rule: score_part\)", said))
        jobs = re.findall(rf"Job (?:{done}): Scoring tss on digits: (\w+), part (\d+)", said) if done else []
        return [parts / passes / f"{part}.parquet" for passes, part in jobs]

    with started(run) as first:
        wait_until(recorded, first)
        kept = recorded()
        kill_group(first)
    times = {path: path.stat().st_mtime_ns for path in kept}
    n_before = len(finished())

    with started(run) as second:
        wait_until(lambda: len(finished()) > n_before and jobs_of(second), second)
        orphans = jobs_of(second)
        kill_engine(second)
        assert orphans

        with started(run) as third:
            wait_until(lambda: (run.results / "tables/scores.parquet").exists(), third)
            kill_group(third)

        done = run.run()
        assert done.returncode == 0, done.stderr
        with contextlib.suppress(psutil.NoSuchProcess):
            assert not any(job.is_running() for job in orphans)
    assert "lock" in (run.folder / "output.txt").read_text()
    assert {path: path.stat().st_mtime_ns for path in kept} == times, "finished parts were computed again"
    assert_same_tables(run, tiny_run, TABLES.keys() - {"provenance"})


def test_a_second_run_waits_for_the_first(workspace):
    run = workspace()
    with started(run) as first:
        wait_until(lambda: any((run.folder / ".snakemake/locks").glob("*")), first)
        with started(run) as second:
            wait_until(lambda: "waiting for its end" in (run.folder / "output.txt").read_text(), second)
            assert first.poll() is None


def test_nothing_is_done_twice(tiny_run):
    done = tiny_run.snakemake("--cores", "1")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in done.stderr


def test_every_figure_of_the_rules_is_drawn_and_in_the_report(tiny_run, root):
    # The tiny run has one space and dataset, and something to draw for every rule. `figure_files` says what is drawn.
    for body in re.split("^rule ", (root / "rules/figures.smk").read_text(), flags=re.MULTILINE)[1:]:
        assert '"results/{run}/figures/' in body
    rules = "".join(path.read_text() for path in root.glob("rules/*.smk"))
    patterns = re.findall(r'"results/\{run\}/figures/(.*)"', rules)
    expected = {pattern.format(space="tss", dataset="digits") for pattern in patterns}
    assert {path.name for path in (tiny_run.results / "figures").iterdir()} == expected
    report = (tiny_run.results / "report.html").read_text()
    assert [name for name in expected if not name.endswith(".svg") and name not in report] == []


TRAINING = """\
run: trained
seeds: [0]
spaces: {sss: {}}
datasets:
  digits:
    images: digits
    training: {epochs: 1, networks_per_part: 16, seeds: {sss: [0]}}
    truth: {sss: {source: train, widths: [8, 16]}}
constraints: {sss: [{id: unlimited}]}
"""


def test_training_goes_on_where_it_was_killed(workspace):
    target = "results/trained/truth/sss/digits.parquet"
    tables = []
    for killed in (True, False):
        folder = workspace().folder
        (folder / "train.yaml").write_text(TRAINING)
        run = Workspace(folder, "train.yaml")
        if killed:
            first, second = (folder / f"results/trained/truth/sss/digits/{part}.parquet" for part in (0, 1))
            options = ["--configfile", "train.yaml", "--cores", "1", "--", target]
            with started(run, [sys.executable, "-m", "snakemake", *options]) as process:
                wait_until(lambda parts=(first, second): any(part.exists() for part in parts), process)
                # With one core the next part cannot begin before Snakemake has recorded this one as finished.
                wait_until(lambda out=folder / "output.txt": out.read_text().count("Training sss") == 2, process)
            kept = {part: part.stat().st_mtime_ns for part in (first, second) if part.exists()}
            assert len(kept) == 1
            assert run.snakemake("--unlock").returncode == 0
        done = run.snakemake("--cores", "2", "--rerun-incomplete", "--", target)
        assert done.returncode == 0, done.stderr
        if killed:
            assert {part: part.stat().st_mtime_ns for part in kept} == kept, "a finished part was trained again"
        tables.append(pl.read_parquet(folder / target).drop("train_seconds"))
    assert_frame_equal(*tables, check_exact=True)
    assert tables[0].height == 2**5 * 2  # networks, splits
