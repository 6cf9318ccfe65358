"""Single operations of a forward pass, as the modules of the reference network would be called.

The functional forward pass lets edges that leave one node share its ReLU and its pooling; the reference network calls a
module of its own for each edge. An operation says how many modules it stands for.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from proxybank import networks
from proxybank.networks import Network, Output, Weights
from proxybank.networks.forward import Norm, batch_norm
from proxybank.passes import devices
from proxybank.passes.prefixes import Trunk
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import EDGES, POOL


class Operation(NamedTuple):
    """One operation, and what went in and out.

    Attributes
    ----------
    kind : {"conv", "norm", "relu", "pool", "linear"}
    name : str
        Of a convolution, the norm behind it, and the classifier, the key among the weights; ``head`` for the last norm;
        empty for others.
    times : int
        Modules of the reference network that do this to this input.
    x, y : Tensor
        Input and output.
    """

    kind: str
    name: str
    times: int
    x: Tensor
    y: Tensor


class _Recorder(TorchFunctionMode):
    """Records convolutions, ReLUs, poolings and the classifier while it is entered; norms are reported to it."""

    def __init__(self, weights: Weights, norm: Norm, pool_counts: list[int]) -> None:
        super().__init__()
        self._names = {id(weight): name for name, weight in weights.items()}
        self._norm = norm
        self._pool_counts = iter(pool_counts)
        self._relu_count = 1
        self.operations: list[Operation] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        y = func(*args, **(kwargs or {}))
        if func is F.conv2d and id(args[1]) in self._names:
            self._add("conv", args[0], y, self._names[id(args[1])])
        elif func is F.avg_pool2d or (func is F.conv2d and "groups" in kwargs):  # see `networks.average_pool`
            x = args[0]
            pooled = y if func is F.avg_pool2d else F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
            self._add("pool", x, pooled, times=next(self._pool_counts))
        elif func is F.relu:
            self._add("relu", args[0], y, times=self._relu_count)
        elif func is F.linear:
            self._add("linear", args[0], y, self._names[id(args[1])])
        return y

    def on_relu(self, _: Tensor, multiplicity: int) -> None:
        """Take the number of modules that the next ReLU stands for."""
        self._relu_count = multiplicity

    def norm(self, x: Tensor) -> Tensor:
        """Apply the norm, and record it under the name of the convolution before it."""
        y = self._norm(x)
        last = self.operations[-1] if self.operations else None
        self._add("norm", x, y, last.name if last and last.kind == "conv" and last.y is x else "head")
        return y

    def _add(self, kind: str, x: Tensor, y: Tensor, name: str = "", times: int = 1) -> None:
        self.operations.append(Operation(kind, name, times, x, y))


def run_stem(weights: Weights, images: Tensor, norm: Norm = batch_norm) -> tuple[Tensor, list[Operation]]:
    """Output and operations of the stem; see `networks.stem`."""
    with _Recorder(weights, norm, []) as recorder:
        x = networks.stem(weights, images, recorder.norm)
    return x, recorder.operations


def run_layer(layer: Layer, weights: Weights, x: Tensor, norm: Norm = batch_norm) -> tuple[Tensor, list[Operation]]:
    """Output and operations of one cell or reduction; see `networks.run_layer`."""
    with _Recorder(weights, norm, _pool_counts(layer)) as recorder:
        x = networks.run_layer(layer, weights, x, recorder.norm, recorder.on_relu)
    return x, recorder.operations


def run_head(weights: Weights, x: Tensor, norm: Norm = batch_norm) -> tuple[Output, list[Operation]]:
    """Output and operations of what follows the last layer; see `networks.head`."""
    with _Recorder(weights, norm, []) as recorder:
        output = networks.head(weights, x, recorder.norm, recorder.on_relu)
    normed, active, classified = recorder.operations
    pooled = Operation("pool", "", 1, active.y, output.features[:, :, None, None])
    return output, [normed, active, pooled, classified]


@torch.inference_mode()  # on a generator, it holds within each step only
def over_operations(
    members: Sequence[Network],
    images: Tensor,
    draw: Callable[..., Weights],
    zero: Tensor,
    add: Callable[[Tensor, str, list[Operation]], Tensor],
) -> Iterator[tuple[Any, float]]:
    """Yield a sum over all operations of each network, as numbers, and the seconds taken.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; those that agree in their first layers share them.
    images : Tensor
    draw : callable
        Weights of some ``layers`` of a network.
    zero : Tensor
        What the sum starts from.
    add : callable
        The sum with the operations of a layer, given its name: of the ``stem``, each cell and reduction, the ``head``.
    """

    def run(network: Network, layer: Layer, before: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
        if before is None:
            x, operations = run_stem(draw(network, layers=("stem",)), images)
            before = x, add(zero, "stem", operations)
        x, operations = run_layer(layer, draw(network, layers=(layer.name,)), before[0])
        return x, add(before[1], layer.name, operations)

    trunk = Trunk(run)
    for network in members:
        start = devices.seconds()
        x, sums = trunk.visit(network, len(network.layers))[-1]
        _, operations = run_head(draw(network, layers=("classifier",)), x)
        yield add(sums, "head", operations).tolist(), devices.seconds() - start


def blocks(operations: list[Operation]) -> list[Operation]:
    """Convolutions of these operations that have a ReLU before and a norm behind them.

    The stem has no ReLU, a shortcut neither that nor a norm, a skip that changes the width no ReLU.
    """
    active = {id(operation.y) for operation in operations if operation.kind == "relu"}
    normed = {operation.name for operation in operations if operation.kind == "norm"}
    convs = [operation for operation in operations if operation.kind == "conv"]
    return [conv for conv in convs if conv.name in normed and id(conv.x) in active]


def last_features(x: Tensor, norm: Norm = batch_norm) -> Tensor:
    """Last feature maps, which the head averages over pixels, from the output of the last layer."""
    return torch.relu(norm(x))


def _pool_counts(layer: Layer) -> list[int]:
    """Number of pooling edges that leave each node which has any."""
    if layer.ops is None:
        return [1]
    sources = [source for op, (source, _) in zip(layer.ops, EDGES, strict=True) if op == POOL]
    return [sources.count(source) for source in sorted(set(sources))]
