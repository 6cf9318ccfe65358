"""Parts of the shared gradient pass alone and together, on cells and images of every kind, against automatic ones."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from proxybank import data, networks, passes, spaces
from proxybank.benchmark.scoring import batch_of
from proxybank.passes import channelwise, sweep
from proxybank.passes.shared_gradient import STREAMS

INIT = "default"  # with a bias


def images(n_channels, n=12, side=8):
    return torch.randn(n, n_channels, side, side, generator=torch.Generator().manual_seed(2))


BATCH = passes.Batch(images(3), torch.arange(12) % 10)
SMALL = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=2)
# Every operation; copies and pooling that meet a convolution; two convolutions that share a ReLU; edges that lead
# nowhere, from nothing, or both; widths that grow, shrink and stay.
CELLS = [
    ("tss", (2, 3, 1, 4, 4, 1)),
    ("tss", (1, 1, 4, 1, 3, 2)),
    ("tss", (3, 2, 0, 2, 4, 1)),
    ("tss", (3, 2, 3, 1, 0, 0)),
    ("tss", (0, 3, 3, 2, 2, 1)),
    ("tss", (0, 0, 3, 4, 2, 2)),
    ("sss", (1, 2, 0, 1, 0)),
    ("sss", (1, 1, 1, 1, 1)),
]
NETWORKS = [networks.Network(space, genes, SMALL) for space, genes in CELLS]
EACH = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: "".join(map(str, network.genes)))


def shared(network, parts, batch=BATCH):
    (found,) = passes.shared_gradients([network], batch, INIT, 3, frozenset(parts))
    assert found.keys() == set(parts) and all(seconds > 0 for _, seconds in found.values())
    return {part: evidence for part, (evidence, _) in found.items()}


def test_sizes_that_share_layers_find_what_each_finds_alone():
    """Two that differ in the last width, then another third one: what lies before was run for the first alone."""
    members = [networks.Network("sss", genes, SMALL) for genes in ((1, 2, 0, 1, 0), (1, 2, 0, 1, 3), (1, 2, 4, 1, 0))]
    together = list(passes.shared_gradients(members, BATCH, INIT, 3, frozenset(STREAMS)))
    for network, found in zip(members, together, strict=True):
        alone = shared(network, STREAMS)
        assert found["loss_curvature"][0] == alone["loss_curvature"]
        assert np.array_equal(found["input_gradient"][0].rows, alone["input_gradient"].rows)
        assert np.array_equal(found["response_correlation"][0], alone["response_correlation"])
        for layer, other in zip(found["loss_gradient"][0], alone["loss_gradient"], strict=True):
            assert torch.equal(layer.gradient, other.gradient)
            assert torch.equal(layer.channel_saliency, other.channel_saliency)


def near(found, expected, rel=1e-3):
    """Compare with the size of the whole, as float32 rounds."""
    found, expected = torch.as_tensor(found).double(), torch.as_tensor(expected).double()
    assert found.shape == expected.shape
    return (found - expected).norm() <= rel * expected.norm()


def flat(tensors):
    return torch.cat([tensor.double().flatten() for tensor in tensors])


def automatic(network, batch=BATCH):
    """The parts by PyTorch's differentiation of the forward function, in float64."""
    weights = {name: w.double().requires_grad_() for name, w in networks.draw(network, INIT, 3).items()}
    layers = [w for name, w in weights.items() if name != "classifier.bias"]
    x = batch.images.double().requires_grad_()
    logits = networks.forward(network, weights, x).logits
    options = {"allow_unused": True, "materialize_grads": True, "create_graph": True}
    gradient = torch.autograd.grad(F.cross_entropy(logits, batch.labels), layers, **options)
    squared = sum((g * g.detach()).sum() for g in gradient)
    turned = torch.autograd.grad(squared, layers, **options)
    rows = torch.autograd.grad(logits.sum(), x, **options)[0]
    return flat(gradient), rows.flatten(1), sum((w * t).sum().item() for w, t in zip(layers, turned, strict=True))


