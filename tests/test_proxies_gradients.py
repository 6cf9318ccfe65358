"""Proxies of gradients against hand values, identities they must obey, and cells that have no score."""

import numpy as np
import pytest
import torch
from conftest import provided

from proxybank import networks, passes, spaces
from proxybank.passes.input_gradient import InputGradient
from proxybank.passes.loss_gradient import LayerGradient
from proxybank.passes.sample_gradient import SampleGradients
from proxybank.proxies import REGISTRY, Status, evaluate, in_group

SMALL = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=1)
INIT = "kaiming_normal_fan_out"
BATCH = passes.Batch(torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 10)
# Without a path: nothing at all; a node that nothing reaches; a convolution that leads nowhere.
PATHLESS = [networks.Network("tss", genes, SMALL) for genes in ((0,) * 6, (0, 0, 0, 0, 3, 2), (3, 2, 1, 0, 0, 0))]
NETWORKS = [
    networks.Network("tss", (2, 3, 1, 4, 4, 1), SMALL),
    networks.Network("tss", (1, 1, 1, 0, 2, 0), SMALL),
    networks.Network("sss", (1, 2, 0, 1, 0), SMALL),
]


def value(name, evidence):
    return evaluate(REGISTRY[name], evidence)


def score(name, evidence):
    found, status = value(name, evidence)
    assert status is Status.OK
    return found


def evidence(group, network, initialisation=INIT):
    ((found, _),) = provided(group, [network], BATCH, initialisation, 0)
    return found


def tensor(*values):
    return torch.tensor(values, dtype=torch.float32)


LAYERS = [
    LayerGradient(tensor([1, -2], [3, 4]), tensor([3, 0], [0, 4]), tensor(0.5, 2).double(), 19),
    LayerGradient(tensor([2]), tensor([-12]), tensor(1).double(), -24),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grad_norm", 5 + 12),
        ("snip", 3 + 16 + 24),
        ("plain", 3 + 16 - 24),
        ("fisher", 2 * (0.5 + 2) + 1),  # two weights a channel, then one
        ("fisher_channels", 0.5 + 2 + 1),
    ],
)
def test_gradient_sums_by_hand(name, expected):
    assert score(name, LAYERS) == pytest.approx(expected)


def test_grasp_is_minus_the_curvature():
    assert score("grasp", 2.5) == -2.5
    assert str(score("grasp", 0.0)) == "0.0"


def test_zico_by_hand():
    # Means of magnitudes 2 and 3, standard deviations 1 and 3; the third weight does not vary, nor does a whole layer.
    layers = [tensor([1, 3, 5], [3, -3, 5]), tensor([0, 0], [0, 0]), tensor([1], [2])]
    assert score("zico", layers) == pytest.approx(np.log(2 / 1 + 3 / 3) + np.log(1.5 / 0.5))


def test_l2_norm_and_flows_by_hand():
    assert score("l2_norm", [tensor([3, 4]), tensor([-2])]) == pytest.approx(7)
    assert score("synflow_bn", [(tensor([1, 2]), tensor([-3, 1]))]) == pytest.approx(5)
    assert score("pathnorm", 9.0) == pytest.approx(3)
    assert value("pathnorm", float("inf")) == (None, Status.OVERFLOW)


def gradient(rows, labels=(), n_classes=10):
    return InputGradient(np.array(rows, float), np.array(labels), n_classes)


def test_jacov_by_hand():
    # Correlation 0.5, so eigenvalues 0.5 and 1.5.
    rows = gradient([[1, 0, -1], [1, -1, 0]])
    expected = -sum(np.log(v + 1e-5) + 1 / (v + 1e-5) for v in (0.5, 1.5))
    assert score("jacov", rows) == pytest.approx(expected)
    assert value("jacov", gradient([[1, 0, -1], [2, 2, 2]])) == (None, Status.CONSTANT)
    assert value("jacov", gradient([[1, 0, -1], [np.inf, 2, 2]])) == (None, Status.OVERFLOW)


