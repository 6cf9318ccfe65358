"""Proxies of the gradients of single images: their inner products, spectrum and signs."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from proxybank.proxies.registry import Status, register, why_not_finite

if TYPE_CHECKING:  # torch comes with it, and the registry is read without
    from proxybank.passes.sample_gradient import SampleGradients

_STATISTICS = "The run's initialisation. BatchNorm uses the batch's mean and variance as constants. "
_CHEN = "Chen, Gong, Wang, ICLR 2021, arXiv:2102.11535"


@register(
    name="ntk_trace",
    version=1,
    needs="sample_gradient",
    higher_is_better=True,
    source="Shu, Cai, Dai, Ooi, Low, ICLR 2022, arXiv:2109.00817; Shu, Dai, Wu, Low, NeurIPS 2022, arXiv:2201.09785",
    differs=_STATISTICS + "Gradients of each image's cross-entropy; the authors' code takes its target's logit.",
)
def ntk_trace(gradients: "SampleGradients") -> float:
    """Root of the mean squared norm of the images' gradients."""
    return float(np.sqrt(np.trace(gradients.gram) / len(gradients.gram)))


@register(
    name="knas",
    version=1,
    needs="sample_gradient",
    higher_is_better=True,
    source="Xu, Zhao, Lin, Gao, Sun, Yang, ICML 2021, arXiv:2111.13293",
    differs=_STATISTICS + "Gradients of each image's cross-entropy to all weights. The theory is written for the "
    "outputs' gradients; the authors' code takes 50 weights of each of the first 11 tensors over 50 batches, and "
    "centres them (knas_code).",
)
def knas(gradients: "SampleGradients") -> float:
    """Mean of all inner products of the images' gradients."""
    return float(gradients.gram.mean())


@register(
    name="knas_code",
    version=1,
    needs="sample_gradient",
    higher_is_better=True,
    source="Xu, Zhao, Lin, Gao, Sun, Yang, ICML 2021, arXiv:2111.13293",
    differs=_STATISTICS
    + "As the authors' code computes it, with single images for its 50 batches and without the norms' "
    "parameters. It centres the halves apart and pairs independent batches, so that it is 0 but for chance.",
)
def knas_code(gradients: "SampleGradients") -> float | Status:
    """Sum over weights of the inner product of their gradients on the first and second half of the images, over n ** 2.

    Each half is centred, which leaves nothing of a single image. The weights are the first 50 of each of the first 11
    tensors that have as many.
    """
    n = gradients.leading.shape[1]
    if n < 4:
        return Status.CONSTANT
    first, second = gradients.leading[:, : n // 2], gradients.leading[:, n // 2 : n // 2 * 2]
    first, second = (half - half.mean(axis=1, keepdims=True) for half in (first, second))
    return float((first * second).sum() / n**2)


@register(
    name="gradsign",
    version=1,
    needs="sample_gradient",
    higher_is_better=True,
    source="Zhang, Jia, ICLR 2022, arXiv:2110.08616",
    differs=_STATISTICS
    + "The authors' code runs each image alone, so that BatchNorm sees a batch of one; one of its scripts takes the "
    "mean over weights in place of the paper's sum.",
)
def gradsign(gradients: "SampleGradients") -> float:
    """Sum over weights of |sum over images of the sign of the gradient|."""
    return gradients.sign_agreement


def _eigenvalues(gram: NDArray[np.float64]) -> NDArray[np.floating] | Status:
    """Eigenvalues, ascending; SINGULAR where rounding of float32 gradients alone could leave the least.

    That rounding changes singular values of the gradients by a share of the largest, and eigenvalues are their squares.
    """
    if status := why_not_finite(gram):
        return status
    values = np.linalg.eigvalsh(gram)
    return Status.SINGULAR if values[0] <= (len(gram) * np.finfo(np.float32).eps) ** 2 * values[-1] else values


@register(
    name="ntk",
    version=2,
    needs="tangent_kernel",
    higher_is_better=False,
    source=_CHEN,
    differs="The run's initialisation; the code means kaiming normal, fan out, but the name that its launcher gives it "
    "fits none, which leaves PyTorch's. Every network as it is scored otherwise, where TE-NAS searches in a thin "
    "supernet. Inner products in float64. A least eigenvalue that rounding alone could leave gives no score; the code "
    "may give a negative condition number, which ranks first.",
)
def ntk(gram: NDArray[np.float64]) -> float | Status:
    """Condition number of the neural tangent kernel of the sum of logits."""
    values = _eigenvalues(gram)
    return values if isinstance(values, Status) else float(values[-1] / values[0])


@register(
    name="ntk_lambda_min",
    version=2,
    needs="tangent_kernel",
    higher_is_better=True,
    source=_CHEN,
    differs="The denominator of ntk, which is not published as a score by itself.",
)
def ntk_lambda_min(gram: NDArray[np.float64]) -> float | Status:
    """Least eigenvalue of the neural tangent kernel of the sum of logits."""
    values = _eigenvalues(gram)
    return values if isinstance(values, Status) else float(values[0])


@register(
    name="ntk_lambda_max",
    version=2,
    needs="tangent_kernel",
    higher_is_better=False,
    source=_CHEN,
    differs="The numerator of ntk, not published as a score by itself; its direction is taken from there, while works "
    "on the kernel's trace hold larger to be better.",
)
def ntk_lambda_max(gram: NDArray[np.float64]) -> float | Status:
    """Largest eigenvalue of the neural tangent kernel of the sum of logits.

    Singular where it is 0, without a path, which would rank best.
    """
    if status := why_not_finite(gram):
        return status
    largest = float(np.linalg.eigvalsh(gram)[-1])
    return largest if largest > 0 else Status.SINGULAR
