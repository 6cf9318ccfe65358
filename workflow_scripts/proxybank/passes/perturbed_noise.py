"""Passes of Gaussian noise and of the same noise perturbed, through normally distributed weights."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.networks.randomness import normal, stream_key
from proxybank.passes.evidence import Batch
from proxybank.passes.operations import last_features
from proxybank.passes.prefixes import Trunk
from proxybank.passes.repeats import repeated
from proxybank.spaces.base import Layer

N_REPEATS, N_IMAGES, SIZE = 32, 16, 0.01


class Perturbation(NamedTuple):
    """What a small change of the images does in one repeat (pass ``perturbed_noise``).

    Attributes
    ----------
    change : float
        Sum over the last feature maps of absolute changes, mean over images.
    log_deviations : float
        Sum over norms of the logarithm of the root of the mean variance of their inputs, without those whose inputs do
        not vary.
    """

    change: float
    log_deviations: float


class _Norm:
    """A BatchNorm that sums the logarithms of the deviations it divides by."""

    def __init__(self, log_deviations: Tensor | float = 0.0) -> None:
        self.log_deviations = log_deviations

    def __call__(self, x: Tensor) -> Tensor:
        variance = x.var(dim=(0, 2, 3), correction=0).mean(dtype=torch.float64)
        self.log_deviations = self.log_deviations + torch.where(variance == 0, 0.0, variance.log() / 2)
        return networks.batch_norm(x)


# Outputs of a layer for the two batches, and the sum of logarithms up to there.
State = tuple[Tensor, Tensor, Tensor | float]


def perturbations(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[list[Perturbation], float]]:
    """Yield what a perturbation of Gaussian noise does to each network in each repeat, and the seconds taken.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Only its device and the shape of its images are read.
    initialisation : str
        Not read: the definition has its own.
    seed : int
    """
    return repeated(partial(_perturbations, members, batch), N_REPEATS, seed)


@torch.inference_mode()  # on a generator, it holds within each step only
def _perturbations(members: Sequence[Network], batch: Batch, seed: int) -> Iterator[tuple[Perturbation, float]]:
    device, shape = batch.images.device, (N_IMAGES, *batch.images.shape[1:])
    images, direction = (normal(stream_key(seed, "perturbed_noise", part), shape).to(device) for part in range(2))
    perturbed = images + SIZE * direction
    draw = partial(networks.draw, initialisation="standard_normal", seed=seed, device=device)

    def run(network: Network, layer: Layer, before: State | None) -> State:
        if before is None:
            weights, norm = draw(network, layers=("stem",)), _Norm()
            x, y = networks.stem(weights, images, norm), networks.stem(weights, perturbed)
            before = x, y, norm.log_deviations
        weights, norm = draw(network, layers=(layer.name,)), _Norm(before[2])
        x, y = networks.run_layer(layer, weights, before[0], norm), networks.run_layer(layer, weights, before[1])
        return x, y, norm.log_deviations

    trunk = Trunk(run)
    for network in members:
        start = time.perf_counter()
        x, y, log_deviations = trunk.visit(network, len(network.layers))[-1]
        norm = _Norm(log_deviations)
        differences = (last_features(x, norm) - last_features(y)).abs()
        change = differences.sum(dtype=torch.float64) / N_IMAGES
        found = Perturbation(*torch.stack([change, norm.log_deviations]).tolist())
        yield found, time.perf_counter() - start
