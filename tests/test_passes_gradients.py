"""Passes with gradients against slow, plain computations of the same quantities, in float64 on the forward function."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import provided

from proxybank import networks, passes, spaces
from proxybank.proxies import REGISTRY, Status
from proxybank.proxies.registry import evaluate

SMALL = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=1)
INIT = "kaiming_normal_fan_out"
# By these weights nothing that goes into a ReLU is nearer to 0 than 5e-5: rounding turns none around, on any processor.
SEED = 50
IMAGES = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3, 0, 1, 2, 7])
BATCH = passes.Batch(IMAGES, LABELS)
# All operations; a convolution that leads nowhere; and sizes with skips that change the width.
NETWORKS = [
    networks.Network("tss", (2, 3, 1, 4, 4, 1), SMALL),
    networks.Network("tss", (3, 2, 3, 1, 0, 0), SMALL),
    networks.Network("sss", (1, 2, 0, 1, 0), SMALL),
]
EACH = pytest.mark.parametrize("network", NETWORKS, ids=["all", "dead", "sizes"])


def evidence(group, network, batch=BATCH, initialisation=INIT):
    ((found, seconds),) = provided(group, [network], batch, initialisation, SEED)
    assert seconds > 0
    return found


def drawn(network):
    """Weights in float64, and those of them that proxies sum over."""
    weights = {name: weight.double() for name, weight in networks.draw(network, INIT, SEED).items()}
    layers = [weight.requires_grad_() for name, weight in weights.items() if name != "classifier.bias"]
    return weights, layers


def logits(network, weights, images=IMAGES, **options):
    return networks.forward(network, weights, images.double(), **options).logits


def flat(tensors):
    return torch.cat([tensor.double().flatten() for tensor in tensors])


def derivatives(total, tensors):
    found = torch.autograd.grad(total, tensors, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(t) if g is None else g for g, t in zip(found, tensors, strict=True)]


def loss_gradient(network, weights, layers, part=slice(None)):
    return derivatives(F.cross_entropy(logits(network, weights, IMAGES[part]), LABELS[part]), layers)


def assert_near(found, expected, rel=1e-4):
    """Compare with the size of the whole: float32 rounding is relative to what was added up."""
    found, expected = torch.as_tensor(found).double(), torch.as_tensor(expected).double()
    assert found.shape == expected.shape
    assert (found - expected).norm() <= rel * expected.norm()
    assert expected.norm() > 0


@EACH
def test_loss_gradient_equals_double_precision(network):
    weights, layers = drawn(network)
    found = evidence("loss_gradient", network)
    assert_near(flat(layer.gradient for layer in found), flat(loss_gradient(network, weights, layers)))
    assert torch.equal(flat(layer.weight for layer in found), flat(layers).detach())


@EACH
def test_channel_saliency_equals_the_gradient_to_a_gate_on_each_image_and_channel(network, monkeypatch):
    weights, layers = drawn(network)
    gates = {}

    def gated(function):
        def run(x, weight, *args, **options):
            y = function(x, weight, *args, **options)
            if not any(weight is layer for layer in layers):  # pooling
                return y
            gates[id(weight)] = y.new_ones(y.shape[:2]).requires_grad_()
            return y * gates[id(weight)].view(*y.shape[:2], *[1] * (y.ndim - 2))

        return run

    with monkeypatch.context() as patch:
        patch.setattr(F, "conv2d", gated(F.conv2d))
        patch.setattr(F, "linear", gated(F.linear))
        loss = F.cross_entropy(logits(network, weights), LABELS)
    in_order = [gates[id(weight)] for weight in layers]
    expected = [(gradient**2).mean(dim=0) / 2 for gradient in derivatives(loss, in_order)]
    assert_near(flat(layer.channel_saliency for layer in evidence("loss_gradient", network)), flat(expected))


@EACH
def test_curvature_equals_the_second_derivative(network):
    """PyTorch's own, in float64: twice through the forward function."""
    weights, layers = drawn(network)
    loss = F.cross_entropy(logits(network, weights), LABELS)
    first = torch.autograd.grad(loss, layers, create_graph=True, allow_unused=True)
    squared = sum((gradient * gradient.detach()).sum() for gradient in first if gradient is not None)
    expected = sum((w * product).sum().item() for w, product in zip(layers, derivatives(squared, layers), strict=True))
    assert evidence("loss_curvature", network) == pytest.approx(expected, rel=1e-3)


