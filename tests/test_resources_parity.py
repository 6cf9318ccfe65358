"""The comparison with published scores: its arithmetic, its memory, and what it finds for some networks."""

import re
import runpy

import numpy as np
import pytest
from conftest import ROOT

PAGE = ROOT / "docs/parity.md"
NAN = np.nan
# Proxies that two draws of weights and images rank alike, and those whose values do not depend on the draw. EPE-NAS is
# in neither: twenty networks bound its rho at 0.17 only, and its size is the batch's, 1.3 and 0.86 times the published.
RANKED = ("params", "flops", "naswot", "synflow", "snip", "grad_norm", "fisher", "l2_norm", "jacov")
NEAR = ("params", "naswot", "synflow", "snip", "grad_norm", "l2_norm", "jacov")


@pytest.fixture
def script():
    return runpy.run_path(str(ROOT / "resources/parity/suite_zero.py"))


def test_comparison_by_hand(script):
    published = np.array([1.0, 2, 3, 4, NAN, 5])
    ours = np.array([[2.0, 4, 6, 8, 1, NAN], [2, 1, 4, 3, 1, 2]])
    # Networks 0 to 3 are left, with ranks 1 2 3 4 and 2 1 4 3: rho = 1 - 6 * 4 / (4 * 15) of the latter. The eight
    # ratios are 2 2 2 2 and 2 1/2 4/3 3/4; those between seeds 1 4 3/2 8/3 and 1 1/4 2/3 3/8.
    expected = {"n": 4, "low": 0.6, "high": 1.0, "between": 0.6, "ratio": 2.0, "ratio_between": 1.0}
    assert script["comparison"](ours, published) == pytest.approx(expected)
    # Of scores of either sign the latter are 1 -1/2 1/2 and 1 -2 2.
    signed = script["comparison"](np.array([[1.0, -1, 2], [1, 2, 4]]), np.array([3.0, 1, 2]))
    assert signed["ratio_between"] == 0.75


def test_what_was_scored_is_not_scored_again(script, tmp_path):
    settings = script["score_all"].__globals__
    settings.update(N_TOGETHER=2, N_WITH_OWN_BATCHES=2)
    index = np.array([4811, 5480, 117])
    first = script["score_all"]("digits", index, tmp_path)
    shapes = dict.fromkeys(script["NAMES"].values(), (2, 3)) | {"own_batches": (2, 2)}
    assert {name: scores.shape for name, scores in first.items()} == shapes
    settings["score"] = None
    again = script["score_all"]("digits", index, tmp_path)
    assert all((first[name] == again[name]).all() for name in first)


def rows(page):
    """Name, networks, least rho with the published scores, rho of two seeds, ratio, ratio of two seeds."""
    number = r"-?[\d.]+"
    pattern = rf"^\| (\w+) \| (\d+) \| ({number}).*? \| ({number}|-) \| ({number}) \| ({number}|-) \|$"
    found = re.findall(pattern, page, re.MULTILINE)
    return {name: [float("nan" if value == "-" else value) for value in values] for name, *values in found}


def test_some_scores_rank_like_the_published_ones(script, shared_data, tmp_path, capsys):
    """The first networks of the table, which is in random order, against what the page found for many.

    The rho of n networks lies less than four standard errors below that of all; by Fisher's transformation, with 1.06
    for ranks, one is 1.06 / sqrt(n - 3) of artanh(rho).
    """
    settings = script["main"].__globals__
    settings["N_WITH_OWN_BATCHES"] = 4
    del settings["NAMES"]["grasp"]  # twice as slow, and hardly the same for two seeds
    images, published = (
        str(shared_data / path) for path in ("images/cifar10.npz", "reference/tss_cifar10_suite_zero_725.csv")
    )
    script["main"]([images, published, str(tmp_path), "--networks", "20"])
    found, expected = rows(capsys.readouterr().out), rows(PAGE.read_text())
    assert list(found) == [name for name in expected if name != "grasp"]
    for name in RANKED:
        least = 1 if expected[name][1] == 1 else np.tanh(np.arctanh(expected[name][1]) - 4 * 1.06 / np.sqrt(17))
        assert found[name][1] >= least, name
    for name in NEAR:  # the median of twenty ratios; of hundreds, below
        assert found[name][3] == pytest.approx(1, abs=0.1), name


def test_the_published_page_shows_it_for_many_networks(script):
    """Definitions that differ would not rank alike, nor have values of one size."""
    found = rows(PAGE.read_text())
    assert list(found) == [*script["NAMES"].values(), "own_batches"]
    assert found["snip"][0] == 725
    least = {
        "params": 1,
        "flops": 0.99,
        "naswot": 0.98,
        "synflow": 0.99,
        "snip": 0.95,
        "grad_norm": 0.95,
        "fisher": 0.95,
        "epe_nas": 0.8,
    }
    assert {name: found[name][1] >= rho for name, rho in least.items()} == dict.fromkeys(least, True)
    # As near to the published scores as to our own of another seed.
    for name in ("l2_norm", "jacov", "plain", "grasp", "own_batches"):
        assert found[name][1] >= found[name][2] - 0.08, name
    assert found["grasp"][3] == pytest.approx(found["grasp"][4], abs=0.05)
    for name in NEAR:
        assert found[name][3] == pytest.approx(1, abs=0.05), name
