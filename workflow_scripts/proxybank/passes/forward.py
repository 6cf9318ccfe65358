"""Pass P1: one clean forward pass of a batch of images; it yields the Hamming kernel of all ReLUs."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes.evidence import Batch, ReluKernel
from proxybank.passes.prefixes import Trunk, siblings
from proxybank.passes.relu_codes import ReluCodes
from proxybank.spaces.base import Layer

# Output of a layer, and the kernel of all ReLUs up to it.
State = tuple[Tensor, ReluKernel]


@torch.inference_mode()  # on a generator, it holds within each step only
def relu_kernels(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[ReluKernel, float]]:
    """Yield the Hamming kernel of each network, and the seconds it took, its share of those of its siblings.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Its labels are not read.
    initialisation : str
    seed : int
    """
    images = batch.images
    draw = partial(networks.draw, initialisation=initialisation, seed=seed, device=images.device)

    def run(network: Network, layer: Layer, before: State | None) -> State:
        if before is None:
            before = networks.stem(draw(network, layers=("stem",)), images), ReluKernel.empty(len(images))
        codes = ReluCodes(before[1])
        x = networks.run_layer(layer, draw(network, layers=(layer.name,)), before[0], on_relu=codes)
        return x, codes.kernel()

    trunk = Trunk(run)
    for group in siblings(members):
        start = time.perf_counter()
        kernels = []
        for network in group:
            x, kernel = trunk.visit(network, len(network.layers))[-1]
            codes = ReluCodes(kernel)
            codes(networks.batch_norm(x), 1)  # the head's ReLU; the classifier behind it has none
            kernels.append(codes.kernel())
        seconds = (time.perf_counter() - start) / len(group)
        yield from ((kernel, seconds) for kernel in kernels)
