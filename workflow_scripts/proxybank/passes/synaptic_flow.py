"""The flow from an image of ones through the absolute weights, BatchNorm left out, and its gradient.

Nothing is negative there, so a ReLU changes nothing and the network is a linear map. Its gradient to a convolution is
the product of what flows in and what the rest of the network makes of its output; both are computed here as products of
matrices. Sums of what is not negative lose no digits, so float32 is exact to six of them; since the flow reaches 1e66
on the topology space, each layer's is divided by a power of two that is kept aside. Siblings send their parts backwards
through the layers they share as one batch.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes import devices
from proxybank.passes.evidence import Batch, ScaledFlow
from proxybank.passes.patches import fold, sum_3x3, unfold
from proxybank.passes.prefixes import Trunk, siblings
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import EDGES, NONE, POOL


class _Edge:
    """A linear map from one node of a layer to another; here the identity."""

    def __init__(self, source: int, target: int) -> None:
        self.source, self.target = source, target

    def forward(self, x: Tensor) -> Tensor:
        """Map the value of the source, shape (channels, side, side)."""
        return x

    def backward(self, u: Tensor) -> Tensor:
        """Map gradients to the target, shape (n, channels, side, side), to gradients to the source."""
        return u


class _Pool(_Edge):
    """3x3 average pooling that does not count padding."""

    def forward(self, x: Tensor) -> Tensor:
        self._n_pixels = sum_3x3(torch.ones_like(x[:1]))
        return sum_3x3(x) / self._n_pixels

    def backward(self, u: Tensor) -> Tensor:
        return sum_3x3(u / self._n_pixels)


class _Conv(_Edge):
    """A convolution by absolute weights, as a product with the columns of its patches."""

    def __init__(self, source: int, target: int, weight: Tensor, stride: int = 1) -> None:
        super().__init__(source, target)
        self._size, self._stride = weight.shape[2], stride
        self.weight = weight.abs().flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        self._shape = x.shape
        self._columns = unfold(x, self._size, self._stride) if self._size > 1 else x.flatten(1)
        side = -(-x.shape[2] // self._stride)
        return (self.weight @ self._columns).view(-1, side, side)

    def gradients(self, u: Tensor) -> Tensor:
        """Gradients to the weight, shape (n, *weight.shape), given those to the target."""
        return (u.flatten(2).flatten(0, 1) @ self._columns.T).view(len(u), *self.weight.shape)

    def backward(self, u: Tensor) -> Tensor:
        # One product for all networks: a broadcast one would copy the weight for each.
        columns = self.weight.T @ u.flatten(2).transpose(0, 1).flatten(1)
        columns = columns.view(len(columns), len(u), -1).transpose(0, 1)
        if self._size == 1:
            return columns.reshape(len(u), *self._shape)
        return fold(columns, self._size, self._stride, self._shape[1])


class _Shortcut(_Conv):
    """A 1x1 convolution after 2x2 average pooling."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.avg_pool2d(x, 2))

    def backward(self, u: Tensor) -> Tensor:
        return F.interpolate(super().backward(u), scale_factor=2) / 4


def _edges(layer: Layer, weights: Weights) -> list[_Edge]:
    """Edges of a layer in an order in which every source is complete before it is read; node 3 is the output."""
    if layer.ops is None:
        a, b, shortcut = (weights[f"{layer.name}.{conv}"] for conv in ("a", "b", "shortcut"))
        return [_Conv(0, 1, a, stride=2), _Conv(1, 3, b), _Shortcut(0, 3, shortcut)]
    edges = []
    for op, (source, target) in zip(layer.ops, EDGES, strict=True):
        name = f"{layer.name}.{source}>{target}"
        if name in weights:
            edges.append(_Conv(source, target, weights[name]))
        elif op != NONE:
            edges.append((_Pool if op == POOL else _Edge)(source, target))
    return edges


class _Scaled(NamedTuple):
    """Numbers divided by a power of two, so that the largest is near 1, and the exponent of that power."""

    numbers: Tensor
    exponent: Tensor

    @classmethod
    def of(cls, numbers: Tensor, exponent: Tensor) -> "_Scaled":
        """Divide numbers, which have been divided by ``2 ** exponent`` before."""
        further = torch.frexp(numbers.max()).exponent
        return cls(numbers * torch.exp2(-further), exponent + further)


