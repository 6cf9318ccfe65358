"""How processes use the machine, and when they end.

Importing it does not import torch: what reads files, `store`, has processes too.
"""

import ctypes
import os
from contextlib import suppress
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread

import psutil

# Parameters of glibc's mallopt, from malloc.h, and the largest value that it takes for the second on 64-bit machines.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_THRESHOLD = 32 * 2**20
_NEVER = 2**31 - 1


def use_one_core() -> None:
    """Have this process work on one core, and keep the memory that it frees for what it allocates next.

    One process per core is the unit of parallelism. A feature map is large enough for the C library to give its memory
    back to the system at once; for the next one the system then fills each page with zeros, which takes as long as a
    norm. C libraries other than glibc are left as they are.
    """
    import torch  # not above: it takes seconds to import

    torch.set_num_threads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)


def memory_bytes(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory of this machine, or of the container that this is, where one is limited to less."""
    limits = [psutil.virtual_memory().total]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # control groups, version 2 and 1
        with suppress(OSError, ValueError):  # no such file; no number but "max"
            limits.append(int((groups / name).read_text()))
    return min(limits)


def end_with_parent() -> None:
    """Have this process of `multiprocessing` end when the one that started it does, however that happens."""

    def wait() -> None:
        parent_process().join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()
