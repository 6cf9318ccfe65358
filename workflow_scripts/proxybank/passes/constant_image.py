"""Passes of an image of ones in float64 that are kin to `synaptic_flow`: with BatchNorm, and with squared weights.

Beside them, the pass that needs no image at all.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes import devices
from proxybank.passes.evidence import Batch, Flow
from proxybank.passes.gradients import gradients, matrices, one_by_one
from proxybank.passes.prefixes import Trunk
from proxybank.spaces.base import Layer


def _ones(network: Network, device: torch.device) -> Tensor:
    skeleton = network.skeleton
    shape = (1, skeleton.in_channels, skeleton.image_side, skeleton.image_side)
    return torch.ones(shape, dtype=torch.float64, device=device)


@one_by_one
def normalised_flows(network: Network, batch: Batch, initialisation: str, seed: int) -> Flow:
    """Each weight's absolute value and the gradient of the sum of logits to it, BatchNorm in training mode."""
    drawn = networks.draw(network, initialisation, seed, device=batch.images.device)
    weights = {name: weight.double().abs().requires_grad_() for name, weight in drawn.items()}
    total = networks.forward(network, weights, _ones(network, batch.images.device)).logits.sum()
    layers = matrices(weights)
    return [(w.detach(), gradient) for w, gradient in zip(layers, gradients(total, layers), strict=True)]


@torch.inference_mode()  # on a generator, it holds within each step only
def path_sums(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[float, float]]:
    """Yield each network's sum over all paths from input to output of the product of squared weights, and the seconds.

    That is the sum of logits for an image of ones with every weight squared, BatchNorm and biases left out.
    """

    def squared(network: Network, *layers: str) -> Weights:
        drawn = networks.draw(network, initialisation, seed, device=batch.images.device, layers=layers)
        return {name: weight.double().square() for name, weight in drawn.items()}

    def keep(x: Tensor) -> Tensor:
        return x

    def run(network: Network, layer: Layer, before: Tensor | None) -> Tensor:
        if before is None:
            before = networks.stem(squared(network, "stem"), _ones(network, batch.images.device), keep)
        return networks.run_layer(layer, squared(network, layer.name), before, keep)

    trunk = Trunk(run)
    for network in members:
        start = devices.seconds()
        weights = squared(network, "classifier")
        weights["classifier.bias"].zero_()
        x = trunk.visit(network, len(network.layers))[-1]
        total = networks.head(weights, x, keep).logits.sum().item()
        yield total, devices.seconds() - start


@one_by_one
def drawn_weights(network: Network, batch: Batch, initialisation: str, seed: int) -> list[Tensor]:
    """Draw the weights of every convolution and the classifier, without its bias."""
    return matrices(networks.draw(network, initialisation, seed, device=batch.images.device))
