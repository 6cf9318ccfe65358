"""Train networks of a space on a small dataset, many at once: how a run gets real accuracies without any download.

The networks of a bundle have equal widths and one seed, so they see the same mini-batches. Their tensors lie side by
side in the channels of one tensor and their convolutions run as grouped ones, because a single network on small images
spends much of its time in overheads.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network, average_pool
from proxybank.spaces.base import Layer
from proxybank.spaces.tss import CONV1, CONV3, EDGES, NONE, POOL

# BatchNorm of the convolution of a name: (name, x, scale, shift) -> Tensor.
Statistics = Callable[[str, Tensor, Tensor, Tensor], Tensor]
# The same with scale and shift filled in.
Norm = Callable[[str, Tensor], Tensor]


@dataclass(frozen=True)
class Schedule:
    """How every network is trained: SGD with Nesterov momentum, cosine learning rate, no augmentation.

    Attributes
    ----------
    epochs, batch_size : int
    learning_rate, momentum, weight_decay : float
    initialisation : str
        A name in `networks.INITIALISATIONS`.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    initialisation: str = "kaiming_normal_fan_out"


@dataclass(frozen=True)
class Split:
    """Images for training, validation and test.

    Attributes
    ----------
    images : dict of str to float32 Tensor, shape (n, in_channels, side, side)
        Standardised images of ``train``, ``valid`` and ``test``.
    labels : dict of str to int64 Tensor, shape (n,)
    """

    images: dict[str, Tensor]
    labels: dict[str, Tensor]


