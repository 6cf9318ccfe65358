"""Passes that measure effective ranks of the inputs and outputs of activation functions."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.networks.randomness import stream_key, uniform
from proxybank.passes.evidence import Batch
from proxybank.passes.operations import Operation, over_operations
from proxybank.passes.repeats import repeated

N_REPEATS, N_IMAGES = 32, 16


def effective_rank(matrix: Tensor) -> Tensor:
    """Exponential of the entropy of the singular values of a matrix, as shares of their sum; 0 for zeros.

    NaN if a value is not finite.
    """
    finite = matrix.isfinite().all()
    values = torch.linalg.svdvals(torch.where(finite, matrix, 0.0))
    total = values.sum()
    rank = torch.where(total > 0, torch.special.entr(values / total).sum().exp(), 0.0).double()
    return torch.where(finite, rank, torch.nan)


def activation_ranks(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield the sum of effective ranks of each network in each repeat, and the seconds taken.

    Summed over convolutions, norms, ReLUs and the classifier. Of each, as many pixels (images for the classifier) as
    there are channels make a square matrix: successive ones from a random row of a random image on.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Its first 16 images are used, all where there are fewer.
    initialisation : str
    seed : int
    """
    once = partial(_activation_ranks, members, batch.images[:N_IMAGES], initialisation)
    yield from ((np.array(sums), seconds) for sums, seconds in repeated(once, N_REPEATS, seed))


def _activation_ranks(
    members: Sequence[Network], images: Tensor, initialisation: str, seed: int
) -> Iterator[tuple[float, float]]:
    draw = partial(networks.draw, initialisation=initialisation, seed=seed, device=images.device)

    def add(ranks: Tensor, layer: str, operations: list[Operation]) -> Tensor:
        for number, operation in enumerate(operations):
            if operation.kind != "pool":
                place = uniform(stream_key(seed, "activation_rank", layer, number), (1,)).item() / 2 + 0.5
                ranks = ranks + operation.times * effective_rank(_square(operation.y, place))
        return ranks

    return over_operations(members, images, draw, images.new_zeros((), dtype=torch.float64), add)


def _square(y: Tensor, place: float) -> Tensor:
    """As many successive rows of the matrix of pixels by channels as it has columns; `place`, in (0, 1), says where."""
    side, n_channels = y.shape[-1] if y.dim() == 4 else 1, y.shape[1]
    rows = y.permute(0, 2, 3, 1).flatten(0, 2) if y.dim() == 4 else y
    n_starts = max(0, len(rows) - n_channels) // side + 1
    start = int(place * n_starts) * side
    return rows[start : start + n_channels]
