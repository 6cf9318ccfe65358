"""The Hamming kernel: on how many ReLU units two images agree, from codes of one bit a unit."""

import numba
import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray


@intrinsic
def _popcount(typing_context, word):
    """Count the ones of an unsigned 64-bit word: one instruction, on vectors of words where the processor has that."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@numba.njit(cache=True, nogil=True)
def _add_distances(codes, times, distances):
    # Four images at once, so that a word of the fifth is loaded once for all of them.
    for i in range(len(codes)):
        own = codes[i]
        j = 0
        while j + 4 <= i:
            a, b, c, d = codes[j], codes[j + 1], codes[j + 2], codes[j + 3]
            to_a = to_b = to_c = to_d = np.uint64(0)
            for k in range(len(own)):
                word = own[k]
                to_a += _popcount(word ^ a[k])
                to_b += _popcount(word ^ b[k])
                to_c += _popcount(word ^ c[k])
                to_d += _popcount(word ^ d[k])
            distances[i, j] += times * np.int64(to_a)
            distances[i, j + 1] += times * np.int64(to_b)
            distances[i, j + 2] += times * np.int64(to_c)
            distances[i, j + 3] += times * np.int64(to_d)
            j += 4
        while j < i:
            a, to_a = codes[j], np.uint64(0)
            for k in range(len(own)):
                to_a += _popcount(own[k] ^ a[k])
            distances[i, j] += times * np.int64(to_a)
            j += 1


def add_distances(codes: NDArray[np.uint64], times: int, distances: NDArray[np.int64]) -> None:
    """Add the number of bits in which each pair of codes differs, `times` over, below the diagonal of `distances`.

    Parameters
    ----------
    codes : uint64, shape (n_images, n_words)
    times : int
    distances : int64, shape (n_images, n_images)
        Changed in place; what is on the diagonal and above stays.
    """
    _add_distances(codes, times, distances)


def pack(signs: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pack signs, shape (n_images, n_units), into words, padded with zeros; shape (n_images, n_words)."""
    packed = np.packbits(signs, axis=1)
    return np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view(np.uint64)
