"""How many runs of FreeREA a second: ``python -m proxybank.searches.benchmark``, compiled and in plain Python.

The table is made up, of the size of the topology space and with the papers' three columns. Times are those of the
processor on one thread, so that other programs on the machine count little.
"""

import os
import subprocess
import sys
import time
import warnings

import numpy as np

from proxybank import spaces
from proxybank.searches import Problem, make_problem, replay

OBJECTIVE = "naswot / max(naswot) + logsynflow / max(logsynflow) + skipped_layers / max(skipped_layers)"
EVALUATIONS = 200  # what a run of 45 s comes to on the published seconds


def made_up_problem() -> Problem:
    """Topology space with scores that rise with the number of convolutions, and noise."""
    space = spaces.get("tss")
    convolutions = np.isin(space.genes, [2, 3]).sum(axis=1)
    noise = np.random.default_rng(0).normal(size=(3, space.size))
    columns = dict(zip(["naswot", "logsynflow", "skipped_layers"], 10 + convolutions + noise, strict=True))
    return make_problem(space.genes, np.arange(space.size), columns)


def seconds_for(runs: int, threads: int = 1) -> tuple[float, float]:
    """Seconds by the processor and by the clock that so many runs take, after a first one."""
    problem = made_up_problem()
    replay(problem, "freerea", OBJECTIVE, runs=1, evaluations=EVALUATIONS)
    processor, clock = time.process_time(), time.perf_counter()
    replay(problem, "freerea", OBJECTIVE, runs=runs, evaluations=EVALUATIONS, threads=threads)
    return time.process_time() - processor, time.perf_counter() - clock


def main() -> None:
    """Print runs a second of compiled code, and of plain Python, which runs in another process."""
    plain = "NUMBA_DISABLE_JIT" in os.environ
    runs = 4 if plain else 2000
    warnings.filterwarnings("ignore", "overflow", RuntimeWarning)  # random bits wrap around in plain Python
    processor, _ = seconds_for(runs)
    name = "plain Python" if plain else "compiled"
    print(f"FreeREA, {EVALUATIONS} evaluations, {name}: {runs / processor:,.0f} runs a second of one core", flush=True)
    if not plain:
        print(f"on two threads, {runs} runs took {seconds_for(runs, threads=2)[1]:.2f} s", flush=True)
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
        subprocess.run([sys.executable, "-m", "proxybank.searches.benchmark"], env=environment, check=True)


if __name__ == "__main__":
    main()
