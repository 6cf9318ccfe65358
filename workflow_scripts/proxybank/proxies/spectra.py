"""Proxies of singular values and eigenvalues: of features, of Jacobians between layers, of Fisher matrices."""

import math
from typing import TYPE_CHECKING

import numpy as np

from proxybank.proxies.registry import Status, register

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from proxybank.passes.cell_jacobian import LayerSpectra
    from proxybank.passes.fisher_spectrum import FisherSpectrum

AZ_NAS = "Lee, Ham, CVPR 2024, arXiv:2403.19232"
VKDNW = "Tybl, Neumann, CVPR 2025, arXiv:2502.04975"


@register(
    name="near",
    version=1,
    needs="activation_rank",
    higher_is_better=True,
    source="Husistein, Reiher, Eckhoff, ICLR 2025, arXiv:2408.08776",
    differs="As in the code, norms count beside convolutions, ReLUs and the classifier. The run's initialisation, in "
    "the code PyTorch's, and 16 of its images. Squares are of successive pixels along rows, in the code along columns, "
    "and always fit; the code's may be cut at the end of the batch. Where 16 images have fewer pixels than there are "
    "channels or classes, all of them count; the code takes more images.",
)
def near(sums: "NDArray[np.float64]") -> float:
    """Sum over operations of the effective rank of a square of pixels by channels, mean of 32 initialisations."""
    return float(sums.mean())


@register(
    name="az_expressivity",
    version=1,
    needs="cell_jacobian",
    higher_is_better=True,
    source=AZ_NAS,
    differs="Eigenvalues in float64, those below 0 by rounding set to 0. The stem's output, a layer in the code, is "
    "none here. The fourth term, complexity, is `flops`.",
)
def az_expressivity(spectra: "LayerSpectra") -> float | Status:
    """Sum over cells and reductions of the entropy of their features' principal components; constant without any."""
    return Status.CONSTANT if any(map(math.isnan, spectra.entropies)) else sum(spectra.entropies)


@register(
    name="az_progressivity",
    version=1,
    needs="cell_jacobian",
    higher_is_better=True,
    source=AZ_NAS,
    differs="See az_expressivity.",
)
def az_progressivity(spectra: "LayerSpectra") -> float | Status:
    """Least gain in entropy from one cell or reduction to the next; constant if some output is."""
    return Status.CONSTANT if any(map(math.isnan, spectra.entropies)) else float(np.diff(spectra.entropies).min())


@register(
    name="az_trainability",
    version=1,
    needs="cell_jacobian",
    higher_is_better=True,
    source=AZ_NAS,
    differs="The stem's output, a layer in the code, is none here, so that the first cell has no gain. No score where "
    "the code has -inf, a cell that only copies; as in the code, cells without a path have one, far below all others.",
)
def az_trainability(spectra: "LayerSpectra") -> float | Status:
    """Mean over layers of -s - 1 / (s + 1e-6) + 2 for the gain s of their estimated Jacobian: 0 at best, for s = 1.

    The first cell does not count. Constant if a cell only copies. Without a path through the cells, s is 0 there.
    """
    gains = np.array(spectra.gains)
    return Status.CONSTANT if np.isnan(gains).any() else float((-gains - 1 / (gains + 1e-6) + 2).mean())


@register(
    name="vkdnw_entropy",
    version=1,
    needs="fisher_spectrum",
    higher_is_better=True,
    source=VKDNW,
    differs="The covariance of the softmax, C = L L', enters as J' C J, as printed; the code has J' L' L J. One weight "
    "of each of the first 128 tensors of parameters; versions of the code take all tensors, or 128 at random. Float64.",
)
def vkdnw_entropy(fisher: "FisherSpectrum") -> float | Status:
    """Entropy of the deciles of the Fisher matrix's eigenvalues, as shares of their sum; constant if deciles are 0."""
    deciles = np.quantile(fisher.eigenvalues, np.arange(1, 10) / 10)
    total = deciles.sum()
    if total <= 1e-12 * fisher.eigenvalues.max():  # what rounding leaves of eigenvalues that are 0
        return Status.CONSTANT
    shares = deciles / total
    return float(-(shares * np.log(shares + 1e-10)).sum())


@register(
    name="vkdnw_tensors",
    version=1,
    needs="fisher_spectrum",
    higher_is_better=True,
    source=VKDNW,
)
def vkdnw_tensors(fisher: "FisherSpectrum") -> float:
    """Number of tensors of parameters, norms included."""
    return float(fisher.n_tensors)


@register(
    name="vkdnw",
    version=1,
    needs="fisher_spectrum",
    higher_is_better=True,
    source=VKDNW,
    differs="See vkdnw_entropy and vkdnw_tensors, whose sum it is.",
)
def vkdnw(fisher: "FisherSpectrum") -> float | Status:
    """VKDNW-single: number of tensors of parameters plus entropy, which is below ln 9."""
    entropy = vkdnw_entropy(fisher)
    return entropy if isinstance(entropy, Status) else fisher.n_tensors + entropy
