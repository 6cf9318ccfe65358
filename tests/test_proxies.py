"""Proxies against hand values, bounds and published scores."""

import math
import re
import textwrap
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import polars as pl
import pytest
import torch
from conftest import ROOT, provided
from scipy.stats import spearmanr

from proxybank import data, networks, passes, processes, spaces, store
from proxybank.passes import ReluKernel
from proxybank.proxies import (
    AGGREGATE,
    CLOSED_FORM,
    GROUPS,
    REGISTRY,
    Proxy,
    Status,
    evaluate,
    in_group,
    registry,
    scoring,
)
from proxybank.proxies.__main__ import reference
from proxybank.spaces.tss import drop_dead_edges

TSS = spaces.get("tss")
IMAGES = torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0))
BATCH = passes.Batch(IMAGES, torch.arange(16) % 10)
SMALL = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=1)
INIT = "kaiming_normal_fan_out"


def kernel(codes):
    codes = np.asarray(codes, np.int64)
    return ReluKernel(torch.from_numpy(codes @ codes.T + (1 - codes) @ (1 - codes).T), codes.shape[1])


def value(name, evidence):
    return evaluate(REGISTRY[name], evidence)


def test_naswot_by_hand():
    # Codes 110 and 100 agree on 2 of 3 units: det [[3, 2], [2, 3]] = 5.
    assert value("naswot", kernel([[1, 1, 0], [1, 0, 0]])) == (pytest.approx(np.log(5)), Status.OK)


def test_naswot_equals_slogdet_and_keeps_hadamards_bound():
    codes = np.random.default_rng(0).random((32, 500)) < 0.4
    score, status = value("naswot", kernel(codes))
    assert status is Status.OK
    assert score == pytest.approx(np.linalg.slogdet(kernel(codes).agreements.double().numpy())[1], abs=1e-9)
    assert score <= 32 * np.log(500)


def test_doubling_every_unit_adds_ln_2_per_image():
    codes = np.random.default_rng(1).random((16, 200)) < 0.5
    once, twice = (value("naswot", kernel(np.tile(codes, n)))[0] for n in (1, 2))
    assert twice - once == pytest.approx(16 * np.log(2), abs=1e-9)


def test_a_repeated_image_makes_the_kernel_singular():
    codes = np.random.default_rng(2).random((16, 200)) < 0.5
    assert value("naswot", kernel(np.vstack([codes, codes[:1]]))) == (None, Status.SINGULAR)


def test_fewer_units_than_images_make_the_kernel_singular():
    # K is half of S S' + N 11', so its rank is at most the number of units plus one.
    codes = np.random.default_rng(3).random((40, 20)) < 0.5
    assert value("naswot", kernel(codes)) == (None, Status.SINGULAR)


def test_flow_proxies_by_hand():
    flow = [(torch.tensor([1.0, 2.0]), torch.tensor([0.75, 0.0]), torch.tensor(2.0).double())]
    flow.append((torch.tensor([4.0]), torch.tensor([0.5]), torch.tensor(1.0).double()))
    assert value("synflow", flow) == (pytest.approx(7.0), Status.OK)  # 1 * 0.75 * 2**2 + 2 * 0 + 4 * 0.5 * 2**1
    assert value("logsynflow", flow) == (pytest.approx(np.log(4) + 4 * np.log(2)), Status.OK)
    large = [(torch.tensor([1.0]), torch.tensor([0.5]), torch.tensor(221.0).double())]
    assert value("synflow", large) == (2.0**220, Status.OK)
    assert value("logsynflow", large) == (pytest.approx(220 * np.log(2)), Status.OK)
    overflow = [(torch.tensor([1.0]), torch.tensor([1.0]), torch.tensor(1024.0).double())]
    assert value("synflow", overflow) == (None, Status.OVERFLOW)


@pytest.fixture(scope="module")
def pathless():
    index = np.flatnonzero((drop_dead_edges(TSS.genes) == 0).all(axis=1))
    assert len(index) == 341
    return networks.members("tss", TSS.genes[index], SMALL)


def test_cells_without_a_path_have_no_flow(pathless):
    for flow, _ in passes.flows(pathless, BATCH, INIT, 0):
        assert value("synflow", flow) == value("logsynflow", flow) == (0.0, Status.OK)


def test_no_other_cell_lacks_flow():
    members = networks.members("tss", TSS.class_genes("drop")[::9], SMALL)
    scores = [value("synflow", flow)[0] for flow, _ in passes.flows(members, BATCH, INIT, 0)]
    assert [score == 0 for score in scores] == [not any(network.genes) for network in members]