@EACH
def test_all_parts_together_equal_automatic_differentiation(network):
    gradient, rows, curvature = automatic(network)
    found = shared(network, STREAMS)
    assert near(flat(layer.gradient for layer in found["loss_gradient"]), gradient)
    assert near(found["input_gradient"].rows, rows)
    assert found["loss_curvature"] == pytest.approx(curvature, rel=5e-4)


@EACH
@pytest.mark.parametrize("contrast", [1, 3e-3])
def test_products_of_weights_and_gradients(network, contrast):
    """Of each layer against those in float64, where rounding leaves a thousandth of what epsilon does."""
    batch = passes.Batch(images(3) * contrast, BATCH.labels)
    weights = networks.draw(network, INIT, 3)
    del weights["classifier.bias"]
    exact = automatic(network, batch)[0].split([weight.numel() for weight in weights.values()])
    expected = [(w.flatten() * g).sum().item() for w, g in zip(weights.values(), exact, strict=True)]
    found = [layer.product.item() for layer in shared(network, ["loss_gradient"], batch)["loss_gradient"]]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("contrast", [3e-2, 3e-3])
def test_images_of_little_contrast_where_epsilon_matters(contrast):
    network = NETWORKS[0]
    batch = passes.Batch(images(3) * contrast, BATCH.labels)
    _, _, curvature = automatic(network, batch)
    assert shared(network, ["loss_curvature"], batch)["loss_curvature"] == pytest.approx(curvature, rel=1e-3)


REAL = spaces.Skeleton()  # NATS-Bench's


def real_batch(shared_data, dtype=torch.float64):
    batch = batch_of(data.load(str(shared_data / "images/cifar10.npz")), 64, 0)
    return batch._replace(images=batch.images.to(dtype))


def swept(network, batch, streams=("turn", "loss")):
    weights = {
        name: w.to(batch.images.dtype) for name, w in networks.draw(network, "kaiming_normal_fan_out", 0).items()
    }
    with torch.inference_mode():
        return sweep.Sweep(batch.images, batch.labels, streams, to_weights=True).run(network, weights)


def test_what_is_neglected_on_nats_bench_is_a_ten_thousandth(shared_data, monkeypatch):
    batch, members = real_batch(shared_data), [networks.Network("tss", (3, 2, 1, 4, 0, 3), REAL)]
    members += [networks.Network("tss", (2, 0, 2, 0, 0, 2), REAL), networks.Network("sss", (1, 2, 1, 1, 3), REAL)]
    found = [swept(network, batch).turned.item() for network in members]
    monkeypatch.setattr(sweep, "_SLIGHT", -1)  # nothing is
    exact = [swept(network, batch).turned.item() for network in members]
    assert found != exact
    np.testing.assert_allclose(found, exact, rtol=5e-4)
    assert np.median(np.abs(np.divide(found, exact) - 1)) < 2e-4


