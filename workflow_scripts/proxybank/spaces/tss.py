"""Topology space: 15,625 cells with an operation on each of six edges, in a fixed skeleton.

References
----------
.. [1] X. Dong, L. Liu, K. Musial, B. Gabrys, "NATS-Bench", IEEE TPAMI, 2021, arXiv:2009.00437.
"""

import itertools
import random
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proxybank.spaces.base import Genes, Layer, Skeleton, Space

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV1, CONV3, POOL = range(5)
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


class TopologySpace(Space):
    """All 5 ** 6 cells; gene k is the number in `OPS` of the operation on edge ``EDGES[k]``."""

    name = "tss"
    n_genes = 6
    n_choices = 5

    @cached_property
    def genes(self) -> Genes:
        """Genes in official order: the lexicographic product, shuffled as NATS-Bench's authors did."""
        order = list(itertools.product(range(5), repeat=6))
        random.Random(88).shuffle(order)
        return np.array(order, np.int8)

    def to_string(self, genes: Sequence[int]) -> str:
        """NATS-Bench's string: the incoming edges of each node in turn, as ``op~source``."""
        terms = iter(f"{OPS[gene]}~{source}" for gene, (source, _) in zip(genes, EDGES, strict=True))
        return "+".join("|" + "|".join(itertools.islice(terms, node)) + "|" for node in (1, 2, 3))

    def scored_genes(self, dead_edges: str) -> Genes:
        """Genes of each cell, or of the representative of its function class where dead edges are dropped."""
        return self.genes if dead_edges == "keep" else self._representatives

    @cached_property
    def _representatives(self) -> Genes:
        """Of each function class, the cell with fewest edges, without dead ones; ties go to the smallest genes."""
        live, cell_of = np.unique(drop_dead_edges(self.genes), axis=0, return_inverse=True)
        best: dict[Function, tuple[int, ...]] = {}
        functions = [function_of(cell) for cell in live.tolist()]
        for function, cell in zip(functions, map(tuple, live.tolist()), strict=True):
            best[function] = min(best.get(function, cell), cell, key=lambda c: (6 - c.count(NONE), c))
        return np.array([best[function] for function in functions], np.int8)[cell_of]

    @cached_property
    def isomorphism_classes(self) -> NDArray[np.int64]:
        """Class of each cell by NAS-Bench-201's own expression strings, numbered by first member: 6,466 classes.

        Kept to compare with work that counts 6,466 "unique" cells. It is not used for scoring: 430 of the classes mix
        cells that compute different functions (one convolution used twice is not two convolutions), and 10,472 cells
        sit in a class that another class repeats (an unused edge changes the string, not the function).
        """
        number: dict[str, int] = {}
        return np.array([number.setdefault(_expression(cell), len(number)) for cell in self.genes.tolist()])

    def layers(self, genes: Sequence[int], skeleton: Skeleton) -> tuple[Layer, ...]:
        """Three stages of equal cells with a reduction between them."""
        ops = tuple(int(gene) for gene in genes)
        layers, c_in = [], skeleton.stem_width
        for stage in range(3):
            if stage:
                layers.append(Layer(f"reduction{stage}", None, c_in, 2 * c_in, ops))
                c_in *= 2
            layers += [Layer(f"stage{stage}.cell{k}", ops, c_in, c_in, ops) for k in range(skeleton.cells_per_stage)]
        return tuple(layers)

    def costs(self, skeleton: Skeleton) -> dict[str, NDArray]:
        """Evaluate closed forms in the numbers of 3x3 and 1x1 convolutions; see `Space.costs`."""
        count = {op: (self.genes == op).sum(axis=1) for op in range(5)}
        n_cells = skeleton.cells_per_stage
        n_conv = count[CONV3] + count[CONV1]
        params, macs, units = _fixed_costs(skeleton)
        for stage in range(3):
            width, pixels = skeleton.stem_width << stage, (skeleton.image_side >> stage) ** 2
            weights = width * width * (9 * count[CONV3] + count[CONV1])
            params = params + n_cells * (weights + 2 * width * n_conv)
            macs = macs + n_cells * weights * pixels
            units = units + n_cells * width * pixels * n_conv
        longest = _longest_path(self.genes)
        live = drop_dead_edges(self.genes)
        return {
            "params_m": params / 1e6,
            "mflops": macs / 1e6,
            "n_relu": (5 + 3 * n_cells * n_conv).astype(np.int64),
            "skipped_layers": _skipped_layers(self.genes),
            "relu_units": units.astype(np.int64),
            "isomorphism_class": self.isomorphism_classes,
            "n_conv_3x3": count[CONV3].astype(np.int64),
            "n_conv_1x1": count[CONV1].astype(np.int64),
            "n_avg_pool": count[POOL].astype(np.int64),
            "n_skip": count[SKIP].astype(np.int64),
            "n_none": count[NONE].astype(np.int64),
            "n_conv": (7 + 3 * n_cells * n_conv).astype(np.int64),
            "n_live_conv": 7 + 3 * n_cells * _is_conv(live).sum(axis=1),
            "n_live_edges": (live != NONE).sum(axis=1),
            "mean_width": np.full(self.size, skeleton.stem_width * (7 * n_cells + 6) / (3 * n_cells + 2)),
            "depth": np.where(longest < 0, 0, 5 + 3 * n_cells * longest),
        }