class Bundle:
    """Networks of equal widths with trainable weights, run as one.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space whose layers have the same widths.
    initialisation : str
    seed : int
    """

    def __init__(self, members: Sequence[Network], initialisation: str, seed: int) -> None:
        self.layers = members[0].layers
        self.n_members = len(members)
        drawn = [networks.draw(member, initialisation, seed) for member in members]
        ops = np.array([member.layers[0].ops for member in members])
        self._members = [
            {op: torch.from_numpy(np.flatnonzero(ops[:, edge] == op)) for op in np.unique(ops[:, edge])}
            for edge in range(len(EDGES))
        ]
        self.parameters: dict[str, Tensor] = {}
        for name in dict.fromkeys(name for weights in drawn for name in weights):
            tensors = [weights[name] for weights in drawn if name in weights]
            if name.startswith("classifier"):
                self.parameters[name] = torch.stack(tensors)
                continue
            # One edge can hold a 1x1 convolution in some members and a 3x3 one in others.
            for size in {tensor.shape[2] for tensor in tensors}:
                self.parameters[f"{name}.{size}"] = torch.cat([t for t in tensors if t.shape[2] == size])
                if not name.endswith("shortcut"):
                    self._add_norm(f"{name}.{size}", len(self.parameters[f"{name}.{size}"]))
        self._add_norm("last", len(members) * self.layers[-1].c_out)
        for tensor in self.parameters.values():
            tensor.requires_grad_()

    def _add_norm(self, name: str, n_channels: int) -> None:
        self.parameters[f"{name}.scale"] = torch.ones(n_channels)
        self.parameters[f"{name}.shift"] = torch.zeros(n_channels)

    def logits(self, images: Tensor, statistics: Statistics) -> Tensor:
        """Logits of every member for the same images.

        Parameters
        ----------
        images : float32 Tensor, shape (n_images, in_channels, side, side)
        statistics : callable
            Which BatchNorm: `of_batch`, a `Collected`, or its `frozen`.

        Returns
        -------
        Tensor, shape (n_members, n_images, n_classes)
        """

        def norm(name: str, x: Tensor) -> Tensor:
            return statistics(name, x, self.parameters[f"{name}.scale"], self.parameters[f"{name}.shift"])

        x = norm("stem.conv.3", F.conv2d(images, self.parameters["stem.conv.3"], padding=1))
        x = x.unflatten(1, (self.n_members, -1))
        for layer in self.layers:
            x = (self._cell if layer.ops else self._reduction)(layer, x, norm)
        features = F.relu(norm("last", x.flatten(1, 2))).mean(dim=(2, 3)).unflatten(1, (self.n_members, -1))
        weight, bias = self.parameters["classifier.weight"], self.parameters["classifier.bias"]
        return torch.baddbmm(bias[:, None], features.transpose(0, 1), weight.transpose(1, 2))

    def _conv(self, name: str, x: Tensor, size: int, norm: Norm | None, stride: int = 1) -> Tensor:
        """Convolve each member's channels with its own kernels; x has shape (n_images, n, channels, side, side)."""
        name = f"{name}.{size}"
        kernels = self.parameters[name]
        y = F.conv2d(x.flatten(1, 2), kernels, stride=stride, padding=size // 2, groups=x.shape[1])
        return (norm(name, y) if norm else y).unflatten(1, (x.shape[1], -1))

    def _reduction(self, layer: Layer, x: Tensor, norm: Norm) -> Tensor:
        y = self._conv(f"{layer.name}.a", F.relu(x), 3, norm, stride=2)
        y = self._conv(f"{layer.name}.b", F.relu(y), 3, norm)
        pooled = F.avg_pool2d(x.flatten(1, 2), 2).unflatten(1, (self.n_members, -1))
        return y + self._conv(f"{layer.name}.shortcut", pooled, 1, None)

    def _cell(self, layer: Layer, x: Tensor, norm: Norm) -> Tensor:
        nodes = [x]
        for target in (1, 2, 3):
            node = x.new_zeros(*x.shape[:2], layer.c_out, *x.shape[3:])
            for (source, end), members in zip(EDGES, self._members, strict=True):
                if end == target:
                    for op, chosen in members.items():
                        if op != NONE:
                            z = nodes[source].index_select(1, chosen)
                            node = node.index_add(
                                1, chosen, self._edge(layer, f"{layer.name}.{source}>{target}", op, z, norm)
                            )
            nodes.append(node)
        return nodes[3]

    def _edge(self, layer: Layer, name: str, op: int, z: Tensor, norm: Norm) -> Tensor:
        if op in (CONV1, CONV3):
            return self._conv(name, F.relu(z), 3 if op == CONV3 else 1, norm)
        if op == POOL:
            return average_pool(z.flatten(1, 2)).unflatten(1, (z.shape[1], -1))
        return z if z.shape[2] == layer.c_out else self._conv(name, z, 1, norm)


def of_batch(_: str, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """BatchNorm with the statistics of the batch x, shape (n_images, channels, side, side), as in training."""
    return F.batch_norm(x, None, None, scale, shift, training=True)


class Collected:
    """BatchNorm with the statistics of the batch, which it keeps by name for `frozen`."""

    def __init__(self) -> None:
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}

    def __call__(self, name: str, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Normalise x, shape (n_images, channels, side, side)."""
        variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        self.moments[name] = mean, variance
        return of_batch(name, x, scale, shift)

    def frozen(self, name: str, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Normalise x with what was kept, as networks are evaluated."""
        return F.batch_norm(x, *self.moments[name], scale, shift, training=False)


# A bundle is small where images and networks are large, so that it needs about this memory.
_LARGEST_BUNDLE, _BUNDLE_BYTES = 16, 10**9


@dataclass(frozen=True)
class Trained:
    """Accuracies of the networks of a bundle, percent, by split, each of shape (n_members,); seconds per network."""

    accuracy_pct: dict[str, NDArray[np.float64]]
    seconds: float


def train(members: Sequence[Network], split: Split, schedule: Schedule, seed: int) -> Trained:
    """Train networks of equal widths side by side.

    Parameters
    ----------
    members : sequence of Network
    split : Split
    schedule : Schedule
    seed : int
        Fixes weights and order of the mini-batches; a network's weights do not depend on its companions.

    Returns
    -------
    Trained
        Accuracies on ``valid`` and ``test`` after the last epoch. BatchNorm then uses the statistics of the training
        images under the final weights: with a few dozen steps a running average would lag behind them. Where those take
        more than a gigabyte at once, it is the first of them that do not, but at least as many as a mini-batch has.
    """
    start = time.perf_counter()
    bundle = Bundle(members, schedule.initialisation, seed)
    images, labels = split.images["train"], split.labels["train"]
    steps_per_epoch = len(images) // schedule.batch_size
    optimiser = torch.optim.SGD(
        bundle.parameters.values(),
        lr=schedule.learning_rate,
        momentum=schedule.momentum,
        weight_decay=schedule.weight_decay,
        nesterov=schedule.momentum > 0,
    )
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, schedule.epochs * steps_per_epoch)
    order = np.random.default_rng([seed, 0])
    for _ in range(schedule.epochs):
        shuffled = torch.from_numpy(order.permutation(len(images)))
        for batch in shuffled.split(schedule.batch_size)[:steps_per_epoch]:
            logits = bundle.logits(images[batch], of_batch)
            targets = labels[batch].repeat(len(members))
            # A sum over members, so that each follows the gradient of its own mean loss.
            loss = F.cross_entropy(logits.flatten(0, 1), targets, reduction="sum") / len(batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cosine.step()
    with torch.no_grad():
        collected = Collected()
        most = max(schedule.batch_size, _BUNDLE_BYTES // _bytes_per_image(members[0]))
        bundle.logits(images[:most], collected)
        accuracy = {name: _accuracy(bundle, split, name, collected.frozen) for name in ("valid", "test")}
    return Trained(accuracy, (time.perf_counter() - start) / len(members))


def _accuracy(bundle: Bundle, split: Split, name: str, statistics: Statistics) -> NDArray[np.float64]:
    batches = split.images[name].split(100)  # the tensors of a bundle then fit the cache
    logits = torch.cat([bundle.logits(batch, statistics) for batch in batches], dim=1)
    # A network that has diverged has no right answer, and not class 0's share of them, as NaN is the largest of all.
    right = (logits.argmax(dim=2) == split.labels[name]) & ~logits.isnan().any(dim=2)
    return 100 * right.double().mean(dim=1).numpy()


def bundles(members: Sequence[Network], n_images: int, batch_size: int) -> Iterator[slice]:
    """Networks that are trained side by side: successive ones of equal widths, 16 at most, fewer as memory asks for it.

    This limit is a power of two.

    Parameters
    ----------
    members : sequence of Network
    n_images, batch_size : int
        Images for training, and those of a mini-batch.
    """
    start = 0
    while start < len(members):
        most = min(_LARGEST_BUNDLE, max(1, _BUNDLE_BYTES // _bytes(members[start], n_images, batch_size)))
        most = 1 << most.bit_length() - 1  # a part of a space, a multiple of 16, then ends where a bundle does
        stop = start + 1
        while stop < min(start + most, len(members)) and _widths(members[stop]) == _widths(members[start]):
            stop += 1
        yield slice(start, stop)
        start = stop


def _bytes(network: Network, n_images: int, batch_size: int) -> int:
    """What training a network takes: the maps of a mini-batch, or those of a layer for all images, for BatchNorm.

    A cell has six edges with three maps each.
    """
    return max(18 * sum(_map_bytes(network)) * batch_size, _bytes_per_image(network) * n_images)


def _bytes_per_image(network: Network) -> int:
    """What one more image takes where only maps of one layer are kept."""
    return 8 * max(_map_bytes(network))


def _map_bytes(network: Network) -> list[int]:
    """Bytes of the map behind each layer, for one image."""
    side, maps = network.skeleton.image_side, []
    for layer in network.layers:
        side //= 1 if layer.ops else 2
        maps.append(4 * layer.c_out * side**2)
    return maps


def _widths(network: Network) -> list[int]:
    return [layer.c_out for layer in network.layers]
