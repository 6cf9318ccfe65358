"""Passes of Gaussian noise and of the same noise perturbed, through normally distributed weights."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.networks.randomness import normal, stream_key
from proxybank.passes import devices, inference, operations
from proxybank.passes.devices import on_cpu
from proxybank.passes.evidence import Batch
from proxybank.passes.maps import Map, Term, normalised
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


class _Engine(NamedTuple):
    """What runs the parts of a network with a norm of ours, and the norm that this is made of.

    Attributes
    ----------
    stem, layer, last_features : callable
        As in `networks` and `operations`.
    norm : callable
        Input of a BatchNorm -> what stands for its output, and the variances of its input, shape (n_channels,).
    """

    stem: Callable[..., Any]
    layer: Callable[..., Any]
    last_features: Callable[..., Tensor]
    norm: Callable[[Any], tuple[Any, Tensor]]


def _last_on_cpu(x: Map, norm: inference.Norm = normalised) -> Tensor:
    return inference.as_tensor(inference.last_features(x, norm))


def _norm_on_cpu(x: Map) -> tuple[Term, Tensor]:
    term = normalised(x)
    return term, torch.from_numpy(term.variances)


def _norm_elsewhere(x: Tensor) -> tuple[Tensor, Tensor]:
    return networks.batch_norm(x), x.var(dim=(0, 2, 3), correction=0)


_ON_CPU = _Engine(inference.stem, inference.run_layer, _last_on_cpu, _norm_on_cpu)
_ELSEWHERE = _Engine(networks.stem, networks.run_layer, operations.last_features, _norm_elsewhere)


class _Norm:
    """A BatchNorm that sums the logarithms of the deviations it divides by."""

    def __init__(self, engine: _Engine, log_deviations: Tensor | float = 0.0) -> None:
        self._engine, self.log_deviations = engine, log_deviations

    def __call__(self, x: Any) -> Any:
        y, variances = self._engine.norm(x)
        variance = variances.mean(dtype=torch.float64)
        self.log_deviations = self.log_deviations + torch.where(variance == 0, 0.0, variance.log() / 2)
        return y


# Outputs of a layer for the two batches, and the sum of logarithms up to there.
State = tuple[Any, Any, Tensor | float]


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
    engine = _ON_CPU if on_cpu(images) else _ELSEWHERE

    def run(network: Network, layer: Layer, before: State | None) -> State:
        if before is None:
            weights, norm = draw(network, layers=("stem",)), _Norm(engine)
            x, y = engine.stem(weights, images, norm), engine.stem(weights, perturbed)
            before = x, y, norm.log_deviations
        weights, norm = draw(network, layers=(layer.name,)), _Norm(engine, before[2])
        x, y = engine.layer(layer, weights, before[0], norm=norm), engine.layer(layer, weights, before[1])
        return x, y, norm.log_deviations

    trunk = Trunk(run)
    for network in members:
        start = devices.seconds()
        x, y, log_deviations = trunk.visit(network, len(network.layers))[-1]
        norm = _Norm(engine, log_deviations)
        differences = (engine.last_features(x, norm) - engine.last_features(y)).abs()
        change = differences.sum(dtype=torch.float64) / N_IMAGES
        found = Perturbation(*torch.stack([change, norm.log_deviations]).tolist())
        yield found, devices.seconds() - start
