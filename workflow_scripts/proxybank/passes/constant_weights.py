"""Passes with one constant for all weights, those of norms included: two constants, two sets of logits.

All channels of a layer are then equal, so one channel stands for them: exactly what the wide network computes, at a
fraction of the work, which pays for float64 (products of many small weights leave the range of float32).
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes.evidence import Batch
from proxybank.spaces.tss import NONE, drop_dead_edges

CONSTANTS = (1e-7, 1.0)


@torch.inference_mode()  # on a generator, it holds within each step only
def constant_weight_logits(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield the logits of each network for the two constants, shape (2, n_images), and the seconds taken.

    All classes have the same logit, so one is given.

    Parameters
    ----------
    members : sequence of Network
    batch : Batch
        Its labels are not read.
    initialisation : str
        Not read: the definition has its own.
    seed : int
        Not read: nothing is random.
    """
    images = batch.images.double()
    for network in members:
        start = time.perf_counter()
        logits = torch.stack([_logits(network, images, constant) for constant in CONSTANTS])
        yield logits.cpu().numpy(), time.perf_counter() - start


def _logits(network: Network, images: Tensor, constant: float) -> Tensor:
    if network.space == "tss":
        # Edges without effect would need inputs of full width.
        genes = tuple(drop_dead_edges(np.array([network.genes]))[0].tolist())
        if all(gene == NONE for gene in genes):
            return images.new_zeros(len(images))
        network = replace(network, genes=genes)
    weights = _one_channel_weights(network, images, constant)
    norm = partial(_scaled_norm, scale=constant)
    return networks.forward(network, weights, images, norm=norm).logits[:, 0]


def _one_channel_weights(network: Network, images: Tensor, constant: float) -> Weights:
    """Weights that sum over equal input channels; the images' own channels differ."""
    weights = {}
    for layer, _, conv in network.convs():
        n_kept = conv.c_in if layer == "stem" else 1
        shape = (1, n_kept, conv.kernel, conv.kernel)
        weights[f"{layer}.{conv.name}"] = images.new_full(shape, constant * conv.c_in / n_kept)
    weights["classifier.weight"] = images.new_full((1, 1), constant * network.width)
    weights["classifier.bias"] = images.new_zeros(1)
    return weights


def _scaled_norm(x: Tensor, scale: float) -> Tensor:
    return networks.batch_norm(x) * scale
