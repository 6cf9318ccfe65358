"""Collects the signs of ReLUs during a forward pass, and counts on how many of them two images agree."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proxybank.passes.evidence import ReluKernel
from proxybank.passes.hamming import add_distances
from proxybank.passes.maps import Map, signs


class PackedCodes:
    """An `on_active` for `inference.run_layer`: packs signs into words, and counts the bits in which they differ."""

    def __init__(self) -> None:
        self._codes: dict[int, list[NDArray[np.uint64]]] = {}
        self._n_units = 0

    def __call__(self, active: Map, multiplicity: int) -> None:
        """Take the outputs of a ReLU that counts `multiplicity` times."""
        self._codes.setdefault(multiplicity, []).append(signs(active))
        self._n_units += multiplicity * active[0].size

    def added_to(self, before: ReluKernel) -> ReluKernel:
        """Agreements over everything collected so far, and those of the ReLUs that came before."""
        distances = np.zeros(before.agreements.shape, np.int64)
        for multiplicity, codes in self._codes.items():
            add_distances(np.concatenate(codes, axis=1), multiplicity, distances)
        return before.plus(torch.from_numpy(self._n_units - distances - distances.T), self._n_units)


class ReluCodes:
    """An `on_relu` for `networks.forward` on an accelerator, where the signs stay.

    Parameters
    ----------
    kernel : callable
        One of `hamming_cuda.KERNELS`.
    """

    def __init__(self, kernel: Callable[[Tensor], Tensor]) -> None:
        self._kernel = kernel
        self._signs: dict[int, list[Tensor]] = {}

    def __call__(self, x: Tensor, multiplicity: int) -> None:
        """Take the inputs of a ReLU, shape (n_images, channels, height, width), that counts `multiplicity` times."""
        # The order of units does not matter, so channels-last memory is read as it lies.
        self._signs.setdefault(multiplicity, []).append((x > 0).permute(0, 2, 3, 1).flatten(1))

    def added_to(self, before: ReluKernel) -> ReluKernel:
        """Agreements over everything collected so far, and those of the ReLUs that came before."""
        for multiplicity, parts in self._signs.items():
            signs = torch.cat(parts, dim=1)
            before = before.plus(multiplicity * self._kernel(signs), multiplicity * signs.shape[1])
        return before
