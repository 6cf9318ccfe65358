"""What passes hand to proxies."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxybank.networks import Network


class Batch(NamedTuple):
    """What networks are scored on, on the device they run on.

    Attributes
    ----------
    images : Tensor, shape (n_images, in_channels, side, side)
        Of float32, or of bfloat16 for a pass that may run in it.
    labels : int64 Tensor, shape (n_images,)
    hamming : str
        How an accelerator compares the codes of ReLUs: a name in `hamming_cuda.KERNELS`.
    """

    images: Tensor
    labels: Tensor
    hamming: str = "product"


class ReluKernel(NamedTuple):
    """How many ReLU units agree on each pair of images (pass ``forward``).

    Attributes
    ----------
    agreements : int64 Tensor, shape (n_images, n_images)
        Units that are active on both images or on neither; `n_units` on the diagonal.
    n_units : int
        Scalar inputs of all ReLUs per image.
    """

    agreements: Tensor
    n_units: int

    @classmethod
    def empty(cls, images: Tensor) -> "ReluKernel":
        """Kernel of no ReLU at all for a batch of images, on their device."""
        return cls(torch.zeros(len(images), len(images), dtype=torch.int64, device=images.device), 0)

    def plus(self, agreements: Tensor, n_units: int) -> "ReluKernel":
        """Kernel of these ReLUs and of further ones."""
        return ReluKernel(self.agreements + agreements, self.n_units + n_units)


# Each weight's absolute value and the gradient of the flow to it, both float64 (pass ``normalised_flow``).
Flow = list[tuple[Tensor, Tensor]]
# The same in float32, gradients divided by a power of two, whose exponent comes third (pass ``synaptic_flow``).
ScaledFlow = list[tuple[Tensor, Tensor, Tensor]]

# A pass: networks of one space, a batch, name of the initialisation, seed -> for each network, in their order, the
# evidence and the seconds it took.
Pass = Callable[[Sequence[Network], Batch, str, int], Iterator[tuple[Any, float]]]
