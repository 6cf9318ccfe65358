"""Structural counts of networks against counts of their convolutions and walks along their edges."""

import numpy as np
import pytest

from proxybank import networks, spaces
from proxybank.spaces.tss import CONV1, CONV3, EDGES, NONE, drop_dead_edges

SMALL = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=2)
SOME = np.random.default_rng(0).choice(15_625, 300, replace=False)


def longest_walk(cell, node=0):
    """Most convolutions from a node of a cell to its output, None if it cannot be reached."""
    if node == 3:
        return 0
    found = []
    for op, (source, target) in zip(cell, EDGES, strict=True):
        rest = longest_walk(cell, target) if source == node and op != NONE else None
        if rest is not None:
            found.append(rest + (op in (CONV1, CONV3)))
    return max(found, default=None)


def test_depth_of_topologies_is_the_longest_walk():
    space = spaces.get("tss")
    walks = [longest_walk(cell) for cell in space.genes[SOME].tolist()]
    # The stem, two convolutions in each of two reductions, and six cells.
    expected = [0 if walk is None else 5 + 6 * walk for walk in walks]
    assert space.costs(SMALL)["depth"][SOME].tolist() == expected
    assert None in walks


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_convolutions_and_widths_are_those_of_the_network_as_written(name):
    space = spaces.get(name)
    members = networks.members(name, space.genes[SOME], SMALL)
    counts = [sum(1 for _ in network.convs()) for network in members]
    widths = [np.mean([layer.c_out for layer in network.layers]) for network in members]
    assert space.costs(SMALL)["n_conv"][SOME].tolist() == counts
    assert space.costs(SMALL)["mean_width"][SOME] == pytest.approx(widths)


def test_live_edges_are_those_that_walks_use():
    def walks(cell, node=0):
        """Every way from a node to the output, as the set of its edges."""
        if node == 3:
            return [set()]
        edges = [(k, target) for k, (source, target) in enumerate(EDGES) if source == node and cell[k] != NONE]
        return [{k} | rest for k, target in edges for rest in walks(cell, target)]

    space = spaces.get("tss")
    expected = [len(set().union(*walks(cell))) for cell in space.genes[SOME].tolist()]
    assert space.costs(SMALL)["n_live_edges"][SOME].tolist() == expected
    assert set(spaces.get("sss").costs(SMALL)["n_live_edges"]) == {6}


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_live_convolutions_are_those_of_the_network_without_dead_edges(name):
    space = spaces.get(name)
    genes = drop_dead_edges(space.genes[SOME]) if name == "tss" else space.genes[SOME]
    counts = [sum(1 for _ in network.convs()) for network in networks.members(name, genes, SMALL)]
    assert space.costs(SMALL)["n_live_conv"][SOME].tolist() == counts


def test_depth_of_sizes():
    # Stem 1; the longest path of each of three cells has 3, each of two reductions 2.
    assert set(spaces.get("sss").costs(SMALL)["depth"]) == {14}