def test_the_201_singular_kernels(pathless):
    """Seen in two public score files: cells without a path and without a convolution that the input reaches."""
    statuses = [value("naswot", codes)[1] for codes, _ in passes.relu_kernels(pathless, BATCH, INIT, 0)]
    assert statuses.count(Status.SINGULAR) == 201
    assert statuses.count(Status.OK) == 140
    # Without dead edges they are all one cell, which is among the 201: docs/proxies.md has both figures.
    assert statuses[[any(network.genes) for network in pathless].index(False)] is Status.SINGULAR


def batches(seeds=(0, 1)):
    images = data.load("digits")
    return data.draw_batches(images, 16, seeds, np.arange(100))


def part(group, number, size, space="tss", seeds=(0, 1), dead_edges="drop", sample=None):
    drawn = batches(seeds)
    return scoring.score_part(
        in_group(REGISTRY, group),
        store.classes_of_part(space, number, size, dead_edges, sample),
        space=space,
        group=group,
        dead_edges=dead_edges,
        skeleton=drawn.skeleton(stem_width=8, cells_per_stage=1),
        batches=drawn,
        initialisation=INIT,
        device="cpu",
        precision="bfloat16",
    ).select(~pl.selectors.ends_with("__seconds"))


@pytest.mark.usefixtures("few_repeats")
@pytest.mark.parametrize("group", GROUPS)
def test_parts_and_seeds_do_not_change_scores(group):
    whole = part(group, 0, 9)
    assert whole.shape[0] == 18
    assert pl.concat([part(group, number, 3) for number in range(3)]).equals(whole)
    assert part(group, 0, 9, seeds=(1,)).equals(whole.filter(pl.col("seed") == 1))
    sizes = part(group, 1, 16, space="sss")
    assert sizes["class_index"].unique().to_list() == list(range(16, 32))
    assert pl.concat([part(group, number, 8, space="sss") for number in (2, 3)]).equals(sizes)


@pytest.mark.parametrize("space", ["tss", "sss"])
def test_a_sample_is_random_and_the_beginning_of_a_larger_one(space):
    order = spaces.get(space).random_classes("drop")
    n_classes = len(spaces.get(space).class_genes("drop"))
    assert sorted(order) == list(range(n_classes))
    # A fixed order: these numbers were drawn once, and whoever changes them changes every sample.
    assert order[:4].tolist() == {"tss": [9, 12, 2346, 4373], "sss": [22877, 3892, 13452, 30712]}[space]
    found = [part("synaptic_flow", number, 4, space, sample=9) for number in range(3)]
    assert [rows["class_index"].unique(maintain_order=True).to_list() for rows in found] == [
        sorted(order[start:stop].tolist()) for start, stop in ((0, 4), (4, 8), (8, 9))
    ]
    # A larger sample has the same full parts, and every class has the score that it has by itself.
    assert part("synaptic_flow", 1, 4, space, sample=8).equals(found[1])
    alone = part("synaptic_flow", int(order[4]), 1, space)
    assert found[1].filter(class_index=int(order[4])).equals(alone)


def test_a_sample_of_no_class_has_the_columns():
    empty = part("synaptic_flow", 0, 4, sample=0)
    assert empty.height == 0 and empty.schema == part("synaptic_flow", 0, 1).schema


def test_registry_refuses_duplicates_and_unknown_groups():
    proxy = REGISTRY["naswot"]
    with pytest.raises(ValueError, match="'naswot' is registered already"):
        registry.register_proxy(proxy)
    with pytest.raises(ValueError, match="'new' needs 'magic'; known: forward"):
        registry.register_proxy(Proxy("new", 1, "magic", True, "", "", proxy.score))


def test_the_example_of_contributing_is_a_proxy(monkeypatch):
    # By hand: codes 110 and 100 disagree on 1 of 3 units, in 2 of the 4 pairs, each image with itself included.
    example = re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)[1]
    monkeypatch.setattr(registry, "REGISTRY", {})
    exec(textwrap.dedent(example), {"math": math, "register": registry.register, "Status": Status})
    (proxy,) = registry.REGISTRY.values()
    assert evaluate(proxy, kernel([[1, 1, 0], [1, 0, 0]])) == (pytest.approx(np.log(1 / 6)), Status.OK)
    assert evaluate(proxy, kernel([[1, 0], [1, 0]])) == (None, Status.CONSTANT)


