"""A functional forward pass: any network of both spaces, as a function of its weights and a batch of images.

Edges that leave one node share its ReLU and its pooling. Without dead edges nothing is computed that the logits do not
depend on.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank.networks.structure import Network
from proxybank.networks.weights import Weights
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import CONV1, CONV3, EDGES, NONE, POOL

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


EPSILON = 1e-5  # that a BatchNorm adds to variances


def _ignore(_: Tensor, __: int) -> None:
    pass


def batch_norm(x: Tensor, scale: Tensor | None = None) -> Tensor:
    """BatchNorm in training mode with shift 0, and scale 1 by default; a channel with a single value has 0."""
    # What F.batch_norm calls, which refuses the latter.
    return torch.batch_norm(x, scale, None, None, None, True, 0.1, EPSILON, torch.backends.cudnn.enabled)


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


def stem(weights: Weights, images: Tensor, norm: Norm = batch_norm) -> Tensor:
    """Run the first convolution."""
    return norm(F.conv2d(images, weights["stem.conv"], padding=1)).contiguous(memory_format=torch.channels_last)


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
        if nodes[source] is None:  # nothing reaches this node: in a literal network its edges see zeros
            nodes[source] = x.new_zeros(shape)
        z = nodes[source]
        leaving = [(target, op) for op, (start, target) in zip(layer.ops, EDGES, strict=True) if start == source]
        n_conv = sum(op in (CONV1, CONV3) for _, op in leaving)
        active = None
        if n_conv:
            on_relu(z, n_conv)
            active = F.relu(z)
        pooled = average_pool(z) if any(op == POOL for _, op in leaving) else None
        for target, op in leaving:
            if op == NONE:
                continue
            name = f"{layer.name}.{source}>{target}"
            if op in (CONV1, CONV3):
                y = norm(F.conv2d(active, weights[name], padding=1 if op == CONV3 else 0))
            elif op == POOL:
                y = pooled
            else:  # a skip that changes the width has a convolution, but no ReLU
                y = norm(F.conv2d(z, weights[name])) if name in weights else z
            nodes[target] = y if nodes[target] is None else nodes[target] + y
    return x.new_zeros(shape) if nodes[3] is None else nodes[3]


def average_pool(x: Tensor) -> Tensor:
    """3x3 average pooling that does not count padding; in float32 PyTorch's depthwise convolution is much faster."""
    if x.dtype == torch.float64:
        return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    n_channels, side = x.shape[1:3]
    ones = x.new_ones(n_channels, 1, 3, 3)
    n_pixels = F.conv2d(x.new_ones(1, 1, side, side), ones[:1], padding=1)
    return F.conv2d(x, ones, padding=1, groups=n_channels) / n_pixels
