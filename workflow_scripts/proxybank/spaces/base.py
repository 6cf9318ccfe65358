"""What the two spaces share: the interface, integer codes of genes, and the skeleton a cell or size is put into."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proxybank.errors import ConfigError, TableError

Genes = NDArray[np.int8]


@dataclass(frozen=True)
class Skeleton:
    """What surrounds the searched part of a network; with the genes it fixes every layer.

    Attributes
    ----------
    in_channels, n_classes : int
        Channels of an image and number of its classes.
    image_side : int
        Height and width of an image in pixels, a multiple of 4 (two reductions halve it exactly).
    stem_width, cells_per_stage : int
        TSS only: output channels of the stem, and cells in each of the three stages (NATS-Bench: 16 and 5).
        On SSS the genes hold the widths and every stage has one cell.
    """

    in_channels: int = 3
    n_classes: int = 10
    image_side: int = 32
    stem_width: int = 16
    cells_per_stage: int = 5

    def __post_init__(self) -> None:
        if self.image_side < 4 or self.image_side % 4:
            raise ConfigError(
                f"images: found a side of {self.image_side} pixels. The networks halve it twice, so it must be a "
                "multiple of 4. Crop or pad the images."
            )


def codes(genes: NDArray[np.integer], n_choices: int) -> NDArray[np.int64]:
    """Lexicographic number of each row of genes, the first gene most significant.

    Parameters
    ----------
    genes : int, shape (n, n_genes)
        Values 0 to ``n_choices - 1``.
    n_choices : int
        Values a gene can take.

    Returns
    -------
    int64, shape (n,)
        Numbers from 0 to ``n_choices ** n_genes - 1``.
    """
    n_genes = genes.shape[1]
    return genes.astype(np.int64) @ (n_choices ** np.arange(n_genes - 1, -1, -1, dtype=np.int64))


@dataclass(frozen=True)
class Layer:
    """A cell or a reduction block.

    Attributes
    ----------
    name : str
        Unique in the network; weights are named ``layer.conv``.
    ops : tuple of int or None
        Operations on the edges 0>1, 0>2, 1>2, 0>3, 1>3, 2>3 of a cell (numbers as in TSS), or None for a reduction.
    c_in, c_out : int
        Channels in and out.
    key : tuple of int
        The genes that this layer's weights depend on: all of them on TSS, the widths up to this layer on SSS.
    """

    name: str
    ops: tuple[int, ...] | None
    c_in: int
    c_out: int
    key: tuple[int, ...]


class Space(ABC):
    """A search space: every network it holds, in NATS-Bench's official order.

    Attributes
    ----------
    name : str
        ``"tss"`` or ``"sss"``.
    n_genes, n_choices : int
        Genes of a network, and values each can take.
    genes : int8, shape (size, n_genes)
        Genes of every network; the row number is the official index.
    """

    name: str
    n_genes: int
    n_choices: int
    genes: Genes

    @property
    def size(self) -> int:
        """Number of networks."""
        return self.n_choices**self.n_genes

    @cached_property
    def _index_of_code(self) -> NDArray[np.int64]:
        index = np.empty(self.size, np.int64)
        index[codes(self.genes, self.n_choices)] = np.arange(self.size)
        return index

    def index_of(self, genes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Official index of each row of `genes` (int, shape (n, n_genes)); int64, shape (n,)."""
        return self._index_of_code[codes(genes, self.n_choices)]

    @cached_property
    def arch_strings(self) -> list[str]:
        """NATS-Bench's string of every network, in official order."""
        return [self.to_string(row) for row in self.genes]

    @cached_property
    def index_of_string(self) -> dict[str, int]:
        """Official index of every architecture string."""
        return {arch: index for index, arch in enumerate(self.arch_strings)}

    def parse(self, arch: str) -> Genes:
        """Genes (int8, shape (n_genes,)) of an architecture string.

        Raises
        ------
        TableError
            If the string names no network of the space.
        """
        index = self.index_of_string.get(arch)
        if index is None:
            raise TableError(
                f"'{arch}' is no architecture of {self.name}. Expected a string like '{self.arch_strings[0]}'."
            )
        return self.genes[index]

    @abstractmethod
    def to_string(self, genes: Sequence[int]) -> str:
        """NATS-Bench's string of one network."""

    @abstractmethod
    def scored_genes(self, dead_edges: str) -> Genes:
        """Genes of the network that is scored in place of each network; int8, shape (size, n_genes).

        Parameters
        ----------
        dead_edges : {"drop", "keep"}
            ``drop`` replaces each network by one representative of all that compute the same function;
            ``keep`` scores every network as it is written.
        """

    @abstractmethod
    def layers(self, genes: Sequence[int], skeleton: Skeleton) -> tuple[Layer, ...]:
        """Cells and reductions of one network from stem to head."""

    def classes(self, dead_edges: str) -> NDArray[np.int64]:
        """Class of each network, numbered by first member; int64, shape (size,). See `scored_genes`."""
        _, first, inverse = np.unique(
            codes(self.scored_genes(dead_edges), self.n_choices), return_index=True, return_inverse=True
        )
        rank = np.empty(first.size, np.int64)
        rank[np.argsort(first)] = np.arange(first.size)
        return rank[inverse]

    def class_genes(self, dead_edges: str) -> Genes:
        """Scored genes of each class; int8, shape (n_classes, n_genes)."""
        _, first = np.unique(self.classes(dead_edges), return_index=True)
        return self.scored_genes(dead_edges)[first]

    def _drawn(self, dead_edges: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """All networks in one random order, the same for every run; where a class is met first in it; those classes."""
        order = np.random.default_rng([*self.name.encode()]).permutation(self.size)
        classes, first = np.unique(self.classes(dead_edges)[order], return_index=True)
        return order, np.sort(first), classes[np.argsort(first)]

    def random_classes(self, dead_edges: str) -> NDArray[np.int64]:
        """All classes in the order in which randomly drawn networks meet them; int64, shape (n_classes,).

        Samples are its beginnings: all samples of a space share classes, and a larger one contains a smaller one.
        """
        return self._drawn(dead_edges)[2]

    def sample_places(self, dead_edges: str) -> NDArray[np.int64]:
        """Number of other classes that were met before each network was drawn; int64, shape (size,).

        Below n are the networks drawn until n classes were met and before the next one was: a sample of networks, each
        about as likely as any other. Networks of the first n classes would be a poor one, for classes have up to 460
        members on TSS, and a few of them decide what a mean is (tests/test_spaces.py).
        """
        order, first, _ = self._drawn(dead_edges)
        places = np.empty(self.size, np.int64)
        places[order] = np.searchsorted(first, np.arange(self.size), side="right") - 1
        return places

    @abstractmethod
    def costs(self, skeleton: Skeleton) -> dict[str, NDArray]:
        """Closed-form costs and structure of every network as written, dead edges included, in official order.

        Returns
        -------
        dict
            ``params_m`` (float64, millions, BatchNorm and classifier included), ``mflops`` (float64, millions of
            multiply-adds of convolutions and classifier, what NATS-Bench calls FLOPs), ``n_relu`` (int64, ReLUs
            called), ``relu_units`` (int64, their scalar inputs per image), ``skipped_layers`` (float64),
            ``n_conv`` (int64, convolutions), ``n_live_conv`` (int64, those on a path from input to output or outside
            the cells), ``n_live_edges`` (int64, edges of the cell on a path from its input to its output), ``depth``
            (int64, convolutions on the longest path, 0 without one), ``mean_width`` (float64, output channels, mean
            over cells and reductions) and further structural counts.
        """
