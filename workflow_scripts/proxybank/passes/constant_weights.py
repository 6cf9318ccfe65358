"""Passes with one constant for all weights, those of norms included: two constants, two sets of logits.

All channels of a layer are then equal, so one channel stands for them: exactly what the wide network computes, at a
fraction of the work, which pays for float64 (products of many small weights leave the range of float32).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes import devices
from proxybank.passes.evidence import Batch
from proxybank.passes.prefixes import Trunk
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import NONE, drop_dead_edges

CONSTANTS = (1e-7, 1.0)

State = tuple[Tensor, ...]  # output of a layer for each constant


@torch.inference_mode()  # on a generator, it holds within each step only
def constant_weight_logits(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield the logits of each network for the two constants, shape (2, n_images), and the seconds taken.

    All classes have the same logit, so one is given.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Its labels are not read.
    initialisation : str
        Not read: the definition has its own.
    seed : int
        Not read: nothing is random.
    """
    images = batch.images.double()

    def run(network: Network, layer: Layer, before: State | None) -> State:
        outputs = []
        for number, constant in enumerate(CONSTANTS):
            norm = partial(_scaled_norm, scale=constant)
            if before is None:
                x = networks.stem(_one_channel_weights(network, "stem", images, constant), images, norm)
            else:
                x = before[number]
            weights = _one_channel_weights(network, layer.name, images, constant)
            outputs.append(networks.run_layer(layer, weights, x, norm))
        return tuple(outputs)

    trunk = Trunk(run)
    for network in members:
        start = devices.seconds()
        if network.space == "tss":
            # Edges without effect would need inputs of full width.
            genes = tuple(drop_dead_edges(np.array([network.genes]))[0].tolist())
            network = replace(network, genes=genes)
        if network.space == "tss" and all(gene == NONE for gene in network.genes):
            logits = images.new_zeros(len(CONSTANTS), len(images))
        else:
            outputs = trunk.visit(network, len(network.layers))[-1]
            logits = torch.stack([_logit(network, x, c) for x, c in zip(outputs, CONSTANTS, strict=True)])
        yield logits.cpu().numpy(), devices.seconds() - start


def _logit(network: Network, x: Tensor, constant: float) -> Tensor:
    weights = {
        "classifier.weight": x.new_full((1, 1), constant * network.width),
        "classifier.bias": x.new_zeros(1),
    }
    return networks.head(weights, x, partial(_scaled_norm, scale=constant)).logits[:, 0]


def _one_channel_weights(network: Network, layer: str, images: Tensor, constant: float) -> Weights:
    """Weights of a layer that sum over equal input channels; the images' own channels differ."""
    weights = {}
    for _, _, conv in network.convs(only=(layer,)):
        n_kept = conv.c_in if layer == "stem" else 1
        shape = (1, n_kept, conv.kernel, conv.kernel)
        weights[f"{layer}.{conv.name}"] = images.new_full(shape, constant * conv.c_in / n_kept)
    return weights


def _scaled_norm(x: Tensor, scale: float) -> Tensor:
    return networks.batch_norm(x) * scale
