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
def _fill_uniform(key: np.uint64, out: NDArray[np.float32]) -> None:
    """Fill with odd multiples of 2**-23 within (-1, 1), each equally likely: float32 holds them exactly."""
    for i in range(out.size):
        z = key + np.uint64(i + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        out[i] = np.float32(np.int32(z >> np.uint64(41)) * 2 + 1 - 8388608) * np.float32(2.0**-23)


def uniform(key: np.uint64, shape: tuple[int, ...]) -> Tensor:
    """Draw uniform numbers within (-1, 1), float32, never 0 or an end of the interval."""
    out = np.empty(math.prod(shape), np.float32)
    _fill_uniform(key, out)
    return torch.from_numpy(out).view(shape)


def normal(key: np.uint64, shape: tuple[int, ...]) -> Tensor:
    """Draw standard normal numbers, float32, at most 5.3 in magnitude: the quantiles of `uniform`."""
    return uniform(key, shape).erfinv_().mul_(math.sqrt(2))
