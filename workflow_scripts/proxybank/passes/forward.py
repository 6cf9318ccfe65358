"""Pass P1: one clean forward pass of a batch of images; it yields the Hamming kernel of the ReLUs.

Networks of the size space are visited as the leaves of a tree: the layers of a prefix of widths run once for all
networks below it, and siblings, which differ in the last width only, run the convolutions that read the same input as
one.
"""

import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes.evidence import ReluKernel
from proxybank.passes.relu_codes import ReluCodes


def relu_kernels(
    members: Sequence[Network], images: Tensor, initialisation: str, seed: int
) -> Iterator[tuple[ReluKernel, float]]:
    """Yield the Hamming kernel of each network, and the seconds it took.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space, in official order for speed.
    images : float32 Tensor, shape (n_images, in_channels, side, side)
    initialisation : str
    seed : int
    """
    images = images.contiguous(memory_format=torch.channels_last)
    visit = _whole if members[0].space == "tss" else _tree
    with torch.inference_mode():
        yield from visit(members, images, initialisation, seed)


def _whole(members: Sequence[Network], images: Tensor, initialisation: str, seed: int) -> Iterator:
    for network in members:
        start = time.perf_counter()
        codes = ReluCodes(len(images))
        weights = networks.draw(network, initialisation, seed, device=images.device)
        networks.forward(network, weights, images, on_relu=codes)
        yield codes.kernel(), time.perf_counter() - start


def _tree(members: Sequence[Network], images: Tensor, initialisation: str, seed: int) -> Iterator:
    states: list[tuple[Tensor, ReluKernel]] = []  # after each layer of the network visited last
    visited: tuple[int, ...] = ()
    for network in members:
        start = time.perf_counter()
        shared = next((k for k, pair in enumerate(zip(network.genes, visited)) if pair[0] != pair[1]), len(visited))
        del states[shared:]
        for layer in network.layers[shared:]:
            weights = networks.draw(network, initialisation, seed, device=images.device, layers=("stem", layer.name))
            x, kernel = states[-1] if states else (networks.stem(weights, images), None)
            codes = ReluCodes(len(images), kernel)
            x = networks.run_layer(layer, weights, x, on_relu=codes)
            states.append((x, codes.kernel()))
        codes = ReluCodes(len(images), states[-1][1])
        codes(networks.batch_norm(states[-1][0]), 1)
        visited = network.genes
        yield codes.kernel(), time.perf_counter() - start
