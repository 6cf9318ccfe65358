"""One forward pass of a batch of images; it yields the Hamming kernel of all ReLUs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes import devices, families
from proxybank.passes.devices import on_cpu
from proxybank.passes.engines import engine_for
from proxybank.passes.evidence import Batch, ReluKernel
from proxybank.passes.hamming_cuda import KERNELS
from proxybank.passes.maps import Map
from proxybank.passes.prefixes import Trunk, siblings
from proxybank.passes.relu_codes import PackedCodes, ReluCodes
from proxybank.spaces.base import Layer
from proxybank.spaces.sss import WIDTHS

# Output of a layer (of whatever type the engine works on), and the kernel of all ReLUs up to it.
State = tuple[Any, ReluKernel]


def _family(group: Sequence[Network], draw: Callable[..., Weights], x: Map, kernel: ReluKernel) -> list[ReluKernel]:
    """Kernels of networks of the size space that differ in the last width alone; see `families`."""
    name, c_in = group[0].layers[-1].name, x.shape[3]
    *_, second_widest, widest = (replace(group[0], genes=(*group[0].genes[:-1], gene)) for gene in range(len(WIDTHS)))
    weights = draw(widest, layers=(name,))
    shortcut = (draw(second_widest, layers=(name,)) if c_in == widest.width else weights)[f"{name}.0>3"]
    found = families.family_kernels(name, weights, shortcut, x, kernel, {network.width for network in group})
    return [found[network.width] for network in group]


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
    engine, cpu = engine_for(images), on_cpu(images)
    new_codes = PackedCodes if cpu else partial(ReluCodes, KERNELS[batch.hamming])

    def run(network: Network, layer: Layer, before: State | None) -> State:
        if before is None:
            before = engine.stem(draw(network, layers=("stem",)), images), ReluKernel.empty(images)
        codes = new_codes()
        x = engine.layer(layer, draw(network, layers=(layer.name,)), before[0], codes)
        return x, codes.added_to(before[1])

    def head(x: Any, kernel: ReluKernel) -> ReluKernel:
        codes = new_codes()
        engine.head(x, codes)
        return codes.added_to(kernel)

    trunk = Trunk(run)
    for group in siblings(members):
        start = devices.seconds()
        if group[0].widest and cpu:
            found = _family(group, draw, *trunk.visit(group[0], len(group[0].layers) - 1)[-1])
        else:
            found = [head(*trunk.visit(network, len(network.layers))[-1]) for network in group]
        seconds = (devices.seconds() - start) / len(group)
        yield from ((kernel, seconds) for kernel in found)
