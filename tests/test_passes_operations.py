"""Passes of the forward families against the reference network, watched as the proxies' authors watch it."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import provided
from test_networks import load, reference
from torch import nn
from torch.func import functional_call, jacrev, vmap

from proxybank import networks, passes, spaces
from proxybank.networks.randomness import normal, stream_key, uniform
from proxybank.passes import (
    activation_rank,
    cell_jacobian,
    channel_correlation,
    constant_weights,
    engines,
    fisher_spectrum,
    gradient_sign,
    layer_gradient,
    linear_region,
    noisy_images,
    operations,
    perturbed_noise,
    response_correlation,
    sign_pattern,
)
from proxybank.passes.repeats import repeat_seed, repeated

SMALL = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=1)
# The initialisation of a run, which no definition has for its own, and that of several definitions.
INIT, FAN_OUT, SEED = "default", "kaiming_normal_fan_out", 3
IMAGES = torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(0))
BATCH = passes.Batch(IMAGES, torch.arange(20) % 10)
# All operations, with nodes that feed several edges; a chain, where none does; sizes with skips that change the width.
ALL, CHAIN = networks.Network("tss", (4, 4, 2, 3, 1, 4), SMALL), networks.Network("tss", (3, 0, 2, 0, 0, 3), SMALL)
SIZES = networks.Network("sss", (1, 2, 0, 1, 0), SMALL)
EACH = pytest.mark.parametrize("network", [ALL, CHAIN, SIZES], ids=["all", "chain", "sizes"])
PATHLESS = networks.Network("tss", (3, 3, 2, 0, 0, 0), SMALL)


def build(network, weights):
    space = spaces.get(network.space)
    model = load(reference(space, space.to_string(network.genes), network.skeleton), network, weights)
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False  # the last one would change what is seen before it
    return model


def built(network, initialisation=INIT, seed=SEED):
    return build(network, networks.draw(network, initialisation, seed))


def evidence(group, network, batch=BATCH):
    ((found, seconds),) = provided(group, [network], batch, INIT, SEED)
    assert seconds > 0
    return found


def watch(model, kinds, see):
    """Call `see(module, input, output)` for each module of these classes that is called."""
    for module in model.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda module, given, output: see(module, given[0], output))


LEAVES = {nn.Conv2d: "conv", nn.BatchNorm2d: "norm", nn.ReLU: "relu", nn.AvgPool2d: "pool"}
LEAVES |= {nn.AdaptiveAvgPool2d: "pool", nn.Linear: "linear"}


def all_operations(network, weights, images):
    x, found = operations.run_stem(weights, images)
    for layer in network.layers:
        x, further = operations.run_layer(layer, weights, x)
        found += further
    return found + operations.run_head(weights, x)[1]


@EACH
def test_operations_are_the_reference_networks_modules(network):
    expected, found = [], []
    model = built(network)

    def see(module, x, y):
        expected.append((LEAVES[type(module)], x.double().square().sum().item(), y.double().square().sum().item()))

    watch(model, tuple(LEAVES), see)
    model(IMAGES)
    for operation in all_operations(network, networks.draw(network, INIT, SEED), IMAGES):
        sums = [part.double().square().sum().item() for part in (operation.x, operation.y)]
        found += [(operation.kind, *sums)] * operation.times
    assert sorted(kind for kind, *_ in found) == sorted(kind for kind, *_ in expected)
    for kind in set(LEAVES.values()):
        ours, theirs = (np.sort([sums for k, *sums in rows if k == kind], axis=0) for rows in (found, expected))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_operations_are_named_after_weights():
    found = all_operations(SIZES, networks.draw(SIZES, INIT, SEED), IMAGES)
    named = [operation.name for operation in found if operation.kind == "conv"]
    weights = networks.draw(SIZES, INIT, SEED)
    assert sorted([*named, "classifier.weight", "classifier.bias"]) == sorted(weights)
    norms = [operation.name for operation in found if operation.kind == "norm"]
    assert sorted(norms) == sorted([name for name in named if "shortcut" not in name] + ["head"])


def test_repeats_have_seeds_of_their_own():
    def once(seed):
        yield from ((seed, 0.5), (-seed, 0.25))

    (first, seconds), (second, _) = repeated(once, 3, 7)
    assert first == [repeat_seed(7, repeat) for repeat in range(3)] and second == [-seed for seed in first]
    assert seconds == 1.5 and len({*first, repeat_seed(8, 0)}) == 4


@pytest.mark.parametrize("device", ["cpu", "other"])
@EACH
def test_response_to_noise(network, device, monkeypatch):
    """As in cwtsaiai/TNASSE: inputs of modules with 'Pool' in their class name, modules with 'Conv' in theirs."""
    model = built(network)
    pools, convs, channels = [], [], []

    def see(module, x, _):
        if "Pool" in type(module).__name__:
            pools.append(x.double())
        if "Pool" in type(module).__name__ or "Conv" in type(module).__name__:
            channels.append(x.shape[1])
            convs.append(type(module).__name__)

    watch(model, nn.Module, see)
    model(IMAGES)
    n_pools = len(pools)
    counts = [name for name in convs if "Conv" in name]
    n_channels = sum(channels)
    model(IMAGES + normal(stream_key(SEED, "noisy_images"), tuple(IMAGES.shape)))
    changes = [((x - y) ** 2).mean().item() for x, y in zip(pools[:n_pools], pools[n_pools:], strict=True)]
    monkeypatch.setattr(noisy_images, "on_cpu", lambda _: device == "cpu")
    found = evidence("noisy_images", network)
    assert found.change == pytest.approx(sum(changes), rel=1e-4)
    assert found.n_pools == n_pools
    assert found.n_convs == counts.count("Conv2d")
    assert found.n_convs + found.n_blocks == len(counts)
    assert found.n_channels + found.n_block_channels == n_channels


@EACH
def test_response_to_noise_in_bfloat16(network):
    exact = evidence("noisy_images", network)
    found = evidence("noisy_images", network, BATCH._replace(images=IMAGES.bfloat16()))
    assert found.change == pytest.approx(exact.change, rel=1e-2) and found.change != exact.change
    assert found[1:] == exact[1:]


def test_counts_for_noise_have_the_closed_form():
    skeleton = spaces.Skeleton(image_side=8)  # NATS-Bench's 16 channels and 5 cells; by hand for c convs and p pools
    for genes in ((3, 4, 2, 1, 4, 4), (1, 1, 1, 1, 1, 1), (2, 2, 2, 2, 3, 4)):
        c, p = sum(gene in (2, 3) for gene in genes), genes.count(4)
        small = passes.Batch(IMAGES[:2], BATCH.labels[:2])
        _, *counts = evidence("noisy_images", networks.Network("tss", genes, skeleton), small)
        n_pools, n_convs, n_channels, n_blocks, n_block_channels = counts
        assert (n_pools, n_convs, n_channels) == (3 + 15 * p, 7 + 15 * c, 307 + 560 * c + 560 * p)
        assert (n_convs + n_blocks, n_channels + n_block_channels) == (11 + 30 * c, 451 + 1120 * c + 560 * p)


@pytest.mark.parametrize("device", ["cpu", "elsewhere"])
def test_initial_accuracies(device, monkeypatch):
    monkeypatch.setattr(engines, "on_cpu", lambda _: device == "cpu")
    found = evidence("initial_accuracy", CHAIN)
    assert found.shape == (100,)
    for repeat in (0, 1, 99):
        model = built(CHAIN, FAN_OUT, repeat_seed(SEED, repeat))
        model.classifier.weight.data *= 0.01 / (2 / 10) ** 0.5  # the published deviation, 0.01
        correct = (model(IMAGES)[1].argmax(dim=1) == BATCH.labels).double().mean().item()
        assert found[repeat] == pytest.approx(correct)


def test_few_initial_accuracies_are_the_first_and_take_their_own_seconds_alone():
    alone = evidence("few_accuracies", CHAIN)  # which compiles what is timed next
    both, *_ = passes.run("initial_accuracy", {"initial_accuracy", "few_accuracies"}, [CHAIN], BATCH, "default", SEED)
    (every, seconds), (few, few_seconds) = both["initial_accuracy"], both["few_accuracies"]
    assert few.tolist() == every[:10].tolist()
    assert 0 < few_seconds < seconds / 2  # a tenth
    assert alone.tolist() == few.tolist()


@EACH
def test_initial_accuracies_in_bfloat16(network):
    exact = evidence("initial_accuracy", network)
    found = evidence("initial_accuracy", network, BATCH._replace(images=IMAGES.bfloat16()))
    assert np.abs(found - exact).mean() < 0.005  # of 20 images
    assert found.std() / found.mean() == pytest.approx(exact.std() / exact.mean(), rel=0.05)


@pytest.mark.parametrize("device", ["cpu", "elsewhere"])
@EACH
def test_perturbed_noise(network, device, monkeypatch):
    monkeypatch.setattr(perturbed_noise, "on_cpu", lambda _: device == "cpu")
    monkeypatch.setattr(perturbed_noise, "N_REPEATS", 2)
    found = evidence("perturbed_noise", network)
    assert len(found) == 2
    for repeat, (change, log_deviations) in enumerate(found):
        seed = repeat_seed(SEED, repeat)
        model, deviations, maps = built(network, "standard_normal", seed), [], []
        watch(model, nn.BatchNorm2d, lambda _, x, __, seen=deviations: seen.append(x))
        watch(model, nn.AdaptiveAvgPool2d, lambda _, x, __, seen=maps: seen.append(x))
        x, e = (normal(stream_key(seed, "perturbed_noise", part), (16, 3, 8, 8)) for part in (0, 1))
        model(x)
        expected = sum(z.var(dim=(0, 2, 3), correction=0).mean().sqrt().log().item() for z in deviations)
        model(x + 0.01 * e)
        assert log_deviations == pytest.approx(expected, rel=1e-5)
        assert change == pytest.approx((maps[0] - maps[1]).abs().sum(dim=(1, 2, 3)).mean().item(), rel=1e-3)


@pytest.mark.parametrize("device", ["cpu", "elsewhere"])
@EACH
def test_sign_patterns(network, device, monkeypatch):
    for module in (engines, sign_pattern):
        monkeypatch.setattr(module, "on_cpu", lambda _: device == "cpu")
    monkeypatch.setattr(sign_pattern, "N_REPEATS", 2)
    found = evidence("sign_pattern", network)
    for repeat, count in enumerate(found.n_patterns):
        model, signs = built(network, "standard_normal", repeat_seed(SEED, repeat)), []
        watch(model, nn.ReLU, lambda _, __, y, seen=signs: seen.append(torch.sign(y).flatten(1)))
        model(IMAGES[:16])
        assert count == pytest.approx(len(torch.unique(torch.cat(signs, dim=1).T, dim=0)), abs=2)
    params = spaces.get(network.space).costs(SMALL)["params_m"]
    own = sum(parameter.numel() for parameter in built(network).parameters()) / 1e6
    assert found.size == pytest.approx((own - params.mean()) / params.std(), abs=1e-6)


@EACH
def test_channel_correlations(network):
    """As in HamsterMimi/MeCo, for modules that hold no others."""
    least = []

    def see(_, __, output):
        if output[0, 0].numel() > 1:  # a single pixel has no correlation: NaN, for which the code puts 0
            correlations = torch.corrcoef(output[0].double().flatten(1)).nan_to_num(0)
            least.append(torch.linalg.eigvals(correlations).real.min().item())

    model = built(network)
    watch(model, tuple(LEAVES), see)
    model(IMAGES[:1])
    assert evidence("channel_correlation", network).least == pytest.approx(sum(least), abs=1e-4)


def test_few_channels_are_sampled_whole(monkeypatch):
    # Drawing as many of the 8 channels as there are, or more, leaves nothing to chance.
    narrow = networks.Network("sss", (0, 0, 0, 0, 0), SMALL)
    for n_sampled in (32, 8):
        monkeypatch.setattr(channel_correlation, "N_SAMPLED", n_sampled)
        found = evidence("channel_correlation", narrow)
        assert found.least > 0.1
        assert found.least_sampled == pytest.approx(found.least, abs=1e-9)
    wide = evidence("channel_correlation", SIZES)
    assert wide.least_sampled > wide.least  # fewer channels have a larger least eigenvalue


@pytest.mark.parametrize("network", [CHAIN, SIZES])  # without pooling, which leaves 2 x 2 pixels nearly equal
def test_a_sampled_channel_weighs_as_much_as_all(network, monkeypatch):
    # The only eigenvalue of one channel, if it varies, is 1, whichever is drawn: the number of channels is left.
    monkeypatch.setattr(channel_correlation, "N_SAMPLED", 1)
    n_channels = []
    model = built(network)
    watch(model, tuple(LEAVES), lambda _, __, y: n_channels.append(y.shape[1] if y[0, 0].numel() > 1 else 0))
    model(IMAGES[:1])
    assert evidence("channel_correlation", network).least_sampled == pytest.approx(sum(n_channels))


def test_least_eigenvalue_by_hand():
    # Correlation 1/2 of two channels: eigenvalues 1/2 and 3/2; a constant channel adds a row of zeros.
    maps = torch.tensor([[1.0, 0, -1], [1, -1, 0]])
    assert float(channel_correlation.least_eigenvalue(maps)) == pytest.approx(0.5)
    assert float(channel_correlation.least_eigenvalue(torch.cat([maps, torch.full((1, 3), 0.1)]))) == pytest.approx(0)


def test_as_many_channels_as_pixels_have_no_least_eigenvalue():
    # Centred, three pixels have rank two; a square matrix of many classes is not made for the one pixel of each.
    maps = torch.tensor([[1.0, 0, -1], [1, -1, 0], [0.5, 2, 0]])
    assert float(channel_correlation.least_eigenvalue(maps)) == 0
    assert float(torch.linalg.eigvalsh(maps.corrcoef())[0]) == pytest.approx(0, abs=1e-6)
    assert float(channel_correlation.least_eigenvalue(torch.rand(10**6, 1))) == 0
    assert math.isnan(channel_correlation.least_eigenvalue(torch.tensor([[1.0], [math.inf], [-math.inf]])))


@EACH
def test_activation_ranks(network, monkeypatch):
    """As in ReiherGroup/NEAR, with the first pixels in place of random ones."""
    monkeypatch.setattr(activation_rank, "N_REPEATS", 1)
    monkeypatch.setattr(activation_rank, "_square", lambda y, _: rows(y)[: y.shape[1]])
    ranks = []

    def rows(y):
        return torch.transpose(y, 1, 3).flatten(0, 2) if y.dim() > 2 else y

    def see(_, __, y):
        values = np.linalg.svd(rows(y)[: y.shape[1]].detach().numpy(), compute_uv=False)
        shares = values[values > 0] / values.sum()
        ranks.append(np.exp(-(shares * np.log(shares)).sum()) if shares.size else 0)

    model = built(network, seed=repeat_seed(SEED, 0))
    watch(model, (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Linear), see)
    model(IMAGES[:16])
    assert evidence("activation_rank", network) == pytest.approx([sum(ranks)], rel=1e-4)


def test_squares_lie_within_an_image_batch():
    y = torch.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4).float()
    pixels = y.permute(0, 2, 3, 1).flatten(0, 2)
    for place, start in ((0.01, 0), (0.2, 4), (0.999, 28)):  # 8 starts, every fourth row from 0 to 28
        assert torch.equal(activation_rank._square(y, place), pixels[start : start + 3])
    assert torch.equal(activation_rank._square(y[0, :2, :, 0], 0.999), y[0, :2, :, 0])  # fewer rows than columns: all


def test_effective_rank_by_hand():
    assert float(activation_rank.effective_rank(torch.eye(5))) == pytest.approx(5)
    assert float(activation_rank.effective_rank(torch.ones(4, 4))) == pytest.approx(1, rel=1e-4)
    assert float(activation_rank.effective_rank(torch.zeros(4, 4))) == 0
    for value in (torch.nan, torch.inf):
        assert activation_rank.effective_rank(torch.full((4, 4), value)).isnan()
    # Singular values 3 and 1: entropy of shares 3/4 and 1/4.
    expected = (4 / 3) ** 0.75 * 4**0.25
    assert float(activation_rank.effective_rank(torch.tensor([[0.0, 3], [1, 0]]))) == pytest.approx(expected)


@EACH
def test_constant_weights(network):
    """As in egracheva/epsinas, with all channels and in float64."""
    found = evidence("constant_weights", network)
    for logits, constant in zip(found, constant_weights.CONSTANTS, strict=True):
        model = built(network, FAN_OUT).double()  # without a bias
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.BatchNorm2d, nn.Linear)):
                nn.init.constant_(module.weight, constant)
        expected = model(IMAGES.double())[1].detach().numpy()
        np.testing.assert_allclose(np.tile(logits[:, None], 10), expected, rtol=1e-6, atol=1e-12 * abs(expected).max())


@pytest.mark.parametrize("genes", [ALL.genes, (2, 3, 2, 3, 2, 3)])
def test_linear_regions(genes):
    thin = networks.Network("tss", genes, spaces.Skeleton(image_side=8, stem_width=1, cells_per_stage=1))
    cell = built(thin, FAN_OUT).cells[0]
    crops, signs = linear_region._crops(IMAGES, SEED), []
    watch(cell, nn.ReLU, lambda _, x, __: signs.append(x > 0))
    signs.append(F.batch_norm(cell(crops), None, None, training=True) > 0)
    codes = {tuple(row) for row in torch.cat([part.flatten(1) for part in signs], dim=1).tolist()}
    assert evidence("linear_region", networks.Network("tss", genes, SMALL)) == pytest.approx(len(codes), abs=2)


def test_crops_are_parts_of_images():
    crops = linear_region._crops(IMAGES[:2, :, :4, :4].contiguous(), SEED)
    assert crops.shape == (3000, 1, 3, 3)
    parts = {
        tuple(IMAGES[i, c, y : y + 3, x : x + 3].flatten().tolist())
        for i in range(2) for c in range(3) for y in range(2) for x in range(2)
    }  # fmt: skip
    assert {tuple(crop.flatten().tolist()) for crop in crops} == parts


@EACH
def test_layer_spectra(network):
    """As in cvlab-yonsei/AZ-NAS, with the same signs."""
    model = built(network, "kaiming_normal_fan_in").train()
    x = model.stem(normal(stream_key(SEED, "cell_jacobian"), (64, 3, 8, 8)))
    features = []
    for cell in model.cells:
        x = cell(x)
        features.append(x)
    entropies = []
    for x in features:
        rows = x.permute(0, 2, 3, 1).flatten(0, 2).detach().double()
        values = np.linalg.eigvalsh(np.cov(rows.T, bias=True)).clip(0)
        shares = values / values.sum()
        entropies.append(-(shares * np.log(shares + 1e-8)).sum())
    gains = []
    for layer, x, y in zip(network.layers[1:], features[:-1], features[1:], strict=True):
        g_out = uniform(stream_key(SEED, "cell_jacobian", layer.name), tuple(y.shape)).sign()
        (g_in,) = torch.autograd.grad(y, x, g_out, retain_graph=True)
        if g_in.shape[2] != g_out.shape[2]:
            g_in = nn.PixelUnshuffle(2)(g_in)
        outer = torch.einsum("nihw,nohw->nhwio", g_in, g_out).mean(dim=(0, 1, 2))
        gains.append(np.linalg.norm(outer.numpy(), 2))
    found = evidence("cell_jacobian", network)
    assert found.entropies == pytest.approx(entropies, rel=1e-4)
    assert found.gains == pytest.approx(gains, rel=1e-3)


def test_a_layer_that_copies_has_no_gain():
    skip = networks.Network("tss", (0, 0, 0, 1, 0, 0), SMALL)
    gains = evidence("cell_jacobian", skip).gains  # reductions and cells in turn
    assert [bool(np.isnan(gain)) for gain in gains] == [False, True, False, True]


def test_spectral_entropy_by_hand():
    # Covariance diag(1, 1): entropy ln 2; one direction only: 0.
    x = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])[:, :, None, None]
    assert float(cell_jacobian.spectral_entropy(x)) == pytest.approx(np.log(2), abs=1e-6)
    assert float(cell_jacobian.spectral_entropy(x[:, :1].repeat(1, 2, 1, 1))) == pytest.approx(0, abs=1e-6)
    assert np.isnan(float(cell_jacobian.spectral_entropy(torch.ones(4, 2, 1, 1))))
    assert np.isnan(float(cell_jacobian.spectral_entropy(1e30 * x)))


@EACH
def test_fisher_matrix(network):
    """As in ondratybl/VKDNW: a Jacobian per image by automatic differentiation of the whole network."""
    images = normal(stream_key(SEED, "fisher_spectrum"), (64, 3, 8, 8))
    weights = networks.draw(network, "kaiming_normal_fan_in", SEED)
    model = build(network, weights).eval()
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    buffers = dict(model.named_buffers())
    firsts = {name: value.flatten()[:1] for name, value in list(parameters.items())[:128]}

    def per_image(image):
        def predict(firsts):
            replaced = {}
            for name, value in parameters.items():
                flat = value.flatten()
                first = torch.cat([firsts[name], flat[1:]]) if name in firsts else flat
                replaced[name] = first.view(value.shape)
            return functional_call(model, (replaced, buffers), (image[None],))[1][0]

        return jacrev(predict)(firsts)

    expected = torch.cat(list(vmap(per_image)(images).values()), dim=2)
    jacobian, logits, n_tensors = fisher_spectrum.logit_jacobian(network, weights, images)
    assert n_tensors == len(parameters)
    np.testing.assert_allclose(jacobian, expected, rtol=1e-3, atol=1e-4)
    p = logits.softmax(dim=1) * 0.95 + 0.005
    fisher = [j.T @ (torch.diag(q) - torch.outer(q, q)) @ j for j, q in zip(jacobian, p, strict=True)]
    values = torch.linalg.eigvalsh(torch.stack(fisher).mean(dim=0)).clamp(min=0)
    found = evidence("fisher_spectrum", network)
    assert found.n_tensors == n_tensors
    np.testing.assert_allclose(found.eigenvalues, values, rtol=1e-6, atol=1e-9)


def test_only_the_first_tensors_enter_the_fisher_matrix():
    deep = networks.Network("tss", (3, 3, 3, 3, 3, 3), spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=3))
    found = evidence("fisher_spectrum", deep)
    assert found.n_tensors == 21 + 9 * 18 and found.eigenvalues.shape == (128,)


# Edges that share a ReLU and a pooling, and no dead ones, which the authors' code counts.
@pytest.mark.parametrize("network", [CHAIN, networks.Network("tss", (3, 2, 3, 4, 1, 2), SMALL), SIZES])
def test_weighted_correlations(network):
    """As kunjing96/ZSNAS-WRCor: each ReLU in a cell or reduction weighs by that, the last one by their number."""
    model, seen = built(network), []
    for weight, part in enumerate([*model.cells, model.lastact]):
        watch(part, nn.ReLU, lambda _, x, y, weight=weight: seen.append((weight, x, y)))
    watch(model, nn.ReLU, lambda _, __, y: y.retain_grad())
    F.cross_entropy(model(IMAGES)[1], BATCH.labels).backward()
    expected = np.zeros((20, 20))
    for weight, x, y in seen:
        for response in (x, y.grad * (x > 0)):
            expected += 2.0**weight * np.abs(np.corrcoef(response.detach().double().flatten(1).numpy()))
    found = evidence("response_correlation", network)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * 2.0 ** len(model.cells))
    assert np.linalg.slogdet(found)[1] == pytest.approx(np.linalg.slogdet(expected)[1], rel=1e-4)


def test_correlations_that_are_not_defined_are_left_out():
    some = response_correlation.Correlations()
    assert some.weighted_sum() is None
    some.add(3, torch.full((2, 2), torch.nan), torch.eye(2))
    some.add(0, torch.eye(2))
    assert some.weighted_sum().tolist() == [[9, 0], [0, 9]]


def test_absolute_correlations_by_hand():
    found = response_correlation.absolute_correlations(torch.tensor([[1.0, 0, -1], [1, -1, 0], [-2, 0, 2]]))
    np.testing.assert_allclose(found, [[1, 0.5, 1], [0.5, 1, 0.5], [1, 0.5, 1]])


def test_absolute_correlations_keep_their_digits_and_a_row_that_does_not_vary_has_none():
    # As many values as a layer of 32 x 32 pixels has, around a mean of 30 times the deviation.
    rows = torch.randn(3, 65_536, generator=torch.Generator().manual_seed(0)) + torch.tensor([[30.0], [0], [-30]])
    found = response_correlation.absolute_correlations(rows)
    np.testing.assert_allclose(found, np.abs(np.corrcoef(rows.double().numpy())), atol=1e-5)
    for constant in (0, 0.1, 3.3):
        rows[1] = constant
        found = response_correlation.absolute_correlations(rows)
        assert found[1].isnan().all() and found[:, 1].isnan().all() and found[0, 2].isfinite()


@EACH
def test_layer_gradients(network):
    found = evidence("layer_gradient", network)
    model, signs = built(network), {}
    blocks = [module for module in model.modules() if type(module).__name__ == "ReLUConvBN"]
    watch(model, nn.ReLU, lambda module, x, _: signs.update({module: x > 0}))
    model(IMAGES[:16])
    patterns = [len(torch.unique(signs[block.op[0]].flatten(1).T, dim=0)) for block in blocks]
    assert sorted(found.n_patterns) == pytest.approx(sorted(patterns), abs=2)
    norms, expected, absolute = [], [], []
    for images, labels in zip(IMAGES.split(10), BATCH.labels.split(10), strict=True):
        weights = networks.draw(network, INIT, SEED)
        names = list(layer_gradient._pattern_counts(network, weights, images))
        norms += [g.norm().item() for g in layer_gradient._gradients(network, weights, names, images, labels)]
        model.zero_grad()
        F.cross_entropy(model(images)[1], labels).backward()
        expected += [block.op[1].weight.grad.norm().item() for block in blocks]
        absolute.append([block.op[1].weight.grad.abs().double() for block in blocks])
    assert sorted(norms) == pytest.approx(sorted(expected), rel=1e-3)
    gaps = [(one - other).abs() for one, other in zip(*absolute, strict=True)]
    deviations = [(2 / gap[gap > 0]).sum().item() for gap in gaps]
    # Where the smallest gap of a layer is next to nothing, rounding decides how large its inverse is.
    differences = np.abs(np.sort(np.log(found.inverse_deviations)) - np.sort(np.log(deviations)))
    assert np.median(differences) < 0.01 and len(differences) == len(blocks)


def test_inverse_deviations_by_hand():
    one, other = torch.tensor([1.0, -2, 3]), torch.tensor([-1.0, 4, 3.5])  # gaps 0, 2 and 1/2; deviations half of them
    assert float(layer_gradient._inverse_deviations(one, other)) == pytest.approx(1 + 4)
    assert np.isnan(float(layer_gradient._inverse_deviations(one * torch.nan, other)))


@pytest.mark.parametrize("side", [16, 32, 64, 128])
def test_singular_matrices_of_signs_have_no_determinant(side):
    generator = torch.Generator().manual_seed(side)
    signs = torch.randint(-1, 2, (20, side, side), generator=generator).float()
    assert (gradient_sign._determinants(signs) != 0).all()
    plain = torch.linalg.det(signs.double())
    assert torch.allclose(gradient_sign._determinants(signs), plain, rtol=1e-9)
    signs[:, -1] = signs[:, -8] - signs[:, -4]  # late rows, which much rounding comes before
    if side > 32:  # where plain elimination is off by orders of magnitude
        assert (torch.linalg.det(signs.double()).abs() > 0.5).any()
    assert (gradient_sign._determinants(signs) == 0).all()


@EACH
def test_sign_determinants(network):
    """As in IntelLabs' EZNAS: the gradient that each ReLU module sends back."""
    model, seen = built(network, FAN_OUT), {}

    def see_backward(module, _, back):
        seen[module] = back[0] * (seen[module] > 0)

    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda module, given, y: seen.update({module: given[0]}))
            module.register_full_backward_hook(see_backward)
    model(IMAGES)[0].sum().backward()
    relus = [module.op[0] for module in model.modules() if type(module).__name__ == "ReLUConvBN"]
    expected = [torch.linalg.det(seen[relu].sign().double()).round().flatten().tolist() for relu in relus]
    found = [block.flatten() for block in evidence("gradient_sign", network)]
    assert all(np.allclose(block, block.round(), atol=1e-6) for block in found)
    # Blocks of one layer may be in another order.
    assert sorted(map(len, found)) == sorted(map(len, expected))
    both = [[int(value) for block in blocks for value in np.round(block)] for blocks in (expected, found)]
    every, ours = map(Counter, both)
    assert (every - ours).total() <= 3  # of thousands, for a sign that rounding alone decides
    sums = [np.sort([np.abs(block).sum() for block in blocks]) for blocks in (found, expected)]
    np.testing.assert_allclose(*sums, rtol=0.05, atol=3)
    assert max(every) > 10
