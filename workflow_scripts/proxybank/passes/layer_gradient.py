"""Passes of the batch's two halves: how gradients of each layer differ, and the sign patterns the layer works on."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes import devices
from proxybank.passes.evidence import Batch
from proxybank.passes.gradients import gradients
from proxybank.passes.operations import run_layer
from proxybank.passes.sign_pattern import N_IMAGES, PatternSet


class LayerGradients(NamedTuple):
    """Convolutions behind a ReLU, in order of execution (pass ``layer_gradient``).

    Attributes
    ----------
    inverse_deviations : float64, shape (n_layers,)
        Sum over weights of one over the standard deviation of the absolute gradient between the two halves, without
        weights where that is 0.
    n_patterns : int64, shape (n_layers,)
        Different sign patterns over the first 16 images among the units of the ReLU before.
    """

    inverse_deviations: NDArray[np.float64]
    n_patterns: NDArray[np.int64]


def layer_gradients(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[LayerGradients, float]]:
    """Yield the gradients' deviations and the sign patterns of each network, layer by layer, and the seconds taken.

    Parameters
    ----------
    members : sequence of Network
    batch : Batch
    initialisation : str
    seed : int
    """
    for network in members:
        start = devices.seconds()
        weights = networks.draw(network, initialisation, seed, device=batch.images.device)
        patterns = _pattern_counts(network, weights, batch.images[:N_IMAGES])
        names = list(patterns)
        halves = zip(batch.images.tensor_split(2), batch.labels.tensor_split(2), strict=True)
        first, second = (_gradients(network, weights, names, *half) for half in halves)
        sums = [_inverse_deviations(a, b) for a, b in zip(first, second, strict=True)]
        found = torch.stack([*sums, *patterns.values()]).cpu().numpy()
        evidence = LayerGradients(found[: len(names)], found[len(names) :].astype(np.int64))
        yield evidence, devices.seconds() - start


def _inverse_deviations(one: Tensor, other: Tensor) -> Tensor:
    """Sum of inverse deviations of absolute gradients; the (population) deviation of two numbers is half their gap."""
    deviations = (one.double().abs() - other.double().abs()).abs() / 2
    return torch.where(deviations == 0, 0.0, 1 / deviations).sum()  # NaN stays


@torch.inference_mode()
def _pattern_counts(network: Network, weights: networks.Weights, images: Tensor) -> dict[str, Tensor]:
    """Sign patterns among the inputs of the ReLU before each convolution that has one, by the convolution's name."""
    x = networks.stem(weights, images)
    found = {}
    for layer in network.layers:
        x, operations = run_layer(layer, weights, x)
        counts: dict[int, Tensor] = {}
        for operation in operations:
            if operation.kind == "relu":
                patterns = PatternSet.empty(len(images), images.device)
                patterns(operation.x, 1)
                counts[id(operation.y)] = patterns.seen.sum()
            elif operation.kind == "conv" and id(operation.x) in counts:
                found[operation.name] = counts[id(operation.x)]
    return found


def _gradients(
    network: Network, weights: networks.Weights, names: list[str], images: Tensor, labels: Tensor
) -> list[Tensor]:
    """Gradients of the loss to the named weights, zeros where it does not depend on them."""
    asked = {name: weights[name].clone().requires_grad_() for name in names}
    loss = F.cross_entropy(networks.forward(network, weights | asked, images).logits, labels)
    return gradients(loss, list(asked.values()))
