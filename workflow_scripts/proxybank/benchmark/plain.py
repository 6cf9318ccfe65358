"""Proxies written plainly, as the papers' public code does it, to check and to time ours against.

One network, one pass per proxy, float32 but for flows, which need float64, as that code does. Networks are torch
modules, dead edges included, and nothing of the library's functional forward pass, passes and proxies is used, so that
equal values say something.

References
----------
.. [1] J. Mellor, J. Turner, A. Storkey, E. J. Crowley, ICML 2021; BayesWatch/nas-without-training.
.. [2] N. Cavagnero, L. Robbiano, B. Caputo, G. Averta, WACV 2023; NiccoloCavagnero/FreeREA.
.. [3] M. S. Abdelfattah, A. Mehrotra, L. Dudziak, N. D. Lane, ICLR 2021; SamsungLabs/zero-cost-nas.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from proxybank.networks import Network, NetworkModule
from proxybank.passes import Batch


class PlainNetwork(NetworkModule):
    """A network in torch modules that takes the weights our own networks have, absent edges as in NATS-Bench's code."""

    def __init__(self, network: Network) -> None:
        super().__init__(network, zeros=True)

    def load(self, weights: Mapping[str, Tensor]) -> "PlainNetwork":
        """Copy the weights of `networks.draw` into the modules.

        Raises
        ------
        ValueError
            If a convolution gets no weights, or weights belong to no convolution.
        """
        left = dict(weights)
        with torch.no_grad():
            for name, module in self.named_modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    key = self._key(name)
                    names = {"weight": key, "bias": "classifier.bias"} if module.bias is not None else {"weight": key}
                    for part, key in names.items():
                        if key not in left:
                            raise ValueError(f"module '{name}': there is no weight '{key}' for it")
                        getattr(module, part).copy_(left.pop(key))
        if left:
            raise ValueError(f"weights of no module: {', '.join(left)}")
        return self

    @staticmethod
    def _key(module: str) -> str:
        """Name among the weights of `networks.draw` of the convolution or classifier in a module of this name."""
        if module == "classifier":
            return "classifier.weight"
        part, *rest = module.split(".")
        if part == "stem":
            return "stem.conv"
        layer, *rest = rest
        return f"{layer.replace('_', '.')}.{rest[1] if rest[0] == 'edges' else rest[0]}"


