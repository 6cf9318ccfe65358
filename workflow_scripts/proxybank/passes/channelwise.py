"""Sums and affine maps by channel, the two things BatchNorm and its derivatives are made of.

On a CPU compiled loops read channels-last memory once, where torch would go over it several times. On other devices
torch's own operations do the same, and nothing leaves the device.
"""

import numba
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from proxybank.passes.devices import on_cpu

Maps = NDArray[np.floating]

_TILE = 512  # numbers worked on together: they stay in the first cache


def channel_sums(u: Tensor, x: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over the pixels of each image and channel of u, and of u (x - centre).

    Parameters
    ----------
    u : Tensor, shape (n, n_channels, height, width), channels-last
    x : Tensor of the same kind, shape (n_images, ...)
        Where n is a multiple of n_images, each block of n_images of `u` meets the whole of it.
    centre : float64 Tensor, shape (n_channels,)

    Returns
    -------
    two Tensors of the same dtype, shape (n, n_channels)
    """
    if on_cpu(u):
        sums = u.new_empty(2, *u.shape[:2])
        _channel_sums(_maps(u), _maps(x), centre.to(u.dtype).numpy(), sums.numpy())
        return sums[0], sums[1]
    centred = x - centre.to(x.dtype)[:, None, None]
    products = u.unflatten(0, (-1, len(x))) * centred
    return u.sum(dim=(2, 3)), products.flatten(0, 1).sum(dim=(2, 3))


def affine(
    out: Tensor, u: Tensor, a: Tensor, x: Tensor, b: Tensor, constant: Tensor | None = None, *, add: bool = False
) -> None:
    """Set `out` to a u + b x + constant, or add it.

    Parameters
    ----------
    out, u : Tensors of one dtype and shape (n, n_channels, height, width), channels-last
    x : Tensor of the same kind, shape (n_images, ...)
        Where n is a multiple of n_images, each block of n_images of `u` meets the whole of it.
    a, b, constant : float64 Tensors, shape (n_channels,), or (n / n_images, n_channels) with a row for each block
    add : bool
    """
    n_blocks = len(u) // len(x)
    coefficients = out.new_zeros(n_blocks, 3, out.shape[1])
    for k, coefficient in enumerate((a, b, constant)):
        if coefficient is not None:
            coefficients[:, k] = coefficient
    if on_cpu(out):
        _affine(_maps(out), _maps(u), _maps(x), coefficients.numpy(), add)
        return
    a, b, constant = coefficients.unbind(1)
    a, b, constant = (value[:, None, :, None, None] for value in (a, b, constant))
    total = (u.unflatten(0, (n_blocks, -1)) * a).add_(constant).add_(x * b).flatten(0, 1)
    out.add_(total) if add else out.copy_(total)


def _maps(x: Tensor) -> Maps:
    """Memory of a channels-last tensor as an array of shape (n, n_pixels, n_channels)."""
    return x.permute(0, 2, 3, 1).view(len(x), -1, x.shape[1]).numpy()


@numba.njit(cache=True, nogil=True)
def _n_together(n_pixels: int, n_channels: int) -> int:
    """Pixels worked on together: a power of two that divides their number."""
    n = n_pixels & -n_pixels
    while n > 1 and n * n_channels > _TILE:
        n //= 2
    return n


# Innermost loops run over numbers that lie together. A sum over one image is short enough for float32.
@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _channel_sums(u: Maps, x: Maps, centre: NDArray[np.floating], sums: NDArray[np.floating]) -> None:
    n_images, n_pixels, n_channels = x.shape
    step = n_channels * _n_together(n_pixels, n_channels)
    centres, plain, product = np.empty(step, x.dtype), np.empty(step, x.dtype), np.empty(step, x.dtype)
    for i in range(step):
        centres[i] = centre[i % n_channels]
    for n in range(len(u)):
        of_u, of_x = u[n].reshape(-1), x[n % n_images].reshape(-1)
        plain[:] = 0
        product[:] = 0
        for start in range(0, n_pixels * n_channels, step):
            u_part, x_part = of_u[start : start + step], of_x[start : start + step]
            for i in range(step):
                plain[i] += u_part[i]
                product[i] += u_part[i] * (x_part[i] - centres[i])
        sums[:, n] = 0
        for start in range(0, step, n_channels):
            for c in range(n_channels):
                sums[0, n, c] += plain[start + c]
                sums[1, n, c] += product[start + c]


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _affine(out: Maps, u: Maps, x: Maps, coefficients: NDArray[np.floating], add: bool) -> None:
    n_images, n_pixels, n_channels = x.shape
    step = n_channels * _n_together(n_pixels, n_channels)
    a, b, constant = np.empty(step, x.dtype), np.empty(step, x.dtype), np.empty(step, x.dtype)
    for n in range(len(u)):
        if n % n_images == 0:
            own = coefficients[n // n_images]
            for i in range(step):
                c = i % n_channels
                a[i], b[i], constant[i] = own[0, c], own[1, c], own[2, c]
        to, of_u, of_x = out[n].reshape(-1), u[n].reshape(-1), x[n % n_images].reshape(-1)
        for start in range(0, n_pixels * n_channels, step):
            to_part, u_part, x_part = to[start : start + step], of_u[start : start + step], of_x[start : start + step]
            if add:
                for i in range(step):
                    to_part[i] += a[i] * u_part[i] + b[i] * x_part[i] + constant[i]
            else:
                for i in range(step):
                    to_part[i] = a[i] * u_part[i] + b[i] * x_part[i] + constant[i]
