"""Pass P4: the flow from an image of ones through the absolute weights, BatchNorm left out, and its gradient."""

import time
from collections.abc import Iterator, Sequence

import torch

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes.evidence import Flow


def flows(members: Sequence[Network], initialisation: str, seed: int, device: str) -> Iterator[tuple[Flow, float]]:
    """Yield each network's absolute weights with the gradient of the sum of its logits to them, and the seconds taken.

    Everything is float64: on the topology space the sums reach 1e66. A convolution without gradient stands on no path
    from input to output and is left out, as its gradient is 0.

    Parameters
    ----------
    members : sequence of Network
    initialisation : str
    seed : int
    device : str
    """
    for network in members:
        start = time.perf_counter()
        skeleton = network.skeleton
        image = torch.ones(1, skeleton.in_channels, skeleton.image_side, skeleton.image_side, dtype=torch.float64)
        drawn = networks.draw(network, initialisation, seed, device=device)
        weights = {name: weight.double().abs().requires_grad_() for name, weight in drawn.items()}
        total = networks.forward_without_norm(network, weights, image.to(device)).logits.sum()
        kernels = [weight for name, weight in weights.items() if name != "classifier.bias"]
        gradients = torch.autograd.grad(total, kernels, allow_unused=True)
        flow = [(w.detach(), g) for w, g in zip(kernels, gradients, strict=True) if g is not None]
        yield flow, time.perf_counter() - start
