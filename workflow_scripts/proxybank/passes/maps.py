"""Kernels over feature maps in channels-last memory, for forward passes on the CPU without differentiation.

A map is an array of shape (n_images, height, width, channels): float32, or int16 that holds bfloat16 numbers, which
processors with instructions for them convolve twice as fast. Arithmetic between load and store is float32.

A norm and whatever is added to its output are one sweep over memory here; PyTorch takes one for each of them, and as
long for a batch norm as for a convolution.
"""

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

Map = NDArray[np.float32] | NDArray[np.int16]

_EPSILON = 1e-5  # networks.EPSILON; compiled code is kept until this file changes
_TILE = 1024  # numbers worked on together: they stay in the first cache
_TILES_PER_SUM = 64  # tiles added up in float32 before their sum is widened

# Sums may be reordered, so that they run on vectors; nothing is assumed of infinities and NaN.
_FAST = {"contract", "reassoc", "nsz"}


@intrinsic
def _float_of(typing_context, word):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), generate


@intrinsic
def _word_of(typing_context, number):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.uint32(types.float32), generate


@intrinsic
def _positive64(typing_context, numbers, start):
    """Bits that say which of 64 successive numbers are above zero; a bfloat16 is so if its int16 is, NaN aside."""

    def generate(context, builder, signature, arguments):
        array_type = signature.args[0]
        data = context.make_array(array_type)(context, builder, arguments[0]).data
        size = array_type.dtype.bitwidth // 8
        vector = ir.VectorType(ir.IntType(16) if array_type.dtype == types.int16 else ir.FloatType(), 64)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), vector.as_pointer())
        loaded, zeros = builder.load(place, align=size), ir.Constant(vector, None)
        is_integer = array_type.dtype == types.int16
        above = builder.icmp_signed(">", loaded, zeros) if is_integer else builder.fcmp_ordered(">", loaded, zeros)
        return builder.bitcast(above, ir.IntType(64))

    return types.uint64(numbers, types.intp), generate


def widen(number):
    """Float32 of a number in a map."""


def narrow(number, out):
    """Float32 as `out` holds it, rounded to the nearest."""


@overload(widen, inline="always")
def _widen_overload(number):
    if number == types.int16:
        return lambda number: _float_of(np.uint32(np.uint16(number)) << np.uint32(16))
    return lambda number: number


