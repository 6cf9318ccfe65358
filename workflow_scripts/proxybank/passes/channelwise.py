"""Sums and linear combinations by channel, the two things BatchNorm and its derivatives are made of.

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

_TILE = 128  # numbers worked on together, for which coefficients stay in registers or the first cache


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


def mix(
    out: Tensor,
    u: Tensor,
    x: Tensor,
    scale: Tensor,
    along_x: Tensor,
    constant: Tensor,
    turn: tuple[Tensor, Tensor, Tensor] | None = None,
    *,
    add: bool = False,
) -> None:
    """Set blocks of `out` to combinations of those of `u` with x, or add them.

    Block i is scale u_i + along_x_i x + constant_i. With `turn` = (dx, along_u, along_dx), along_u u_last + along_dx dx
    is added to the last but one.

    Parameters
    ----------
    out, u : Tensors of one dtype, shape (n_blocks * n_images, n_channels, height, width), channels-last
    x, dx : Tensors of the same kind, shape (n_images, ...)
    scale, along_u, along_dx : float64 Tensors, shape (n_channels,)
    along_x, constant : float64 Tensors, shape (n_blocks, n_channels)
    turn : tuple, optional
    add : bool
    """
    coefficients = torch.stack([scale.expand_as(along_x), along_x, constant], dim=1).to(u.dtype)
    dx, along = None, None
    if turn is not None:
        dx, along = turn[0], torch.stack(turn[1:]).to(u.dtype)
    if on_cpu(u):
        flat = (None if maps is None else _maps(maps).reshape(len(maps), -1) for maps in (out, u, x, dx))
        _mix(*flat, _tile(coefficients), None if along is None else _tile(along), add)
        return
    a, b, constant = coefficients[..., None, None].unsqueeze(1).unbind(dim=2)
    blocks = u.unflatten(0, (-1, len(x)))
    total = torch.addcmul(constant, blocks, a).addcmul_(x, b)
    if dx is not None:
        along_u, along_dx = along[..., None, None]
        total[-2].addcmul_(blocks[-1], along_u).addcmul_(dx, along_dx)
    total = total.flatten(0, 1)
    out.add_(total) if add else out.copy_(total)


def _maps(x: Tensor) -> Maps:
    """Memory of a channels-last tensor as an array of shape (n, n_pixels, n_channels)."""
    return x.permute(0, 2, 3, 1).view(len(x), -1, x.shape[1]).numpy()


def _tile(by_channel: Tensor) -> NDArray[np.floating]:
    """Repeat numbers of the channels, which come last, for several pixels."""
    n_pixels = max(1, _TILE // by_channel.shape[-1])
    return by_channel.repeat(*[1] * (by_channel.dim() - 1), n_pixels).numpy()


# Loops over channels lie innermost, where memory is contiguous; a sum over one image is short enough for float32. Loops
# over images lie outermost, so that what several blocks need of one is still in the cache.
@numba.njit(cache=True, fastmath={"contract"})
def _channel_sums(u: Maps, x: Maps, centre: NDArray[np.floating], sums: NDArray[np.floating]) -> None:
    sums[:] = 0
    for n in range(x.shape[0]):
        image = x[n]
        for m in range(n, u.shape[0], x.shape[0]):
            plain, product = sums[0, m], sums[1, m]
            for p in range(u.shape[1]):
                for c in range(u.shape[2]):
                    plain[c] += u[m, p, c]
                    product[c] += u[m, p, c] * (image[p, c] - centre[c])


@numba.njit(cache=True, fastmath={"contract"})
def _mix(
    out: Maps,
    u: Maps,
    x: Maps,
    dx: Maps | None,
    coefficients: NDArray[np.floating],
    along: NDArray[np.floating] | None,
    add: bool,
) -> None:
    n_images, n_blocks, n_tile = len(x), len(coefficients), coefficients.shape[2]
    for n in range(n_images):
        for start in range(0, x.shape[1], n_tile):
            tile = slice(start, start + n_tile)
            y = x[n, tile]
            for block in range(n_blocks):
                v, w = u[block * n_images + n, tile], out[block * n_images + n, tile]
                a, b, constant = coefficients[block, 0], coefficients[block, 1], coefficients[block, 2]
                if add:
                    for i in range(len(w)):
                        w[i] += a[i] * v[i] + b[i] * y[i] + constant[i]
                else:
                    for i in range(len(w)):
                        w[i] = a[i] * v[i] + b[i] * y[i] + constant[i]
            if dx is not None:
                v, w = u[(n_blocks - 1) * n_images + n, tile], out[(n_blocks - 2) * n_images + n, tile]
                a, b, dy = along[0], along[1], dx[n, tile]
                for i in range(len(w)):
                    w[i] += a[i] * v[i] + b[i] * dy[i]
