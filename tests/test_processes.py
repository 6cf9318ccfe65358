"""How processes use the machine, and when they end."""

import os
import platform
import resource
import subprocess
import sys

import psutil
import pytest
from conftest import ROOT

from proxybank import processes

PROGRAM = """
import resource
import numpy as np
import torch
from proxybank import processes

{first}
def fill_and_free():
    maps = [np.ones(2**18, np.float32) for _ in range(16)]  # 1 MiB each
    large = np.ones(2**20)
    while maps:
        maps.pop()

fill_and_free()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    fill_and_free()
print(torch.get_num_threads(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES_OF_THE_MAPS = 5 * 16 * 2**20 // resource.getpagesize()


def threads_and_faults(first):
    command = [sys.executable, "-c", PROGRAM.format(first=first)]
    allocator = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")  # settings of it that the shell may have
    environment = {name: value for name, value in os.environ.items() if not name.startswith(allocator)}
    environment["PYTHONPATH"] = str(ROOT / "workflow_scripts")
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return map(int, run.stdout.split())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_memory_that_was_freed_is_used_again_without_asking_the_system():
    threads, faults = threads_and_faults("processes.use_one_core()")
    assert threads == 1
    assert faults < PAGES_OF_THE_MAPS / 100
    _, faults = threads_and_faults("")
    assert faults > PAGES_OF_THE_MAPS / 4  # glibc left alone gives most of it back each time


def test_a_process_ends_with_the_one_that_started_it(tmp_path):
    # The one in the middle is killed while its own process sleeps.
    program = f"""
import multiprocessing, os, signal, sys, time
sys.path.insert(0, {str(ROOT / "workflow_scripts")!r})
from proxybank import processes
def work():
    processes.end_with_parent()
    print(os.getpid(), flush=True)
    time.sleep(100)
if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=work).start()
    time.sleep(100)
"""
    (tmp_path / "middle.py").write_text(program)
    with subprocess.Popen([sys.executable, tmp_path / "middle.py"], stdout=subprocess.PIPE, text=True) as middle:
        worker = psutil.Process(int(middle.stdout.readline()))
        middle.kill()
        assert worker.wait(timeout=50) in (None, 1)


def test_a_container_has_no_more_memory_than_it_may_use(tmp_path):
    whole = psutil.virtual_memory().total
    assert processes.memory_bytes(tmp_path) == whole
    (tmp_path / "memory.max").write_text("max\n")
    assert processes.memory_bytes(tmp_path) == whole
    (tmp_path / "memory.max").write_text("1000000\n")
    assert processes.memory_bytes(tmp_path) == 1_000_000
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.limit_in_bytes").write_text("2000\n")
    assert processes.memory_bytes(tmp_path) == 2000
