"""Kernels over feature maps, and the forward pass made of them, against PyTorch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from proxybank import networks, spaces
from proxybank.passes import inference, maps, precision

# Channels that fill no tile evenly, images of few pixels, and the sizes of NATS-Bench.
SHAPES = [(5, 4, 4, 24), (3, 1, 1, 7), (64, 8, 8, 16), (2, 32, 32, 16)]
DTYPES = [torch.float32, torch.bfloat16]


def drawn(shape, dtype, seed=0):
    """A map, and the same numbers as a float32 tensor of shape (n_images, channels, height, width)."""
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    numbers = tensor.view(torch.int16) if dtype == torch.bfloat16 else tensor.clone()
    return numbers.numpy(), tensor.float().permute(0, 3, 1, 2)


def as_tensor(x):
    tensor = torch.from_numpy(x)
    return (tensor.view(torch.bfloat16).float() if x.dtype == np.int16 else tensor).permute(0, 3, 1, 2)


def assert_equal(found, expected, dtype):
    # A bfloat16 is off by 1/256 of itself at the most.
    tolerance = 1 / 256 if dtype == torch.bfloat16 else 2e-5
    torch.testing.assert_close(as_tensor(found), expected, rtol=tolerance, atol=2e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_of_norms_and_maps(shape, dtype):
    (x, tx), (y, ty), (z, tz) = (drawn(shape, dtype, seed) for seed in range(3))
    terms = [maps.normalised(x), maps.as_it_is(y), maps.normalised(z)]
    norm_x, norm_z = (F.batch_norm(t, None, None, training=True) for t in (tx, tz))
    for n, expected in ((1, norm_x), (2, norm_x + ty), (3, norm_x + ty + norm_z)):
        total, active = maps.add_up(terms[:n])
        assert_equal(total, expected, dtype)
        assert_equal(active, F.relu(expected), dtype)
    assert maps.add_up(terms, total=False)[0] is None
    assert maps.add_up(terms, active=False)[1] is None


def test_a_norm_with_a_large_mean_keeps_its_digits():
    # 65,536 numbers a channel around 100 with deviation 1: sums in float32 alone would be off by several hundredths.
    x, tensor = drawn((64, 32, 32, 8), torch.float32)
    x += 100
    found, _ = maps.add_up([maps.normalised(x)])
    expected = F.batch_norm(tensor.double(), None, None, training=True).float()
    torch.testing.assert_close(as_tensor(found), expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_how_far_a_map_moves(shape, dtype):
    (x, tx), (y, ty) = (drawn(shape, dtype, seed) for seed in range(2))
    expected = (tx.float() - ty.float()).double().square().mean()
    assert maps.mean_squared_change(x, y) == pytest.approx(expected.item(), rel=1e-6)
    x.reshape(-1)[-1] = np.int16(0x7FC0) if dtype == torch.bfloat16 else np.nan
    assert np.isnan(maps.mean_squared_change(x, y))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_pooling(shape, dtype):
    x, tensor = drawn(shape, dtype)
    assert_equal(maps.pool(x), F.avg_pool2d(tensor, 3, 1, 1, count_include_pad=False), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_pooling_back(shape, dtype):
    u, cotangent = drawn(shape, dtype)
    x = torch.zeros_like(cotangent, requires_grad=True)
    (F.avg_pool2d(x, 3, 1, 1, count_include_pad=False) * cotangent).sum().backward()
    assert_equal(maps.pool_back(u), x.grad, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_signs(shape, dtype):
    x, tensor = drawn(shape, dtype)
    x.reshape(-1)[0], tensor[0, 0, 0, 0] = 0, 0  # zero is not above zero
    bits = np.unpackbits(maps.signs(x).view(np.uint8), axis=1, bitorder="little")
    expected = (tensor > 0).permute(0, 2, 3, 1).flatten(1).numpy()
    assert (bits[:, : expected.shape[1]] == expected).all()
    assert not bits[:, expected.shape[1] :].any()


@pytest.mark.parametrize("dead_edges", ["drop", "keep"])
@pytest.mark.parametrize("name", ["tss", "sss"])
def test_forward_passes_agree(name, dead_edges):
    space = spaces.get(name)
    skeleton = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=1)
    images = torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for network in networks.members(name, space.scored_genes(dead_edges)[:: space.size // 25], skeleton):
        weights = networks.draw(network, "kaiming_normal_fan_out", 0)
        found, expected = [], []
        x, y = inference.stem(weights, images), networks.stem(weights, images)
        for layer in network.layers:
            x = inference.run_layer(layer, weights, x, lambda active, n, to=found: to.append((as_tensor(active), n)))
            y = networks.run_layer(layer, weights, y, on_relu=lambda z, n, to=expected: to.append((F.relu(z), n)))
            torch.testing.assert_close(as_tensor(x), y, rtol=1e-3, atol=1e-3)
        inference.head(x, lambda active, n, to=found: to.append((as_tensor(active), n)))
        expected.append((F.relu(networks.batch_norm(y)), 1))
        assert [n for _, n in found] == [n for _, n in expected]
        for (active, _), (other, _) in zip(found, expected, strict=True):
            torch.testing.assert_close(active, other, rtol=1e-3, atol=1e-3)


def test_the_precision_asked_for_is_taken_and_auto_measures():
    assert precision.choose("float32", "cpu") == {"precision": "float32"}
    assert precision.choose("bfloat16", "cpu") == {"precision": "bfloat16"}
    assert precision.choose("bfloat16", "cuda") == {"precision": "float32"}
    measured = precision.choose("auto", "cpu")
    assert measured["bfloat16_speedup"] > 0


@pytest.mark.parametrize(("speedup", "chosen"), [(1.9, "bfloat16"), (1.1, "float32"), (0.2, "float32")])
def test_a_processor_that_is_slow_in_bfloat16_stays_with_float32(monkeypatch, speedup, chosen):
    monkeypatch.setattr(precision, "bfloat16_speedup", lambda: speedup)
    assert precision.choose("auto", "cpu") == {"precision": chosen, "bfloat16_speedup": speedup}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_patterns_of_signs(shape, dtype):
    x, tensor = drawn((min(16, shape[0]), *shape[1:]), dtype)
    x[0, 0, 0] = tensor[0, :, 0, 0] = 0  # not above zero
    found = np.zeros(2 ** len(x), bool)
    found[0] = True  # what was seen before stays
    maps.mark_patterns(x, found)
    expected = {0} | {
        sum(1 << i for i, above in enumerate(unit) if above) for unit in (tensor.flatten(1) > 0).T.tolist()
    }
    assert set(np.flatnonzero(found)) == expected
