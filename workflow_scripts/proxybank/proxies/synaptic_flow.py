"""Proxies of the flow from a constant image through the absolute weights to the sum of all logits."""

from typing import TYPE_CHECKING

from proxybank.proxies.registry import register

if TYPE_CHECKING:  # torch comes with it, and the registry is read without
    from proxybank.passes import Flow


@register(
    name="synflow",
    version=1,
    needs="synaptic_flow",
    higher_is_better=True,
    source="Tanaka, Kunin, Yamins, Ganguli, NeurIPS 2020, arXiv:2006.05467",
    differs="BatchNorm left out and float64, as in Abdelfattah, Mehrotra, Dudziak, Lane, ICLR 2021, arXiv:2101.08134",
)
def synflow(flow: "Flow") -> float:
    """Sum over weights of |w| times the gradient of the flow; 0 where no path leads from input to output."""
    return float(sum((weight * gradient).sum() for weight, gradient in flow))


@register(
    name="logsynflow",
    version=1,
    needs="synaptic_flow",
    higher_is_better=True,
    source="Cavagnero, Robbiano, Caputo, Averta, WACV 2023, arXiv:2207.05135",
    differs="ln(g + 1) as printed; the authors' released CIFAR-10 file holds |ln(g + 1e-6)|",
)
def logsynflow(flow: "Flow") -> float:
    """Sum over weights of |w| times ln(1 + gradient of the flow)."""
    return float(sum((weight * gradient.log1p()).sum() for weight, gradient in flow))
