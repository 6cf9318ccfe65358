"""Proxies of the binary codes that ReLUs give to the images of a batch."""

from typing import TYPE_CHECKING

import numpy as np

from proxybank.proxies.registry import Status, register

if TYPE_CHECKING:  # torch comes with it, and the registry is read without
    from proxybank.passes import ReluKernel


@register(
    name="naswot",
    version=2,
    needs="forward",
    higher_is_better=True,
    source="Mellor, Turner, Storkey, Crowley, ICML 2021, arXiv:2006.04647",
    differs="Every ReLU called counts once, in float64; the authors' code counts the ReLUs inside blocks twice. "
    "A singular kernel has no score; published tables impute one. The run's initialisation and batch; theirs are "
    "PyTorch's default and 128 images.",
)
def naswot(codes: "ReluKernel") -> float | Status:
    """Logarithm of the determinant of the Hamming kernel K[i, j] = number of ReLU units that agree on images i and j.

    K is positive semidefinite, half of S S' + N 11' for codes S of +1 and -1, so its Cholesky factor decides whether
    it is singular: a pivot that rounding alone could leave counts as zero.
    """
    kernel = codes.agreements.cpu().numpy().astype(np.float64)
    tolerance = len(kernel) * np.finfo(np.float64).eps * codes.n_units
    try:
        pivots = np.diag(np.linalg.cholesky(kernel))
    except np.linalg.LinAlgError:
        return Status.SINGULAR
    if (pivots**2).min() <= tolerance:
        return Status.SINGULAR
    return 2 * float(np.log(pivots).sum())
