"""Clean pass and one backward pass: correlations between images, of activations and of the loss's gradients to them."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes.evidence import Batch
from proxybank.passes.operations import run_head, run_layer


def response_correlations(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[NDArray[np.float64] | None, float]]:
    """Yield the weighted sum of correlation matrices of each network, and the seconds taken.

    The sum over ReLUs, numbered i = 0, 1, ... from stem to head, of 2^i times the absolute correlations between images
    of its output, plus those of the gradients of the loss to its output; shape (n_images, n_images). None where the
    loss has no gradient; a ReLU on which the output does not depend is left out.

    Parameters
    ----------
    members : sequence of Network
    batch : Batch
    initialisation : str
    seed : int
    """
    for network in members:
        start = time.perf_counter()
        weights = networks.draw(network, initialisation, seed, device=batch.images.device)
        yield _weighted_correlations(network, weights, batch), time.perf_counter() - start


def _weighted_correlations(network: Network, weights: networks.Weights, batch: Batch) -> NDArray[np.float64] | None:
    x = networks.stem(weights | {"stem.conv": weights["stem.conv"].clone().requires_grad_()}, batch.images)
    operations = []
    for layer in network.layers:
        x, further = run_layer(layer, weights, x)
        operations += further
    output, head = run_head(weights, x)
    loss = F.cross_entropy(output.logits, batch.labels)
    if not loss.requires_grad:
        return None
    active = [operation.y for operation in operations + head if operation.kind == "relu" and operation.y.requires_grad]
    gradients = torch.autograd.grad(loss, active, allow_unused=True)
    pairs = [(y, gradient) for y, gradient in zip(active, gradients, strict=True) if gradient is not None]
    total = torch.zeros(len(batch.images), len(batch.images), dtype=torch.float64, device=batch.images.device)
    for i, (y, gradient) in enumerate(pairs):
        total += 2.0**i * (absolute_correlations(y.detach()) + absolute_correlations(gradient))
    return total.cpu().numpy()


def absolute_correlations(responses: Tensor) -> Tensor:
    """Absolute correlation of each pair of rows, float64; NaN with a row that does not vary.

    Parameters
    ----------
    responses : Tensor, shape (n_images, ...)
        Flattened row by row.
    """
    rows = responses.flatten(1).double()
    rows = rows - rows.mean(dim=1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True)
    return (rows @ rows.T).abs()
