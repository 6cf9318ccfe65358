"""Forward and backward through one network, written out, with everything that goes back at once in one batch.

What goes forward is a batch of images and, where ``turn`` is asked for, its tangent behind it: how every value changes
as all weights w grow to (1 + t) w. What goes back are up to three cotangents, one behind the other along the batch:

- ``sum``: derivatives of the sum of all logits,
- ``turn``: how those of the loss change as the weights grow, which is the row w'H of Hessian times weights,
- ``loss``: derivatives of the mean cross-entropy.

They share BatchNorm's statistics, the masks of ReLUs, and each convolution's call. Nothing is computed for edges on no
path from input to output.

A convolution before BatchNorm is free of scale: its growth changes nothing behind BatchNorm, but for the epsilon in
there, and divides its gradient by 1 + t. So a part -g of its row w'H is known, and what is left is small. Before the
first convolution without BatchNorm, a third of the way, the tangent is what epsilon leaves. It goes on, for the network
behind may multiply it; but what it adds to the gradients of the weights it meets there, about a ten thousandth of w'Hg
on NATS-Bench, is left out.

Every activation that goes into a convolution, a ReLU or BatchNorm stays until the way back has passed it; cotangents do
not.
"""

import weakref
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank.networks import EPSILON, Conv, Network, Weights, block_convs, cell_convs
from proxybank.passes import devices, maps
from proxybank.passes.channelwise import channel_sums, mix
from proxybank.passes.devices import on_cpu
from proxybank.passes.inference import as_map, as_tensor
from proxybank.passes.prefixes import Trunk
from proxybank.passes.response_correlation import Correlations, absolute_correlations
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import CONV1, CONV3, EDGES, NONE, POOL, drop_dead_edges

STREAMS = ("sum", "turn", "loss")
KINDS = ("forward", "tangent", "back", "gradients", "turn", "relu")
_SLIGHT = 1e-3  # growth of a convolution's normalised output, due to epsilon, above which it is not neglected
_WINDOW = [3, 3], [1, 1], [1, 1], False, False  # of average pooling: size, stride, padding, and that it is not counted


