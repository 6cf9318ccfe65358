"""Passes against slow, plain computations of the same quantities."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from proxybank import networks, passes, spaces
from proxybank.networks.randomness import normal, stream_key, uniform
from proxybank.passes import devices, patches
from proxybank.passes.hamming import add_distances, pack
from proxybank.passes.hamming_cuda import KERNELS
from proxybank.passes.relu_codes import PackedCodes, ReluCodes

SMALL = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=1)
INIT = "kaiming_normal_fan_out"


def members(name, index, skeleton=SMALL):
    return networks.members(name, spaces.get(name).genes[index], skeleton)


def batch(n=16, side=8):
    images = torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(0))
    return passes.Batch(images, torch.arange(n) % 10)


SOME = {"tss": np.arange(0, 15_625, 401), "sss": np.r_[0:4, 12_344:12_360, 20_000, 20_064, 32_767]}


def test_distances_equal_the_products_of_codes():
    # 7 images: four at once, and what is left over.
    bits = np.random.default_rng(0).random((7, 1000)) < 0.3
    distances = np.zeros((7, 7), np.int64)
    add_distances(pack(bits), 3, distances)
    expected = 3 * (bits[:, None] != bits[None]).sum(axis=2)
    assert (distances == np.tril(expected, -1)).all()


def test_packing_pads_with_zeros():
    assert (pack(np.ones((1, 8), bool)) == np.array([[255]], np.uint64)).all()
    assert pack(np.ones((2, 72), bool)).shape == (2, 2)


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_kernel_equals_two_products_of_all_codes(name):
    chosen = members(name, SOME[name])
    kernels = [kernel for kernel, _ in passes.relu_kernels(chosen, batch(), INIT, 1)]
    for network, kernel in zip(chosen, kernels, strict=True):
        codes = []
        with torch.no_grad():
            networks.forward(
                network,
                networks.draw(network, INIT, 1),
                batch().images,
                on_relu=lambda x, n, codes=codes: codes.extend([(x > 0).flatten(1).double()] * n),
            )
        c = torch.cat(codes, dim=1)
        expected = (c @ c.T + (1 - c) @ (1 - c).T).long()
        # Norms add up in another order, so a number may fall on the other side of zero: very few do.
        assert (kernel.agreements - expected).abs().max() <= 2e-3 * kernel.n_units
        assert (kernel.agreements.diagonal() == kernel.n_units).all()


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_units_equal_the_closed_form(name):
    expected = spaces.get(name).costs(SMALL)["relu_units"][SOME[name]]
    found = [kernel.n_units for kernel, _ in passes.relu_kernels(members(name, SOME[name]), batch(), INIT, 0)]
    assert (np.array(found) == expected).all()


def test_matrix_product_of_the_accelerator_equals_packed_words():
    x = torch.randn(9, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    empty = passes.ReluKernel.empty(x)
    product, packed = ReluCodes(KERNELS["product"]), PackedCodes()
    for part, times in ((x, 2), (-x[:, :3], 1)):  # 48 bits of the second fill no word
        product(part, times)
        packed(np.ascontiguousarray(part.permute(0, 2, 3, 1).numpy()), times)
    kernels = [codes.added_to(empty) for codes in (product, packed)]
    assert torch.equal(kernels[0].agreements, kernels[1].agreements)
    assert kernels[0].n_units == kernels[1].n_units == 2 * 128 + 48


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_the_accelerators_engine_finds_the_same_kernels(name, monkeypatch):
    on_cpu = [kernel for kernel, _ in passes.relu_kernels(members(name, SOME[name]), batch(), INIT, 1)]
    for module in ("forward", "engines"):
        monkeypatch.setattr(f"proxybank.passes.{module}.on_cpu", lambda x: False)
    for kernel, (other, _) in zip(
        on_cpu, passes.relu_kernels(members(name, SOME[name]), batch(), INIT, 1), strict=True
    ):
        assert kernel.n_units == other.n_units
        # Numbers that rounding alone puts above or below zero: very few of the units.
        assert (kernel.agreements - other.agreements).abs().max() <= 2e-3 * kernel.n_units


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_flow_equals_automatic_differentiation(name):
    chosen = members(name, SOME[name])
    ones = torch.ones(1, 3, 8, 8, dtype=torch.float64)
    for network, (flow, _) in zip(chosen, passes.flows(chosen, batch(), INIT, 2), strict=True):
        drawn = networks.draw(network, INIT, 2)
        weights = {key: weight.double().abs().requires_grad_() for key, weight in drawn.items()}
        del weights["classifier.bias"]
        biased = weights | {"classifier.bias": torch.zeros(10, dtype=torch.float64)}
        total = networks.forward(network, biased, ones, norm=lambda x: x).logits.sum()
        gradients = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
        pairs = [(w.detach(), g) for w, g in zip(weights.values(), gradients, strict=True) if g is not None]
        own = [(w.double(), g.double() * exponent.exp2()) for w, g, exponent in flow]
        # Both the sums and their logarithmic kin, convolution by convolution; those without gradient may be left out.
        for measure in (lambda w, g: (w * g).sum().item(), lambda w, g: (w * g.log1p()).sum().item()):
            expected = sorted(filter(None, (measure(w, g) for w, g in pairs)))
            assert sorted(filter(None, (measure(w, g) for w, g in own))) == pytest.approx(expected, rel=1e-6)


def test_the_largest_flow_of_the_space_is_finite():
    """Far beyond float32, whose largest number is 3e38: convolutions of 3 x 3 pixels on all edges."""
    network = networks.Network("tss", (3, 3, 3, 3, 3, 3), spaces.Skeleton())
    ((flow, _),) = passes.flows([network], batch(2, 32), INIT, 0)
    total = sum(float((w * g).sum() * exponent.exp2()) for w, g, exponent in flow)
    assert 1e55 < total < 1e75


@pytest.mark.parametrize(("size", "stride", "side"), [(3, 1, 5), (3, 2, 8), (1, 1, 4), (1, 2, 6), (3, 1, 1), (3, 2, 2)])
def test_patches_on_the_cpu_equal_pytorchs(size, stride, side):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, side, side, generator=generator)
    options = {"kernel_size": size, "padding": size // 2, "stride": stride}
    columns = F.unfold(x, **options)
    assert torch.equal(patches.unfold(x, size, stride), columns)
    several = torch.randn(2, *columns.shape, generator=generator)
    torch.testing.assert_close(patches.fold(several, size, stride, side), F.fold(several, (side, side), **options))
    torch.testing.assert_close(patches.sum_3x3(x), F.avg_pool2d(x, 3, 1, 1, divisor_override=1))


def test_scores_do_not_depend_on_companions():
    every = [kernel.agreements for kernel, _ in passes.relu_kernels(members("sss", SOME["sss"]), batch(), INIT, 0)]
    for position in (3, 9, 22):
        alone = members("sss", SOME["sss"][[position]])
        ((kernel, _),) = passes.relu_kernels(alone, batch(), INIT, 0)
        assert torch.equal(kernel.agreements, every[position])


def test_streams_are_what_they_claim():
    from scipy.stats import kstest

    numbers = normal(stream_key(0, "x"), (200_000,)).double().numpy()
    assert kstest(numbers, "norm").pvalue > 0.01
    assert np.abs(numbers).max() < 5.4
    flat = uniform(stream_key(1, "x"), (200_000,)).double().numpy()
    assert kstest(flat, "uniform", args=(-1, 2)).pvalue > 0.01
    assert not (flat == 0).any()
    # The neighbour in the stream, and the same place in the next stream, say nothing.
    other = normal(stream_key(0, "y"), (200_000,)).double().numpy()
    for left, right in ((numbers[1:], numbers[:-1]), (numbers, other)):
        assert abs(np.corrcoef(left, right)[0, 1]) < 4 / np.sqrt(len(left))
    # A longer tensor begins like a shorter one: number i depends on the key and i alone.
    assert torch.equal(normal(stream_key(5), (10,)), normal(stream_key(5), (1000,))[:10])


def test_weights_follow_their_initialisation():
    network = members("sss", np.array([0o73777]), spaces.Skeleton())[0]  # widths 64:32:64:64:64
    for name, n_fan in (("kaiming_normal_fan_out", 32 * 9), ("kaiming_normal_fan_in", 64 * 9)):
        weight = networks.draw(network, name, 0)["reduction1.a"]
        assert weight.shape[:2] == (32, 64)
        assert weight.std().item() == pytest.approx((2 / n_fan) ** 0.5, rel=0.02)
    weight = networks.draw(network, "default", 0)["stage1.cell0.1>2"]
    bound = (64 * 9) ** -0.5
    assert 0.99 * bound < weight.abs().max().item() <= bound
    bias = networks.draw(network, "default", 0)["classifier.bias"]
    assert 0 < bias.abs().max().item() <= 64**-0.5
    assert not networks.draw(network, "kaiming_normal_fan_out", 0)["classifier.bias"].any()


@pytest.mark.parametrize(
    ("space", "genes", "expected"),
    [
        ("tss", (4, 4, 2, 3, 1, 4), [0.09857229, -0.08000933, 0.1304092, -0.1113297]),
        ("sss", (1, 2, 0, 1, 0), [-0.1880559, -0.06895828, 0.08129069, -0.2280206]),
    ],
)
def test_weights_are_those_of_their_version(space, genes, expected):
    """If they have changed, raise `WEIGHTS` in `proxybank.versions`, or scores of old and new ones are mixed.

    These are what version 2 draws, as it did for the scores that come with the repository.
    """
    weights = networks.draw(networks.Network(space, genes, SMALL), "default", 3)
    places = {"stem.conv": 0, "stage1.cell0.0>3": -1, "classifier.weight": -1, "classifier.bias": -1}
    found = [weights[name].flatten()[place].item() for name, place in places.items()]
    assert found == pytest.approx(expected, rel=1e-6)


def test_networks_of_the_size_space_share_the_weights_of_their_common_prefix():
    first, second = members("sss", np.array([0, 8]))  # widths 8:8:8:8:8 and 8:8:8:16:8
    one, two = (networks.draw(network, INIT, 0) for network in (first, second))
    for name in one:
        shared = name.split(".")[0] in ("stem", "stage0", "reduction1", "stage1")
        assert (one[name].shape == two[name].shape and torch.equal(one[name], two[name])) == (shared or "bias" in name)
    # In the layer where they differ, the narrower one's are slices of the wider one's; fan-out scales by sqrt(2).
    for name in (name for name in one if name.startswith("reduction2")):
        narrow = one[name]
        torch.testing.assert_close(narrow, two[name][: narrow.shape[0], : narrow.shape[1]] * 2**0.5)
    assert not torch.equal(one["stem.conv"], networks.draw(first, INIT, 1)["stem.conv"])


def test_a_row_of_a_stream_may_be_longer_than_a_tensors():
    whole = normal(stream_key(3), (6, 5, 3, 3))
    assert torch.equal(normal(stream_key(3), (4, 2, 3, 3), row=45), whole[:4, :2])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-3), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("index", [0, 4095 - 56, 20_000, 32_760])
def test_siblings_together_equal_each_by_itself(index, dtype, tolerance):
    """Eight last widths behind 8, 8, 56 and 64 channels, against the plain forward pass in float32."""
    family = members("sss", np.arange(index - index % 8, index - index % 8 + 8))
    drawn = batch()._replace(images=batch().images.to(dtype))
    together = [kernel for kernel, _ in passes.relu_kernels(family, drawn, INIT, 1)]
    for network, kernel in zip(family, together, strict=True):
        codes = ReluCodes(KERNELS["product"])
        x = networks.stem(weights := networks.draw(network, INIT, 1), batch().images)
        for layer in network.layers:
            x = networks.run_layer(layer, weights, x, on_relu=codes)
        codes(networks.batch_norm(x), 1)
        alone = codes.added_to(passes.ReluKernel.empty(x))
        assert alone.n_units == kernel.n_units
        assert (alone.agreements - kernel.agreements).abs().max() <= tolerance * kernel.n_units


@pytest.mark.parametrize(("device", "number"), [("cuda", 0), ("cuda:1", 1)])
def test_a_device_has_a_number_even_if_its_name_has_none(device, number, monkeypatch):
    chosen = []
    monkeypatch.setattr(torch._C, "_cuda_setDevice", chosen.append, raising=False)  # a CPU build has no such thing
    before = torch.backends.cuda.matmul.allow_tf32
    with torch.backends.cudnn.flags():  # which puts back what it has at its end
        devices.prepare(device)
        assert not torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = before
    assert chosen == [number]
