"""Forward pass on the CPU that nothing is differentiated in: what `networks.forward` computes, in fewer sweeps.

In float32 it agrees with `networks.forward` up to rounding. In bfloat16 weights and maps are rounded to 8 bits;
sums, norms and the arithmetic between load and store stay in float32.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank.networks import Weights
from proxybank.passes.maps import Map, Term, add_up, as_it_is, normalised, pool
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import CONV1, CONV3, EDGES, NONE, POOL

# Receives the output of a ReLU, and how many ReLUs of the reference network have this very output.
OnActive = Callable[[Map, int], None]
# Receives the input of a pooling, and how many poolings of the reference network have this very input.
OnPool = Callable[[Map, int], None]
# Stands for BatchNorm.
Norm = Callable[[Map], Term]


def ignore(x: Map, multiplicity: int) -> None:
    """Do nothing with a map."""


def as_tensor(x: Map) -> Tensor:
    """Tensor of shape (n_images, channels, height, width) over the memory of a map."""
    tensor = torch.from_numpy(x)
    return (tensor.view(torch.bfloat16) if x.dtype == np.int16 else tensor).permute(0, 3, 1, 2)


def as_map(tensor: Tensor) -> Map:
    """Map of a tensor of shape (n_images, channels, height, width), without a copy if it is channels-last."""
    last = tensor.permute(0, 2, 3, 1).contiguous()
    return (last.view(torch.int16) if last.dtype == torch.bfloat16 else last).numpy()


def convolve(x: Map, weight: Tensor, *, stride: int = 1, groups: int = 1) -> Map:
    """Convolve a map with a float32 weight, which takes the precision of the map; padding keeps its size."""
    tensor = as_tensor(x)
    weight = weight.to(tensor.dtype, memory_format=torch.channels_last)
    return as_map(F.conv2d(tensor, weight, stride=stride, padding=weight.shape[2] // 2, groups=groups))


def stem(weights: Weights, images: Tensor, norm: Norm = normalised) -> Map:
    """Run the first convolution on images of float32 or bfloat16, which decides what all maps are."""
    return add_up([norm(convolve(as_map(images), weights["stem.conv"]))], active=False)[0]


def run_layer(
    layer: Layer,
    weights: Weights,
    x: Map,
    on_active: OnActive = ignore,
    on_pool: OnPool = ignore,
    norm: Norm = normalised,
) -> Map:
    """Run one cell or reduction.

    Parameters
    ----------
    layer : Layer
    weights : dict of str to float32 Tensor
    x : Map
    on_active, on_pool : callable
        Called with the output of each ReLU, and the input of each pooling, and its multiplicity.
    norm : callable
        What stands for BatchNorm: `normalised`, and perhaps a look at what it found.
    """
    return (_reduction if layer.ops is None else _cell)(layer, weights, x, on_active, on_pool, norm)


def head(x: Map, on_active: OnActive) -> None:
    """Run the last norm and ReLU."""
    on_active(last_features(x), 1)


def logits(weights: Weights, x: Map) -> Tensor:
    """Run what follows the last layer; float32, shape (n_images, n_classes)."""
    features = as_tensor(last_features(x)).mean(dim=(2, 3), dtype=torch.float32)
    return F.linear(features, weights["classifier.weight"], weights["classifier.bias"])


def last_features(x: Map, norm: Norm = normalised) -> Map:
    """Last feature maps, which the head averages over pixels, from the output of the last layer."""
    return add_up([norm(x)], total=False)[1]


def _reduction(layer: Layer, weights: Weights, x: Map, on_active: OnActive, on_pool: OnPool, norm: Norm) -> Map:
    active = add_up([as_it_is(x)], total=False)[1]
    on_active(active, 1)
    active = add_up([norm(convolve(active, weights[f"{layer.name}.a"], stride=2))], total=False)[1]
    on_active(active, 1)
    main = norm(convolve(active, weights[f"{layer.name}.b"]))
    on_pool(x, 1)
    shortcut = convolve(as_map(F.avg_pool2d(as_tensor(x), 2)), weights[f"{layer.name}.shortcut"])
    return add_up([main, as_it_is(shortcut)], active=False)[0]


def _cell(layer: Layer, weights: Weights, x: Map, on_active: OnActive, on_pool: OnPool, norm: Norm) -> Map:
    edges = [(source, target, op) for op, (source, target) in zip(layer.ops, EDGES, strict=True) if op != NONE]
    terms = {target: [] for target in (1, 2, 3)}
    for node in (0, 1, 2):
        leaving = [(target, op) for source, target, op in edges if source == node]
        n_conv = sum(op in (CONV1, CONV3) for _, op in leaving)
        n_pool = sum(op == POOL for _, op in leaving)
        if not leaving:
            continue
        arrived = [as_it_is(x)] if node == 0 else terms[node] or [as_it_is(_zeros(layer, x))]
        total, active = add_up(arrived, total=node > 0 and n_conv < len(leaving), active=n_conv > 0)
        z = x if node == 0 else total
        if n_conv:
            on_active(active, n_conv)
        if n_pool:
            on_pool(z, n_pool)
            pooled = as_it_is(pool(z))
        for target, op in leaving:
            name = f"{layer.name}.{node}>{target}"
            if op in (CONV1, CONV3):
                terms[target].append(norm(convolve(active, weights[name])))
            elif op == POOL:
                terms[target].append(pooled)
            else:  # a skip that changes the width has a convolution, but no ReLU
                terms[target].append(norm(convolve(z, weights[name])) if name in weights else as_it_is(z))
    return add_up(terms[3], active=False)[0] if terms[3] else _zeros(layer, x)


def _zeros(layer: Layer, x: Map) -> Map:
    """Value of a node that nothing arrives at."""
    return np.zeros((*x.shape[:3], layer.c_out), x.dtype)
