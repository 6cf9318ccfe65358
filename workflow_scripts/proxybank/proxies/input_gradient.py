"""Proxies of the gradient of all logits to the images: how alike the images look to a network."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from proxybank.proxies.registry import Status, register, why_not_finite

if TYPE_CHECKING:  # torch comes with it, and the registry is read without
    from proxybank.passes.input_gradient import InputGradient

_EPSILON = 1e-5  # both papers' k
_BRANCH = 100  # classes up to which EPE-NAS adds up; above, it compares classes


def _correlations(rows: NDArray[np.float64]) -> NDArray[np.float64] | Status:
    """Correlation matrix of rows, which a constant one has not."""
    if status := why_not_finite(rows):
        return status
    return Status.CONSTANT if (np.ptp(rows, axis=1) == 0).any() else np.atleast_2d(np.corrcoef(rows))


@register(
    name="jacov",
    version=1,
    needs="input_gradient",
    higher_is_better=True,
    source="Mellor, Turner, Storkey, Crowley 2020, arXiv:2006.04647v1",
    differs="The run's initialisation and batch size (256 in the paper); all classes' logits, where the authors' code "
    "builds networks with one. Symmetric eigenvalues in float64. BatchNorm in training mode, as in NASLib. Where an "
    "image has no more values than there are images, some eigenvalues are 0, and each adds about -100,000.",
)
def jacov(gradient: "InputGradient") -> float | Status:
    """Minus the sum of ln(v + k) + 1 / (v + k), k = 1e-5, for eigenvalues v of correlations of gradients to images."""
    correlations = _correlations(gradient.rows)
    if isinstance(correlations, Status):
        return correlations
    values = np.linalg.eigvalsh(correlations) + _EPSILON
    return -float((np.log(values) + 1 / values).sum())


@register(
    name="epe_nas",
    version=1,
    needs="input_gradient",
    higher_is_better=True,
    source="Lopes, Alirezazadeh, Alexandre, ICANN 2021, arXiv:2102.08099",
    differs="The run's initialisation and batch size (256 in the paper). The number of classes decides the formula, as "
    "in NASLib; the authors' code always takes the one for at most 100. A class with one image scores ln(1 + 1e-5) up "
    "to 100 classes, and is left out above. No score where the batch has no two images of one class, or above 100 "
    "classes, of one class alone: it would be the same for all networks.",
)
def epe_nas(gradient: "InputGradient") -> float | Status:
    """Sum over classes of |s|, s the sum of ln(|c| + 1e-5) over correlations c of gradients to the class's images.

    Above 100 classes each s is divided by the images of its class, and the score is the sum of |s - s'| over all pairs
    of classes in the batch, divided by their number.
    """
    n_images = np.unique_counts(gradient.labels).counts
    if (n_images > 1).sum() < (1 if gradient.n_classes <= _BRANCH else 2):
        return Status.CONSTANT
    scores = []
    for label in np.unique(gradient.labels):
        correlations = _correlations(gradient.rows[gradient.labels == label])
        if isinstance(correlations, Status):
            return correlations
        score = np.log(np.abs(correlations) + _EPSILON).sum()
        if gradient.n_classes <= _BRANCH:
            scores.append(score)
        elif len(correlations) > 1:
            scores.append(score / len(correlations))
    s = np.array(scores)
    if gradient.n_classes <= _BRANCH:
        return float(np.abs(s).sum())
    return float(np.abs(s[:, None] - s).sum() / len(s))
