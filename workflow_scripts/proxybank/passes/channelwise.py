"""Sums and affine maps by channel, the two things BatchNorm and its derivatives are made of.

On a CPU compiled loops read channels-last memory once, where torch would go over it several times. On other devices
torch's own operations do the same, and nothing leaves the device.
"""

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proxybank.passes.devices import on_cpu

Maps = NDArray[np.floating]


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
    out: Tensor, x: Tensor, a: Tensor, y: Tensor, b: Tensor, constant: Tensor | None = None, *, add: bool = False
) -> None:
    """Set `out` to a x + b y + constant, or add it.

    Parameters
    ----------
    out, x, y : Tensors of one dtype and shape (n, n_channels, height, width), channels-last
    a, b, constant : float64 Tensors, shape (n_channels,)
    add : bool
    """
    coefficients = torch.stack([a, b, torch.zeros_like(a) if constant is None else constant]).to(out.dtype)
    if on_cpu(out):
        _affine(_maps(out), _maps(x), _maps(y), coefficients.numpy(), add)
        return
    a, b, constant = coefficients[:, :, None, None]
    total = torch.addcmul(constant, x, a).addcmul_(y, b)
    out.add_(total) if add else out.copy_(total)


def _maps(x: Tensor) -> Maps:
    """Memory of a channels-last tensor as an array of shape (n, n_pixels, n_channels)."""
    return x.permute(0, 2, 3, 1).view(len(x), -1, x.shape[1]).numpy()


# Loops over channels lie innermost, where memory is contiguous; a sum over one image is short enough for float32.
@numba.njit(cache=True, fastmath={"contract"})
def _channel_sums(u: Maps, x: Maps, centre: NDArray[np.floating], sums: NDArray[np.floating]) -> None:
    sums[:] = 0
    for n in range(u.shape[0]):
        plain, product = sums[0, n], sums[1, n]
        image = x[n % x.shape[0]]
        for p in range(u.shape[1]):
            for c in range(u.shape[2]):
                plain[c] += u[n, p, c]
                product[c] += u[n, p, c] * (image[p, c] - centre[c])


@numba.njit(cache=True, fastmath={"contract"})
def _affine(out: Maps, x: Maps, y: Maps, coefficients: NDArray[np.floating], add: bool) -> None:
    a, b, constant = coefficients[0], coefficients[1], coefficients[2]
    for n in range(out.shape[0]):
        for p in range(out.shape[1]):
            if add:
                for c in range(out.shape[2]):
                    out[n, p, c] += a[c] * x[n, p, c] + b[c] * y[n, p, c] + constant[c]
            else:
                for c in range(out.shape[2]):
                    out[n, p, c] = a[c] * x[n, p, c] + b[c] * y[n, p, c] + constant[c]
