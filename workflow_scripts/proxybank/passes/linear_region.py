"""Pass of thousands of tiny crops through one cell of one channel: how many linear regions they fall into."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.networks.randomness import stream_key, uniform
from proxybank.passes import devices
from proxybank.passes.evidence import Batch
from proxybank.passes.hamming import pack

N_CROPS, SIDE = 3000, 3


@torch.inference_mode()  # on a generator, it holds within each step only
def linear_regions(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[int | None, float]]:
    """Yield the number of different ReLU codes among the crops for each network's cell, and the seconds taken.

    On the size space, where all cells are the same, it is None.

    Parameters
    ----------
    members : sequence of Network
    batch : Batch
        Where the crops are taken from, one random channel each; its labels are not read.
    initialisation : str
        Not read: the definition has its own.
    seed : int
        Keys the crops too, which are the same for all networks.
    """
    crops = _crops(batch.images, seed)
    for network in members:
        start = devices.seconds()
        yield None if network.space == "sss" else _count(network, crops, seed), devices.seconds() - start


def _count(network: Network, crops: Tensor, seed: int) -> int:
    thin = replace(network, skeleton=replace(network.skeleton, stem_width=1, cells_per_stage=1))
    cell = thin.layers[0]
    weights = networks.draw(thin, "kaiming_normal_fan_out", seed, device=crops.device, layers=(cell.name,))
    signs: list[Tensor] = []
    x = networks.run_layer(cell, weights, crops, on_relu=lambda z, _: signs.append(z > 0))
    signs.append(networks.batch_norm(x) > 0)
    codes = torch.cat([part.flatten(1) for part in signs], dim=1).cpu().numpy()
    return len(np.unique(pack(codes), axis=0))


def _crops(images: Tensor, seed: int) -> Tensor:
    """Crops of random images, channels and places; shape (n_crops, 1, side, side)."""
    n_places = images.shape[2] - SIDE + 1
    limits = torch.tensor([*images.shape[:2], n_places, n_places])
    drawn = (uniform(stream_key(seed, "linear_region"), (N_CROPS, 4)) / 2 + 0.5) * limits
    image, channel, top, left = drawn.long().clamp(max=limits - 1).T.to(images.device)  # a product may round up
    offsets = torch.arange(SIDE, device=images.device)
    rows, columns = top[:, None, None] + offsets[:, None], left[:, None, None] + offsets
    return images[image[:, None, None], channel[:, None, None], rows, columns][:, None]