def naswot(model: PlainNetwork, batch: Batch) -> float:
    """Log-determinant of the Hamming kernel, added up ReLU by ReLU in forward hooks."""
    kernel = torch.zeros(len(batch.images), len(batch.images))

    def add(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> None:
        x = (output > 0).float().flatten(1)
        kernel.add_(x @ x.T + (1 - x) @ (1 - x).T)

    hooks = [module.register_forward_hook(add) for module in model.modules() if isinstance(module, nn.ReLU)]
    with torch.no_grad():
        model(batch.images)
    for hook in hooks:
        hook.remove()
    return float(torch.linalg.slogdet(kernel).logabsdet)


def _parts(model: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    """Convolutions and the classifier: what proxies of weights sum over."""
    return [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def _flow(model: PlainNetwork, batch: Batch, keep_norm: bool) -> Iterator[tuple[Tensor, Tensor]]:
    """Each absolute weight and its gradient, from an image of ones in float64."""
    model = copy.deepcopy(model).double()
    with torch.no_grad():
        for value in model.state_dict().values():
            value.abs_()
    if not keep_norm:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.forward = lambda x: x
    model(torch.ones_like(batch.images[:1], dtype=torch.float64)).sum().backward()
    return ((part.weight.detach(), part.weight.grad) for part in _parts(model))


def synflow(model: PlainNetwork, batch: Batch, *, keep_norm: bool = False) -> float:
    """Sum of |w g| along the flow of an image of ones."""
    return sum(float((w * g).abs().sum()) for w, g in _flow(model, batch, keep_norm))


def logsynflow(model: PlainNetwork, batch: Batch) -> float:
    """Sum of |w ln(g + 1)| along the flow of an image of ones."""
    return sum(float((w * torch.log(g + 1)).abs().sum()) for w, g in _flow(model, batch, keep_norm=False))


def _backward(model: PlainNetwork, batch: Batch) -> None:
    """Differentiate the mean cross-entropy."""
    model.zero_grad()
    F.cross_entropy(model(batch.images), batch.labels).backward()


def grad_norm(model: PlainNetwork, batch: Batch) -> float:
    """Sum of the norms of the gradients."""
    _backward(model, batch)
    return sum(float(part.weight.grad.norm()) for part in _parts(model))


def plain(model: PlainNetwork, batch: Batch) -> float:
    """Sum of w g."""
    _backward(model, batch)
    return sum(float((part.weight.detach() * part.weight.grad).sum()) for part in _parts(model))


def snip(model: PlainNetwork, batch: Batch) -> float:
    """Sum of the absolute gradients to a mask of ones on the weights."""
    model = copy.deepcopy(model)
    for part in _parts(model):
        part.weight.requires_grad = False
        part.mask = nn.Parameter(torch.ones_like(part.weight))
        if isinstance(part, nn.Conv2d):
            part.forward = partial(_masked_conv, part)
        else:
            part.forward = partial(_masked_linear, part)
    _backward(model, batch)
    return sum(float(part.mask.grad.abs().sum()) for part in _parts(model))


def _masked_conv(part: nn.Conv2d, x: Tensor) -> Tensor:
    return F.conv2d(x, part.weight * part.mask, None, part.stride, part.padding)


def _masked_linear(part: nn.Linear, x: Tensor) -> Tensor:
    return F.linear(x, part.weight * part.mask, part.bias)


def grasp(model: PlainNetwork, batch: Batch) -> float:
    """Sum of -w (H g): a backward pass for g, and another forward and a double backward pass."""
    weights = [part.weight for part in _parts(model)]
    model.zero_grad()
    first = torch.autograd.grad(F.cross_entropy(model(batch.images), batch.labels), weights)
    loss = F.cross_entropy(model(batch.images), batch.labels)
    second = torch.autograd.grad(loss, weights, create_graph=True)
    sum((a * b).sum() for a, b in zip(first, second, strict=True)).backward()
    return sum(float((-weight.detach() * weight.grad).sum()) for weight in weights)


def fisher(model: PlainNetwork, batch: Batch) -> float:
    """Sum over weights of half the mean over images of (activation times gradient, summed over pixels) squared."""
    model = copy.deepcopy(model)
    saliency: dict[nn.Module, Tensor] = {}

    def watch(part: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        values = output.detach()  # a hook that held the output itself would never be freed, nor would all behind it

        def keep(gradient: Tensor) -> None:
            per_image = (values * gradient).flatten(2).sum(2) if values.ndim == 4 else values * gradient
            saliency[part] = per_image.detach().square().mean(0) / 2

        output.register_hook(keep)

    for part in _parts(model):
        part.register_forward_hook(watch)
    _backward(model, batch)
    return sum(float(saliency[part].sum()) * part.weight[0].numel() for part in _parts(model))


def jacov(model: PlainNetwork, batch: Batch) -> float:
    """Sum of -(ln(v + k) + 1 / (v + k)) over eigenvalues v of the correlations of input gradients; k = 1e-5."""
    images = batch.images.clone().requires_grad_()
    model.zero_grad()
    logits = model(images)
    logits.backward(torch.ones_like(logits))
    with np.errstate(invalid="ignore"):  # without a path the rows are zeros
        correlations = np.corrcoef(images.grad.flatten(1).numpy())
    if np.isnan(correlations).any():
        return float("nan")
    v = np.linalg.eigvalsh(correlations) + 1e-5
    return -float((np.log(v) + 1 / v).sum())


# Every plain proxy by the name of ours: a network and a batch in, its value out; weights are left as they were.
PROXIES: dict[str, Callable[[PlainNetwork, Batch], float]] = {
    "naswot": naswot,
    "synflow": synflow,
    "logsynflow": logsynflow,
    "synflow_bn": partial(synflow, keep_norm=True),
    "grad_norm": grad_norm,
    "snip": snip,
    "plain": plain,
    "grasp": grasp,
    "fisher": fisher,
    "jacov": jacov,
}
