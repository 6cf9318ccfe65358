"""How a process that scores or trains networks uses the machine."""

import ctypes

import torch

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
    torch.set_num_threads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, _NEVER)
