"""Where tensors lie."""

from torch import Tensor


def on_cpu(x: Tensor) -> bool:
    """Whether compiled loops can work on a tensor's memory; elsewhere PyTorch's operations do what they do."""
    return x.device.type == "cpu"
