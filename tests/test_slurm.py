"""The tiny run through a real Slurm of one node gives the score tables of a run on this machine.

Slurm is started for this test and stopped after it. As root on Debian its packages are installed where they are absent;
PROXYBANK_APT=0 forbids that.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import yaml
from conftest import assert_same_tables

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
CONFIGURATION = Path("/etc/slurm/slurm.conf")
SLURM_CONF = """\
ClusterName=ci
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ReturnToService=2
MinJobAge=600
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=ci Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
# What differs from profiles/slurm on one node without accounting, or saves time.
CHANGES = {
    "latency-wait": 10,
    "slurm-status-command": "squeue",
    "slurm-init-seconds-before-status-checks": 1,
    "seconds-between-status-checks": 1,
}


def install() -> None:
    """Install Slurm, or skip the test with the reason why it cannot be."""
    if os.geteuid() != 0:
        pytest.skip("starting Slurm takes root")
    if CONFIGURATION.exists():
        pytest.skip(f"a Slurm is configured here already: {CONFIGURATION}")
    if all(map(shutil.which, PROGRAMS)):
        return
    if os.environ.get("PROXYBANK_APT") == "0" or not shutil.which("apt-get"):
        pytest.skip("Slurm is not installed, and may not or cannot be with apt-get")
    command = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    done = apt(command)
    if done.returncode:  # a fresh machine has no lists of packages yet
        apt(["apt-get", "update"])
        done = apt(command)
    if done.returncode:
        pytest.skip(f"apt-get could not install Slurm: {done.stderr.strip()[-200:]}")


def apt(command: list[str]) -> subprocess.CompletedProcess:
    """Run apt-get for two minutes at most, after which it has failed."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(["timeout", "-k", "5", "120", *command], capture_output=True, text=True, env=environment)


def wait_for(command: list[str], word: str, timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if word in subprocess.run(command, capture_output=True, text=True).stdout:
            return
        time.sleep(0.2)
    pytest.fail(f"'{' '.join(command)}' did not say '{word}' within {timeout_s} s")


@pytest.fixture
def slurm(tmp_path_factory):
    """A Slurm of one node, partition ci."""
    install()
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = os.uname().nodename.split(".")[0]
    memory_mb = int(psutil.virtual_memory().total / 2**20 * 0.9)
    for path, mode in (("/run/munge", "0755"), ("/var/lib/munge", "0700"), ("/var/log/munge", "0700")):
        subprocess.run(["install", "-d", "-o", "munge", "-g", "munge", f"-m{mode}", path], check=True)
    daemons = []
    CONFIGURATION.parent.mkdir(exist_ok=True)
    try:
        CONFIGURATION.write_text(SLURM_CONF.format(host=host, folder=folder, cpus=os.cpu_count(), memory_mb=memory_mb))
        for command in (
            ["runuser", "-u", "munge", "--", "munged", "--foreground", "--force"],
            ["slurmctld", "-c", "-D"],
            ["slurmd", "-c", "-D", "-N", host],
        ):
            log = (folder / f"{command[0]}.out").open("w")
            daemons.append(subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
            log.close()
            time.sleep(1)
        wait_for(["scontrol", "ping"], "is UP")
        wait_for(["sinfo", "--noheader", "--format=%T"], "idle")
        yield
    finally:
        CONFIGURATION.unlink()  # first: a daemon that does not end must not leave it to the next test
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(timeout=30)


def test_slurm_gives_the_same_score_tables(slurm, tiny_run, workspace, tmp_path, root):
    profile = yaml.safe_load((root / "profiles/slurm/config.yaml").read_text()) | CHANGES
    profile["default-resources"]["slurm_partition"] = "ci"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(profile))
    other = workspace()
    target = (other.results / "tables/scores.parquet").relative_to(other.folder)
    # Larger parts than those of the tiny run: fewer jobs to submit, and scores do not depend on how they are cut.
    done = other.snakemake("--profile", str(tmp_path), "--config", "networks_per_part=32768", "--", str(target))
    assert done.returncode == 0, done.stderr
    assert "has been submitted with SLURM jobid" in done.stderr
    assert_same_tables(tiny_run, other, ["scores", "scores_by_seed", "score_status"])
