"""Weights of untrained networks, the same wherever and in whatever order they are drawn.

Networks of the size space share the weights of the layers up to the first width in which they differ; in the layer with
that width, the weights of the narrower one are, but for the scale of its initialisation, the leading slices of the
wider one's. Within a network all weights are independent.
"""

import math
from collections.abc import Callable, Container
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from proxybank.networks.randomness import normal, stream_key, uniform
from proxybank.networks.structure import Network

Weights = dict[str, Tensor]


class Initialisation(NamedTuple):
    """How weights are drawn.

    Attributes
    ----------
    numbers : callable
        `uniform` or `normal`: stream key, shape and row -> tensor.
    scale : callable
        Shape of a weight -> what the numbers are multiplied by.
    """

    numbers: Callable[[np.uint64, tuple[int, ...], int | None], Tensor]
    scale: Callable[[tuple[int, ...]], float]

    def draw(self, key: np.uint64, shape: tuple[int, ...], row: int | None) -> Tensor:
        """Weight of a shape; the other parameters are those of `uniform`."""
        return self.numbers(key, shape, row).mul_(self.scale(shape))


def _fan_in(shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:])


def _fan_out(shape: tuple[int, ...]) -> int:
    return shape[0] * math.prod(shape[2:])


INITIALISATIONS: dict[str, Initialisation] = {
    # PyTorch's own: kaiming_uniform with a = sqrt(5), which is uniform within 1 / sqrt(fan_in).
    "default": Initialisation(uniform, lambda shape: 1 / math.sqrt(_fan_in(shape))),
    "kaiming_normal_fan_in": Initialisation(normal, lambda shape: math.sqrt(2 / _fan_in(shape))),
    "kaiming_normal_fan_out": Initialisation(normal, lambda shape: math.sqrt(2 / _fan_out(shape))),
    "standard_normal": Initialisation(normal, lambda _: 1.0),
}


def draw(
    network: Network,
    initialisation: str,
    seed: int,
    *,
    device: str | torch.device = "cpu",
    layers: Container[str] | None = None,
) -> Weights:
    """Weights of an untrained network.

    Parameters
    ----------
    network : Network
    initialisation : str
        A name in `INITIALISATIONS`. BatchNorm starts at 1 and 0 in all of them and has no entry here.
    seed : int
    device : str or torch.device
        Where the weights go; the numbers do not depend on it.
    layers : container of str, optional
        Draw these layers only: ``stem``, ``classifier`` or names of `Network.layers`.

    Returns
    -------
    dict of str to float32 tensors
        ``stem.conv``, ``<layer>.<conv>`` of shape (c_out, c_in, kernel, kernel), ``classifier.weight`` of shape
        (n_classes, width), ``classifier.bias`` of shape (n_classes,): zeros but for ``default``.
    """
    initialise = INITIALISATIONS[initialisation]
    weights = {}
    for layer, genes, conv in network.convs(layers):
        name = f"{layer}.{conv.name}"
        key = stream_key(seed, network.space, genes, name)
        row = network.widest and network.widest * conv.kernel**2
        weights[name] = initialise.draw(key, (conv.c_out, conv.c_in, conv.kernel, conv.kernel), row)
    if layers is None or "classifier" in layers:
        shape = (network.skeleton.n_classes, network.width)
        key = stream_key(seed, network.space, network.weight_key(network.layers[-1]), "classifier")
        weights["classifier.weight"] = initialise.draw(key, shape, network.widest)
        weights["classifier.bias"] = torch.zeros(shape[0])
        if initialisation == "default":  # PyTorch draws the bias within 1 / sqrt(fan_in) of the weight
            bias = uniform(stream_key(key, "bias"), shape[:1])
            weights["classifier.bias"] = bias.mul_(1 / math.sqrt(_fan_in(shape)))
    return {name: weight.to(device) for name, weight in weights.items()}