@EACH
def test_half_batches_have_a_batch_norm_of_their_own(network):
    weights, layers = drawn(network)
    found = evidence("half_batches", network)
    for half, part in enumerate((slice(0, 4), slice(4, 8))):
        expected = flat(loss_gradient(network, weights, layers, part))
        assert_near(flat(pair[half] for pair in found), expected)


@pytest.mark.parametrize("genes", [(3, 1, 2, 4, 3, 1), (3, 3, 3, 3, 3, 3)])
def test_a_half_of_one_image_with_maps_of_one_pixel_has_no_gradients(genes):
    """The last BatchNorm has one value for each channel, whose mean it is: no output depends on anything."""
    skeleton = spaces.Skeleton(image_side=4, stem_width=8, cells_per_stage=1)
    batch = passes.Batch(torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)), torch.arange(2))
    found = evidence("half_batches", networks.Network("tss", genes, skeleton), batch)
    assert not flat(gradients for gradients in found[:-1]).any()


@EACH
def test_input_gradient_equals_the_sum_of_all_rows_of_the_jacobian(network):
    weights, _ = drawn(network)
    images = IMAGES.double().requires_grad_()
    outputs = logits(network, weights, images)
    expected = sum(derivatives(output, [images])[0] for output in outputs.flatten())
    found = evidence("input_gradient", network)
    assert_near(found.rows, expected.flatten(1))
    assert found.labels.tolist() == LABELS.tolist() and found.n_classes == 10


@EACH
def test_sample_gradients_equal_those_of_each_image_run_alone(network):
    weights, layers = drawn(network)
    statistics = []

    def record(x):
        statistics.append((x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True, correction=0)))
        mean, var = (value.detach() for value in statistics[-1])
        return (x - mean) / (var + 1e-5).sqrt()

    logits(network, weights, norm=record)
    rows, leading = [], []
    for image, label in zip(IMAGES, LABELS, strict=True):
        recorded = iter(statistics)

        def replay(x, recorded=recorded):
            mean, var = (value.detach() for value in next(recorded))
            return (x - mean) / (var + 1e-5).sqrt()

        loss = F.cross_entropy(logits(network, weights, image[None], norm=replay), label[None])
        parts = derivatives(loss, layers)
        rows.append(flat(parts))
        leading.append(torch.stack([part.flatten()[:50] for part in parts if part.numel() >= 50][:11]))
    rows = torch.stack(rows)
    found = evidence("sample_gradient", network)
    # A ReLU whose input rounds to the other side of zero in float32 shows in single weights before it does in sums.
    assert_near(found.leading, torch.stack(leading, dim=1), rel=1e-3)
    assert_near(found.gram, rows @ rows.T)
    # Signs of gradients that are zero but for rounding may differ.
    assert found.sign_agreement == pytest.approx(rows.sign().sum(dim=0).abs().sum().item(), rel=1e-3)


def tangent_kernel(network, images=IMAGES):
    """One forward and backward pass for each image."""
    weights, layers = drawn(network)
    rows = []
    for i in range(len(images)):
        scales = []

        def norm(x, scales=scales):
            scales.append(torch.ones(1, x.shape[1], 1, 1, dtype=x.dtype, requires_grad=True))
            return networks.batch_norm(x) * scales[-1]

        total = logits(network, weights, images, norm=norm)[i].sum()
        rows.append(flat(derivatives(total, [*layers, *scales])))
    rows = torch.stack(rows)
    return rows @ rows.T


@EACH
def test_tangent_kernel_equals_one_forward_and_backward_pass_for_each_image(network):
    assert_near(evidence("tangent_kernel", network), tangent_kernel(network))


def test_tangent_kernel_of_a_single_value_a_channel():
    # The last BatchNorm leaves 0 of one pixel, whatever it is: no weight changes anything, but for rounding.
    batch = passes.Batch(IMAGES[:1, :, :4, :4], LABELS[:1])
    (kernel,) = evidence("tangent_kernel", networks.Network("sss", (0, 0, 0, 0, 0), SMALL), batch)
    assert kernel == pytest.approx([0], abs=1e-12)


