"""Patches of single images: unfolding, folding, sums over 3 x 3 pixels; on the CPU numba is faster than PyTorch."""

import numba
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank.passes.devices import on_cpu


@numba.njit(cache=True, nogil=True)
def _inside(shift, stride, side, width):
    """First and last (exclusive) of the columns w of a patch for which pixel ``w * stride + shift`` is in the image."""
    return max(0, -(shift // stride)), min(width, (side - 1 - shift) // stride + 1)


@numba.njit(cache=True, nogil=True)
def _unfold(x, stride, out):
    n_channels, size, _, height, width = out.shape
    pad, side = size // 2, x.shape[1]
    for j in range(size):
        first, last = _inside(j - pad, stride, side, width)
        for c in range(n_channels):
            for i in range(size):
                for h in range(height):
                    to, row = out[c, i, j, h], h * stride + i - pad
                    to[:first] = 0
                    to[last:] = 0
                    if row < 0 or row >= side:
                        to[first:last] = 0
                    elif stride == 1:  # a loop of its own, which runs on vectors
                        pixels = x[c, row, first + j - pad : last + j - pad]
                        for w in range(last - first):
                            to[first + w] = pixels[w]
                    else:
                        for w in range(first, last):
                            to[w] = x[c, row, w * stride + j - pad]


@numba.njit(cache=True, nogil=True)
def _fold(columns, stride, out):
    n_images, n_channels, size, _, height, width = columns.shape
    pad, side = size // 2, out.shape[2]
    for n in range(n_images):
        for c in range(n_channels):
            for i in range(size):
                for j in range(size):
                    first, last = _inside(j - pad, stride, side, width)
                    for h in range(height):
                        row = h * stride + i - pad
                        if row < 0 or row >= side:
                            continue
                        own = columns[n, c, i, j, h]
                        if stride == 1:
                            to = out[n, c, row, first + j - pad : last + j - pad]
                            for w in range(last - first):
                                to[w] += own[first + w]
                        else:
                            for w in range(first, last):
                                out[n, c, row, w * stride + j - pad] += own[w]


@numba.njit(cache=True, nogil=True)
def _sum_3x3(x, out):
    n_maps, side, width = x.shape
    padded = np.zeros(width + 2, np.float32)
    middle = padded[1 : width + 1]
    for k in range(n_maps):
        for h in range(side):
            middle[:] = x[k, h]
            if h > 0:
                for w in range(width):
                    middle[w] += x[k, h - 1, w]
            if h < side - 1:
                for w in range(width):
                    middle[w] += x[k, h + 1, w]
            for w in range(width):
                out[k, h, w] = padded[w] + padded[w + 1] + padded[w + 2]


def unfold(x: Tensor, size: int, stride: int) -> Tensor:
    """Patches that a convolution of odd `size` sees, with as much padding as keeps the size.

    Parameters
    ----------
    x : float32 Tensor, shape (channels, side, side)
    size, stride : int

    Returns
    -------
    float32 Tensor, shape (channels * size ** 2, n_pixels)
    """
    if not on_cpu(x):
        return F.unfold(x, size, padding=size // 2, stride=stride)
    side = -(-x.shape[1] // stride)
    out = torch.empty(len(x), size, size, side, side)
    _unfold(x.contiguous().numpy(), stride, out.numpy())
    return out.view(-1, side * side)


def fold(columns: Tensor, size: int, stride: int, side: int) -> Tensor:
    """Adjoint of `unfold`: sum up what patches give each pixel.

    Parameters
    ----------
    columns : float32 Tensor, shape (n, channels * size ** 2, n_pixels)
    size, stride : int
    side : int
        Of the images.

    Returns
    -------
    float32 Tensor, shape (n, channels, side, side)
    """
    if not on_cpu(columns):
        return F.fold(columns, (side, side), size, padding=size // 2, stride=stride)
    side_of_columns = -(-side // stride)
    columns = columns.contiguous().view(len(columns), -1, size, size, side_of_columns, side_of_columns)
    out = torch.zeros(*columns.shape[:2], side, side)
    _fold(columns.numpy(), stride, out.numpy())
    return out


def sum_3x3(x: Tensor) -> Tensor:
    """Sum of each pixel and its neighbours; float32, shape (..., side, side)."""
    if not on_cpu(x):
        return F.avg_pool2d(x, 3, stride=1, padding=1, divisor_override=1)
    x = x.contiguous()
    out = torch.empty_like(x)
    _sum_3x3(x.flatten(0, -3).numpy(), out.flatten(0, -3).numpy())
    return out
