"""Which precision forward passes run in on this machine's CPU: bfloat16 only where the processor is fast with it."""

import statistics
import time

import torch
import torch.nn.functional as F

_FASTER = 1.3  # below that the gain is not worth 8 bits of each number
_N_TRIALS = 15


def bfloat16_speedup() -> float:
    """How many times faster one thread convolves in bfloat16 than in float32 (32 channels, 64 images of 16 x 16)."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
        for trial in range(_N_TRIALS + 2):
            for dtype, times in seconds.items():  # in turn, so that a machine that changes speed serves both alike
                x, weight = (torch.ones(n, 32, side, side, dtype=dtype) for n, side in ((64, 16), (32, 3)))
                x, weight = (part.contiguous(memory_format=torch.channels_last) for part in (x, weight))
                start = time.perf_counter()
                F.conv2d(x, weight, padding=1)
                if trial >= 2:  # the first ones prepare
                    times.append(time.perf_counter() - start)
        return statistics.median(seconds[torch.float32]) / statistics.median(seconds[torch.bfloat16])
    finally:
        torch.set_num_threads(n_threads)


def choose(asked: str, device: str) -> dict[str, str | float]:
    """Precision of a run's forward passes, and what it was chosen by.

    Parameters
    ----------
    asked : {"auto", "float32", "bfloat16"}
    device : str
        A torch device; anything but the CPU computes in float32.

    Returns
    -------
    dict
        ``precision``, and with "auto" on the CPU ``bfloat16_speedup``, as measured.
    """
    if device != "cpu":
        return {"precision": "float32"}
    if asked != "auto":
        return {"precision": asked}
    speedup = bfloat16_speedup()
    return {"precision": "bfloat16" if speedup >= _FASTER else "float32", "bfloat16_speedup": round(speedup, 2)}
