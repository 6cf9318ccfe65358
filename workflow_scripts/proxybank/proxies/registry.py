"""The registry of proxies, and the rule that turns a result into a score with a status.

Importing it does not import torch: the workflow reads versions and groups from here.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What a pass hands to its proxies is named in proxybank.passes; "closed_form" stands for columns of `networks`,
# "aggregate" for scores that are computed of the other columns of a whole space: `analysis.aggregates`.
# Each group of passes shares its forward pass and has one file of scores per part; it may feed proxies several things.
GROUPS: dict[str, tuple[str, ...]] = {
    "forward": ("forward",),
    "synaptic_flow": ("synaptic_flow",),
    "gradients": ("loss_gradient", "loss_curvature", "input_gradient", "response_correlation"),
    "half_batches": ("half_batches",),
    "sample_gradient": ("sample_gradient",),
    "tangent_kernel": ("tangent_kernel",),
    "normalised_flow": ("normalised_flow",),
    "path_sum": ("path_sum",),
    "weights": ("weights",),
    "noisy_images": ("noisy_images",),
    "initial_accuracy": ("initial_accuracy", "few_accuracies"),
    "perturbed_noise": ("perturbed_noise",),
    "sign_pattern": ("sign_pattern",),
    "channel_correlation": ("channel_correlation",),
    "activation_rank": ("activation_rank",),
    "constant_weights": ("constant_weights",),
    "linear_region": ("linear_region",),
    "cell_jacobian": ("cell_jacobian",),
    "fisher_spectrum": ("fisher_spectrum",),
    "layer_gradient": ("layer_gradient",),
    "gradient_sign": ("gradient_sign",),
}
# Groups that run in bfloat16 where the processor is faster with it. What that does to NASWOT is in docs/performance.md;
# the change that noise makes, of which ni takes the logarithm twice, moves by less than a hundredth. Of cv_u's labels
# few change, which moves it by at most a twentieth of itself, where another seed moves it by a tenth.
LOW_PRECISION = ("forward", "noisy_images", "initial_accuracy")
CLOSED_FORM = "closed_form"
AGGREGATE = "aggregate"


class Status(StrEnum):
    """Why a network has a score of a proxy, or has none."""

    OK = "ok"
    SINGULAR = "singular"
    CONSTANT = "constant"
    OVERFLOW = "overflow"
    NAN = "nan"


@dataclass(frozen=True)
class Proxy:
    """One proxy.

    Attributes
    ----------
    name : str
        Name of its column in the score tables.
    version : int
        Raised whenever its scores change; a run then computes them again.
    needs : str
        What it is computed from: something that one of `GROUPS` provides, ``closed_form`` or ``aggregate``.
    higher_is_better : bool
    definition : str
        What it is, in one sentence.
    source : str
        Publication.
    differs : str
        Where this definition parts from the publication or its code; empty if nowhere.
    score : callable or None
        Evidence of the pass -> value, or the `Status` that says why there is none; None for what no pass feeds.
    column : str
        Of a closed form: the column of `networks` that holds it.
    terms : tuple of str
        Of an aggregate: the proxies it is computed of, in order.
    """

    name: str
    version: int
    needs: str
    higher_is_better: bool
    definition: str
    source: str
    differs: str
    score: Callable[[Any], float | Status] | None = None
    column: str = ""
    terms: tuple[str, ...] = ()

    @property
    def fed_by(self) -> str:
        """Group of passes that it is computed from, ``closed_form`` or ``aggregate``."""
        return self.needs if self.needs in (CLOSED_FORM, AGGREGATE) else group_of(self.needs)


REGISTRY: dict[str, Proxy] = {}


def register(
    *, name: str, version: int, needs: str, higher_is_better: bool, source: str, differs: str = ""
) -> Callable[[Callable[[Any], float | Status]], Callable[[Any], float | Status]]:
    """Register the decorated function as a proxy, which the first line of its docstring defines; see `Proxy`."""

    def add(score: Callable[[Any], float | Status]) -> Callable[[Any], float | Status]:
        definition = (score.__doc__ or "").partition("\n")[0]
        register_proxy(Proxy(name, version, needs, higher_is_better, definition, source, differs, score))
        return score

    return add


def register_proxy(proxy: Proxy) -> None:
    """Add a proxy to `REGISTRY`.

    Raises
    ------
    ValueError
        If the name is taken, or no group provides what it needs.
    """
    if proxy.name in REGISTRY:
        raise ValueError(f"proxy '{proxy.name}' is registered already")
    known = [*(part for parts in GROUPS.values() for part in parts), CLOSED_FORM, AGGREGATE]
    if proxy.needs not in known:
        raise ValueError(f"proxy '{proxy.name}' needs '{proxy.needs}'; known: {', '.join(known)}")
    REGISTRY[proxy.name] = proxy


def group_of(part: str) -> str:
    """Group of passes that provides something."""
    return next(group for group, parts in GROUPS.items() if part in parts)


def in_group(names: Iterable[str], group: str) -> list[str]:
    """Those of the named proxies that `group` (of `GROUPS`, ``closed_form`` or ``aggregate``) feeds, in their order."""
    return [name for name in names if REGISTRY[name].needs in GROUPS.get(group, (group,))]


def why_not_finite(values: NDArray[np.float64]) -> Status | None:
    """Why no score can be made of some values; None if all are finite."""
    if np.isfinite(values).all():
        return None
    return Status.NAN if np.isnan(values).any() else Status.OVERFLOW


def evaluate(proxy: Proxy, evidence: Any) -> tuple[float | None, Status]:
    """Score a network on one proxy; what is not a finite number becomes None, with the status that says why."""
    result = proxy.score(evidence)
    if isinstance(result, Status):
        return None, result
    if math.isnan(result):
        return None, Status.NAN
    return (None, Status.OVERFLOW) if math.isinf(result) else (float(result), Status.OK)