@overload(narrow, inline="always")
def _narrow_overload(number, out):
    if out.dtype == types.int16:

        def to_bfloat16(number, out):
            word = _word_of(number)
            return np.int16((word + np.uint32(0x7FFF) + ((word >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))

        return to_bfloat16
    return lambda number, out: number


@numba.njit(cache=True, nogil=True, fastmath=_FAST)
def _normalising(x, n_channels):
    n_tile = n_channels * max(1, _TILE // n_channels)
    totals, squares = np.zeros(n_tile), np.zeros(n_tile)
    some, some_squares = np.zeros(n_tile, np.float32), np.zeros(n_tile, np.float32)
    n_added = 0
    for start in range(0, len(x), n_tile):
        part = x[start : start + n_tile]
        for i in range(len(part)):
            number = widen(part[i])
            some[i] += number
            some_squares[i] += number * number
        n_added += 1
        if n_added == _TILES_PER_SUM or start + n_tile >= len(x):
            for i in range(n_tile):
                totals[i] += some[i]
                squares[i] += some_squares[i]
                some[i] = 0
                some_squares[i] = 0
            n_added = 0
    for i in range(n_channels, n_tile):
        totals[i % n_channels] += totals[i]
        squares[i % n_channels] += squares[i]
    n_pixels = len(x) // n_channels
    variances = np.empty(n_channels)
    for i in range(n_tile):
        mean = totals[i % n_channels] / n_pixels
        variance = max(0.0, squares[i % n_channels] / n_pixels - mean * mean)
        scale = 1 / np.sqrt(variance + _EPSILON)
        some[i] = scale
        some_squares[i] = -mean * scale
        variances[i % n_channels] = variance
    return some, some_squares, variances


@numba.njit(cache=True, nogil=True, fastmath=_FAST)
def _add_up(shift, x, a, y, c, z, e, total, active):
    # What is None is left out when this is compiled. A loop writes one array and reads few: LLVM runs those on vectors.
    n_tile = len(a)
    tile = np.empty(n_tile, np.float32)
    for start in range(0, len(x), n_tile):
        first = x[start : start + n_tile]
        n = len(first)
        if y is None:
            for i in range(n):
                tile[i] = a[i] * widen(first[i]) + shift[i]
        elif z is None:
            second = y[start : start + n_tile]
            for i in range(n):
                tile[i] = a[i] * widen(first[i]) + c[i] * widen(second[i]) + shift[i]
        else:
            second, third = y[start : start + n_tile], z[start : start + n_tile]
            for i in range(n):
                tile[i] = a[i] * widen(first[i]) + c[i] * widen(second[i]) + e[i] * widen(third[i]) + shift[i]
        if total is not None:
            out = total[start : start + n_tile]
            for i in range(n):
                out[i] = narrow(tile[i], out)
        if active is not None:
            out_active = active[start : start + n_tile]
            for i in range(n):
                out_active[i] = narrow(max(tile[i], np.float32(0)), out_active)


@numba.njit(cache=True, nogil=True, fastmath=_FAST)
def _squared_change(x, y):
    totals = np.zeros(_TILE)
    for start in range(0, len(x), _TILE):
        first, second = x[start : start + _TILE], y[start : start + _TILE]
        for i in range(len(first)):
            change = widen(first[i]) - widen(second[i])
            totals[i] += change * change
    return totals.sum()


@numba.njit(cache=True, nogil=True)
def _signs(x, out):
    for image in range(len(x)):
        numbers, words = x[image], out[image]
        n_whole = len(numbers) // 64
        for k in range(n_whole):
            words[k] = _positive64(numbers, 64 * k)
        for i in range(64 * n_whole, len(numbers)):
            words[i // 64] |= np.uint64(numbers[i] > 0) << np.uint64(i % 64)


@numba.njit(cache=True, nogil=True)
def _mark_patterns(x, seen):
    patterns = np.empty(_TILE, np.uint32)
    for start in range(0, x.shape[1], _TILE):
        n = min(_TILE, x.shape[1] - start)
        patterns[:] = 0
        for image in range(len(x)):
            numbers, bit = x[image, start : start + n], np.uint32(1) << np.uint32(image)
            for i in range(n):
                patterns[i] |= bit if numbers[i] > 0 else np.uint32(0)
        for i in range(n):
            seen[patterns[i]] = True


@numba.njit(cache=True, nogil=True, fastmath=_FAST)
def _pool(x, out, back):
    # A mean is a sum of neighbours, divided by their number; back, numbers are divided first.
    n_images, height, width, n_channels = x.shape
    n_row = width * n_channels
    row = np.zeros(n_row + 2 * n_channels, np.float32)  # between a pixel of zeros on either side
    middle, right = row[n_channels : n_channels + n_row], row[2 * n_channels :]
    sums = np.empty((3, n_row), np.float32)  # of neighbours within each of the last three rows
    before, after = np.ones(n_row, np.float32), np.ones(n_row, np.float32)
    shares = before if back else after
    for i in range(n_row):
        w = i // n_channels
        shares[i] = 1 / (1 + (w > 0) + (w < width - 1))
    for image in range(n_images):
        rows, pooled_rows = x[image].reshape(height, n_row), out[image].reshape(height, n_row)
        for h in range(height + 1):
            if h < height:
                added, pixels = sums[h % 3], rows[h]
                share = np.float32(1 / (1 + (h > 0) + (h < height - 1)) if back else 1)
                for i in range(n_row):
                    middle[i] = widen(pixels[i]) * before[i] * share
                for i in range(n_row):
                    added[i] = (row[i] + middle[i] + right[i]) * after[i]
            if h > 0:
                pooled, own = pooled_rows[h - 1], sums[(h - 1) % 3]
                above, below = sums[(h - 2) % 3], sums[h % 3]
                share = np.float32(1 if back else 1 / (1 + (h > 1) + (h < height)))
                if 1 < h < height:
                    for i in range(n_row):
                        pooled[i] = narrow((above[i] + own[i] + below[i]) * share, pooled)
                elif height > 1:
                    other = below if h == 1 else above
                    for i in range(n_row):
                        pooled[i] = narrow((own[i] + other[i]) * share, pooled)
                else:
                    for i in range(n_row):
                        pooled[i] = narrow(own[i], pooled)


class Term:
    """What is added up to the value of a node: a map, or a batch norm of it.

    Parameters
    ----------
    values : Map
    scale, shift : float32, shape (n,)
        Factor and summand of each channel, over and over for `n` numbers, a multiple of the channels.
    variances : float64, shape (n_channels,), optional
        What a norm found in its input; of other terms nobody asks.
    """

    def __init__(
        self,
        values: Map,
        scale: NDArray[np.float32],
        shift: NDArray[np.float32],
        variances: NDArray[np.float64] | None = None,
    ) -> None:
        self.values, self.scale, self.shift, self.variances = values, scale, shift, variances


def as_it_is(x: Map) -> Term:
    """Term that is the map itself."""
    n_tile = x.shape[3] * max(1, _TILE // x.shape[3])
    return Term(x, np.ones(n_tile, np.float32), np.zeros(n_tile, np.float32))


def normalised(x: Map) -> Term:
    """Batch norm of a map in training mode, scale 1 and shift 0."""
    return Term(x, *_normalising(x.reshape(-1), x.shape[3]))


def add_up(terms: list[Term], *, total: bool = True, active: bool = True) -> tuple[Map | None, Map | None]:
    """Sum of one to three terms, and its ReLU, in the precision of the first; what is not asked for is None."""
    first = terms[0].values
    out, out_active = (np.empty_like(first) if asked else None for asked in (total, active))
    arguments = [array for term in terms for array in (term.values.reshape(-1), term.scale)]
    arguments += [None] * (6 - len(arguments))
    arguments += [None if array is None else array.reshape(-1) for array in (out, out_active)]
    _add_up(sum(term.shift for term in terms), *arguments)
    return out, out_active


def pool(x: Map) -> Map:
    """3x3 average pooling of stride 1, which does not count padding."""
    out = np.empty_like(x)
    _pool(x, out, False)
    return out


def pool_back(x: Map) -> Map:
    """Derivatives to the input of `pool`, given those to its output."""
    out = np.empty_like(x)
    _pool(x, out, True)
    return out


def mean_squared_change(x: Map, y: Map) -> float:
    """Mean over all numbers of the squared difference of two maps of one shape, added up in float64."""
    return _squared_change(x.reshape(-1), y.reshape(-1)) / x.size


def signs(x: Map) -> NDArray[np.uint64]:
    """Bits that say which numbers of each image are above zero, padded with zeros; shape (n_images, n_words)."""
    flat = x.reshape(len(x), -1)
    n_words = -(-flat.shape[1] // 64)
    out = np.empty((len(x), n_words), np.uint64) if flat.shape[1] % 64 == 0 else np.zeros((len(x), n_words), np.uint64)
    _signs(flat, out)
    return out


def mark_patterns(x: Map, seen: NDArray[np.bool_]) -> None:
    """Mark which signs over the images the numbers of a map show: image i has bit i, set above zero.

    Parameters
    ----------
    x : Map
    seen : bool, shape (2 ** n_images,)
        Marks are added to these.
    """
    _mark_patterns(x.reshape(len(x), -1), seen)


@numba.njit(cache=True, nogil=True)
def add_groups(parts, first, second):
    """Running sums over groups of either convolution; group k makes the leading channels of the k-th width.

    For `families`. It stands here, since numba compiles it anew only where the code of its own file changes.
    """
    n_pixels, n_groups, n_sums = parts.shape
    n, step = n_sums // 2, n_sums // 2 // n_groups
    sums = np.empty(n_sums, np.float32)
    for pixel in range(n_pixels):
        sums[:] = 0
        start = 0
        for group in range(n_groups):
            part, width = parts[pixel, group], (group + 1) * step
            for i in range(n_sums):
                sums[i] += widen(part[i])
            place = start + pixel * width
            out, other, shifted = first[place : place + width], second[place : place + width], sums[n:]
            for i in range(width):
                out[i] = narrow(sums[i], out)
                other[i] = narrow(shifted[i], other)
            start += n_pixels * width
