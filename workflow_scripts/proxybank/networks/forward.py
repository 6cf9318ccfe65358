"""A functional forward pass: any network of both spaces, as a function of its weights and a batch of images.

Edges that leave one node share its ReLU, and their convolutions run as one. Without dead edges nothing is computed that
the logits do not depend on.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank.networks.structure import Network
from proxybank.networks.weights import Weights
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import CONV1, CONV3, EDGES, POOL, SKIP

# Receives the input of a ReLU, and how many ReLUs of the reference network have this very input.
OnRelu = Callable[[Tensor, int], None]
# Stands for BatchNorm.
Norm = Callable[[Tensor], Tensor]


class Output(NamedTuple):
    """What a network computes for a batch; named, since published builders disagree on the order."""

    features: Tensor
    """Pooled features, shape (n_images, width)."""
    logits: Tensor
    """Shape (n_images, n_classes)."""


def _ignore(_: Tensor, __: int) -> None:
    pass


def batch_norm(x: Tensor) -> Tensor:
    """BatchNorm in training mode with scale 1 and shift 0."""
    return F.batch_norm(x, None, None, training=True)


def _identity(x: Tensor) -> Tensor:
    return x


def forward(
    network: Network, weights: Weights, images: Tensor, *, norm: Norm = batch_norm, on_relu: OnRelu = _ignore
) -> Output:
    """Run a network on a batch.

    Parameters
    ----------
    network : Network
    weights : dict of str to Tensor
        As `draw` returns them; their dtype and device are those of `images`.
    images : Tensor, shape (n_images, in_channels, side, side)
    norm : callable
        What stands for BatchNorm: Tensor -> Tensor of the same shape.
    on_relu : callable
        Called with the input of each ReLU, shape (n_images, channels, height, width), and its multiplicity.
    """
    x = stem(weights, images, norm)
    for layer in network.layers:
        x = run_layer(layer, weights, x, norm, on_relu)
    return head(weights, x, norm, on_relu)


def forward_without_norm(network: Network, weights: Weights, images: Tensor) -> Output:
    """Run a network on a batch with every BatchNorm left out, as Synflow does; see `forward`."""
    return forward(network, weights, images, norm=_identity)


def stem(weights: Weights, images: Tensor, norm: Norm = batch_norm) -> Tensor:
    """Run the first convolution."""
    return norm(F.conv2d(images, weights["stem.conv"], padding=1))


def run_layer(layer: Layer, weights: Weights, x: Tensor, norm: Norm = batch_norm, on_relu: OnRelu = _ignore) -> Tensor:
    """Run one cell or reduction; parameters as in `forward`."""
    return (_reduction if layer.ops is None else _cell)(layer, weights, x, norm, on_relu)


def head(weights: Weights, x: Tensor, norm: Norm = batch_norm, on_relu: OnRelu = _ignore) -> Output:
    """Run what follows the last layer: BatchNorm, ReLU, average over pixels, classifier."""
    x = norm(x)
    on_relu(x, 1)
    features = F.relu(x).mean(dim=(2, 3))
    return Output(features, F.linear(features, weights["classifier.weight"], weights["classifier.bias"]))


def _reduction(layer: Layer, weights: Weights, x: Tensor, norm: Norm, on_relu: OnRelu) -> Tensor:
    on_relu(x, 1)
    y = norm(F.conv2d(F.relu(x), weights[f"{layer.name}.a"], stride=2, padding=1))
    on_relu(y, 1)
    y = norm(F.conv2d(F.relu(y), weights[f"{layer.name}.b"], padding=1))
    return y + F.conv2d(F.avg_pool2d(x, 2), weights[f"{layer.name}.shortcut"])


def _cell(layer: Layer, weights: Weights, x: Tensor, norm: Norm, on_relu: OnRelu) -> Tensor:
    shape = (x.shape[0], layer.c_out, *x.shape[2:])
    nodes: list[Tensor | None] = [x, None, None, None]
    for source in range(3):
        z = nodes[source]
        if z is None:  # nothing reaches this node: in a literal network its edges see zeros
            z = x.new_zeros(shape)
        for target, y in _edges_from(source, layer, weights, z, norm, on_relu):
            nodes[target] = y if nodes[target] is None else nodes[target] + y
    return x.new_zeros(shape) if nodes[3] is None else nodes[3]


def _edges_from(
    source: int, layer: Layer, weights: Weights, z: Tensor, norm: Norm, on_relu: OnRelu
) -> Iterator[tuple[int, Tensor]]:
    """Yield (target, value) of every edge that leaves a node, operations of one kind computed together."""
    targets: dict[int, list[int]] = {op: [] for op in range(5)}
    for op, (start, target) in zip(layer.ops, EDGES, strict=True):
        if start == source:
            targets[op].append(target)
    n_conv = len(targets[CONV1]) + len(targets[CONV3])
    if n_conv:
        on_relu(z, n_conv)
        active = F.relu(z)
        for op in (CONV1, CONV3):
            if targets[op]:
                kernels = torch.cat([weights[f"{layer.name}.{source}>{target}"] for target in targets[op]])
                y = norm(F.conv2d(active, kernels, padding=1 if op == CONV3 else 0))
                yield from zip(targets[op], y.chunk(len(targets[op]), dim=1), strict=True)
    if targets[POOL]:
        y = F.avg_pool2d(z, 3, stride=1, padding=1, count_include_pad=False)
        yield from ((target, y) for target in targets[POOL])
    for target in targets[SKIP]:
        name = f"{layer.name}.{source}>{target}"
        yield target, norm(F.conv2d(z, weights[name])) if name in weights else z
