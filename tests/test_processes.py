"""How processes use the machine."""

import os
import platform
import subprocess
import sys

import pytest

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
PAGES_OF_THE_MAPS = 5 * 16 * 2**20 // 4096


def threads_and_faults(first):
    command = [sys.executable, "-c", PROGRAM.format(first=first)]
    environment = os.environ | {"PYTHONPATH": "workflow_scripts"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return map(int, run.stdout.split())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_memory_that_was_freed_is_used_again_without_asking_the_system():
    threads, faults = threads_and_faults("processes.use_one_core()")
    assert threads == 1
    assert faults < PAGES_OF_THE_MAPS / 100
    _, faults = threads_and_faults("")
    assert faults > PAGES_OF_THE_MAPS / 4  # glibc left alone gives most of it back each time
