"""Size space: 32,768 networks with one fixed cell and five searched widths.

References
----------
.. [1] X. Dong, L. Liu, K. Musial, B. Gabrys, "NATS-Bench", IEEE TPAMI, 2021, arXiv:2009.00437.
"""

import itertools
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from proxybank.spaces.base import Genes, Layer, Skeleton, Space
from proxybank.spaces.tss import CONV3, SKIP

WIDTHS = tuple(range(8, 65, 8))
CELL = (CONV3, CONV3, CONV3, SKIP, CONV3, CONV3)


class SizeSpace(Space):
    """All 8 ** 5 choices of widths; gene k is the number in `WIDTHS` of the output channels of layer k."""

    name = "sss"
    n_genes = 5
    n_choices = 8

    @cached_property
    def genes(self) -> Genes:
        """Genes in official order, which is the lexicographic one."""
        return np.array(list(itertools.product(range(self.n_choices), repeat=self.n_genes)), np.int8)

    def to_string(self, genes: Sequence[int]) -> str:
        """Widths joined by colons."""
        return ":".join(str(WIDTHS[gene]) for gene in genes)

    def scored_genes(self, dead_edges: str) -> Genes:
        """Genes as they are: no two sizes compute the same function."""
        return self.genes

    def indexes_of_widths(self, widths: Sequence[int]) -> NDArray[np.int64]:
        """Official indexes of all networks of these of `WIDTHS` alone, ascending; int64, shape (len(widths) ** 5,)."""
        return np.flatnonzero(np.isin(self.genes, [WIDTHS.index(width) for width in widths]).all(axis=1))

    def layers(self, genes: Sequence[int], skeleton: Skeleton) -> tuple[Layer, ...]:
        """Cell, reduction, cell, reduction, cell; the first cell keeps the stem's width."""
        key = tuple(int(gene) for gene in genes)
        widths = [WIDTHS[gene] for gene in key]
        layers = []
        for k, (c_in, c_out) in enumerate(zip([widths[0], *widths], widths, strict=False)):
            name, ops = (f"reduction{(k + 1) // 2}", None) if k % 2 else (f"stage{k // 2}.cell0", CELL)
            layers.append(Layer(name, ops, c_in, c_out, key[: k + 1]))
        return tuple(layers)

    def costs(self, skeleton: Skeleton) -> dict[str, NDArray]:
        """Evaluate closed forms in the five widths; see `Space.costs`."""
        widths = np.array(WIDTHS)[self.genes.T]
        side = skeleton.image_side
        pixels = [side**2, (side // 2) ** 2, (side // 4) ** 2]
        stem = 9 * skeleton.in_channels * widths[0]
        head = (widths[4] + 1) * skeleton.n_classes
        params = stem + 2 * widths[0] + 2 * widths[4] + head
        macs = stem * pixels[0] + head
        units = widths[4] * pixels[2]
        n_conv = 22
        for k, (c_in, c_out) in enumerate(zip([widths[0], *widths[:4]], widths, strict=True)):
            out = pixels[(k + 1) // 2]
            if k % 2:
                weights = 9 * c_in * c_out + 9 * c_out**2 + c_in * c_out
                norms = 2 * c_out
                units = units + c_in * pixels[k // 2] + c_out * out
            else:
                changes = (c_in != c_out).astype(np.int64)
                weights = 9 * (2 * c_in * c_out + 3 * c_out**2) + changes * c_in * c_out
                norms = (5 + changes) * c_out
                units = units + (2 * c_in + 3 * c_out) * out
                n_conv = n_conv + changes
            params = params + weights + 2 * norms
            macs = macs + weights * out
        return {
            "params_m": params / 1e6,
            "mflops": macs / 1e6,
            "n_relu": np.full(self.size, 20, np.int64),
            "skipped_layers": np.full(self.size, 2.0),
            "relu_units": units.astype(np.int64),
            "n_conv": n_conv,
            "n_live_conv": n_conv,
            "n_live_edges": np.full(self.size, len(CELL), np.int64),
            "mean_width": widths.mean(axis=0),
            "depth": np.full(self.size, 14, np.int64),
            **{f"width_{k}": widths[k] for k in range(5)},
        }
