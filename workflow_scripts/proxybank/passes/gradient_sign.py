"""Clean pass and one backward pass of the sum of features: determinants of the signs of gradients at ReLUs."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.grad import conv2d_input

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes import devices
from proxybank.passes.evidence import Batch
from proxybank.passes.gradients import gradients
from proxybank.passes.operations import blocks, run_layer

# Below this share of the largest pivot, another one is of rounding.
_ROUNDING = 1e-10


def sign_determinants(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[list[NDArray[np.float64]], float]]:
    """Yield determinants of gradient signs of each network, and the seconds taken.

    One array for each convolution with a ReLU before and a norm behind it, shape (n_images, n_channels): determinants
    of the maps (entries -1, 0, 1) of the sign of the gradient that comes through this convolution to the ReLU's input.

    Parameters
    ----------
    members : sequence of Network
    batch : Batch
        Its labels are not read.
    initialisation : str
        Not read: the definition has its own.
    seed : int
    """
    for network in members:
        start = devices.seconds()
        weights = networks.draw(network, "kaiming_normal_fan_out", seed, device=batch.images.device)
        found = [_determinants(signs) for signs in _gradient_signs(network, weights, batch.images)]
        ends = np.cumsum([block.shape[1] for block in found])[:-1]
        evidence = np.split(torch.cat(found, dim=1).cpu().numpy(), ends, axis=1)
        yield evidence, devices.seconds() - start


def _gradient_signs(network: Network, weights: Weights, images: Tensor) -> Iterator[Tensor]:
    """Signs of the gradient of the sum of features to the input of each block's ReLU, through that block alone."""
    x = networks.stem(weights | {"stem.conv": weights["stem.conv"].clone().requires_grad_()}, images)
    convs = []
    for layer in network.layers:
        x, operations = run_layer(layer, weights, x)
        convs += blocks(operations)
    total = networks.head(weights, x).features.sum()
    for conv, back in zip(convs, gradients(total, [conv.y for conv in convs]), strict=True):
        weight, stride = weights[conv.name], conv.x.shape[2] // conv.y.shape[2]
        before = conv2d_input(conv.x.shape, weight, back, stride, weight.shape[2] // 2)
        yield before.sign() * (conv.x > 0)


def _determinants(signs: Tensor) -> Tensor:
    """Determinants of integer matrices, 0 where rounding is all there is; they may be infinite.

    They are integers, so that one below 1/2 is 0. From 32 rows on rounding alone may exceed that; but it leaves a pivot
    near 1e-14 of the largest, and no matrix that is not singular has such a small one but by the rarest chance.
    """
    side = signs.shape[-1]
    lu, swaps, _ = torch.linalg.lu_factor_ex(signs.detach().double())
    pivots = lu.diagonal(dim1=-2, dim2=-1)
    n_swaps = (swaps != torch.arange(1, side + 1, device=swaps.device)).sum(dim=-1)
    determinants = pivots.prod(dim=-1) * (1 - 2 * (n_swaps % 2))
    sizes = pivots.abs()
    singular = (determinants.abs() < 0.5) | (sizes.amin(dim=-1) < _ROUNDING * sizes.amax(dim=-1))
    return torch.where(singular, 0.0, determinants)
