"""Gradients of a network that start from one forward pass of a batch: of the loss, of logits to images, and their kin.

No gradient to an activation outlives its layer. For 64 CIFAR images the largest cell of the topology space takes
0.45 GiB for the gradients of the loss, and 0.75 GiB for all parts at once, above the 0.3 GiB of the process.
"""

from collections.abc import Iterator, Sequence, Set
from typing import Any

import torch

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes import devices
from proxybank.passes.evidence import Batch
from proxybank.passes.input_gradient import InputGradient
from proxybank.passes.loss_gradient import LayerGradient
from proxybank.passes.sweep import Sweep

# What each part sends back, and the kinds of work of the sweep that it needs besides.
STREAMS = {
    "loss_gradient": ("loss",),
    "input_gradient": ("sum",),
    "loss_curvature": ("turn", "loss"),
    "response_correlation": ("loss",),
}
_WORK = {
    "loss_gradient": ("forward", "gradients"),
    "input_gradient": ("forward",),
    "loss_curvature": ("forward", "tangent", "gradients", "turn"),
    "response_correlation": ("forward", "relu"),
}


@torch.inference_mode()  # on a generator, it holds within each step only
def shared_gradients(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int, parts: Set[str]
) -> Iterator[dict[str, tuple[Any, float]]]:
    """Yield for each network, by part, its evidence and the seconds that this part would take alone.

    Parameters
    ----------
    members : sequence of Network
    batch : Batch
    initialisation : str
    seed : int
    parts : set of str
        Of `STREAMS`. Evidence is a list of `LayerGradient`, in the order of the weights, for ``loss_gradient``; an
        `InputGradient` for ``input_gradient``; the sum over all weights w of w (H g), of gradient g and Hessian H of
        the loss, for ``loss_curvature``; see `response_correlation` for ``response_correlation``.
    """
    streams = {stream for part in parts for stream in STREAMS[part]}
    to_weights = not parts.isdisjoint({"loss_gradient", "loss_curvature"})
    correlate = "response_correlation" in parts
    sweep = Sweep(batch.images, batch.labels, streams, to_weights=to_weights, correlate=correlate)
    for network in members:
        start = devices.seconds()
        weights = networks.draw(network, initialisation, seed, device=batch.images.device)
        drawn = devices.seconds() - start
        spent = sweep.run(network, weights).clock.seconds()
        found = {}
        for part in parts:
            start = devices.seconds()
            evidence = _evidence(part, network, batch, sweep)
            seconds = drawn + devices.seconds() - start + sum(spent[kind] for kind in _WORK[part])
            found[part] = evidence, seconds + spent["back"] * len(STREAMS[part]) / len(streams)
        yield found


def _evidence(part: str, network: Network, batch: Batch, sweep: Sweep) -> Any:
    if part == "loss_gradient":
        return _layer_gradients(sweep)
    if part == "input_gradient":
        gradient = torch.zeros_like(batch.images) if sweep.images_gradient is None else sweep.images_gradient
        rows = gradient.flatten(1).double().cpu().numpy()
        return InputGradient(rows, batch.labels.cpu().numpy(), network.skeleton.n_classes)
    return sweep.turned.item() if part == "loss_curvature" else sweep.correlations.weighted_sum()


def _layer_gradients(sweep: Sweep) -> list[LayerGradient]:
    layers = []
    for name, weight in sweep.weights.items():
        if name in sweep.gradients:
            layers.append(LayerGradient(weight, sweep.gradients[name], sweep.saliencies[name], sweep.products[name]))
        elif name != "classifier.bias":
            nothing = torch.zeros(len(weight), dtype=torch.float64, device=weight.device)
            layers.append(LayerGradient(weight, torch.zeros_like(weight), nothing, nothing.sum()))
    return layers
