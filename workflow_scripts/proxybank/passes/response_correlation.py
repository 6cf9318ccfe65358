"""Correlations between images, of activations and of the loss's gradients to them, gathered in a backward pass."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Correlations:
    """An `on_relu` for `Sweep`: a weighted sum of correlation matrices.

    The sum over ReLUs, numbered i = 0, 1, ... from stem to head, of 2^i times the absolute correlations between images
    of its output, plus those of the gradients of the loss to its output. Edges that leave one node share a ReLU. One on
    which the network's output does not depend is left out.
    """

    def __init__(self) -> None:
        self._total: Tensor | None = None

    def __call__(self, active: Tensor, gradient: Tensor) -> None:
        """Take the ReLU before those that were taken."""
        new = absolute_correlations(active) + absolute_correlations(gradient)
        self._total = new if self._total is None else 2 * self._total + new

    def weighted_sum(self) -> NDArray[np.float64] | None:
        """The sum, shape (n_images, n_images); None if the loss has no gradient."""
        return None if self._total is None else self._total.cpu().numpy()


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
