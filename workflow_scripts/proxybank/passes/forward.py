"""Pass P1: one clean forward pass of a batch of images; it yields the Hamming kernel of all ReLUs."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes import inference
from proxybank.passes.evidence import Batch, ReluKernel
from proxybank.passes.prefixes import Trunk
from proxybank.passes.relu_codes import PackedCodes, ReluCodes
from proxybank.spaces.base import Layer

# Output of a layer (of whatever type the engine works on), and the kernel of all ReLUs up to it.
State = tuple[Any, ReluKernel]


class _Engine(NamedTuple):
    """What runs the parts of a network, and collects the codes of their ReLUs."""

    stem: Callable[[Weights, Tensor], Any]
    layer: Callable[[Layer, Weights, Any, Any], Any]
    head: Callable[[Any, Any], None]
    codes: type[PackedCodes] | type[ReluCodes]


_ON_CPU = _Engine(inference.stem, inference.run_layer, inference.head, PackedCodes)
_ON_ACCELERATOR = _Engine(
    networks.stem,
    lambda layer, weights, x, codes: networks.run_layer(layer, weights, x, on_relu=codes),
    lambda x, codes: codes(networks.batch_norm(x), 1),  # the classifier behind the last ReLU has none
    ReluCodes,
)


@torch.inference_mode()  # on a generator, it holds within each step only
def relu_kernels(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[ReluKernel, float]]:
    """Yield the Hamming kernel of each network, and the seconds it took.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Its labels are not read. On the CPU, images of bfloat16 have the pass run in that precision.
    initialisation : str
    seed : int
    """
    images = batch.images
    draw = partial(networks.draw, initialisation=initialisation, seed=seed, device=images.device)
    engine = _ON_CPU if images.device.type == "cpu" else _ON_ACCELERATOR

    def run(network: Network, layer: Layer, before: State | None) -> State:
        if before is None:
            before = engine.stem(draw(network, layers=("stem",)), images), ReluKernel.empty(images)
        codes = engine.codes()
        x = engine.layer(layer, draw(network, layers=(layer.name,)), before[0], codes)
        return x, codes.added_to(before[1])

    trunk = Trunk(run)
    for network in members:
        start = time.perf_counter()
        x, kernel = trunk.visit(network, len(network.layers))[-1]
        codes = engine.codes()
        engine.head(x, codes)
        yield codes.added_to(kernel), time.perf_counter() - start
