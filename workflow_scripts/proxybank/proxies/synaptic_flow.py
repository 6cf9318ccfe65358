"""Proxies of the flow from a constant image through the absolute weights to the sum of all logits."""

from typing import TYPE_CHECKING

from proxybank.proxies.registry import register

if TYPE_CHECKING:  # torch comes with it, and the registry is read without
    from proxybank.passes import ScaledFlow


@register(
    name="synflow",
    version=2,
    needs="synaptic_flow",
    higher_is_better=True,
    source="Tanaka, Kunin, Yamins, Ganguli, NeurIPS 2020, arXiv:2006.05467",
    differs="BatchNorm left out, as in Abdelfattah, Mehrotra, Dudziak, Lane, ICLR 2021, arXiv:2101.08134. The "
    "run's initialisation; their code uses PyTorch's default. In float32 with exponents kept aside, which agrees with "
    "float64 to six digits. Sizes that differ in the last width alone share matrix products, so that the eighth digit "
    "depends on which of them are scored together.",
)
def synflow(flow: "ScaledFlow") -> float:
    """Sum over absolute weights of each times the gradient to it of the logits for an image of ones; 0 with no path."""
    return float(sum((w * g).sum() * exponent.exp2() for w, g, exponent in flow))


@register(
    name="logsynflow",
    version=2,
    needs="synaptic_flow",
    higher_is_better=True,
    source="Cavagnero, Robbiano, Caputo, Averta, WACV 2023, arXiv:2207.05135",
    differs="The run's initialisation; the code uses kaiming normal, fan out. ln(g + 1) as printed; the authors' "
    "released CIFAR-10 file holds |ln(g + 1e-6)|.",
)
def logsynflow(flow: "ScaledFlow") -> float:
    """Like `synflow`, with ln(1 + gradient) in place of each gradient."""
    return float(sum((w * (g * exponent.exp2()[None]).log1p()).sum() for w, g, exponent in flow))