def test_the_page_scores_one_network(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/proxies.md").read_text(), re.DOTALL)
    exec(code.replace("print(", "found = (").replace("stem_width=16, cells_per_stage=5", "stem_width=4"), names := {})
    found = names["found"]
    assert found["seed"].to_list() == [0, 1] and found["class_index"].n_unique() == 1
    assert (found["snip__status"] == "ok").all() and (found["jacov"] < 0).all()


def test_every_entry_says_where_it_comes_from():
    for name, proxy in REGISTRY.items():
        assert name == proxy.name and proxy.source and proxy.version >= 1
        assert (proxy.needs == CLOSED_FORM) == bool(proxy.column)
        assert (proxy.needs == AGGREGATE) == bool(proxy.terms)
        assert (proxy.score is None) == (proxy.needs in (CLOSED_FORM, AGGREGATE))
        if proxy.needs == CLOSED_FORM:
            assert all(proxy.column in spaces.get(space).costs(SMALL) for space in ("tss", "sss"))
        if proxy.needs == AGGREGATE:
            assert set(proxy.terms) <= {term for term in REGISTRY if REGISTRY[term].needs != AGGREGATE}


def test_the_documentation_is_in_step():
    page = ROOT / "docs/proxies.md"
    assert page.read_text() == reference(), "run: make docs/proxies.md"
    assert all(f"| `{name}` | " in page.read_text() for name in REGISTRY)


# By family: the founding papers, NAS-Bench-Suite-Zero's others and those beside them, later ones, controls.
EVERY_SCORE = """
naswot synflow logsynflow skipped_layers ni ni_code ninaswot ninaswot_ntk ntk ntk_lambda_min ntk_lambda_max snip fisher
fisher_channels grasp pathnorm cv_u cv_u_10 jacov epe_nas params flops n_relu rank_sum freerea_fitness
grad_norm l2_norm plain zen synflow_bn vote
zico az_expressivity az_progressivity az_trainability az_nas swap swap_regularised meco meco_opt vkdnw vkdnw_entropy
vkdnw_tensors vkdnw_agg te_nas_regions gradsign knas knas_code ntk_trace epsinas wrcor l_swag near eznas
n_conv n_live_conv n_live_edges depth mean_width
"""


def test_no_score_is_missing_from_the_registry():
    assert set(EVERY_SCORE.split()) <= set(REGISTRY)


def parity_scores(arguments):
    """Mean scores of literal TSS networks, as FreeREA initialised them; run in a process of its own."""
    path, index, group = arguments
    processes.use_one_core()
    images = data.load(path)
    drawn = data.draw_batches(images, 64, [0, 1, 2], np.arange(len(images.labels)))
    members = networks.members("tss", TSS.genes[index], images.skeleton())
    scores = []
    for seed in range(3):
        batch = passes.Batch(torch.from_numpy(drawn.images[seed]), torch.from_numpy(drawn.labels[seed]))
        found = provided(group, members, batch, INIT, seed)
        names = ["naswot"] if group == "forward" else ["logsynflow", "synflow"]
        scores.append([[value(name, evidence)[0] for name in names] for evidence, _ in found])
    return np.array(scores, float).mean(axis=0)


@pytest.fixture(scope="module")
def parity(shared_data):
    """300 random networks: their indexes, our scores, the published ones."""
    index = np.sort(np.random.default_rng(0).choice(TSS.size, 300, replace=False))
    path = str(shared_data / "images/cifar10.npz")
    halves = [(path, half, group) for group in ("forward", "synaptic_flow") for half in (index[::2], index[1::2])]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(parity_scores, halves))
    scores = np.empty((300, 3))
    for start in (0, 1):
        scores[start::2] = np.hstack([results[start], results[2 + start]])
    published = pl.read_csv(shared_data / "reference/tss_cifar10_freerea.csv")[index.tolist()]
    return index, dict(zip(("naswot", "logsynflow", "synflow"), scores.T, strict=True)), published


def test_naswot_ranks_like_freereas_published_scores(parity):
    _, ours, published = parity
    theirs = published["naswot"].to_numpy()
    singular = ~np.isfinite(theirs)
    assert (np.isnan(ours["naswot"]) == singular).all()
    assert spearmanr(ours["naswot"][~singular], theirs[~singular]).statistic >= 0.99


def test_synflow_ranks_like_freereas_published_scores(parity):
    _, ours, published = parity
    assert ((ours["synflow"] == 0) == (published["synflow"].to_numpy() == 0)).all()
    assert spearmanr(ours["synflow"], published["synflow"].to_numpy()).statistic >= 0.99


def test_logsynflow_ranks_like_freereas_published_scores_once_corrected(parity):
    """The released file holds |ln(g + 1e-6)|, so each weight without gradient adds 13.8155 times its absolute value."""
    index, ours, published = parity
    genes, live = TSS.genes[index], drop_dead_edges(TSS.genes[index])
    dead = live != genes
    surplus = 177_270 * (dead & (genes == 3)).sum(axis=1) + 58_920 * (dead & (genes == 2)).sum(axis=1)
    surplus = surplus + 57_710 * (live == 0).all(axis=1)
    corrected = published["logsynflow"].to_numpy() - surplus
    assert spearmanr(ours["logsynflow"], corrected).statistic >= 0.99
