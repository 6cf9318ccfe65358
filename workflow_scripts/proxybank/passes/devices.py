"""Where tensors lie, and what a device is told before it computes."""

import time

import torch
from torch import Tensor


def prepare(device: str) -> None:
    """Have an accelerator compute in whole float32, the same bits each time, and make it the one that numba uses."""
    if device == "cpu":
        return
    torch.cuda.set_device(torch.device(device).index or 0)  # which takes no device without a number
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False


def seconds() -> float:
    """Seconds on a clock that waits for what an accelerator was told to compute."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


# A moment: seconds, or what an accelerator will note when it comes there.
Mark = float | torch.cuda.Event


def mark(device: torch.device) -> Mark:
    """Mark this moment of the work on a device, for `seconds_between`; unlike `seconds`, nothing waits for it."""
    if device.type == "cpu":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def seconds_between(start: Mark, end: Mark) -> float:
    """Seconds from one mark to another of the same device, which is waited for."""
    if isinstance(start, float):
        return end - start
    end.synchronize()
    return start.elapsed_time(end) / 1000


def on_cpu(x: Tensor) -> bool:
    """Whether compiled loops can work on a tensor's memory; elsewhere PyTorch's operations do what they do."""
    return x.device.type == "cpu"
