"""The library's scores against plain per-proxy code on plain torch modules, two programs that share no computation."""

import numpy as np
import pytest
import torch
from conftest import provided
from test_networks import ODD_CELLS, load, reference

from proxybank import networks, passes, proxies, spaces
from proxybank.benchmark import plain

SMALL = spaces.Skeleton(image_side=16, stem_width=8, cells_per_stage=2)
INIT = "kaiming_normal_fan_out"
GENERATOR = torch.Generator().manual_seed(0)
BATCH = passes.Batch(torch.randn(16, 3, 16, 16, generator=GENERATOR), torch.arange(16) % 10)
# All operations; dead convolutions on both sides; no convolution; sizes with and without changes of width.
TOPOLOGIES = [(2, 3, 1, 4, 4, 1), (3, 2, 3, 1, 0, 0), (0, 0, 2, 1, 3, 3), (4, 1, 4, 1, 0, 1)]
SIZES = [(1, 2, 0, 1, 0), (1, 1, 1, 1, 1), (7, 0, 3, 3, 5)]
NETWORKS = [networks.Network("tss", genes, SMALL) for genes in TOPOLOGIES]
NETWORKS += [networks.Network("sss", genes, SMALL) for genes in SIZES]
# A number that rounding puts on the other side of zero moves NASWOT; grasp leaves out some of what epsilon does; flows
# are float64 in plain code.
TOLERANCE = {"naswot": 1e-3, "grasp": 1e-3, "synflow": 1e-6, "logsynflow": 1e-6, "synflow_bn": 1e-9}
EACH = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: "".join(map(str, network.genes)))


def plain_network(network):
    return plain.PlainNetwork(network).load(networks.draw(network, INIT, 3))


def scored(name, network):
    proxy = proxies.REGISTRY[name]
    ((evidence, _),) = provided(proxy.needs, [network], BATCH, INIT, 3)
    return proxies.evaluate(proxy, evidence)


@EACH
@pytest.mark.parametrize("name", plain.PROXIES)
def test_plain_code_gives_the_scores_of_the_library(name, network):
    expected = plain.PROXIES[name](plain_network(network), BATCH)
    score, status = scored(name, network)
    assert status == "ok"
    assert score == pytest.approx(expected, rel=TOLERANCE.get(name, 1e-4))


@pytest.mark.parametrize("name", plain.PROXIES)
def test_plain_code_agrees_with_the_library_on_what_has_no_path(name):
    network = networks.Network("tss", (3, 0, 3, 0, 0, 0), SMALL)
    value = plain.PROXIES[name](plain_network(network), BATCH)
    score, status = scored(name, network)
    if name == "jacov":
        assert np.isnan(value) and status == "constant"
    elif name == "naswot":  # its first convolution sees the images
        assert score == pytest.approx(value, rel=1e-3)
    else:  # the classifier's inputs are 0, and with this initialisation its bias, so nothing flows or has a gradient
        assert value == score == 0


@pytest.mark.parametrize("space", ["tss", "sss"])
def test_plain_network_equals_the_reference_builder(space):
    skeleton = spaces.Skeleton(image_side=16, cells_per_stage=2)
    for genes in ODD_CELLS + TOPOLOGIES if space == "tss" else SIZES:
        network = networks.Network(space, genes, skeleton)
        weights = networks.draw(network, "default", 3)
        model = load(reference(spaces.get(space), spaces.get(space).to_string(genes), skeleton), network, weights)
        own = plain.PlainNetwork(network).load(weights)
        # The ReLU that a skip which changes the width owns, and never calls, is called `relu` there.
        n_reference, n_own = (
            sum(type(module) is torch.nn.ReLU for name, module in m.named_modules() if ".relu" not in name)
            for m in (model, own)
        )
        assert n_reference == n_own
        with torch.no_grad():
            torch.testing.assert_close(own(BATCH.images), model(BATCH.images)[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", plain.PROXIES)
def test_plain_proxies_leave_weights_and_images_as_they_were(name):
    model = plain_network(NETWORKS[0])
    before = {key: value.clone() for key, value in model.named_parameters()}
    images = BATCH.images.clone()
    plain.PROXIES[name](model, BATCH)
    assert all(torch.equal(value, before[key]) for key, value in model.named_parameters())
    assert torch.equal(BATCH.images, images) and not BATCH.images.requires_grad
    assert not any(module._forward_hooks for module in model.modules())


def test_load_names_the_convolution_without_weights():
    weights = networks.draw(NETWORKS[0], INIT, 3)
    del weights["stage0.cell0.0>1"]
    with pytest.raises(
        ValueError, match="module 'layers.stage0_cell0.edges.0>1.1': there is no weight 'stage0.cell0.0>1'"
    ):
        plain.PlainNetwork(NETWORKS[0]).load(weights)


def test_load_names_the_weights_of_no_convolution():
    weights = networks.draw(NETWORKS[0], INIT, 3) | {"stem.other": torch.zeros(1)}
    with pytest.raises(ValueError, match="weights of no module: stem.other"):
        plain.PlainNetwork(NETWORKS[0]).load(weights)
