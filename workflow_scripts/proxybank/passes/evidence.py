"""What passes hand to proxies."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from proxybank.networks import Network


class Batch(NamedTuple):
    """What networks are scored on, on the device they run on.

    Attributes
    ----------
    images : float32 Tensor, shape (n_images, in_channels, side, side)
    labels : int64 Tensor, shape (n_images,)
    """

    images: Tensor
    labels: Tensor


class ReluKernel(NamedTuple):
    """How many ReLU units agree on each pair of images (pass ``forward``).

    Attributes
    ----------
    agreements : int64, shape (n_images, n_images)
        Units that are active on both images or on neither; `n_units` on the diagonal.
    n_units : int
        Scalar inputs of all ReLUs per image.
    """

    agreements: NDArray[np.int64]
    n_units: int

    @classmethod
    def empty(cls, n_images: int) -> "ReluKernel":
        """Kernel of no ReLU at all."""
        return cls(np.zeros((n_images, n_images), np.int64), 0)


# Each weight's absolute value and the gradient of the flow to it, both float64 (pass ``synaptic_flow``).
Flow = list[tuple[Tensor, Tensor]]

# A pass: networks of one space, a batch, name of the initialisation, seed -> for each network, in their order, the
# evidence and the seconds it took.
Pass = Callable[[Sequence[Network], Batch, str, int], Iterator[tuple[Any, float]]]