def test_jacov_is_at_most_minus_the_number_of_images():
    # ln(v) + 1 / v is least at v = 1, where it is 1; reached by uncorrelated rows.
    uncorrelated = gradient([[1, -1, 0, 0], [1, 1, -1, -1], [0, 0, 1, -1]])
    assert score("jacov", uncorrelated) == pytest.approx(-3, abs=1e-8)
    for network in NETWORKS:
        assert score("jacov", evidence("input_gradient", network)) <= -len(BATCH.images)


# Rows 0 and 1 correlate at 0.5, rows 2 and 3 at -1; row 4 is the only one of its class.
ROWS, CLASSES = [[1, 0, -1], [1, -1, 0], [1, 0, -1], [-2, 0, 2], [1, 2, 4]], [0, 0, 9, 9, 7]
HALF, FULL = 2 * np.log(1 + 1e-5) + 2 * np.log(0.5 + 1e-5), 4 * np.log(1 + 1e-5)


@pytest.mark.parametrize("n_classes", [10, 100])
def test_epe_nas_by_hand(n_classes):
    expected = abs(HALF) + abs(FULL) + np.log(1 + 1e-5)
    assert score("epe_nas", gradient(ROWS, CLASSES, n_classes)) == pytest.approx(expected)


def test_epe_nas_of_more_than_100_classes_by_hand():
    # Scores per image, compared for all ordered pairs, over the number of classes; the single image is left out.
    assert score("epe_nas", gradient(ROWS, CLASSES, 101)) == pytest.approx(2 * abs(HALF / 2 - FULL / 2) / 2)


def test_epe_nas_without_correlations():
    assert value("epe_nas", gradient([ROWS[0], [1, 1, 1]], [0, 0])) == (None, Status.CONSTANT)
    assert value("epe_nas", gradient([ROWS[0], [1, np.nan, 1]], [0, 0])) == (None, Status.NAN)
    assert value("epe_nas", gradient([ROWS[0], [1, np.inf, 1]], [0, 0])) == (None, Status.OVERFLOW)
    for n_classes in (10, 100, 120):  # every image alone
        assert value("epe_nas", gradient(ROWS[:2], [0, 1], n_classes)) == (None, Status.CONSTANT)
    assert value("epe_nas", gradient(ROWS[:3], [0, 0, 1], 120)) == (None, Status.CONSTANT)  # no pair of classes


def test_proxies_of_sample_gradients_by_hand():
    # Gradients (3, 0) and (1, 2).
    found = SampleGradients(np.array([[9.0, 3.0], [3.0, 5.0]]), 3.0, np.zeros((1, 2, 50), np.float32))
    assert score("ntk_trace", found) == pytest.approx(np.sqrt(14 / 2))
    assert score("knas", found) == pytest.approx(20 / 4)
    assert score("gradsign", found) == 3.0


def test_knas_code_by_hand():
    # Five images: halves of two, the last is left out. Centred, the first weight's gradients are -1, 1 and 2, -2, whose
    # inner product is -4; the second's are 3, -3 and 1, -1: 6. The second tensor does not vary.
    leading = np.zeros((2, 5, 50), np.float32)
    leading[0, :, 0], leading[0, :, 1], leading[1] = (1, 3, 5, 1, 9), (6, 0, 4, 2, 9), 7
    assert score("knas_code", SampleGradients(np.eye(5), 0.0, leading)) == pytest.approx((-4 + 6) / 5**2)
    for n in (2, 3):  # a half is a single image
        assert value("knas_code", SampleGradients(np.eye(n), 0.0, leading[:, :n])) == (None, Status.CONSTANT)


def test_ntk_by_hand():
    gram = np.array([[2.0, 1.0], [1.0, 2.0]])  # eigenvalues 1 and 3
    assert [score(name, gram) for name in ("ntk", "ntk_lambda_min", "ntk_lambda_max")] == pytest.approx([3, 1, 3])


@pytest.mark.parametrize("gram", [[[1.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 1e-14]], [[1.0, 2.0], [2.0, 1.0]]])
def test_a_kernel_whose_least_eigenvalue_is_rounding_has_no_condition_number(gram):
    for name in ("ntk", "ntk_lambda_min"):
        assert value(name, np.array(gram)) == (None, Status.SINGULAR)
    assert value("ntk_lambda_max", np.array(gram))[1] is Status.OK


