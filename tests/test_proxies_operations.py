"""Proxies of the forward families against values by hand, and what becomes of them without a path."""

import numpy as np
import pytest
import torch
from conftest import provided

from proxybank import networks, passes, spaces
from proxybank.passes.cell_jacobian import LayerSpectra
from proxybank.passes.channel_correlation import ChannelCorrelations
from proxybank.passes.fisher_spectrum import FisherSpectrum
from proxybank.passes.layer_gradient import LayerGradients
from proxybank.passes.noisy_images import NoiseResponse
from proxybank.passes.perturbed_noise import Perturbation
from proxybank.passes.sign_pattern import SignPatterns
from proxybank.proxies import REGISTRY, Status, evaluate, in_group

SMALL = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=1)
BATCH = passes.Batch(torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 10)
INIT = "kaiming_normal_fan_out"
# Nothing reaches the output, with and without a convolution that the input reaches; a cell that only copies.
PATHLESS = [networks.Network("tss", genes, SMALL) for genes in ((0,) * 6, (3, 0, 0, 0, 0, 0))]
COPY = networks.Network("tss", (0, 0, 0, 1, 0, 0), SMALL)


def value(name, evidence):
    return evaluate(REGISTRY[name], evidence)


def ok(expected, **tolerance):
    return pytest.approx(expected, **tolerance), Status.OK


def scores(group, members):
    """Score and status of each proxy of a group, network by network."""
    found = provided(group, members, BATCH, INIT, 0)
    return [{name: value(name, evidence) for name in in_group(REGISTRY, group)} for evidence, _ in found]


def test_noise_immunity():
    response = NoiseResponse(change=np.e**2, n_pools=3, n_convs=7, n_channels=307, n_blocks=4, n_block_channels=144)
    assert value("ni", response) == ok(np.log(307 * 7 / 3 / 2))
    assert value("ni_code", response) == ok(np.log(451 * 11 / 3 / 2))
    assert value("ni", response._replace(change=0.9)) == (0.0, Status.OK)
    assert value("ni", response._replace(change=np.inf)) == (None, Status.OVERFLOW)
    assert value("ni", response._replace(change=np.nan)) == (None, Status.NAN)
    assert value("ni", response._replace(change=0.0)) == (0.0, Status.OK)


def test_zen():
    assert value("zen", [Perturbation(np.e, 3.0), Perturbation(np.e**3, 5.0)]) == ok((1 + 3 + 3 + 5) / 2)
    assert value("zen", [Perturbation(1.0, 3.0), Perturbation(0.0, 5.0)]) == (None, Status.CONSTANT)


def test_cv_u():
    assert value("cv_u", np.array([0.1, 0.3])) == ok(0.1 / 0.2)
    assert value("cv_u", np.array([0.1, 0.1])) == (None, Status.CONSTANT)
    assert value("cv_u", np.zeros(3)) == (None, Status.CONSTANT)
    assert not REGISTRY["cv_u"].higher_is_better
    assert value("cv_u_10", np.array([0.1, 0.3])) == ok(0.1 / 0.2)
    assert not REGISTRY["cv_u_10"].higher_is_better


def test_epsinas():
    # Scaled: none, 1/2, 1 and none, 1/4, 1; differences 1/4 and 0, mean of the four 11/16.
    assert value("epsinas", np.array([[1.0, 2, 3], [-4, 0, 12]])) == ok(0.125 / (2.75 / 4))
    assert value("epsinas", np.array([[1.0, 1, 1], [-4, 0, 12]])) == (None, Status.CONSTANT)
    assert value("epsinas", np.array([[1.0, 2], [2, 1]])) == (None, Status.NAN)  # either image is a smallest one
    assert value("epsinas", np.array([[1.0, 2], [2, np.inf]])) == (None, Status.OVERFLOW)


def test_swap():
    patterns = SignPatterns(np.array([10, 30]), -2.0)
    assert value("swap", patterns) == (20.0, Status.OK)
    assert value("swap_regularised", patterns) == ok(20 * np.exp(-2))


def test_linear_regions():
    assert value("te_nas_regions", 17) == (17.0, Status.OK)
    assert value("te_nas_regions", None) == (None, Status.CONSTANT)


def test_l_swag():
    layers = LayerGradients(np.array([np.e, 0.0, np.e**2]), np.array([3, 5, 7]))
    assert value("l_swag", layers) == ok(1 * 3 + 2 * 7)
    assert value("l_swag", LayerGradients(np.array([np.nan, np.e]), np.array([3, 5]))) == (None, Status.NAN)


def test_meco():
    sums = ChannelCorrelations(-0.5, 2.5)
    assert value("meco", sums) == (-0.5, Status.OK) and value("meco_opt", sums) == (2.5, Status.OK)


