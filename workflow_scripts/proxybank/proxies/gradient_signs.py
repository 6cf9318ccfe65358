"""The proxy of the signs of gradients that a search over programs has found."""

from typing import TYPE_CHECKING

import numpy as np

from proxybank.proxies.registry import register

if TYPE_CHECKING:
    from numpy.typing import NDArray


@register(
    name="eznas",
    version=2,
    needs="gradient_sign",
    higher_is_better=True,
    source="Akhauri, Munoz, Jain, Iyer, NeurIPS 2022, arXiv:2209.07413",
    differs="The one of five published programs that the authors' verification runs ('darts'), found by a search that "
    "saw accuracies. Singular sign matrices give 0; in the code rounding decides between 0 and 1/2. All "
    "blocks of ReLU, convolution and norm take part; the code guesses them from the order of modules.",
)
def eznas(determinants: "list[NDArray[np.float64]]") -> float:
    """Mean over blocks of the Frobenius norm of sigmoid(ln det), which is d / (1 + d), or 1/2 where d is negative."""
    return float(np.mean([np.sqrt((_sigmoid(block) ** 2).sum()) for block in determinants]))


def _sigmoid(determinants: "NDArray[np.float64]") -> "NDArray[np.float64]":
    positive = determinants.clip(min=0)
    with np.errstate(invalid="ignore"):  # of large images a determinant may be infinite
        return np.where(determinants < 0, 0.5, np.where(np.isinf(positive), 1.0, positive / (1 + positive)))
