"""Two passes, with and without noise on the images: how far the inputs of all poolings move."""

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
from proxybank.passes.operations import Operation, blocks, run_head, run_layer, run_stem
from proxybank.passes.prefixes import Trunk
from proxybank.spaces.base import Layer


class NoiseResponse(NamedTuple):
    """What noise changes at the poolings, and the counts that weigh it (pass ``noisy_images``).

    Attributes
    ----------
    change : float64 Tensor without dimensions, or float
        Sum over poolings of the mean squared change of their input.
    n_pools, n_convs : int
    n_channels : int
        Input channels of all poolings and convolutions.
    n_blocks, n_block_channels : int
        Convolutions with a ReLU before and a norm behind them, and their input channels.
    """

    change: Tensor | float = 0.0
    n_pools: int = 0
    n_convs: int = 0
    n_channels: int = 0
    n_blocks: int = 0
    n_block_channels: int = 0

    def after(self, clean: list[Operation], noisy: list[Operation]) -> "NoiseResponse":
        """Add the operations of further layers."""
        pools = [(x, y) for x, y in zip(clean, noisy, strict=True) if x.kind == "pool"]
        convs = [operation for operation in clean if operation.kind == "conv"]
        block_widths = [conv.x.shape[1] for conv in blocks(clean)]
        return NoiseResponse(
            self.change + sum(x.times * _mean_square(x.x, y.x) for x, y in pools),
            self.n_pools + sum(x.times for x, _ in pools),
            self.n_convs + len(convs),
            self.n_channels + sum(x.times * x.x.shape[1] for x, _ in pools) + sum(conv.x.shape[1] for conv in convs),
            self.n_blocks + len(block_widths),
            self.n_block_channels + sum(block_widths),
        )


def _mean_square(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).square().mean(dtype=torch.float64)


# Outputs of a layer for images without and with noise, and what was seen up to there.
State = tuple[Tensor, Tensor, NoiseResponse]


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
        Its labels are not read.
    initialisation : str
    seed : int
        Keys the noise too, which is the same for all networks.
    """
    images = batch.images
    noisy_images = images + normal(stream_key(seed, "noisy_images"), tuple(images.shape)).to(images.device)
    draw = partial(networks.draw, initialisation=initialisation, seed=seed, device=images.device)

    def run(network: Network, layer: Layer, before: State | None) -> State:
        if before is None:
            weights = draw(network, layers=("stem",))
            (x, clean), (y, noisy) = run_stem(weights, images), run_stem(weights, noisy_images)
            before = x, y, NoiseResponse().after(clean, noisy)
        weights = draw(network, layers=(layer.name,))
        (x, clean), (y, noisy) = run_layer(layer, weights, before[0]), run_layer(layer, weights, before[1])
        return x, y, before[2].after(clean, noisy)

    trunk = Trunk(run)
    for network in members:
        start = time.perf_counter()
        x, y, response = trunk.visit(network, len(network.layers))[-1]
        weights = draw(network, layers=("classifier",))
        (_, clean), (_, noisy) = run_head(weights, x), run_head(weights, y)
        response = response.after(clean, noisy)
        yield response._replace(change=float(response.change)), time.perf_counter() - start
