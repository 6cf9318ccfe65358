"""Pass P4: the flow from an image of ones through the absolute weights, BatchNorm left out, and its gradient.

Nothing is negative there, so a ReLU changes nothing and the network is a linear map. Its gradient to a convolution is
the product of what flows in and what the rest of the network makes of its output; both are computed here as products of
matrices, in float64 (on the topology space the flow reaches 1e66). Siblings send their parts backwards through the
layers they share as one batch.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network, Weights
from proxybank.passes.evidence import Batch, Flow
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
        self._n_pixels = _sum_3x3(torch.ones_like(x[:1]))
        return _sum_3x3(x) / self._n_pixels

    def backward(self, u: Tensor) -> Tensor:
        return _sum_3x3(u / self._n_pixels)


def _sum_3x3(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, divisor_override=1)


class _Conv(_Edge):
    """A convolution by absolute weights, as a product with the columns of its patches."""

    def __init__(self, source: int, target: int, weight: Tensor, stride: int = 1) -> None:
        super().__init__(source, target)
        self._size = weight.shape[2]
        self.weight = weight.double().abs().flatten(1)
        self._unfold = {"kernel_size": self._size, "padding": self._size // 2, "stride": stride}

    def forward(self, x: Tensor) -> Tensor:
        self._shape = x.shape
        self._columns = F.unfold(x, **self._unfold) if self._size > 1 else x.flatten(1)
        side = -(-x.shape[2] // self._unfold["stride"])
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
        return F.fold(columns, self._shape[1:], **self._unfold)


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


class _Step(NamedTuple):
    """A layer that has been run: the edges that something flows through, and the output, None if nothing arrives."""

    edges: list[_Edge]
    output: Tensor | None


def _run(edges: list[_Edge], x: Tensor | None) -> _Step:
    if x is None:
        return _Step([], None)
    nodes, active = {0: x}, []
    for edge in edges:
        if edge.source in nodes:
            y = edge.forward(nodes[edge.source])
            nodes[edge.target] = nodes[edge.target] + y if edge.target in nodes else y
            active.append(edge)
    return _Step(active, nodes.get(3))


def _run_back(step: _Step, u: Tensor, flows: list[Flow]) -> Tensor:
    """Gradients to the input of a layer, given those to its output; gradients to its weights are added to the flows."""
    nodes = {3: u}
    for edge in reversed(step.edges):
        if edge.target in nodes:
            if isinstance(edge, _Conv):
                for flow, gradient in zip(flows, edge.gradients(nodes[edge.target]), strict=True):
                    flow.append((edge.weight, gradient))
            v = edge.backward(nodes[edge.target])
            nodes[edge.source] = nodes[edge.source] + v if edge.source in nodes else v
    return nodes[0]


@torch.inference_mode()  # on a generator, it holds within each step only
def flows(members: Sequence[Network], batch: Batch, initialisation: str, seed: int) -> Iterator[tuple[Flow, float]]:
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
            ones = torch.ones(shape, dtype=torch.float64, device=device)
            before = [_run([_Conv(0, 3, draw(network, layers=("stem",))["stem.conv"])], ones)]
        return [*before, _run(_edges(layer, draw(network, layers=(layer.name,))), before[-1].output)]

    trunk = Trunk(run)
    for group in siblings(members):
        start = time.perf_counter()
        shared = trunk.visit(group[0], len(group[0].layers) - 1)[-1]
        evidence: list[Flow] = [[] for _ in group]
        parts = []
        for network, flow in zip(group, evidence, strict=True):
            weights = draw(network, layers=(network.layers[-1].name, "classifier"))
            last = _run(_edges(network.layers[-1], weights), shared[-1].output)
            u = _head_back(weights["classifier.weight"], last.output, flow)
            parts.append(None if u is None else _run_back(last, u, [flow]))
        if parts[0] is not None:  # a path through the last layer of one sibling is one through every layer of all
            u = torch.cat(parts)
            for step in reversed(shared):
                u = _run_back(step, u, evidence)
        seconds = (time.perf_counter() - start) / len(group)
        yield from ((flow, seconds) for flow in evidence)


def _head_back(classifier: Tensor, x: Tensor | None, flow: Flow) -> Tensor | None:
    """Gradients to the last layer's output x, through the classifier and the average over pixels."""
    weight = classifier.double().abs()
    if x is None:
        flow.append((weight, torch.zeros_like(weight)))
        return None
    flow.append((weight, x.mean(dim=(1, 2)).expand_as(weight)))
    return (weight.sum(dim=0) / x[0].numel())[None, :, None, None].expand(1, *x.shape)
