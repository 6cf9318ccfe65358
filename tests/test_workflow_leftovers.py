"""What `make run` clears away, without starting the workflow engine."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import ROOT

import run
from proxybank import store


def test_temporary_files_of_killed_jobs_are_removed(tmp_path):
    keep = [tmp_path / "scores.parquet", tmp_path / ".hidden", tmp_path / "0.12345678.parquet"]
    with store.atomic(tmp_path / "deep" / "0.parquet") as first, store.atomic(tmp_path / "plain") as second:
        for path in (first, second, *keep):
            path.touch()
        log = first.with_name(f"{first.name}.wal")  # DuckDB's, beside a database that is being built
        log.touch()
        run.remove_temporaries(tmp_path)
        assert not first.exists()
        assert not log.exists()
        assert not second.exists()
        assert all(path.exists() for path in keep)
        for path in (first, second):
            path.touch()  # for the end of the block, which gives them their names


@pytest.mark.parametrize("at_work", [False, True])
def test_what_a_killed_job_left_goes_unless_somebody_is_at_work(at_work, tmp_path, monkeypatch):
    # A job that the system killed alone leaves no lock, for its Snakemake ended as it should.
    removed = []
    monkeypatch.setattr(run, "LOCKS", tmp_path)
    monkeypatch.setattr(run, "processes_here", lambda kind: [psutil.Process()] if at_work else [])
    monkeypatch.setattr(run, "remove_temporaries", removed.append)
    monkeypatch.setattr(run.subprocess, "run", lambda command, env: subprocess.CompletedProcess(command, returncode=3))
    assert run.main(["--configfile", str(ROOT / "config.yaml")]) == 3
    assert removed == ([] if at_work else [Path("results"), Path("resources")])


def test_a_job_that_ends_by_itself_is_no_failure(monkeypatch, capsys):
    class Ended:
        pid = os.getpid()

        def kill(self):
            raise psutil.NoSuchProcess(self.pid)

    monkeypatch.setattr(run, "processes_here", lambda _: [Ended()])
    run.stop_orphans()
    assert "Stopping process" in capsys.readouterr().err


def test_the_run_of_another_user_is_left_alone(tmp_path, monkeypatch, capsys):
    class Hidden:
        pid = 7

        def cmdline(self):
            return ["python", "/opt/snakemake"]

        def cwd(self):
            raise psutil.AccessDenied(self.pid)

        def username(self):
            return "ada"

    monkeypatch.setattr(psutil, "process_iter", lambda: iter([Hidden()]))
    monkeypatch.setattr(run, "LOCKS", tmp_path)
    for name in ("run", "Popen"):
        monkeypatch.setattr(run.subprocess, name, lambda *_, **__: pytest.fail("it was called"))
    lock = tmp_path / "0.input.lock"
    lock.touch()
    assert run.main(["--configfile", str(ROOT / "config.yaml")]) == 1
    assert "Process 7 of ada may be computing here" in capsys.readouterr().err
    assert lock.exists()


def test_a_lock_that_cannot_be_removed_ends_the_run(tmp_path, monkeypatch):
    calls = []

    def snakemake(command, env):
        calls.append((command[-3:], env.get("PROXYBANK_CHECKED")))
        return subprocess.CompletedProcess(command, returncode=3)

    (tmp_path / "0.input.lock").touch()
    monkeypatch.setattr(run, "LOCKS", tmp_path)
    monkeypatch.setattr(run, "processes_here", lambda _: [])
    monkeypatch.setattr(run, "engine_of_others", lambda: None)
    monkeypatch.setattr(run, "remove_temporaries", lambda _: pytest.fail("the lock is still there"))
    monkeypatch.setattr(run.subprocess, "run", snakemake)
    assert run.main(["--configfile", str(ROOT / "config.yaml")]) == 3
    assert calls == [(["--unlock", "--quiet", "all"], "1")]  # files have been read, and are not again


@pytest.mark.parametrize("target", [None, "results/x/tables/networks.parquet"])
def test_a_target_is_made_in_place_of_the_report(target, tmp_path, monkeypatch):
    calls = []

    def snakemake(command, env):
        calls.append(command[3:])
        return subprocess.CompletedProcess(command, returncode=0)

    monkeypatch.setattr(run, "LOCKS", tmp_path)
    monkeypatch.setattr(run, "remove_temporaries", lambda _: None)
    monkeypatch.setattr(run.subprocess, "run", snakemake)
    files = [str(ROOT / name) for name in ("config.yaml", "tests/config.yaml")]
    assert run.main(["--configfile", *files, *(["--target", target] if target else [])]) == 0
    assert all(call[:3] == ["--configfile", *files] for call in calls)
    if target:
        assert [call[-2:] for call in calls] == [["--", target]]
    else:
        assert [call[-2] for call in calls] == ["--resources", "--report"]


def test_messages_about_several_files_name_all(tmp_path, capsys):
    files = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    for path, text in zip(files, ("run: x", "runs: y"), strict=True):
        path.write_text(text)
    assert run.main(["--configfile", *map(str, files)]) == 1
    assert f"{files[0]} + {files[1]}: no key is called 'runs'" in capsys.readouterr().err


def test_an_interrupt_leaves_the_run_the_time_to_end(tmp_path):
    """Snakemake removes its lock and half files then, which takes it longer than Python would wait."""
    tidy = "lambda *_: (time.sleep(1.5), print('tidy'), sys.exit(7))"
    slow = f"import signal, sys, time; signal.signal(signal.SIGINT, {tidy}); print('ready', flush=True); time.sleep(60)"
    code = f"import sys, run\nsys.exit(run.run_to_its_end([sys.executable, '-c', {slow!r}]))"
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow_scripts")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        assert process.stdout.read() == "tidy\n"
        assert process.wait() == 7


@pytest.mark.parametrize("option", ["--config", "--profile"])
def test_options_that_the_report_would_not_see_are_refused(option, capsys):
    with pytest.raises(SystemExit):
        run.main([option, "run=x"])
    assert f"unrecognized arguments: {option}" in capsys.readouterr().err