class _Step(NamedTuple):
    """A layer that has been run: the edges that something flows through, and the output, None if nothing arrives.

    The layer ran on numbers divided by ``2 ** exponent``.
    """

    edges: list[_Edge]
    exponent: Tensor
    output: _Scaled | None


def _run(edges: list[_Edge], x: _Scaled | None) -> _Step:
    if x is None:
        return _Step([], torch.zeros((), dtype=torch.float64), None)
    nodes, active = {0: x.numbers}, []
    for edge in edges:
        if edge.source in nodes:
            y = edge.forward(nodes[edge.source])
            nodes[edge.target] = nodes[edge.target] + y if edge.target in nodes else y
            active.append(edge)
    return _Step(active, x.exponent, _Scaled.of(nodes[3], x.exponent) if 3 in nodes else None)


def _run_back(step: _Step, u: _Scaled, flows: list[ScaledFlow]) -> _Scaled:
    """Gradients to the input of a layer, given those to its output; gradients to its weights are added to the flows."""
    nodes = {3: u.numbers}
    for edge in reversed(step.edges):
        if edge.target in nodes:
            if isinstance(edge, _Conv):
                for flow, gradient in zip(flows, edge.gradients(nodes[edge.target]), strict=True):
                    flow.append((edge.weight, gradient, step.exponent + u.exponent))
            v = edge.backward(nodes[edge.target])
            nodes[edge.source] = nodes[edge.source] + v if edge.source in nodes else v
    return _Scaled.of(nodes[0], u.exponent)


@torch.inference_mode()  # on a generator, it holds within each step only
def flows(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[ScaledFlow, float]]:
    """Yield each network's absolute weights with the gradient of the sum of its logits to them, and the seconds taken.

    Weights that nothing flows through are left out: their gradient is 0. Where no path leads from input to output only
    the classifier's are there, with zeros.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Only its device is read: the image is one of ones.
    initialisation : str
    seed : int
    """
    device = batch.images.device
    draw = partial(networks.draw, initialisation=initialisation, seed=seed, device=device)

    def run(network: Network, layer: Layer, before: list[_Step] | None) -> list[_Step]:
        """Return the steps up to and with a layer, of which the first is the stem."""
        if before is None:
            skeleton = network.skeleton
            shape = (skeleton.in_channels, skeleton.image_side, skeleton.image_side)
            ones = _Scaled(torch.ones(shape, device=device), torch.zeros((), dtype=torch.float64, device=device))
            before = [_run([_Conv(0, 3, draw(network, layers=("stem",))["stem.conv"])], ones)]
        return [*before, _run(_edges(layer, draw(network, layers=(layer.name,))), before[-1].output)]

    trunk = Trunk(run)
    for group in siblings(members):
        start = devices.seconds()
        shared = trunk.visit(group[0], len(group[0].layers) - 1)[-1]
        evidence: list[ScaledFlow] = [[] for _ in group]
        parts = []
        for network, flow in zip(group, evidence, strict=True):
            weights = draw(network, layers=(network.layers[-1].name, "classifier"))
            last = _run(_edges(network.layers[-1], weights), shared[-1].output)
            u = _head_back(weights["classifier.weight"], last.output, flow)
            parts.append(None if u is None else _run_back(last, u, [flow]))
        if parts[0] is not None:  # a path through the last layer of one sibling is one through every layer of all
            u = _joined(parts)
            for step in reversed(shared):
                u = _run_back(step, u, evidence)
        seconds = (devices.seconds() - start) / len(group)
        yield from ((flow, seconds) for flow in evidence)


def _head_back(classifier: Tensor, x: _Scaled | None, flow: ScaledFlow) -> _Scaled | None:
    """Gradients to the last layer's output x, through the classifier and the average over pixels."""
    weight = classifier.abs()
    if x is None:
        flow.append((weight, torch.zeros_like(weight), weight.new_zeros((), dtype=torch.float64)))
        return None
    flow.append((weight, x.numbers.mean(dim=(1, 2)).expand_as(weight), x.exponent))
    u = (weight.sum(dim=0) / x.numbers[0].numel())[None, :, None, None].expand(1, *x.numbers.shape)
    return _Scaled.of(u, torch.zeros_like(x.exponent))


def _joined(parts: list[_Scaled]) -> _Scaled:
    """Parts of siblings as one batch, with the exponent of the largest."""
    exponent = torch.stack([part.exponent for part in parts]).amax()
    return _Scaled(torch.cat([part.numbers * torch.exp2(part.exponent - exponent) for part in parts]), exponent)
