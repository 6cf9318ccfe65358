"""What the passes with automatic differentiation share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes import devices
from proxybank.passes.evidence import Batch, Pass


def one_by_one(run: Callable[[Network, Batch, str, int], Any]) -> Pass:
    """Make a pass of a function that runs one network: (network, batch, initialisation, seed) -> evidence."""

    @wraps(run)
    def run_all(
        members: Sequence[Network], batch: Batch, initialisation: str, seed: int
    ) -> Iterator[tuple[Any, float]]:
        for network in members:
            start = devices.seconds()
            evidence = run(network, batch, initialisation, seed)
            yield evidence, devices.seconds() - start

    return run_all


def draw(network: Network, batch: Batch, initialisation: str, seed: int) -> Weights:
    """Weights of a network on the batch's device; all but the classifier's bias take part in differentiation."""
    weights = networks.draw(network, initialisation, seed, device=batch.images.device)
    for weight in matrices(weights):
        weight.requires_grad_()
    return weights


def matrices(weights: Weights) -> list[Tensor]:
    """Weights of the convolutions and the classifier, without its bias: what proxies of weights sum over."""
    return [weight for name, weight in weights.items() if name != "classifier.bias"]


def gradients(total: Tensor, tensors: Sequence[Tensor], *, retain_graph: bool = False) -> list[Tensor]:
    """Gradients of a scalar to each tensor: zeros where it does not depend on it, as in cells without a path."""
    if not total.requires_grad:
        return [torch.zeros_like(tensor) for tensor in tensors]
    asked = [tensor for tensor in tensors if tensor.requires_grad]
    found = torch.autograd.grad(total, asked, retain_graph=retain_graph, allow_unused=True, materialize_grads=True)
    left = iter(found)
    return [next(left) if tensor.requires_grad else torch.zeros_like(tensor) for tensor in tensors]


class Call(NamedTuple):
    """One use of a convolution or the classifier: what went in and came out, and its stride and padding."""

    inputs: Tensor
    output: Tensor
    options: Mapping[str, int]


class Calls(TorchFunctionMode):
    """While it is active, keeps the `Call` of every convolution and linear map with weights that are differentiated.

    The forward pass needs no hooks for this, and pooling, which is a convolution with constant weights, is left out.
    """

    def __init__(self) -> None:
        self.of: dict[Tensor, Call] = {}

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run an operation, and keep it if it is one of those."""
        output = function(*args, **(kwargs or {}))
        if function in (F.conv2d, F.linear) and args[1].requires_grad:
            self.of[args[1]] = Call(args[0], output, kwargs or {})
        return output