def test_float32_leaves_condition_numbers_of_a_million():
    """Of images that hardly differ: rounding limits the roots of eigenvalues, not eigenvalues."""
    network = networks.Network("tss", (4, 1, 4, 4, 1, 1), SMALL)
    images = IMAGES[:1] + 5e-5 * IMAGES
    expected = np.linalg.cond(tangent_kernel(network, images).numpy())
    assert expected > 2e6
    found, status = evaluate(REGISTRY["ntk"], evidence("tangent_kernel", network, passes.Batch(images, LABELS)))
    assert status is Status.OK and found == pytest.approx(expected, rel=0.05)


@EACH
def test_normalised_flow_equals_a_batch_norm_written_out(network):
    weights, layers = drawn(network)
    weights = {name: weight.detach().abs().requires_grad_() for name, weight in weights.items()}

    def norm(x):
        centred = x - x.mean(dim=(0, 2, 3), keepdim=True)
        return centred / ((centred**2).mean(dim=(0, 2, 3), keepdim=True) + 1e-5).sqrt()

    layers = [weight for name, weight in weights.items() if name != "classifier.bias"]
    expected = derivatives(logits(network, weights, torch.ones(1, 3, 8, 8), norm=norm).sum(), layers)
    found = evidence("normalised_flow", network)
    assert torch.equal(flat(weight for weight, _ in found), flat(layers).detach())
    assert_near(flat(gradient for _, gradient in found), flat(expected), rel=1e-9)


def test_path_sum_equals_products_of_matrices(monkeypatch):
    """Kernels with nothing but their centre act on each pixel alone, and a constant image stays one."""
    network = networks.Network("tss", (2, 0, 3, 1, 4, 3), SMALL)
    weights = networks.draw(network, INIT, SEED)
    matrix = {}
    for name, weight in weights.items():
        if weight.ndim == 4:
            centre = weight.shape[2] // 2
            kept = torch.zeros_like(weight)
            kept[:, :, centre, centre] = weight[:, :, centre, centre]
            weights[name] = kept
        if weight.ndim > 1:
            matrix[name] = (weight[:, :, centre, centre] if weight.ndim == 4 else weight).double().numpy() ** 2
    monkeypatch.setattr(
        networks,
        "draw",
        lambda network, initialisation, seed, device=None, layers=(): {
            name: weight for name, weight in weights.items() if name.rsplit(".", 1)[0] in layers
        },
    )
    x = matrix["stem.conv"] @ np.ones(3)
    for stage in range(3):
        if stage:
            a, b, shortcut = (matrix[f"reduction{stage}.{name}"] for name in ("a", "b", "shortcut"))
            x = b @ (a @ x) + shortcut @ x
        one = matrix[f"stage{stage}.cell0.0>1"] @ x
        two = matrix[f"stage{stage}.cell0.1>2"] @ one
        x = x + one + matrix[f"stage{stage}.cell0.2>3"] @ two
    assert evidence("path_sum", network) == pytest.approx((matrix["classifier.weight"] @ x).sum(), rel=1e-12)


@pytest.mark.parametrize("initialisation", [INIT, "default"])
def test_path_sum_along_the_tree_equals_single_networks(initialisation):
    genes = spaces.get("sss").genes[np.r_[0:3, 9, 20_000, 20_064]]
    members = networks.members("sss", genes, SMALL)
    found = [total for total, _ in provided("path_sum", members, BATCH, initialisation, 3)]
    expected = []
    for network in members:
        weights = {name: w.double() ** 2 for name, w in networks.draw(network, initialisation, 3).items()}
        weights["classifier.bias"] = torch.zeros(10).double()
        ones = torch.ones(1, 3, 8, 8).double()
        expected.append(networks.forward(network, weights, ones, norm=lambda x: x).logits.sum().item())
    assert found == pytest.approx(expected, rel=1e-12)


@EACH
def test_drawn_weights_are_all_but_the_bias(network):
    _, layers = drawn(network)
    found = evidence("weights", network)
    assert torch.equal(flat(found), flat(layers).detach())
    assert len(found) == sum(1 for _ in network.convs()) + 1


def test_images_and_labels_stay_as_they_were():
    before, labels = IMAGES.clone(), LABELS.clone()
    for group in ("loss_gradient", "input_gradient"):
        evidence(group, NETWORKS[0])
    assert torch.equal(IMAGES, before) and not IMAGES.requires_grad
    assert torch.equal(LABELS, labels)