def test_a_kernel_of_zeros_has_no_largest_eigenvalue():
    """0 would rank best."""
    for name in ("ntk", "ntk_lambda_min", "ntk_lambda_max"):
        assert value(name, np.zeros((2, 2))) == (None, Status.SINGULAR)


def test_gradients_that_overflow_have_no_spectrum():
    gram = np.array([[np.inf, 1.0], [1.0, 1.0]])
    for name in in_group(REGISTRY, "tangent_kernel"):
        assert value(name, gram) == (None, Status.OVERFLOW)


@pytest.mark.parametrize("network", NETWORKS, ids=["ops", "line", "sizes"])
def test_weights_before_batch_norm_are_free_of_scale(network):
    """Scaling them changes nothing, so w'g = 0."""
    names = [name for name in networks.draw(network, INIT, 0) if name != "classifier.bias"]
    free = [not name.endswith(("shortcut", "classifier.weight")) for name in names]
    for layer, is_free in zip(evidence("loss_gradient", network), free, strict=True):
        if is_free:
            terms = layer.weight * layer.gradient
            assert abs(terms.sum()) < 1e-3 * terms.abs().sum()
    assert sum(free) == len(free) - 3


@pytest.mark.parametrize("network", NETWORKS, ids=["ops", "line", "sizes"])
def test_equal_images_have_equal_gradients(network):
    different = evidence("sample_gradient", network)
    assert 0 < score("knas", different) < score("ntk_trace", different) ** 2
    repeated = passes.Batch(BATCH.images[:1].repeat(4, 1, 1, 1), BATCH.labels[:1].repeat(4))
    ((equal, _),) = provided("sample_gradient", [network], repeated, INIT, 0)
    assert score("knas", equal) == pytest.approx(score("ntk_trace", equal) ** 2, rel=1e-5)


ZERO = ("grad_norm", "snip", "plain", "fisher", "fisher_channels", "grasp", "zico", "synflow_bn", "pathnorm")
ZERO += ("ntk_trace", "knas", "knas_code", "gradsign")
UNSCORED = {"jacov": "constant", "epe_nas": "constant"}
UNSCORED |= dict.fromkeys(("ntk", "ntk_lambda_min", "ntk_lambda_max"), "singular")


@pytest.mark.parametrize("name", [*ZERO, *UNSCORED])
def test_cells_without_a_path(name):
    """Logits are the bias for every image and all gradients exactly 0, whatever convolutions lie on no path."""
    for network in PATHLESS:
        expected = (None, UNSCORED[name]) if name in UNSCORED else (0.0, "ok")
        assert value(name, evidence(REGISTRY[name].needs, network)) == expected
        for other in NETWORKS:
            found, status = value(name, evidence(REGISTRY[name].needs, other))
            assert status is Status.OK and found != 0


def test_fisher_of_a_cell_without_a_path_is_that_of_the_classifiers_bias():
    """As in NAS-Bench-Suite-Zero's scores; by hand from logits that equal the bias."""
    bias = networks.draw(PATHLESS[0], "default", 0)["classifier.bias"].double()
    to_logits = (bias.softmax(0) - torch.eye(10).double()[BATCH.labels]) / 16
    expected = ((bias * to_logits) ** 2).mean(dim=0).sum().item() / 2
    found = evidence("loss_gradient", PATHLESS[0], "default")
    assert score("fisher_channels", found) == pytest.approx(expected)
    assert score("fisher", found) == pytest.approx(32 * expected)  # 32 features a class
    assert score("snip", found) == 0


def test_the_norm_of_weights_needs_no_path():
    # Kaiming normal, fan out: variance 2 / (c_out k^2) for c_out c_in k^2 weights, so a norm of sqrt(2 c_in).
    fixed = sum(np.sqrt(2 * c_in) for c_in in (3, 8, 16, 8, 16, 32, 16, 32))
    convs = sum(np.sqrt(2 * c_in) for c_in in (8, 16, 32))
    norms = [score("l2_norm", evidence("weights", network)) for network in PATHLESS]
    assert norms == pytest.approx([fixed, fixed + 2 * convs, fixed + 2 * convs], rel=0.03)
