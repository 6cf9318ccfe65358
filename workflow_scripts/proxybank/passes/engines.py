"""What runs the parts of a network forward, nothing being differentiated: fused loops on the CPU, PyTorch elsewhere."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from proxybank import networks
from proxybank.networks import Weights
from proxybank.passes import inference
from proxybank.passes.devices import on_cpu
from proxybank.spaces.base import Layer

# Receives what goes into a ReLU or comes out of it, which have the same signs above zero, and its multiplicity.
OnSigns = Callable[[Any, int], None]


class Engine(NamedTuple):
    """Runs the parts of a network; what they pass on is a `maps.Map` on the CPU and a tensor elsewhere.

    Attributes
    ----------
    stem : callable
        (weights, images) -> input of the first layer.
    layer : callable
        (layer, weights, input, what receives the signs of its ReLUs) -> output.
    head : callable
        (output of the last layer, what receives the signs of the last ReLU) -> None.
    logits : callable
        (weights, output of the last layer) -> float32 tensor, shape (n_images, n_classes).
    """

    stem: Callable[[Weights, Tensor], Any]
    layer: Callable[[Layer, Weights, Any, OnSigns], Any]
    head: Callable[[Any, OnSigns], None]
    logits: Callable[[Weights, Any], Tensor]


_ON_CPU = Engine(inference.stem, inference.run_layer, inference.head, inference.logits)
_ELSEWHERE = Engine(
    networks.stem,
    lambda layer, weights, x, on_signs: networks.run_layer(layer, weights, x, on_relu=on_signs),
    lambda x, on_signs: on_signs(networks.batch_norm(x), 1),  # the classifier behind the last ReLU has none
    lambda weights, x: networks.head(weights, x).logits,
)


def engine_for(images: Tensor) -> Engine:
    """Engine for the device where the images lie."""
    return _ON_CPU if on_cpu(images) else _ELSEWHERE
