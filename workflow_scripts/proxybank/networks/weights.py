"""Weights of untrained networks, the same wherever and in whatever order they are drawn.

Networks of the size space share the weights of the layers up to the first width in which they differ.
"""

import math
from collections.abc import Callable, Container

import numpy as np
import torch
from torch import Tensor

from proxybank.networks.randomness import normal, stream_key, uniform
from proxybank.networks.structure import Network

Weights = dict[str, Tensor]
# Stream key and shape -> weight tensor.
Initialise = Callable[[np.uint64, tuple[int, ...]], Tensor]


def _fan_in(shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:])


def _fan_out(shape: tuple[int, ...]) -> int:
    return shape[0] * math.prod(shape[2:])


def _kaiming_normal_fan_out(key: np.uint64, shape: tuple[int, ...]) -> Tensor:
    return normal(key, shape).mul_(math.sqrt(2 / _fan_out(shape)))


def _kaiming_normal_fan_in(key: np.uint64, shape: tuple[int, ...]) -> Tensor:
    return normal(key, shape).mul_(math.sqrt(2 / _fan_in(shape)))


def _default(key: np.uint64, shape: tuple[int, ...]) -> Tensor:
    """PyTorch's own: kaiming_uniform with a = sqrt(5), which is uniform within 1 / sqrt(fan_in)."""
    return uniform(key, shape).mul_(1 / math.sqrt(_fan_in(shape)))


INITIALISATIONS: dict[str, Initialise] = {
    "default": _default,
    "kaiming_normal_fan_in": _kaiming_normal_fan_in,
    "kaiming_normal_fan_out": _kaiming_normal_fan_out,
    "standard_normal": normal,
}


def draw(
    network: Network, initialisation: str, seed: int, *, device: str = "cpu", layers: Container[str] | None = None
) -> Weights:
    """Weights of an untrained network.

    Parameters
    ----------
    network : Network
    initialisation : str
        A name in `INITIALISATIONS`. BatchNorm starts at 1 and 0 in all of them and has no entry here.
    seed : int
    device : str
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
        weights[name] = initialise(key, (conv.c_out, conv.c_in, conv.kernel, conv.kernel))
    if layers is None or "classifier" in layers:
        shape = (network.skeleton.n_classes, network.width)
        key = stream_key(seed, network.space, network.layers[-1].key, "classifier")
        weights["classifier.weight"] = initialise(key, shape)
        weights["classifier.bias"] = torch.zeros(shape[0])
        if initialisation == "default":  # PyTorch draws the bias within 1 / sqrt(fan_in) of the weight
            bias = uniform(stream_key(key, "bias"), shape[:1])
            weights["classifier.bias"] = bias.mul_(1 / math.sqrt(_fan_in(shape)))
    return {name: weight.to(device) for name, weight in weights.items()}