class Clock:
    """Seconds by kind of work; see `Sweep`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._start = devices.mark(device)
        self._laps: list[tuple[devices.Mark, tuple[str, ...]]] = []

    def lap(self, *kinds: str) -> None:
        """Divide the time since the last call equally among these kinds."""
        self._laps.append((devices.mark(self._device), kinds))

    def seconds(self) -> dict[str, float]:
        """Seconds of each of `KINDS` so far."""
        seconds, start = dict.fromkeys(KINDS, 0.0), self._start
        for end, kinds in self._laps:
            for kind in kinds:
                seconds[kind] += devices.seconds_between(start, end) / len(kinds)
            start = end
        return seconds


class _Norm:
    """BatchNorm of a batch x and, if it is there, its tangent dx behind it.

    With means over all values of a channel, y = s (x - mean(x)) and dy = s (dx - mean(dx) - y h) for h = mean(y dx).
    Where x itself grows, as the output of a convolution does, there is g y in dy besides, with g = epsilon s^2; that x
    should be in dx too, and make a part of the derivatives -1 times themselves, is left to those who use it.

    Attributes
    ----------
    growth : float64 Tensor, shape (n_channels,)
        g, or zeros.
    """

    def __init__(self, x: Tensor, n_images: int, *, grows: bool) -> None:
        self._x, self._n_images = x, n_images
        n_pixels = x[0, 0].numel()
        near = x[:1].mean(dim=(0, 2, 3)).double()  # near enough to the mean for differences not to cancel
        sums, products = (value.double().unflatten(0, (-1, n_images)) for value in channel_sums(x, x[:n_images], near))
        means = sums.mean(dim=1) / n_pixels
        along = products.mean(dim=1) / n_pixels  # mean(x (x - near)), mean(dx (x - near))
        self._mean = mean = means[0]
        # A channel with a single value is its mean, and what is left of it would be rounding.
        self._scale = (along[0] - mean * (mean - near) + EPSILON).rsqrt() * (n_images * n_pixels > 1)
        if len(means) == 2:
            self._tangent_mean = means[1]
            self._h = self._scale * (along[1] - means[1] * (mean - near))
        self.growth = EPSILON * self._scale.square() * grows
        # Of each image and channel: sums of x - mean and its square.
        self._centred = sums[0] - n_pixels * mean
        self._squares = products[0] - mean * self._centred + (near - mean) * sums[0]

    def add_to(self, out: Tensor | None) -> Tensor:
        """Add y, and dy behind it, to `out`, which is made where there is none."""
        add, s = out is not None, self._scale
        out = torch.empty_like(self._x) if out is None else out
        along_x, constant = [torch.zeros_like(s)], [-s * self._mean]
        if len(self._x) > self._n_images:
            along_x.append(self.growth * s - s.square() * self._h)
            constant.append(-s * self._tangent_mean - along_x[1] * self._mean)
        mix(out, self._x, self._x[: self._n_images], s, torch.stack(along_x), torch.stack(constant), add=add)
        return out

    def back(self, u: Tensor, streams: tuple[str, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Cotangents to x, given those to y; sums over pixels of x times the last of them; and their sum where x grows.

        They are s (u - a - y b) with a = mean(u), b = mean(u y). Its derivative for those that ``turn``, v = du, is
        s (v - mean(v) - dy b - y (mean(v y) + mean(u dy))) - s^2 h (u - a - y b), and where x grows, to these is added
        g times (s (u - a - y b) - 2 s b y). The sum of x times the former is g b for each value of a channel, of which
        rounding would leave little.
        """
        n, s, mean = self._n_images, self._scale, self._mean
        x, d = self._x[:n], torch.empty_like(u)
        n_pixels = x[0, 0].numel()
        sums, products = (value.double().unflatten(0, (-1, n)) for value in channel_sums(u, x, mean))
        a, b = sums.mean(dim=1) / n_pixels, s * products.mean(dim=1) / n_pixels
        to_x = -s.square() * b
        constant = -s * a - to_x * mean
        turn = self._turn(u, a, b, to_x, constant) if "turn" in streams else None
        mix(d, u, x, s, to_x, constant, turn)
        along = s * (products[-1] - a[-1] * self._centred) + to_x[-1] * self._squares
        total = s * (sums[-1] - n_pixels * a[-1]) + to_x[-1] * self._centred
        return d, along + mean * total, n * n_pixels * (self.growth * b[-1]).sum()

    def _turn(self, u: Tensor, a: Tensor, b: Tensor, to_x: Tensor, constant: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Change the summands of the cotangents that turn, and return what `mix` adds to them besides."""
        n, s, h, g, mean = self._n_images, self._scale, self._h, self.growth, self._mean
        dx = self._x[n:]
        _, products = channel_sums(u[-n:], dx, self._tangent_mean)
        mean_u_dy = s * (products.sum(dim=0, dtype=torch.float64) / (n * dx[0, 0].numel()) - h * b[-1])
        along_y = s.square() * (s * b[-1] * h - b[-2] - mean_u_dy)
        along_u = s * (g - s * h)
        constant[-2] = (g - s * h) * constant[-1] - s * a[-2] - to_x[-1] * (self._tangent_mean + 2 * g * mean)
        constant[-2] -= along_y * mean
        to_x[-2] = along_y + (3 * g - s * h) * to_x[-1]
        return dx, along_u, to_x[-1]


@dataclass(frozen=True)
class _Edge:
    """What leads from one node of a layer to another: a copy, unless it says more.

    Attributes
    ----------
    pool : int
        Side of the average pooling that comes first: 3 keeps the size of maps and does not count padding, 2 halves it.
    conv : Conv, optional
    relu, norm : bool
        Whether the convolution has a ReLU before and BatchNorm behind it.
    """

    source: int
    target: int
    pool: int = 0
    conv: Conv | None = None
    relu: bool = False
    norm: bool = False


def _edges(layer: Layer) -> list[_Edge]:
    """Edges of a layer that lie on a path from its input, node 0, to its output, node 3; by source."""
    if layer.ops is None:
        a, b, shortcut = block_convs(layer)
        reduction = (_Edge(0, 1, 0, a, True, True), _Edge(0, 3, 2, shortcut), _Edge(1, 3, 0, b, True, True))
        return list(reduction)
    convs = {conv.name: conv for conv in cell_convs(layer)}
    edges = []
    live = drop_dead_edges(np.array([layer.ops]))[0]
    for op, (source, target) in zip(live, EDGES, strict=True):
        if op != NONE:
            conv = convs.get(f"{source}>{target}")
            edges.append(_Edge(source, target, 3 * (op == POOL), conv, op in (CONV1, CONV3), conv is not None))
    return sorted(edges, key=lambda edge: edge.source)


class _Block:
    """The stem or a layer, run forward once, and then back for each network that shares it; see `Sweep`.

    Attributes
    ----------
    slight : bool
        Whether all tangents in there, but for the output's, are only what epsilon leaves.
    """

    def __init__(self, name: str, edges: list[_Edge], sweep: "Sweep", before: "_Block | None" = None) -> None:
        self._name, self._edges, self._sweep = name, edges, sweep
        self.number = -1 if before is None else before.number + 1  # of the layer
        self.slight = before is None or before.slight and all(e.norm for e in before._edges if e.conv is not None)
        self._inputs: dict[_Edge, Tensor] = {}
        self._outputs: dict[_Edge, Tensor] = {}
        self._norms: dict[_Edge, _Norm] = {}
        self._active: dict[int, Tensor] = {}
        self._alike: dict[int, Tensor] = {}  # correlations between images of what goes into ReLUs

    def forward(self, x: Tensor) -> Tensor:
        """Output of the layer and, behind it, its tangent, if it has any."""
        sweep = self._sweep
        nodes, owned = {0: x}, set()  # what is not owned lies elsewhere too, and must not change
        for edge in self._edges:
            x, target = nodes[edge.source], edge.target
            if edge.relu:
                if edge.source not in self._active:
                    self._alike[edge.source] = sweep.compare(x)
                    self._active[edge.source] = sweep.relu(x)
                x = self._active[edge.source]
            if edge.pool:
                x = F.avg_pool2d(x, 2) if edge.pool == 2 else _pool(x)
            if edge.conv is not None:
                self._inputs[edge] = x
                x = self._convolve(edge, x)
            if edge.norm:
                self._norms[edge] = _Norm(x, sweep.n_images, grows=True)
                before = nodes.get(target)
                nodes[target] = self._norms[edge].add_to(
                    before if before is None or target in owned else before.clone()
                )
            else:
                nodes[target] = nodes[target] + x if target in nodes else x
            if edge.norm or edge.pool:
                owned.add(target)
            sweep.lap_forward(len(x))
        # To ask on an accelerator takes longer than it saves.
        self.slight = self.slight and on_cpu(x) and all(n.growth.max() <= _SLIGHT for n in self._norms.values())
        return nodes[3]

    def back(self, u: Tensor) -> Tensor:
        """Cotangents to the input, given those to the output; the stem's are of the sum of logits only."""
        sweep = self._sweep
        nodes = {3: u}
        for source in sorted({edge.source for edge in self._edges}, reverse=True):
            edges = [edge for edge in self._edges if edge.source == source]
            total = None
            for edge in edges:
                if edge.relu:
                    v = self._back(edge, nodes[edge.target])
                    sweep.compare_back(self.number, self._alike[source], self._active[source], v)
                    total = v if total is None else total.add_(v)
            if total is not None:
                sweep.back_through_relu(self._active[source], total)
            owned = total is not None  # what a copy sends back belongs to its target
            for edge in edges:
                if not edge.relu:
                    v = self._back(edge, nodes[edge.target])
                    total = v if total is None else total.add_(v) if owned else total + v
                    owned = owned or v is not nodes[edge.target]
            sweep.lap_back()
            nodes[source] = total
        return nodes[0]

    def _convolve(self, edge: _Edge, x: Tensor) -> Tensor:
        conv, n = edge.conv, self._sweep.n_images
        y = F.conv2d(x, self._weight(edge), stride=conv.stride, padding=conv.kernel // 2)
        y = y.contiguous(memory_format=torch.channels_last)
        if edge.norm:
            return y
        self._outputs[edge] = y[:n].clone()
        if len(y) > n:  # nothing behind it undoes the growth of its weights
            y[n:] += y[:n]
        return y

    def _back(self, edge: _Edge, u: Tensor) -> Tensor:
        if edge.conv is not None:
            u = self._back_through_conv(edge, u)
        if edge.pool == 3:
            return _pool_back(u)
        return F.interpolate(u, scale_factor=2).mul_(0.25) if edge.pool == 2 else u

    def _back_through_conv(self, edge: _Edge, u: Tensor) -> Tensor:
        sweep, n, weight = self._sweep, self._sweep.n_images, self._weight(edge)
        x = self._inputs[edge]
        if edge.norm:
            u, along, product = self._norms[edge].back(u, sweep.streams)
        else:
            y = self._outputs[edge]
            along = channel_sums(u[-n:], y, y.new_zeros(y.shape[1], dtype=torch.float64))[1]
            product = along.double().sum()
        sweep.lap_back()
        if sweep.to_weights:
            self._differentiate(edge, u, x, along, product)
        if "turn" in sweep.streams and not edge.norm:
            u = u.clone()
            u[-2 * n : -n] += u[-n:]
        if self._name == "stem":
            u = u[: n * ("sum" in sweep.streams)]
        if not len(u):
            return u
        shape = (len(u), *x.shape[1:])
        like_x = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        return _conv_back(edge.conv, u, like_x, weight, 0).contiguous(memory_format=torch.channels_last)

    def _differentiate(self, edge: _Edge, u: Tensor, x: Tensor, along: Tensor, product: Tensor) -> None:
        """Take the gradient to a weight, given cotangents to the output, and their sums along it."""
        sweep, n, weight = self._sweep, self._sweep.n_images, self._weight(edge)
        name = f"{self._name}.{edge.conv.name}"
        gradient = sweep.gradients[name] = _conv_back(edge.conv, u[-n:], x[:n], weight, 1)
        sweep.saliencies[name] = along.double().square().mean(dim=0) / 2
        sweep.products[name] = product
        sweep.clock.lap("gradients")
        if "turn" in sweep.streams:  # x goes with the cotangents that turn, dx with the loss's
            end = n if self.slight else 2 * n
            change = _conv_back(edge.conv, u[-2 * n :][:end], x[:end], weight, 1).double()
            change -= gradient if edge.norm else 0
            sweep.turned += (gradient * change).sum()
            sweep.clock.lap("turn")

    def _weight(self, edge: _Edge) -> Tensor:
        return self._sweep.weights[f"{self._name}.{edge.conv.name}"]


def _conv_back(conv: Conv, u: Tensor, x: Tensor, weight: Tensor, which: int) -> Tensor:
    """Gradient to the input (0) or weight (1) of a convolution, given cotangents to its output."""
    size = [conv.stride] * 2, [conv.kernel // 2] * 2, [1, 1], False, [0, 0], 1
    mask = [which == 0, which == 1, False]
    return torch.ops.aten.convolution_backward(u, x, weight, None, *size, mask)[which]


def _pool(x: Tensor) -> Tensor:
    """Mean of each 3x3 window, padding not counted."""
    if _in_loops(x):
        return as_tensor(maps.pool(as_map(x)))
    return F.avg_pool2d(x, *_WINDOW).contiguous(memory_format=torch.channels_last)


def _pool_back(u: Tensor) -> Tensor:
    """Cotangents to the input of `_pool`, given those to its output."""
    if _in_loops(u):
        return as_tensor(maps.pool_back(as_map(u)))
    v = torch.ops.aten.avg_pool2d_backward(u, u, *_WINDOW, None)
    return v.contiguous(memory_format=torch.channels_last)


def _in_loops(x: Tensor) -> bool:
    return on_cpu(x) and x.dtype == torch.float32


class _State(NamedTuple):
    """Everything up to a layer: the blocks that have run, stem first, and the output of the last one."""

    blocks: list[_Block]
    output: Tensor


class Sweep:
    """Runs networks forward, and back with the cotangents asked for.

    Successive networks of the size space share the way forward through the layers in which they agree.

    Parameters
    ----------
    images : float32 Tensor
    labels : int64 Tensor
    streams : collection of str
        Of `STREAMS`; with ``turn`` comes ``loss``.
    to_weights : bool
        Whether to take gradients of the loss to weights.
    correlate : bool
        Whether to compare images, which needs the stream ``loss``; see `correlations`.

    Attributes
    ----------
    gradients, saliencies : dict of str to Tensor
        Of the network run last. By weight: derivatives to it; by its output channels, half the mean over images of the
        squared sum over pixels of output times derivatives to the output, float64. Weights on no path are left out.
    products : dict of str to float64 Tensor
        Of the same weights: sum of weight times derivative.
    turned : float64 Tensor
        Sum over all its weights of w (H g), of gradient g and Hessian H of the loss.
    images_gradient : Tensor or None
        Derivatives of the sum of all logits to the images.
    clock : Clock
        Seconds of ``forward``, of its extra work for the ``tangent``, of the way ``back`` of all streams, of the
        ``gradients`` to weights, how they ``turn``, and of ``relu``, which is spent on `correlations`.
    correlations : Correlations
        What ReLUs of the network run last do to images, and the loss to ReLUs; empty unless asked for.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        streams: Collection[str],
        *,
        to_weights: bool = False,
        correlate: bool = False,
    ) -> None:
        self.n_images, self._labels = len(images), labels
        self.streams = tuple(stream for stream in STREAMS if stream in streams)
        self.to_weights, self._correlate = to_weights, correlate
        images = torch.cat([images, torch.zeros_like(images)]) if "turn" in self.streams else images
        self._images = images.contiguous(memory_format=torch.channels_last)
        # The trunk and its blocks know the sweep, but do not own it: activations are freed with it, and need not wait
        # until Python next looks for cycles.
        self._trunk = Trunk(partial(Sweep._forward, weakref.proxy(self)))

    def run(self, network: Network, weights: Weights) -> "Sweep":
        """Run a network, and return this sweep with what was found.

        Parameters
        ----------
        network : Network
        weights : dict of str to Tensor
            As `networks.draw` returns them.
        """
        self.clock = Clock(self._images.device)
        self.weights, self.correlations = weights, Correlations()
        self.gradients: dict[str, Tensor] = {}
        self.saliencies: dict[str, Tensor] = {}
        self.products: dict[str, Tensor] = {}
        self.turned = torch.zeros((), dtype=torch.float64, device=self._images.device)
        self.images_gradient: Tensor | None = None
        if not all(_edges(layer) for layer in network.layers):  # all features are 0
            self._classify(torch.zeros(self.n_images, network.width, device=self._images.device))
            return self
        blocks, x = self._trunk.visit(network, len(network.layers))[-1]
        u = self._head(x, blocks[-1].number + 1)
        for block in reversed(blocks):
            u = block.back(u)
        self.images_gradient = u if "sum" in self.streams else None
        return self

    def _forward(self, network: Network, layer: Layer, before: _State | None) -> _State:
        if before is None:
            conv = next(conv for _, _, conv in network.convs(("stem",)))
            stem = _Block("stem", [_Edge(0, 3, 0, conv, False, True)], self)
            before = _State([stem], stem.forward(self._images))
        block = _Block(layer.name, _edges(layer), self, before.blocks[-1])
        return _State([*before.blocks, block], block.forward(before.output))

    def relu(self, x: Tensor) -> Tensor:
        """Positive values of a batch, and its tangent where they are."""
        n, active = self.n_images, torch.empty_like(x)
        torch.clamp_min(x[:n], 0, out=active[:n])
        if len(x) > n:
            torch.ops.aten.threshold_backward.grad_input(x[n:], active[:n], 0, grad_input=active[n:])
        return active

    def back_through_relu(self, active: Tensor, u: Tensor) -> None:
        """Keep cotangents to a ReLU's output where it is positive."""
        active = active[: self.n_images]
        for part in u.split(self.n_images):
            torch.ops.aten.threshold_backward.grad_input(part, active, 0, grad_input=part)

    def compare(self, x: Tensor) -> Tensor | None:
        """Correlations between images of what goes into a ReLU, if they are asked for."""
        if not self._correlate:
            return None
        self.lap_forward(len(x))
        alike = absolute_correlations(x[: self.n_images])
        self.clock.lap("relu")
        return alike

    def compare_back(self, layer: int, alike: Tensor | None, active: Tensor, u: Tensor) -> None:
        """Add a ReLU's correlations, given those of its input, its output, and the cotangents to that."""
        if alike is None:
            return
        self.lap_back()
        to_input = torch.ops.aten.threshold_backward(u[-self.n_images :], active[: self.n_images], 0)
        self.correlations.add(layer, alike, absolute_correlations(to_input))
        self.clock.lap("relu")

    def lap_forward(self, n: int) -> None:
        """Clock a step forward over n images and tangents of images."""
        self.clock.lap(*(("forward", "tangent") if n > self.n_images else ("forward",)))

    def lap_back(self) -> None:
        """Clock a step back of all streams."""
        self.clock.lap("back")

    def _head(self, x: Tensor, number: int) -> Tensor:
        """Cotangents to the last layer's output, through BatchNorm, ReLU, average and classifier: layer `number`."""
        n_pixels = x[0, 0].numel()
        norm = _Norm(x, self.n_images, grows=False)
        y = norm.add_to(None)
        alike, active = self.compare(y), self.relu(y)
        u = self._classify(active.mean(dim=(2, 3))) / n_pixels
        u = u.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:]).contiguous(memory_format=torch.channels_last)
        self.compare_back(number, alike, active, u)
        self.back_through_relu(active, u)
        u, _, _ = norm.back(u, self.streams)
        self.lap_back()
        return u

    def _classify(self, features: Tensor) -> Tensor:
        """Cotangents to the features, float64, given those and their tangent."""
        n, weight = self.n_images, self.weights["classifier.weight"].double()
        values = features[:n].double()
        logits = values @ weight.T + self.weights["classifier.bias"].double()
        p = logits.softmax(dim=1)
        to_logits = {"sum": torch.ones_like(p), "loss": (p - F.one_hot(self._labels, p.shape[1])) / n}
        to_features = {stream: u @ weight for stream, u in to_logits.items()}
        loss = to_logits["loss"]
        gradient = loss.T @ values
        if self.to_weights:
            self.gradients["classifier.weight"] = gradient.to(features.dtype)
            self.saliencies["classifier.weight"] = (logits * loss).square().mean(dim=0) / 2
            self.products["classifier.weight"] = (gradient * weight).sum()
        if "turn" in self.streams and len(features) > n:
            tangent = features[n:].double()
            growth = (tangent + values) @ weight.T
            turn = p * (growth - (p * growth).sum(dim=1, keepdim=True)) / n
            to_features["turn"] = (turn + loss) @ weight
            self.turned += (gradient * (turn.T @ values + loss.T @ tangent)).sum()
        self.lap_forward(len(features))
        return torch.cat([to_features[stream] for stream in self.streams if stream in to_features])
