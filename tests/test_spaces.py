"""Spaces against NATS-Bench's own tables and archives, hand counts and closed forms."""

import bz2
import pickle

import numpy as np
import polars as pl
import pytest
from xautodl.models.cell_searchs.genotypes import Structure

from proxybank import spaces
from proxybank.errors import ConfigError, TableError
from proxybank.spaces import Skeleton
from proxybank.spaces.tss import drop_dead_edges, function_of

DATASETS = {"cifar10": (10, 32), "cifar100": (100, 32), "imagenet16-120": (120, 16)}
TSS, SSS = spaces.get("tss"), spaces.get("sss")


@pytest.mark.parametrize("space", [TSS, SSS], ids=lambda space: space.name)
def test_official_order_strings_and_genes_agree(space, shared_data):
    table = pl.read_csv(shared_data / f"natsbench/{space.name}_accuracies.csv")
    assert table["arch_index"].to_list() == list(range(space.size))
    assert table["arch"].to_list() == space.arch_strings


@pytest.mark.parametrize("space", [TSS, SSS], ids=lambda space: space.name)
def test_index_and_string_lead_back_to_genes(space):
    assert (space.index_of(space.genes) == np.arange(space.size)).all()
    for index in (0, 1, 4321, space.size - 1):
        assert (space.parse(space.arch_strings[index]) == space.genes[index]).all()


def test_networks_of_some_widths():
    # By hand: of widths 8 and 24, genes 0 and 2, the last gene varies first; classes are numbered as networks are.
    found = SSS.indexes_of_widths([24, 8])
    assert found.size == 2**5 and found[:5].tolist() == [0, 2, 16, 18, 128]
    assert {width for index in found for width in SSS.arch_strings[index].split(":")} == {"8", "24"}
    assert (SSS.classes("drop") == np.arange(SSS.size)).all()


def test_unknown_architecture_and_space_are_named():
    with pytest.raises(TableError, match=r"'\|skip~0\|' is no architecture of tss. Expected a string like"):
        TSS.parse("|skip~0|")
    with pytest.raises(ConfigError, match=r"no space is called 'tsss'. Did you mean 'tss'"):
        spaces.get("tsss")


@pytest.mark.parametrize("space", [TSS, SSS], ids=lambda space: space.name)
@pytest.mark.parametrize("dataset", DATASETS)
def test_parameters_equal_nats_bench_exactly(space, dataset, shared_data):
    n_classes, side = DATASETS[dataset]
    table = pl.read_csv(shared_data / f"natsbench/{space.name}_accuracies.csv")
    ours = space.costs(Skeleton(n_classes=n_classes, image_side=side))["params_m"]
    assert (np.round(ours * 1e6) == np.round(table[f"{dataset}_params_million"].to_numpy() * 1e6)).all()


@pytest.mark.parametrize("space", [TSS, SSS], ids=lambda space: space.name)
def test_flops_equal_the_official_archives(space, further_data):
    folder = next((further_data / "natsbench/archives").glob(f"NATS-{space.name}-*"))
    n_compared = 0
    for index in (0, 11, 284):
        with bz2.open(folder / f"{index:06d}.pickle.pbz2") as file:
            results = pickle.load(file)
        for entries in results.values():
            for (dataset, _), result in entries["all_results"].items():
                n_classes, side = DATASETS.get(dataset.lower().replace("-valid", ""), (None, None))
                if n_classes:
                    ours = space.costs(Skeleton(n_classes=n_classes, image_side=side))
                    assert ours["mflops"][index] == pytest.approx(result["flop"], abs=1e-9)
                    assert ours["params_m"][index] == pytest.approx(result["params"], abs=1e-9)
                    n_compared += 1
    assert n_compared >= 12


def test_flops_equal_suite_zero_less_what_it_counts_besides(shared_data):
    table = pl.read_csv(shared_data / "reference/tss_cifar10_suite_zero_725.csv")
    costs = TSS.costs(Skeleton())
    index = table["arch_index"].to_numpy()
    n_conv = (costs["n_conv_3x3"] + costs["n_conv_1x1"])[index]
    # BatchNorm and pooling: an edge has 5 x 28,672 outputs, and counts 3 for each if it convolves, 9 if it pools. The
    # skeleton's is what is left, the same for all.
    expected = costs["mflops"][index] + 0.160822 + 0.43008 * n_conv + 1.29024 * costs["n_avg_pool"][index]
    np.testing.assert_allclose(table["flops"].to_numpy(), expected, rtol=0, atol=1e-9)
    assert len(index) == 725


