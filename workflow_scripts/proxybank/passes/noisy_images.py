"""Two passes, with and without noise on the images: how far the inputs of all poolings move."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.networks.randomness import normal, stream_key
from proxybank.passes import devices, inference, maps, operations
from proxybank.passes.devices import on_cpu
from proxybank.passes.evidence import Batch
from proxybank.passes.maps import Map
from proxybank.passes.prefixes import Trunk
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import CONV1, CONV3, EDGES, POOL


class NoiseResponse(NamedTuple):
    """What noise changes at the poolings, and the counts that weigh it (pass ``noisy_images``).

    Attributes
    ----------
    change : float
        Sum over poolings of the mean squared change of their input.
    n_pools, n_convs : int
    n_channels : int
        Input channels of all poolings and convolutions.
    n_blocks, n_block_channels : int
        Convolutions with a ReLU before and a norm behind them, and their input channels.
    """

    change: float
    n_pools: int
    n_convs: int
    n_channels: int
    n_blocks: int
    n_block_channels: int

    @classmethod
    def of(cls, network: Network, change: float) -> "NoiseResponse":
        """Add the counts of a network, and of the head's pooling, to the change."""
        pools, blocks = [network.width], []
        for layer in network.layers:
            if layer.ops is None:
                pools.append(layer.c_in)
                blocks += [layer.c_in, layer.c_out]
            else:
                for op, (source, _) in zip(layer.ops, EDGES, strict=True):
                    channels = layer.c_out if source else layer.c_in
                    pools += [channels] * (op == POOL)
                    blocks += [channels] * (op in (CONV1, CONV3))
        convs = [conv.c_in for _, _, conv in network.convs()]
        return cls(change, len(pools), len(convs), sum(pools) + sum(convs), len(blocks), sum(blocks))


# Inputs of poolings (maps on the CPU, else tensors), and how many poolings have this very input.
Pools = list[tuple[Map | Tensor, int]]


class _Engine(NamedTuple):
    """What runs the parts of a network, lists what goes into their poolings, and says how far that moves."""

    stem: Callable[[Weights, Tensor], Any]
    layer: Callable[[Layer, Weights, Any], tuple[Any, Pools]]
    head: Callable[[Any], Pools]
    mean_squared_change: Callable[[Any, Any], Tensor | float]


def _layer_on_cpu(layer: Layer, weights: Weights, x: Any) -> tuple[Any, Pools]:
    pools: Pools = []
    y = inference.run_layer(layer, weights, x, on_pool=lambda z, times: pools.append((z, times)))
    return y, pools


def _head_on_cpu(x: Any) -> Pools:
    return [(inference.last_features(x), 1)]


def _layer_elsewhere(layer: Layer, weights: Weights, x: Tensor) -> tuple[Tensor, Pools]:
    y, found = operations.run_layer(layer, weights, x)
    return y, [(operation.x, operation.times) for operation in found if operation.kind == "pool"]


def _head_elsewhere(x: Tensor) -> Pools:
    return [(operations.last_features(x), 1)]


def _mean_squared_change_elsewhere(x: Tensor, y: Tensor) -> Tensor:
    return (x.float() - y.float()).square().mean(dtype=torch.float64)


_ON_CPU = _Engine(inference.stem, _layer_on_cpu, _head_on_cpu, maps.mean_squared_change)
_ELSEWHERE = _Engine(networks.stem, _layer_elsewhere, _head_elsewhere, _mean_squared_change_elsewhere)

# Outputs of a layer for images without and with noise, and the change up to there.
State = tuple[Any, Any, Tensor | float]


@torch.inference_mode()  # on a generator, it holds within each step only
def noise_responses(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[NoiseResponse, float]]:
    """Yield how each network's poolings respond to Gaussian noise of variance 1 on the images, and the seconds taken.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Its labels are not read. On the CPU, images of bfloat16 have the pass run in that precision.
    initialisation : str
    seed : int
        Keys the noise too, which is the same for all networks.
    """
    images = batch.images
    noise = normal(stream_key(seed, "noisy_images"), tuple(images.shape)).to(images.device)
    noisy_images = (images + noise).to(images.dtype)
    draw = partial(networks.draw, initialisation=initialisation, seed=seed, device=images.device)
    engine = _ON_CPU if on_cpu(images) else _ELSEWHERE

    def change_of(clean: Pools, noisy: Pools) -> Tensor | float:
        pairs = zip(clean, noisy, strict=True)
        return sum(times * engine.mean_squared_change(x, y) for (x, times), (y, _) in pairs)

    def run(network: Network, layer: Layer, before: State | None) -> State:
        if before is None:
            weights = draw(network, layers=("stem",))
            before = engine.stem(weights, images), engine.stem(weights, noisy_images), 0.0
        weights = draw(network, layers=(layer.name,))
        (x, clean), (y, noisy) = (engine.layer(layer, weights, output) for output in before[:2])
        return x, y, before[2] + change_of(clean, noisy)

    trunk = Trunk(run)
    for network in members:
        start = devices.seconds()
        x, y, change = trunk.visit(network, len(network.layers))[-1]
        change = change + change_of(engine.head(x), engine.head(y))
        yield NoiseResponse.of(network, float(change)), devices.seconds() - start
