"""A counter-based generator for weights: number i of a stream is a hash of the stream's key and i.

Every weight tensor has a stream of its own, keyed by what it belongs to. Shards, order, number of processes and
restarts therefore never change a weight.

References
----------
.. [1] G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).
"""

import hashlib
import math

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def stream_key(*parts: object) -> np.uint64:
    """64-bit key of the stream that belongs to `parts`, whose texts are hashed."""
    text = "/".join(map(str, parts))
    return np.frombuffer(hashlib.blake2b(text.encode(), digest_size=8).digest(), np.uint64)[0]


@numba.njit(cache=True)
def _fill_uniform(key: np.uint64, row: int, out: NDArray[np.float32]) -> None:
    """Fill with odd multiples of 2**-23 within (-1, 1), each equally likely: float32 holds them exactly."""
    for k in range(len(out)):
        start, part = k * row + 1, out[k]
        for i in range(len(part)):
            z = key + np.uint64(start + i) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
            part[i] = np.float32(np.int32(z >> np.uint64(41)) * 2 + 1 - 8388608) * np.float32(2.0**-23)


def uniform(key: np.uint64, shape: tuple[int, ...], row: int | None = None) -> Tensor:
    """Draw uniform numbers within (-1, 1), float32, never 0 or an end of the interval.

    Parameters
    ----------
    key : uint64
        From `stream_key`.
    shape : tuple of int
    row : int, optional
        Numbers of the stream from one entry of the first dimension to the next, if more than there are in the entry:
        the tensor is then the leading slice of a larger one with the same key and the same `row`.
    """
    n_row = math.prod(shape[1:])
    out = np.empty((shape[0], n_row), np.float32)
    _fill_uniform(key, n_row if row is None else row, out)
    return torch.from_numpy(out).view(shape)


def normal(key: np.uint64, shape: tuple[int, ...], row: int | None = None) -> Tensor:
    """Draw standard normal numbers, float32, at most 5.3 in magnitude: the quantiles of `uniform`."""
    return uniform(key, shape, row).erfinv_().mul_(math.sqrt(2))
