"""Every proxy: what it needs, which way is better, where it comes from, and how it is read off a pass."""

from proxybank.proxies import (  # noqa: F401  (each registers its proxies)
    activation_codes,
    aggregates,
    closed_forms,
    constant_image,
    correlations,
    gradient_signs,
    input_gradient,
    loss_gradient,
    noise,
    outputs,
    patterns,
    sample_gradient,
    spectra,
    synaptic_flow,
)
from proxybank.proxies.registry import (
    AGGREGATE,
    CLOSED_FORM,
    GROUPS,
    LOW_PRECISION,
    REGISTRY,
    Proxy,
    Status,
    evaluate,
    group_of,
    in_group,
)

__all__ = [
    "AGGREGATE",
    "CLOSED_FORM",
    "GROUPS",
    "LOW_PRECISION",
    "REGISTRY",
    "Proxy",
    "Status",
    "evaluate",
    "group_of",
    "in_group",
]
