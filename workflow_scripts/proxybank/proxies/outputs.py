"""Proxies of the outputs of networks that are initialised many times, or with constants."""

from typing import TYPE_CHECKING

import numpy as np

from proxybank.proxies.registry import Status, register, why_not_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray


@register(
    name="cv_u",
    version=1,
    needs="initial_accuracy",
    higher_is_better=False,
    source="Gracheva, Array 12, 2021",
    differs="The run's batch; the code has 256 images. No score where the code has 999, if all accuracies are equal.",
)
def cv_u(accuracies: "NDArray[np.float64]") -> float | Status:
    """Coefficient of variation (population) of the accuracy of the untrained network over 100 initialisations."""
    if accuracies.min() == accuracies.max():
        return Status.CONSTANT
    return float(accuracies.std() / accuracies.mean())


@register(
    name="cv_u_10",
    version=1,
    needs="few_accuracies",
    higher_is_better=False,
    source="Gracheva, Array 12, 2021, table A.3",
    differs="As cv_u.",
)
def cv_u_10(accuracies: "NDArray[np.float64]") -> float | Status:
    """`cv_u` of the first 10 of its 100 initialisations."""
    return cv_u(accuracies)


@register(
    name="epsinas",
    version=1,
    needs="constant_weights",
    higher_is_better=True,
    source="Gracheva 2023, arXiv:2302.04406",
    differs="In float64, where fewer networks underflow to a constant; the run's batch, where the code has 256 images. "
    "The pair of weights was found by a search over networks of this space.",
)
def epsinas(logits: "NDArray[np.float64]") -> float | Status:
    """Mean absolute difference of normalised logits between two constant weights, over their mean.

    Each set is scaled to [0, 1]; its zeros, at least the smallest logit, are left out. Constant where a set is.
    """
    low, high = logits.min(axis=1, keepdims=True), logits.max(axis=1, keepdims=True)
    if status := why_not_finite(logits):
        return status
    if (low == high).any():
        return Status.CONSTANT
    scaled = (logits - low) / (high - low)
    scaled[scaled == 0] = np.nan
    if np.isnan(scaled).any(axis=0).all():  # no image is left to compare
        return Status.NAN
    return float(np.nanmean(np.abs(scaled[0] - scaled[1])) / np.nanmean(scaled))
