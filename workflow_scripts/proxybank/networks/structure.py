"""The convolutions of a network, layer by layer, as NATS-Bench builds them."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proxybank import spaces
from proxybank.spaces import sss
from proxybank.spaces.base import Layer, Skeleton
from proxybank.spaces.tss import CONV1, CONV3, EDGES, SKIP


@dataclass(frozen=True)
class Conv:
    """A convolution without bias.

    Attributes
    ----------
    name : str
        Unique in its layer: the edge (``0>1``) in a cell; ``a``, ``b`` or ``shortcut`` in a reduction.
    c_out, c_in, kernel, stride : int
    """

    name: str
    c_out: int
    c_in: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Network:
    """One network of a space in a skeleton, without weights.

    Attributes
    ----------
    space : str
        ``"tss"`` or ``"sss"``.
    genes : tuple of int
    skeleton : Skeleton
    """

    space: str
    genes: tuple[int, ...]
    skeleton: Skeleton

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Cells and reductions from stem to head."""
        return spaces.get(self.space).layers(self.genes, self.skeleton)

    def convs(self, only: Container[str] | None = None) -> Iterator[tuple[str, tuple[int, ...], Conv]]:
        """Yield (layer name, genes its weights are drawn for, convolution) for stem and layers, in order.

        Parameters
        ----------
        only : container of str, optional
            Names of the layers asked for; all by default.
        """
        first = self.layers[0]
        if only is None or "stem" in only:
            yield "stem", self.weight_key(first), Conv("conv", first.c_in, self.skeleton.in_channels, 3)
        for layer in self.layers:
            if only is None or layer.name in only:
                for conv in block_convs(layer) if layer.ops is None else cell_convs(layer):
                    yield layer.name, self.weight_key(layer), conv

    def weight_key(self, layer: Layer) -> tuple[int, ...]:
        """Genes that the numbers of a layer's weights are drawn for: on the size space, the widths before its own."""
        return layer.key[:-1] if self.widest else layer.key

    @property
    def widest(self) -> int | None:
        """Widest layer of the size space: weights of narrower ones are slices of its own. None on the topology space.

        The weight of a layer of width 64 with as many inputs has rows of ``64 * kernel ** 2`` numbers, and so have,
        in the stream they are drawn from, the weights of all its siblings.
        """
        return sss.WIDTHS[-1] if self.space == "sss" else None

    @property
    def width(self) -> int:
        """Channels of the last layer, the inputs of the classifier."""
        return self.layers[-1].c_out


def members(space: str, genes: NDArray[np.integer], skeleton: Skeleton) -> list[Network]:
    """Networks of a space in a skeleton, one for each row of genes.

    Parameters
    ----------
    space : str
    genes : int, shape (n, n_genes)
    skeleton : Skeleton
    """
    return [Network(space, tuple(row), skeleton) for row in genes.tolist()]


def cell_convs(layer: Layer) -> tuple[Conv, ...]:
    """Convolutions on the edges of a cell; a skip that changes the width is a 1x1 convolution with BatchNorm.

    NATS-Bench builds that skip as a FactorizedReduce of stride 1. It owns a ReLU, but never calls it.
    """
    convs = []
    for op, (source, target) in zip(layer.ops, EDGES, strict=True):
        c_in = layer.c_in if source == 0 else layer.c_out
        if op in (CONV1, CONV3) or (op == SKIP and c_in != layer.c_out):
            convs.append(Conv(f"{source}>{target}", layer.c_out, c_in, 3 if op == CONV3 else 1))
    return tuple(convs)


def block_convs(layer: Layer) -> tuple[Conv, ...]:
    """Convolutions of a reduction: two 3x3 (the first with stride 2), and 1x1 after the pooling of the shortcut."""
    c_in, c_out = layer.c_in, layer.c_out
    return (Conv("a", c_out, c_in, 3, 2), Conv("b", c_out, c_out, 3), Conv("shortcut", c_out, c_in, 1))
