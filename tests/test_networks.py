"""Untrained networks against the reference builder, and their weights against the promise of being keyed."""

import numpy as np
import pytest
import torch
from xautodl.models import get_cell_based_tiny_net
from xautodl.models.cell_searchs.genotypes import Structure

from proxybank import networks, spaces

SKELETON = spaces.Skeleton(image_side=16, cells_per_stage=2)
# Pathless, dead edges, none-heavy, unreached node with edges, full, skip only, pool only.
ODD_CELLS = [(0, 0, 0, 0, 0, 0), (3, 0, 0, 0, 0, 0), (0, 0, 3, 3, 0, 0), (0, 0, 2, 0, 3, 4), (3, 3, 3, 3, 3, 3)]
ODD_CELLS += [(1, 1, 1, 1, 1, 1), (4, 4, 4, 4, 4, 4), (0, 0, 0, 1, 0, 0), (2, 0, 4, 0, 0, 3), (0, 3, 0, 4, 2, 2)]


def reference(space, arch, skeleton):
    """Build a network as NATS-Bench's authors do."""
    if space.name == "tss":
        genotype = Structure.str2structure(arch)
        config = {"name": "infer.tiny", "C": skeleton.stem_width, "N": skeleton.cells_per_stage}
    else:
        cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
        genotype = Structure.str2structure(cell)
        config = {"name": "infer.shape.tiny", "channels": arch}
    return get_cell_based_tiny_net({**config, "genotype": genotype, "num_classes": skeleton.n_classes})


def load(model, network, weights):
    """Copy our weights into the reference network."""
    own = {"stem.0.weight": weights["stem.conv"]}
    own |= {f"classifier.{part}": weights[f"classifier.{part}"] for part in ("weight", "bias")}
    block = {"a": "conv_a.op.1", "b": "conv_b.op.1", "shortcut": "downsample.1"}
    edges = {"0>1": 0, "0>2": 1, "1>2": 2, "0>3": 3, "1>3": 4, "2>3": 5}
    for number, layer in enumerate(network.layers):
        for name, weight in weights.items():
            if not name.startswith(layer.name + "."):
                continue
            conv = name.removeprefix(layer.name + ".")
            if layer.ops is None:
                own[f"cells.{number}.{block[conv]}.weight"] = weight
            else:
                inner = "conv" if layer.ops[edges[conv]] == 1 else "op.1"
                own[f"cells.{number}.layers.{edges[conv]}.{inner}.weight"] = weight
    state = model.state_dict()
    norms = {name for name in state if name not in own}
    assert all("weight" not in name or state[name].dim() == 1 for name in norms), "a convolution got no weights"
    model.load_state_dict(own, strict=False)
    assert set(own) <= set(state)
    return model.train()


def networks_to_compare(space):
    generator = np.random.default_rng(0)
    index = generator.choice(space.size, 45 if space.name == "tss" else 20, replace=False)
    genes = [tuple(map(int, row)) for row in space.genes[index]]
    return genes + ODD_CELLS if space.name == "tss" else genes


def test_genes_of_networks_are_plain_numbers():
    # Of an int8, the eightfold overflows.
    first, second = networks.members("sss", spaces.get("sss").genes[[1, -1]], SKELETON)
    assert (first.genes, second.genes) == ((0, 0, 0, 0, 1), (7,) * 5)
    assert {type(gene) for gene in second.genes} == {int}
    assert networks.members("sss", spaces.get("sss").genes[[]], SKELETON) == []


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_logits_equal_the_reference_builder(name):
    """In float64, where rounding leaves twelve digits; in float32 it leaves five, fewer with another library."""
    space = spaces.get(name)
    images = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(1)).double()
    for genes in networks_to_compare(space):
        network = networks.Network(name, genes, SKELETON)
        weights = {key: weight.double() for key, weight in networks.draw(network, "default", seed=3).items()}
        model = load(reference(space, space.to_string(genes), SKELETON).double(), network, weights)
        with torch.no_grad():
            ours, (features, logits) = networks.forward(network, weights, images), model(images)
        torch.testing.assert_close(ours.logits, logits, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(ours.features, features, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("ops", ODD_CELLS)
def test_edges_that_are_left_out_change_no_logit(ops):
    network = networks.Network("tss", ops, SKELETON)
    whole, built = networks.NetworkModule(network, zeros=True), networks.NetworkModule(network)
    built.load_state_dict(whole.state_dict())
    images = torch.rand(4, 3, 16, 16)
    assert torch.equal(built(images), whole(images))
    edges = [len(module.edges) for module in built.modules() if hasattr(module, "edges")]
    assert edges == [sum(op > 0 for op in ops)] * 3 * SKELETON.cells_per_stage


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_average_pool_counts_the_pixels_that_are_there(dtype):
    """In either precision, which take different ways; nine numbers, averaged by hand."""
    x = torch.arange(9, dtype=dtype).view(1, 1, 3, 3).expand(1, 2, 3, 3)
    expected = torch.tensor([[2, 2.5, 3], [3.5, 4, 4.5], [5, 5.5, 6]], dtype=dtype)
    torch.testing.assert_close(networks.average_pool(x), expected.expand(1, 2, 3, 3))


def test_a_channel_with_a_single_value_is_normalised_to_nothing():
    # One image whose last stage has one pixel, as images of four pixels have.
    found = networks.batch_norm(torch.full((1, 3, 1, 1), 5.0))
    assert found.abs().max() < 1e-4
