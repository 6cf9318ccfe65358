"""The last cells of all networks of the size space that differ in their last width alone, run together on the CPU.

What depends on the input of the cell, or on its first node, is computed for the widest network: the others' weights are
leading slices of its own (see `networks.weights`), and so are their maps. A convolution of the first node adds up over
its channels, so one convolution in groups of channels gives the partial sums from which every width takes its own.
Scales of initialisation are left out, since the batch norm behind each convolution undoes them, but for its epsilon.
"""

from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor

from proxybank.networks import Weights
from proxybank.passes.evidence import ReluKernel
from proxybank.passes.inference import convolve
from proxybank.passes.maps import Map, add_groups, add_up, as_it_is, normalised
from proxybank.passes.relu_codes import PackedCodes
from proxybank.spaces.sss import WIDTHS

_WIDEST, _STEP = WIDTHS[-1], WIDTHS[1] - WIDTHS[0]


def family_kernels(
    name: str, weights: Weights, shortcut: Tensor, x: Map, before: ReluKernel, widths: Collection[int]
) -> dict[int, ReluKernel]:
    """Hamming kernels of networks that share all layers but the last one, by their last width.

    Parameters
    ----------
    name : str
        Of the last cell.
    weights : dict of str to Tensor
        Those of the widest network's last cell.
    shortcut : Tensor, shape (width, channels of x, 1, 1)
        Weight of the shortcut of the widest network that has one.
    x : Map
        Input of the last cell.
    before : ReluKernel
        Kernel of all ReLUs before it.
    widths : collection of int
        Last width of each network asked for.
    """
    w01, w02, w12, w13, w23 = (weights[f"{name}.{edge}"] for edge in ("0>1", "0>2", "1>2", "1>3", "2>3"))
    active = add_up([as_it_is(x)], total=False)[1]
    codes = PackedCodes()
    codes(active, 2)
    kernel = codes.added_to(before)
    to_1, to_2 = (convolve(active, weight) for weight in (w01, w02))
    to_3 = convolve(x, shortcut)

    active = add_up([normalised(to_1)], total=False)[1]
    groups = [torch.cat([w[:, k : k + _STEP] for w in (w12, w13)]) for k in range(0, _WIDEST, _STEP)]
    from_1, last_from_1 = _sums_by_width(convolve(active, torch.cat(groups), groups=len(groups)))
    found: dict[int, ReluKernel] = {}
    for number, width in enumerate(WIDTHS):
        codes = PackedCodes()
        codes(_columns(active, width - _STEP, width), 2)
        kernel = codes.added_to(kernel)
        if width in widths:
            codes = PackedCodes()
            node_2 = add_up([normalised(_columns(to_2, 0, width)), normalised(from_1[number])], total=False)[1]
            codes(node_2, 1)
            skipped = as_it_is(x) if width == x.shape[3] else normalised(_columns(to_3, 0, width))
            terms = [normalised(last_from_1[number]), normalised(convolve(node_2, w23[:width, :width])), skipped]
            codes(add_up([normalised(add_up(terms, active=False)[0])], total=False)[1], 1)  # the head's
            found[width] = codes.added_to(kernel)
    return found


def _sums_by_width(parts: Map) -> tuple[list[Map], list[Map]]:
    """Outputs of either convolution for each width, given the partial sums of both over each group of channels."""
    n_pixels = parts[..., 0].size
    both = tuple(np.empty(n_pixels * sum(WIDTHS), parts.dtype) for _ in range(2))
    add_groups(parts.reshape(n_pixels, len(WIDTHS), 2 * _WIDEST), *both)
    cuts = np.cumsum([n_pixels * width for width in WIDTHS])[:-1]
    return tuple([part.reshape(*parts.shape[:3], -1) for part in np.split(sums, cuts)] for sums in both)


def _columns(x: Map, start: int, stop: int) -> Map:
    """Some channels of a map, as a map."""
    return np.ascontiguousarray(x[..., start:stop])
