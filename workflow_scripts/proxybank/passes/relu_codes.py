"""Collects the signs of ReLU inputs during a forward pass, and counts on how many of them two images agree."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proxybank.passes.evidence import ReluKernel
from proxybank.passes.hamming import hamming_distances, pack


class ReluCodes:
    """An `on_relu` for `networks.forward`: sums the Hamming kernels of all ReLUs it is called for.

    Parameters
    ----------
    before : ReluKernel
        Kernel of the ReLUs that came before.
    """

    def __init__(self, before: ReluKernel) -> None:
        self._before = before
        self._signs: dict[int, list[Tensor]] = {}

    def __call__(self, x: Tensor, multiplicity: int) -> None:
        """Take the inputs of a ReLU, shape (n_images, channels, height, width), that counts `multiplicity` times."""
        # The order of units does not matter, so channels-last memory is read as it lies.
        self._signs.setdefault(multiplicity, []).append((x > 0).permute(0, 2, 3, 1).flatten(1))

    def kernel(self) -> ReluKernel:
        """Agreements over everything collected so far."""
        agreements, n_units = self._before.agreements.copy(), self._before.n_units
        for multiplicity, signs in self._signs.items():
            n_new = sum(part.shape[1] for part in signs)
            agreements += multiplicity * (n_new - _distances(signs))
            n_units += multiplicity * n_new
        return ReluKernel(agreements, n_units)


def _is_cpu(signs: list[Tensor]) -> bool:
    return signs[0].device.type == "cpu"


def _distances(signs: list[Tensor]) -> NDArray[np.int64]:
    if _is_cpu(signs):
        return hamming_distances(pack([part.numpy() for part in signs]))
    # On an accelerator a product of matrices: r_i + r_j - 2 x_i x_j, exact in float32 up to 16 million units.
    codes = torch.cat(signs, dim=1).float()
    ones = codes.sum(dim=1)
    return (ones[:, None] + ones - 2 * codes @ codes.T).round().long().cpu().numpy()
