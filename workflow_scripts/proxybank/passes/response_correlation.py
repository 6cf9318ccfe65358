"""Correlations between images, of activations and of the loss's gradients to them, gathered in a backward pass."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Correlations:
    """A weighted sum of correlation matrices over ReLUs: one for each edge with a convolution, and the last one.

    In layer l, counted from 0 from stem to head, a ReLU adds 2^l times the absolute correlations between images of its
    input, and of the gradients of the loss to its input. The last one is in a layer of its own. Correlations that are
    not defined, for the values of some image are all equal, are left out, and so is a ReLU that the output does not
    depend on.
    """

    def __init__(self) -> None:
        self._total: Tensor | float = 0.0

    def add(self, layer: int, *matrices: Tensor) -> None:
        """Take the correlations of one ReLU in a layer."""
        for matrix in matrices:
            self._total = self._total + 2.0**layer * torch.where(matrix.isnan().any(), 0.0, matrix)

    def weighted_sum(self) -> NDArray[np.float64] | None:
        """The sum, shape (n_images, n_images); None if the output depends on no ReLU."""
        return None if isinstance(self._total, float) else self._total.cpu().numpy()


def absolute_correlations(responses: Tensor) -> Tensor:
    """Absolute correlation of each pair of rows, float64; NaN with a row that does not vary.

    Parameters
    ----------
    responses : float32 Tensor, shape (n_images, ...)
        All values of an image are one row.
    """
    if responses.ndim == 4:  # in the order in which they lie
        responses = responses.permute(0, 2, 3, 1)
    rows = responses.flatten(1)
    means = rows.mean(dim=1, keepdim=True)
    rows = rows - means  # before the product, which in float32 would lose the digits that a large mean takes
    covariances = (rows @ rows.T).double()
    norms = covariances.diagonal().sqrt()
    rounding = 8 * torch.finfo(rows.dtype).eps * means.flatten().abs() * rows.shape[1] ** 0.5
    norms = torch.where(norms > rounding, norms, torch.nan)
    return (covariances / (norms[:, None] * norms)).abs()
