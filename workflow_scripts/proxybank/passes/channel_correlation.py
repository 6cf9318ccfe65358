"""Pass of one image: least eigenvalues of the correlation between the channels of each operation's output."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.networks.randomness import stream_key, uniform
from proxybank.passes.evidence import Batch
from proxybank.passes.operations import Operation, over_operations

N_SAMPLED = 8


class ChannelCorrelations(NamedTuple):
    """Least eigenvalues of channel correlations (pass ``channel_correlation``).

    Attributes
    ----------
    least : float
        Sum over operations of the least eigenvalue.
    least_sampled : float
        The same among 8 channels drawn at random, or all if there are fewer; each weighted by the number of channels
        over that of those drawn.
    """

    least: float
    least_sampled: float


def least_eigenvalue(maps: Tensor) -> Tensor:
    """Least eigenvalue of the correlation matrix of the rows of `maps`, 0 for those of a row that does not vary.

    Parameters
    ----------
    maps : Tensor, shape (n_channels, n_pixels)
    """
    maps = maps.double()
    if maps.shape[1] <= len(maps):  # centred, so many pixels have a lower rank
        return 0 * maps.sum()  # NaN stays
    centred = maps - maps.mean(dim=1, keepdim=True)
    norms = centred.norm(dim=1, keepdim=True)
    # Rounding leaves a constant row with a tiny norm.
    varies = norms > 1e-12 * maps.norm(dim=1, keepdim=True)
    scaled = torch.where(varies, centred / norms, 0.0)
    return torch.linalg.eigvalsh(scaled @ scaled.T)[0]


def channel_correlations(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[ChannelCorrelations, float]]:
    """Yield the sums of least eigenvalues of each network, and the seconds taken.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Its first image is used.
    initialisation : str
    seed : int
        Keys the drawn channels too.
    """
    image = batch.images[:1]
    draw = partial(networks.draw, initialisation=initialisation, seed=seed, device=image.device)

    def add(sums: Tensor, layer: str, operations: list[Operation]) -> Tensor:
        for number, operation in enumerate(operations):
            maps = operation.y[0].flatten(1) if operation.y.dim() == 4 else operation.y[0][:, None]
            n_channels = len(maps)
            drawn = uniform(stream_key(seed, "channel_correlation", layer, number), (n_channels,)).argsort()
            drawn = drawn[:N_SAMPLED].to(maps.device)
            sampled = least_eigenvalue(maps[drawn]) * n_channels / len(drawn)
            sums = sums + operation.times * torch.stack([least_eigenvalue(maps), sampled])
        return sums

    for sums, seconds in over_operations(members, image, draw, image.new_zeros(2, dtype=torch.float64), add):
        yield ChannelCorrelations(*sums), seconds