def test_gradients_may_follow_the_last_digits_of_images(shared_data):
    """In float64, where rounding is out of the question: what float32 makes of such a network is chance."""
    network, batch = networks.Network("tss", (2, 0, 2, 0, 0, 2), REAL), real_batch(shared_data)
    noise = torch.randn(batch.images.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one, other = (
        swept(network, some, ("loss",)) for some in (batch, batch._replace(images=batch.images + 1e-7 * noise))
    )
    plain, moved = (sum(found.products.values()).item() for found in (one, other))
    assert abs(moved / plain - 1) > 1e-2
    gradient, near_it = (flat(found.gradients.values()) for found in (one, other))
    assert (near_it - gradient).norm() > 1e-2 * gradient.norm()


@EACH
def test_a_part_does_not_depend_on_what_else_is_asked_for(network):
    """All parts together against each alone, and against every other alone with it, up to rounding."""
    together = shared(network, STREAMS)
    for part in STREAMS:
        for other in STREAMS:
            assert_same(part, shared(network, {part, other})[part], together[part])


def assert_same(part, found, expected):
    if part == "loss_gradient":
        for field in ("weight", "gradient", "channel_saliency"):
            assert near(flat(getattr(a, field) for a in found), flat(getattr(a, field) for a in expected), 1e-4)
    elif part == "input_gradient":
        assert near(found.rows, expected.rows, 1e-4)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("side", [4, 8])
def test_images_of_one_channel_and_maps_of_one_pixel(n_channels, side):
    skeleton = spaces.Skeleton(n_channels, image_side=side, stem_width=8, cells_per_stage=1)
    network = networks.Network("tss", (3, 1, 2, 4, 3, 1), skeleton)
    batch = passes.Batch(images(n_channels, side=side), BATCH.labels)
    gradient, rows, curvature = automatic(network, batch)
    found = shared(network, STREAMS, batch)
    assert near(flat(layer.gradient for layer in found["loss_gradient"]), gradient)
    assert near(found["input_gradient"].rows, rows)
    assert found["loss_curvature"] == pytest.approx(curvature, rel=5e-4)


@pytest.mark.parametrize("genes", [(0,) * 6, (0, 0, 0, 0, 3, 2), (3, 2, 1, 0, 0, 0)])
def test_without_a_path_nothing_depends_on_weights_or_images(genes):
    found = shared(networks.Network("tss", genes, SMALL), STREAMS)
    assert not flat(layer.gradient for layer in found["loss_gradient"]).any()
    assert not found["input_gradient"].rows.any() and found["input_gradient"].rows.shape == (12, 192)
    assert found["loss_curvature"] == 0 and found["response_correlation"] is None


@pytest.fixture(params=["compiled", "uncompiled", "other devices"])
def loops(request, monkeypatch):
    """The compiled loops, the same in Python, and the operations of other devices."""
    if request.param == "uncompiled":
        for name in ("_channel_sums", "_mix"):
            monkeypatch.setattr(channelwise, name, getattr(channelwise, name).py_func)
    elif request.param == "other devices":
        monkeypatch.setattr(channelwise, "on_cpu", lambda _: False)


def maps_of(n, seed):
    x = torch.randn(
        n, 5, 6, 5, generator=torch.Generator().manual_seed(seed)
    )  # more numbers than are worked on together
    return x.to(memory_format=torch.channels_last)


def test_sums_by_channel(loops):
    u, x, centre = maps_of(4, 0), maps_of(2, 1), torch.randn(5, dtype=torch.float64)
    sums, products = channelwise.channel_sums(u, x, centre)
    torch.testing.assert_close(sums, u.sum(dim=(2, 3)))
    expected = u * (x.repeat(2, 1, 1, 1) - centre.float()[:, None, None])
    torch.testing.assert_close(products, expected.sum(dim=(2, 3)))


@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("turns", [False, True])
def test_combinations_by_channel(loops, turns, add):
    u, x, dx, out = maps_of(4, 0), maps_of(2, 1), maps_of(2, 2), maps_of(4, 3)
    scale, along_u, along_dx, *others = torch.randn(7, 5, dtype=torch.float64)
    along_x, constant = torch.stack(others[:2]), torch.stack(others[2:])
    a, b_0, b_1, c_0, c_1, e, f = (value.float()[:, None, None] for value in (scale, *others, along_u, along_dx))
    first, last = a * u[:2] + b_0 * x + c_0, a * u[2:] + b_1 * x + c_1
    if turns:
        first = first + e * u[2:] + f * dx
    expected = torch.cat([first, last]) + (out if add else 0)
    channelwise.mix(out, u, x, scale, along_x, constant, (dx, along_u, along_dx) if turns else None, add=add)
    torch.testing.assert_close(out, expected)


def test_operations_of_other_devices_equal_the_loops(monkeypatch):
    """On a CPU, which is told that it is none."""
    network = NETWORKS[0]
    expected = shared(network, STREAMS)
    for module in (channelwise, sweep):
        monkeypatch.setattr(module, "on_cpu", lambda _: False)
    found = shared(network, STREAMS)
    for part in STREAMS:
        assert_same(part, found[part], expected[part])
