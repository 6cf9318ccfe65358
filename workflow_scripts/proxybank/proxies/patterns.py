"""Proxies that count different sign patterns of ReLUs."""

import math
from typing import TYPE_CHECKING

from proxybank.proxies.registry import Status, register

if TYPE_CHECKING:
    from proxybank.passes.layer_gradient import LayerGradients
    from proxybank.passes.sign_pattern import SignPatterns

SWAP = "Peng, Song, Fayek, Ciesielski, Chang, ICLR 2024, arXiv:2403.04161"


@register(name="swap", version=1, needs="sign_pattern", higher_is_better=True, source=SWAP)
def swap(patterns: "SignPatterns") -> float:
    """Number of different sign patterns over 16 images among all ReLU units, mean of 32 initialisations."""
    return float(patterns.n_patterns.mean())


@register(
    name="swap_regularised",
    version=1,
    needs="sign_pattern",
    higher_is_better=True,
    source=SWAP,
    differs="The mean and width of the preferred size are tuned for each space in the paper, and not given for these. "
    "Here nothing is tuned: they are the mean and twice the variance of the parameters of all networks of the space as "
    "they are written, while a network's own are those of the one that is scored.",
)
def swap_regularised(patterns: "SignPatterns") -> float:
    """SWAP times exp(-z ** 2 / 2), z the network's parameters in standard deviations from the mean of the space."""
    return float(patterns.n_patterns.mean()) * math.exp(-(patterns.size**2) / 2)


@register(
    name="te_nas_regions",
    version=1,
    needs="linear_region",
    higher_is_better=True,
    source="Chen, Gong, Wang, ICLR 2021, arXiv:2102.11535; Xiong et al., ICML 2020",
    differs="Codes are compared exactly, in the code in half precision; crops come from the run's batch, in the code "
    "from the training set. All run at once; in the code three batches of 1,000, each with its own BatchNorm "
    "statistics. Kaiming normal, as the code means, see `ntk`; of one channel, fan in is fan out. Constant on the size "
    "space, where every cell is the same.",
)
def te_nas_regions(n_regions: int | None) -> float | Status:
    """Number of linear regions that 3,000 crops of 3 x 3 pixels fall into, in one cell of one channel."""
    return Status.CONSTANT if n_regions is None else float(n_regions)


@register(
    name="l_swag",
    version=2,
    needs="layer_gradient",
    higher_is_better=True,
    source="Casarin, Escalera, Lanz, CVPR 2025, arXiv:2505.07300",
    differs="A reading, for lack of official code: gradients deviate between the two halves of the batch, patterns are "
    "counted over 16 images, and all convolutions behind a ReLU take part; the paper chooses among layers. The run's "
    "initialisation and batch. Weights whose gradients hardly deviate have most of the sum: rounding moves it by a per "
    "cent.",
)
def l_swag(layers: "LayerGradients") -> float:
    """Sum over layers of ln(sum of inverse deviations of gradients) times the number of patterns; 0 without any."""
    pairs = zip(layers.inverse_deviations.tolist(), layers.n_patterns.tolist(), strict=True)
    return sum(math.log(inverse) * n_patterns for inverse, n_patterns in pairs if inverse != 0)