def drop_dead_edges(genes: NDArray[np.integer]) -> Genes:
    """Replace every edge that lies on no path from the cell's input to its output by ``none``.

    Parameters
    ----------
    genes : int, shape (n, 6)

    Returns
    -------
    int8, shape (n, 6)
        The all-``none`` cell where no path exists.
    """
    live = genes != NONE
    e01, e02, e12, _, e13, e23 = live.T
    always = np.ones(len(genes), bool)
    reached = (always, e01, e02 | (e01 & e12), always)
    reaching = (always, e13 | (e12 & e23), e23, always)
    on_path = [live[:, k] & reached[i] & reaching[j] for k, (i, j) in enumerate(EDGES)]
    return np.where(np.stack(on_path, axis=1), genes, NONE).astype(np.int8)


# A sum of terms (p, a): the value of atom a, average-pooled p times. Atom 0 is the cell's input, the others are its
# convolutions. Skips copy a sum and pooling is linear, so every node of a cell is such a sum.
Terms = tuple[tuple[int, int], ...]
# The output's terms, and for each convolution its operation and the terms it reads.
Function = tuple[Terms, tuple[tuple[int, Terms], ...]]


def function_of(cell: Sequence[int]) -> Function:
    """Return what a cell without dead edges computes, with its convolutions numbered canonically.

    Two cells have the same value exactly if they compute the same function of input and weights, up to the names of
    their convolutions: then every score of the function has the same distribution over random weights. A score that
    sees how the cell is written may not: poolings, of which the cells may have different numbers (`ni`, `meco`), or the
    order of convolutions (`knas_code`, `vkdnw`).

    Parameters
    ----------
    cell : sequence of 6 ints
        Genes, as `drop_dead_edges` leaves them.
    """
    nodes: list[list[tuple[int, int]]] = [[(0, 0)]]
    convs: dict[int, tuple[int, list[tuple[int, int]]]] = {}
    for node in (1, 2, 3):
        terms: list[tuple[int, int]] = []
        for edge, (source, target) in enumerate(EDGES):
            if target != node or cell[edge] == NONE:
                continue
            if cell[edge] == SKIP:
                terms += nodes[source]
            elif cell[edge] == POOL:
                terms += [(pools + 1, atom) for pools, atom in nodes[source]]
            else:
                convs[edge + 1] = (cell[edge], nodes[source])
                terms.append((0, edge + 1))
        nodes.append(terms)

    # Sort the convolutions by the expression tree each stands for; try every order of those with equal trees, since a
    # shared and a repeated convolution have the same tree.
    tree: dict[int, tuple] = {0: ()}
    for conv, (op, terms) in convs.items():
        tree[conv] = (op, tuple(sorted((pools, tree[atom]) for pools, atom in terms)))
    groups = itertools.groupby(sorted(convs, key=tree.__getitem__), key=tree.__getitem__)
    orders = itertools.product(*(list(itertools.permutations(group)) for _, group in groups))

    def numbered(order: tuple[tuple[int, ...], ...]) -> Function:
        convs_in_order = list(itertools.chain(*order))
        number = {0: 0} | {conv: k + 1 for k, conv in enumerate(convs_in_order)}

        def rename(terms: list[tuple[int, int]]) -> Terms:
            return tuple(sorted((pools, number[atom]) for pools, atom in terms))

        return rename(nodes[3]), tuple((convs[conv][0], rename(convs[conv][1])) for conv in convs_in_order)

    return min(numbered(order) for order in orders)


def _expression(cell: Sequence[int]) -> str:
    """Return NAS-Bench-201's string of a cell: skips are transparent; ``#`` is zero, but is not dropped from sums."""
    nodes = ["0"]
    for node in (1, 2, 3):
        terms = []
        for gene, (source, target) in zip(cell, EDGES, strict=True):
            if target == node:
                dead = gene == NONE or nodes[source] == "#"
                terms.append("#" if dead else nodes[source] if gene == SKIP else f"({nodes[source]})@{OPS[gene]}")
        nodes.append("+".join(sorted(terms)))
    return nodes[3]


def _fixed_costs(skeleton: Skeleton) -> tuple[int, int, int]:
    """Parameters, multiply-adds and ReLU units of stem, reductions and head."""
    width, side, n_classes = skeleton.stem_width, skeleton.image_side, skeleton.n_classes
    stem = 9 * skeleton.in_channels * width
    params = stem + 2 * width + 2 * 4 * width + (4 * width + 1) * n_classes
    # NATS-Bench counts the classifier's bias among its multiply-adds.
    macs = stem * side**2 + (4 * width + 1) * n_classes
    units = 4 * width * (side // 4) ** 2
    for stage in (1, 2):
        c_in, c_out, pixels = width << (stage - 1), width << stage, (side >> stage) ** 2
        weights = 9 * c_in * c_out + 9 * c_out * c_out + c_in * c_out
        params += weights + 4 * c_out
        macs += weights * pixels
        units += c_in * 4 * pixels + c_out * pixels
    return params, macs, units


def _is_conv(genes: Genes) -> NDArray[np.bool_]:
    return (genes == CONV1) | (genes == CONV3)


def _longest_path(genes: Genes) -> NDArray[np.int64]:
    """Most convolutions on a path through the cell, -1 without a path."""
    length = np.where(genes == NONE, -6, _is_conv(genes))  # an edge that is missing makes every path negative
    e01, e02, e12, e03, e13, e23 = length.T
    return np.maximum(np.max([e03, e01 + e13, e02 + e23, e01 + e12 + e23], axis=0), -1)


def _skipped_layers(genes: Genes) -> NDArray[np.float64]:
    """Mean number of nodes that a skip connection jumps, 0 without skips (Cavagnero et al., WACV 2023)."""
    skips = genes == SKIP
    jumped = np.array([target - source - 1 for source, target in EDGES])
    return (skips @ jumped) / np.maximum(skips.sum(axis=1), 1)
