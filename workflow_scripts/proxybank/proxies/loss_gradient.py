"""Proxies of the gradient of the loss to the weights, and of what follows from it."""

from typing import TYPE_CHECKING

from proxybank.proxies.registry import register

if TYPE_CHECKING:  # torch comes with it, and the registry is read without
    from torch import Tensor

    from proxybank.passes.loss_gradient import LayerGradient

ABDELFATTAH = "Abdelfattah, Mehrotra, Dudziak, Lane, ICLR 2021, arXiv:2101.08134"
_INITIALISATION = "The run's initialisation; the code uses PyTorch's default. "


@register(
    name="grad_norm",
    version=1,
    needs="loss_gradient",
    higher_is_better=True,
    source=ABDELFATTAH,
    differs=_INITIALISATION + "A sum of norms over layers, as in the code, not the norm of all.",
)
def grad_norm(layers: "list[LayerGradient]") -> float:
    """Sum over layers of the Euclidean norm of the gradient of the loss."""
    return float(sum(layer.gradient.double().norm() for layer in layers))


@register(
    name="snip",
    version=1,
    needs="loss_gradient",
    higher_is_better=True,
    source="Lee, Ajanthan, Torr, ICLR 2019, arXiv:1810.02340",
    differs=_INITIALISATION + "The gradient is of the weights; the code's, of a mask of ones on them, is the same "
    "number. Summed over weights, as in Abdelfattah et al. 2021.",
)
def snip(layers: "list[LayerGradient]") -> float:
    """Sum over weights of the magnitude of weight times gradient of the loss."""
    return float(sum((layer.weight.double() * layer.gradient).abs().sum() for layer in layers))


@register(
    name="plain",
    version=2,
    needs="loss_gradient",
    higher_is_better=True,
    source="Mozer, Smolensky, NIPS 1989; " + ABDELFATTAH,
    differs=_INITIALISATION + "Signed. A convolution followed by BatchNorm adds 0 but for BatchNorm's "
    "epsilon, whose part is not left to rounding, so only the classifier and the reductions' shortcuts speak.",
)
def plain(layers: "list[LayerGradient]") -> float:
    """Sum over weights of weight times gradient of the loss."""
    return float(sum(layer.product for layer in layers))


@register(
    name="fisher",
    version=1,
    needs="loss_gradient",
    higher_is_better=True,
    source="Theis, Korshunova, Tejani, Huszar 2018, arXiv:1801.05787; Turner, Crowley, O'Boyle, Storkey, Gray, "
    "ICLR 2020, arXiv:1906.04113",
    differs=_INITIALISATION + "Every channel counts once for each of its weights, as in the code of Abdelfattah et al. "
    "2021. The classifier's output holds its bias, so with the default initialisation cells without a path are not 0.",
)
def fisher(layers: "list[LayerGradient]") -> float:
    """Sum over weights of the saliency of their output channel; see `fisher_channels`."""
    return float(sum(layer.channel_saliency.sum() * layer.weight[0].numel() for layer in layers))


@register(
    name="fisher_channels",
    version=1,
    needs="loss_gradient",
    higher_is_better=True,
    source="Theis, Korshunova, Tejani, Huszar 2018, arXiv:1801.05787; Turner, Crowley, O'Boyle, Storkey, Gray, "
    "ICLR 2020, arXiv:1906.04113",
    differs=_INITIALISATION + "Outputs of convolutions before BatchNorm, and of the classifier, as in the code of "
    "Abdelfattah et al. 2021, but every channel counts once.",
)
def fisher_channels(layers: "list[LayerGradient]") -> float:
    """Sum over channels of their saliency, half the mean over images of (sum over pixels of output * gradient) ** 2."""
    return float(sum(layer.channel_saliency.sum() for layer in layers))


@register(
    name="grasp",
    version=1,
    needs="loss_curvature",
    higher_is_better=True,
    source="Wang, Zhang, Grosse, ICLR 2020, arXiv:2002.07376",
    differs=_INITIALISATION + "Logits are not divided by a temperature (200 in the paper), and the sign is that of the "
    "code of Abdelfattah et al. 2021, opposite to the paper's. On the CPU, terms of about a ten thousandth are left "
    "out, which is more of the score where the others cancel (docs/performance.md has how much).",
)
def grasp(curvature: float) -> float:
    """Sum over weights of -w (H g), with gradient g and Hessian H of the loss."""
    return 0.0 - curvature  # not -0, where nothing curves


@register(
    name="zico",
    version=2,
    needs="half_batches",
    higher_is_better=True,
    source="Li, Yang, Bhardwaj, Marculescu, ICLR 2023, arXiv:2301.11300",
    differs=_INITIALISATION + "The two batches are the halves of the run's batch; the paper uses two of 128. The mean "
    "is of absolute gradients, the standard deviation of signed ones, as in the authors' code; but that does not clear "
    "gradients between batches, so that its second is the sum of both. Weights whose gradients hardly deviate have "
    "most of a layer's sum: rounding moves the score by some tenths of a per cent.",
)
def zico(layers: "list[Tensor]") -> float:
    """Sum over layers of ln(sum of mean |g| / std g), gradients g of two batches; weights with std 0 are left out."""
    total: Tensor | float = 0.0
    for gradients in layers:
        one, other = gradients.double()
        gap = (one - other).abs()  # twice the standard deviation
        inverse = ((one.abs() + other.abs()) / gap).where(gap != 0, 0.0).sum()
        total = total + inverse.log().where(inverse != 0, 0.0)  # 0 where no weight of the layer varies
    return float(total)
