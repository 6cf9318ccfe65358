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
    """Like `meco`, among 8 channels drawn at random, weighted by the number of channels over 8."""
    return sums.least_sampled


@register(
    name="wrcor",
    version=2,
    needs="response_correlation",
    higher_is_better=True,
    source="Jing et al. 2025, arXiv:2507.08841",
    differs="A reading: layers are ReLUs, one for all edges that leave a node, of which the output and the gradient to "
    "it count; the last layer weighs as much as all before it. In the authors' code layers are cells, reductions and "
    "the last ReLU, and each edge's ReLU adds its input and the gradient to that, unless a correlation is not defined. "
    "It takes the determinant's absolute value; here one that is not positive has no score. The run's initialisation; "
    "the code uses PyTorch's default.",
)
def wrcor(total: "NDArray[np.float64] | None") -> float | Status:
    """Logarithm of the determinant of the sum over ReLUs i of 2^i times absolute correlations between images.

    They are those of a ReLU's output, and of the gradient of the loss to it. Constant where the loss does not depend on
    the images, or an image's responses do not vary; singular where the determinant is not positive (absolute values of
    correlations need not be positive semidefinite).
    """
    if total is None or not np.isfinite(total).all():
        return Status.CONSTANT
    sign, logarithm = np.linalg.slogdet(total)
    return float(logarithm) if sign > 0 else Status.SINGULAR