def test_tss_costs_equal_the_formulas_counted_by_hand():
    costs = TSS.costs(Skeleton(n_classes=120, image_side=16))
    a, b = costs["n_conv_3x3"], costs["n_conv_1x1"]
    assert (np.round(costs["params_m"] * 1e6) == 73_306 + 243_040 * a + 28_000 * b + 65 * 110).all()
    np.testing.assert_allclose(costs["mflops"] * 1e6, (7_782_400 + 35_389_440 * a + 3_932_160 * b) / 4 + 65 * 120)
    assert (costs["relu_units"] == (40_960 + 143_360 * (a + b)) // 4).all()
    assert (costs["n_relu"] == 5 + 15 * (a + b)).all()
    assert np.unique(costs["params_m"]).size == 28


def test_sss_relu_units_equal_the_formula_counted_by_hand():
    costs = SSS.costs(Skeleton())
    c = [costs[f"width_{k}"] for k in range(5)]
    expected = 1024 * 6 * c[0] + 256 * (3 * c[1] + 4 * c[2]) + 64 * (3 * c[3] + 4 * c[4])
    assert (costs["relu_units"] == expected).all()


def test_skipped_layers_by_hand():
    skipped = TSS.costs(Skeleton())["skipped_layers"]
    assert skipped[TSS.index_of(np.array([[3, 3, 3, 1, 3, 3]]))] == 2.0  # one skip, over both inner nodes
    assert skipped[TSS.index_of(np.array([[1, 1, 1, 1, 1, 1]]))] == pytest.approx(4 / 6)  # jumps 0 1 0 2 1 0
    assert skipped[TSS.index_of(np.array([[3, 3, 3, 3, 3, 3]]))] == 0.0
    assert skipped.max() == 2.0


def test_counts_of_dead_and_pathless_cells():
    live = drop_dead_edges(TSS.genes)
    dead_conv = ((live != TSS.genes) & np.isin(TSS.genes, (2, 3))).any(axis=1)
    pathless = (live == 0).all(axis=1)
    # Counted by hand and in public score files (Synflow is 0 on exactly the 341).
    assert (pathless.sum(), dead_conv.sum(), (dead_conv & ~pathless).sum()) == (341, 4250, 3976)


def test_number_of_classes():
    """6,466 is NAS-Bench-201's published count of its own strings; 5,044 is what its cells really compute."""
    assert np.unique(TSS.isomorphism_classes).size == 6466
    assert np.unique(TSS.classes("drop")).size == 5044
    assert np.unique(TSS.classes("keep")).size == 15_625
    assert np.unique(SSS.classes("drop")).size == 32_768


def test_isomorphism_strings_equal_the_reference():
    strings = [Structure.str2structure(arch).to_unique_str(True) for arch in TSS.arch_strings]
    numbers = {}
    assert [numbers.setdefault(text, len(numbers)) for text in strings] == TSS.isomorphism_classes.tolist()


def test_functions_by_hand():
    one_conv = function_of([3, 0, 0, 0, 1, 0])  # 3x3 to node 1, skip to the output
    assert one_conv == (((0, 1),), ((3, ((0, 0),)),))
    assert function_of([1, 0, 0, 0, 3, 0]) == one_conv  # skip first, then 3x3
    assert function_of([0, 3, 0, 0, 0, 1]) == one_conv  # through node 2 instead
    shared, separate = [3, 0, 1, 0, 1, 1], [3, 3, 0, 0, 1, 1]
    # One convolution taken twice is not two convolutions, though their expressions read alike.
    assert function_of(shared) == (((0, 1), (0, 1)), ((3, ((0, 0),)),))
    assert function_of(separate) == (((0, 1), (0, 2)), ((3, ((0, 0),)), (3, ((0, 0),))))
    # Pooling is linear: pooling a sum is the sum of the poolings.
    assert function_of([4, 0, 0, 0, 4, 0]) == (((2, 0),), ())
    assert function_of([1, 1, 0, 4, 4, 0]) == function_of([1, 0, 0, 4, 4, 0])


def test_members_of_a_class_may_differ_in_poolings_but_not_in_convolutions():
    """The figure of docs/classes.md."""
    # Input and convolution are added and pooled once, or each is pooled; the input is added to that.
    assert function_of([2, 1, 1, 1, 0, 4]) == function_of([2, 1, 0, 1, 4, 4])
    classes, live = TSS.classes("drop"), drop_dead_edges(TSS.genes)
    counts = np.stack([np.isin(live, ops).sum(axis=1) for ops in ((4,), (2, 3))])
    differ = [np.ptp(counts[:, classes == number], axis=1) > 0 for number in range(5044)]
    assert np.sum(differ, axis=0).tolist() == [280, 0]


def test_what_isomorphism_classes_mix_and_repeat():
    """The figures of docs/classes.md."""
    strings, functions = TSS.isomorphism_classes, TSS.classes("drop")
    mixed = [len(np.unique(functions[strings == number])) > 1 for number in range(6466)]
    repeated = [np.unique(strings[functions == number]).size > 1 for number in range(5044)]
    assert sum(mixed) == 430
    assert np.array(repeated)[functions].sum() == 10_472


@pytest.mark.parametrize(
    ("dataset", "by_string", "by_function"),
    [("cifar10", 0.208, 0.156), ("cifar100", 0.390, 0.280), ("imagenet16-120", 0.500, 0.320)],
)
def test_networks_of_one_function_train_alike(dataset, by_string, by_function, shared_data):
    """The table of docs/classes.md: mean standard deviation of the accuracies inside a class."""
    accuracy = pl.read_csv(shared_data / "natsbench/tss_accuracies.csv")[f"{dataset}_test_accuracy_200"].to_numpy()
    for classes, expected in ((TSS.isomorphism_classes, by_string), (TSS.classes("drop"), by_function)):
        sizes = np.bincount(classes)
        mean = (np.bincount(classes, accuracy) / sizes)[classes]
        variance = np.bincount(classes, (accuracy - mean) ** 2)[sizes > 1] / (sizes[sizes > 1] - 1)
        assert np.sqrt(variance).mean() == pytest.approx(expected, abs=5e-4)


def test_class_representatives_compute_the_function_of_their_members():
    representatives = TSS.class_genes("drop")[TSS.classes("drop")]
    live = drop_dead_edges(TSS.genes)
    for index in range(0, TSS.size, 13):
        assert function_of(representatives[index]) == function_of(live[index])
    assert (np.count_nonzero(representatives, axis=1) <= np.count_nonzero(live, axis=1)).all()


def test_skeleton_refuses_images_it_cannot_halve_twice():
    with pytest.raises(ConfigError, match="found a side of 30 pixels.*multiple of 4. Crop or pad"):
        Skeleton(image_side=30)


@pytest.mark.parametrize("space", [TSS, SSS], ids=lambda space: space.name)
def test_samples_are_networks_drawn_until_there_are_so_many_classes(space):
    classes, places, order = space.classes("drop"), space.sample_places("drop"), space.random_classes("drop")
    for n in (1, 250, 1000):
        drawn = np.flatnonzero(places < n)
        assert set(classes[drawn]) == set(order[:n])
        # Uniform: the mean of so many of `size` equally likely numbers is within 4 standard errors.
        error = space.size / 12**0.5 / len(drawn) ** 0.5 * (1 - len(drawn) / space.size) ** 0.5
        assert abs(drawn.mean() - (space.size - 1) / 2) < 4 * error
    # The next network drawn is the first of another class.
    (further,) = set(classes[places == 1000]) - set(order[:1000])
    assert further == order[1000]


def test_networks_are_a_better_sample_than_classes():
    classes, value = TSS.classes("drop"), TSS.costs(Skeleton())["n_relu"]
    n_classes, rng = classes.max() + 1, np.random.default_rng(0)
    of_networks, of_classes = [], []
    for _ in range(200):
        order = rng.permutation(TSS.size)
        met = np.sort(np.unique(classes[order], return_index=True)[1])
        of_networks.append(value[order[: met[1000]]].mean())
        of_classes.append(value[np.isin(classes, rng.permutation(n_classes)[:1000])].mean())
    assert np.std(of_classes) > 4 * np.std(of_networks)
    assert abs(np.mean(of_networks) - value.mean()) < 4 * np.std(of_networks) / 200**0.5
