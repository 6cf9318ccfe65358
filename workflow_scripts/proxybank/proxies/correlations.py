"""Proxies of correlations: between channels, and between images."""

from typing import TYPE_CHECKING

import numpy as np

from proxybank.proxies.registry import Status, register

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from proxybank.passes.channel_correlation import ChannelCorrelations

MECO = "Jiang, Wang, Bie, NeurIPS 2023"
MECO_DIFFERS = (
    "Members of a class may differ in poolings: those of the one that is scored count. Every convolution, norm, ReLU, "
    "pooling and the classifier count once; the authors' code also counts the modules that contain them, and skips. "
    "The run's initialisation, and the first image of its batch; theirs are PyTorch's default and an image of 32 x 32 "
    "pixels, or noise of 64 x 64 in the script without meco_opt."
)


@register(name="meco", version=1, needs="channel_correlation", higher_is_better=True, source=MECO, differs=MECO_DIFFERS)
def meco(sums: "ChannelCorrelations") -> float:
    """Sum over operations of the least eigenvalue of the correlation between the channels of their output."""
    return sums.least


@register(
    name="meco_opt", version=1, needs="channel_correlation", higher_is_better=True, source=MECO, differs=MECO_DIFFERS
)
def meco_opt(sums: "ChannelCorrelations") -> float:
    """Like `meco`, among 8 channels drawn at random, weighted by the number of channels over 8; all if fewer."""
    return sums.least_sampled


@register(
    name="wrcor",
    version=3,
    needs="response_correlation",
    higher_is_better=True,
    source="Jing et al. 2025, arXiv:2507.08841",
    differs="ReLUs of edges on no path have no part, where the authors' code has their inputs. The code also takes "
    "blocks with 'ReLU' in their class name beside the ReLU in them, and of the last ReLU, which works in place, the "
    "output. The run's initialisation; the code uses PyTorch's default.",
)
def wrcor(total: "NDArray[np.float64] | None") -> float | Status:
    """Logarithm of the absolute determinant of the sum over layers l of 2^l times absolute correlations between images.

    Layers are cells, reductions and the last ReLU. The correlations are those of the input of each of their ReLUs, one
    for each edge with a convolution, and of the gradient of the loss to it, where they are defined. Constant where the
    output depends on no ReLU; singular where the determinant is 0.
    """
    if total is None:
        return Status.CONSTANT
    logarithm = float(np.linalg.slogdet(total).logabsdet)
    return Status.SINGULAR if logarithm == -np.inf else logarithm