def test_wrcor():
    assert value("wrcor", np.array([[2.0, 1], [1, 2]])) == ok(np.log(3))
    assert value("wrcor", np.array([[1.0, 2], [2, 1]])) == ok(np.log(3))  # its absolute value counts
    assert value("wrcor", np.ones((2, 2))) == (None, Status.SINGULAR)
    assert value("wrcor", np.zeros((2, 2))) == (None, Status.SINGULAR)
    assert value("wrcor", None) == (None, Status.CONSTANT)


def test_near():
    assert value("near", np.array([1.0, 4.0])) == (2.5, Status.OK)


def test_az_nas():
    spectra = LayerSpectra((1.0, 3.0, 2.5), (1.0, 0.5))
    assert value("az_expressivity", spectra) == (6.5, Status.OK)
    assert value("az_progressivity", spectra) == (-0.5, Status.OK)
    assert value("az_trainability", spectra) == ok((0 + (2 - 0.5 - 2)) / 2, abs=1e-5)
    assert value("az_trainability", spectra._replace(gains=(1.0, np.nan))) == (None, Status.CONSTANT)
    constant = spectra._replace(entropies=(1.0, np.nan, 2.0))
    assert value("az_expressivity", constant) == value("az_progressivity", constant) == (None, Status.CONSTANT)


def test_vkdnw():
    # Eleven eigenvalues, whose deciles are those between the ends: all equal, so their entropy is ln 9.
    fisher = FisherSpectrum(np.array([0.0, *[2.0] * 9, 5.0]), 39)
    assert value("vkdnw_entropy", fisher) == ok(np.log(9), abs=1e-8)
    assert value("vkdnw_tensors", fisher) == (39.0, Status.OK)
    assert value("vkdnw", fisher) == ok(39 + np.log(9), abs=1e-8)
    none = FisherSpectrum(np.array([1e-19] * 10 + [1.0] * 1), 21)
    assert value("vkdnw_entropy", none) == value("vkdnw", none) == (None, Status.CONSTANT)
    assert value("vkdnw_entropy", FisherSpectrum(np.zeros(9), 9)) == (None, Status.CONSTANT)


def test_eznas():
    # Squares of sigmoid(ln 3) = 3/4, of 1/2 for a negative determinant, and of 0; then of 1/2 (ln 1) alone.
    blocks = [np.array([[3.0, -2.0, 0.0]]), np.array([[1.0]])]
    assert value("eznas", blocks) == ok(((9 / 16 + 1 / 4) ** 0.5 + 1 / 2) / 2)


@pytest.mark.usefixtures("few_repeats")
@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("initial_accuracy", {"cv_u": (None, Status.CONSTANT), "cv_u_10": (None, Status.CONSTANT)}),
        ("perturbed_noise", {"zen": (None, Status.CONSTANT)}),
        ("constant_weights", {"epsinas": (None, Status.CONSTANT)}),
        ("response_correlation", {"wrcor": (None, Status.CONSTANT)}),
        ("layer_gradient", {"l_swag": (0.0, Status.OK)}),
        ("gradient_sign", {"eznas": (0.0, Status.OK)}),
        ("fisher_spectrum", {"vkdnw_entropy": (None, Status.CONSTANT), "vkdnw": (None, Status.CONSTANT)}),
        ("cell_jacobian", {name: (None, Status.CONSTANT) for name in ("az_expressivity", "az_progressivity")}),
    ],
)
def test_without_a_path(group, expected):
    for found in scores(group, PATHLESS):
        assert {name: found[name] for name in expected} == expected


@pytest.mark.usefixtures("few_repeats")
def test_what_is_left_without_a_path():
    for k, found in enumerate(scores("sign_pattern", PATHLESS)):
        # Without a convolution in the first cell its zeros, and those of all other cells, are the only pattern.
        assert (found["swap"][0] == 1) == (k == 0)
    assert scores("linear_region", PATHLESS[:1])[0]["te_nas_regions"] == (1.0, Status.OK)
    for found in scores("noisy_images", PATHLESS):
        assert found["ni"][1] is found["ni_code"][1] is Status.OK
    # The two cells send nothing back, at -999,998 each, of four layers.
    for found in scores("cell_jacobian", PATHLESS):
        assert found["az_trainability"][1] is Status.OK and found["az_trainability"][0] < -400_000


def test_a_cell_that_copies_is_not_trained():
    (found,) = scores("cell_jacobian", [COPY])
    assert found["az_trainability"] == (None, Status.CONSTANT)
    assert found["az_expressivity"][1] is Status.OK


def test_every_size_has_the_same_regions():
    (found,) = scores("linear_region", [networks.Network("sss", (1, 2, 3, 4, 5), SMALL)])
    assert found["te_nas_regions"] == (None, Status.CONSTANT)
