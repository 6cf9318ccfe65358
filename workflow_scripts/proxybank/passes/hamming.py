"""The Hamming kernel: on how many ReLU units two images agree, from codes of one bit a unit."""

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

_BLOCK = 256  # words of each image's code worked on together: 64 images then take 128 KiB, which fits the cache


@intrinsic
def _popcount(typing_context, word):
    """Count the ones of an unsigned 64-bit word: one instruction, on vectors of words where the processor has that."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@numba.njit(cache=True, nogil=True)
def _add_distances(codes, distances):
    n_images, n_words = codes.shape
    for start in range(0, n_words, _BLOCK):
        stop = min(start + _BLOCK, n_words)
        for i in range(n_images):
            for j in range(i):
                total = np.uint64(0)
                for word in range(start, stop):
                    total += _popcount(codes[i, word] ^ codes[j, word])
                distances[i, j] += np.int64(total)


def hamming_distances(codes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Bits in which each pair of codes differs.

    Parameters
    ----------
    codes : uint64, shape (n_images, n_words)

    Returns
    -------
    int64, shape (n_images, n_images)
        Symmetric, zero on the diagonal.
    """
    distances = np.zeros((len(codes), len(codes)), np.int64)
    _add_distances(codes, distances)
    return distances + distances.T


def pack(signs: list[NDArray[np.bool_]]) -> NDArray[np.uint64]:
    """Pack arrays of signs (bool, shape (n_images, n_units_k)) into words, padded with zeros; (n_images, n_words)."""
    packed = [np.packbits(part, axis=1) for part in signs]
    n_bytes = sum(part.shape[1] for part in packed)
    padding = np.zeros((len(signs[0]), -n_bytes % 8), np.uint8)
    return np.concatenate([*packed, padding], axis=1).view(np.uint64)
