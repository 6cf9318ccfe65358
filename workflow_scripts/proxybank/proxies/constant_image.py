"""Proxies of the weights alone, and of what they make of an image of ones."""

import math
from typing import TYPE_CHECKING

from proxybank.proxies.registry import register

if TYPE_CHECKING:  # torch comes with it, and the registry is read without
    from torch import Tensor

    from proxybank.passes import Flow

_ABDELFATTAH = "Abdelfattah, Mehrotra, Dudziak, Lane, ICLR 2021, arXiv:2101.08134"


@register(
    name="synflow_bn",
    version=1,
    needs="normalised_flow",
    higher_is_better=True,
    source=_ABDELFATTAH,
    differs="The run's initialisation; the code uses PyTorch's default. BatchNorm in training mode on one image of "
    "ones, as in the code. Where padding and pooling leave a map the same at all pixels, as in small images, it is "
    "rounding that BatchNorm scales up.",
)
def synflow_bn(flow: "Flow") -> float:
    """Sum over weights of |w g|, with the gradient g of the sum of logits at absolute weights, BatchNorm kept."""
    return float(sum((weight * gradient).abs().sum() for weight, gradient in flow))


@register(
    name="pathnorm",
    version=1,
    needs="path_sum",
    higher_is_better=True,
    source="Neyshabur, Tomioka, Srebro, COLT 2015, arXiv:1503.00036; Jiang, Neyshabur, Mobahi, Krishnan, Bengio, "
    "ICLR 2020, arXiv:1912.02178",
    differs="The run's initialisation, which decides whether deeper networks score higher: each convolution multiplies "
    "by its gain. BatchNorm and the classifier's bias are left out; pooling stays as it is.",
)
def pathnorm(total: float) -> float:
    """Root of the sum over paths of the product of squared weights; 0 without a path."""
    return math.sqrt(total)


@register(
    name="l2_norm",
    version=1,
    needs="weights",
    higher_is_better=True,
    source=_ABDELFATTAH,
    differs="The run's initialisation; the code uses PyTorch's default.",
)
def l2_norm(weights: "list[Tensor]") -> float:
    """Sum over layers of the Euclidean norm of the weight."""
    return float(sum(weight.double().norm() for weight in weights))
