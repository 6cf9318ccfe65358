"""What noise lets any score reach: by hand, and against simulated trainings of which the truth is known."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from proxybank import analysis, spaces, store


def tables(accuracy, classes, scores=None):
    """Networks, scores by seed and accuracies; `scores` has shape (seeds, networks)."""
    n = len(accuracy)
    place = {"space": "tss", "dataset": "digits", "arch_index": np.arange(n)}
    scores = np.zeros((1, n)) if scores is None else scores
    networks = {**place, "class_index": classes, "params_m": 1.0, "mflops": 1.0, "n_relu": 5}
    truth = {"split": "test", "epochs": 9, "accuracy_pct": accuracy, "train_seconds": None, "source": "s"}
    by_seed = [pl.DataFrame({**place, "seed": seed, "naswot": score}) for seed, score in enumerate(scores)]
    return pl.DataFrame(networks), pl.concat(by_seed), pl.DataFrame({**place, **truth})


def ceilings(accuracy, classes, scores=None, n_resamples=0):
    found = analysis.ceilings_table(
        *tables(accuracy, classes, scores), {"naswot": True}, n_resamples=n_resamples, seed=0
    )
    store.conform(found, "ceilings", "here")
    return {row[:3]: row[3:] for row in found.drop("space", "dataset").rows()}, found.columns[5:]


def test_accuracy_against_its_class_by_hand():
    # Of the networks with siblings, means are 1.5 1.5 4 4 against 1 2 3 5: all four pairs agree of four untied in the
    # mean, six in the accuracy. Of each two, one is ranked by the other: both classes are in order. The fifth is alone.
    found, columns = ceilings([1.0, 2.0, 3.0, 5.0, 90.0], [3, 3, 0, 0, 1])
    kendall, n = columns.index("kendall"), columns.index("n")
    mean, half = found["accuracy", "class_mean", "all"], found["accuracy", "other_half", "all"]
    assert (mean[kendall], mean[n]) == pytest.approx((4 / np.sqrt(4 * 6), 4))
    assert (half[kendall], half[n]) == pytest.approx((1, 2))
    # The best of five is alone, too.
    assert found["accuracy", "class_mean", "best_10_pct"][kendall] is None
    assert found["accuracy", "noise_added", "all"][n] == 5


def simulated():
    """Classes of one to four members, whose accuracies are a truth and noise."""
    rng = np.random.default_rng(1)
    classes = np.repeat(np.arange(4_000), rng.integers(1, 5, 4_000))
    truth = rng.normal(50, 5, 4_000)[classes]
    return classes, truth, truth + rng.normal(0, 1.5, classes.size)


def test_the_truth_lies_between():
    classes, truth, accuracy = simulated()
    found, columns = ceilings(accuracy, classes)
    kendall = columns.index("kendall")
    several = np.bincount(classes)[classes] > 1
    best = accuracy >= np.sort(accuracy)[-int(np.ceil(accuracy.size / 10))]
    for subset, within, error in (("all", several, 0.005), ("best_10_pct", several & best, 0.03)):
        of_truth = stats.kendalltau(truth[within], accuracy[within]).statistic
        mean, half = (found["accuracy", name, subset][kendall] for name in ("class_mean", "other_half"))
        assert half + error / 2 < of_truth < mean - error / 2
        everywhere = within if subset == "all" else best
        added = found["accuracy", "noise_added", subset][kendall]
        # It starts from accuracies, which spread wider than the truth by a factor of the root of 1 + 0.3 ** 2.
        of_all = stats.kendalltau(truth[everywhere], accuracy[everywhere]).statistic
        assert of_all - error < added < of_all + 1.5 * error


def test_noise_is_added_where_classes_have_it():
    # Below 50, members of a class differ; above, they do not: accuracies there stay in order.
    rng = np.random.default_rng(2)
    classes = np.repeat(np.arange(3_000), 2)
    truth = np.linspace(10, 90, 3_000)[classes]
    accuracy = truth + np.where(truth < 50, rng.normal(0, 5, truth.size), 0)
    found, columns = ceilings(accuracy, classes)
    assert found["accuracy", "noise_added", "best_10_pct"][columns.index("kendall")] == pytest.approx(1, abs=1e-3)
    assert found["accuracy", "noise_added", "all"][columns.index("kendall")] < 0.97


def test_the_best_have_noise_of_the_best():
    # Of the best 1%, thirty classes of two without noise, all but the last few would have that of those far below.
    rng = np.random.default_rng(2)
    classes = np.repeat(np.arange(3_000), 2)
    truth = np.concatenate([np.linspace(10, 50, 2_970), np.linspace(80, 90, 30)])[classes]
    found, columns = ceilings(truth + np.where(truth < 60, rng.normal(0, 5, truth.size), 0), classes)
    assert found["accuracy", "noise_added", "best_1_pct"][columns.index("kendall")] > 0.75


def test_four_classes_have_no_interval():
    # However many members they have; nor do four of the best that are drawn.
    rng = np.random.default_rng(6)
    for n_classes, are_there in ((4, False), (5, True)):
        classes = np.arange(40) % n_classes
        found, columns = ceilings(classes + rng.normal(0, 0.5, 40), classes, rng.normal(size=(2, 40)), 50)
        low = columns.index("low")
        for key in (("accuracy", "other_half", "all"), ("naswot", "two_seeds", "all")):
            assert (found[key][low] is not None) == are_there


def test_without_noise_all_agree():
    # Members differ by less than classes do, and few large classes have many pairs of their own.
    rng = np.random.default_rng(4)
    classes = rng.permutation(np.repeat(np.arange(20), np.arange(1, 21)))
    found, columns = ceilings(classes + rng.normal(0, 1e-3, classes.size), classes)
    half = found["accuracy", "other_half", "all"]
    sizes = (np.arange(2, 21) + 1) // 2  # of the halves that are ranked
    n = sizes.sum()
    # Pairs of one class are tied in the mean, and all others are in order.
    tied = (sizes * (sizes - 1)).sum() / (n * (n - 1))
    assert half[columns.index("n")] == n
    assert half[columns.index("kendall")] == pytest.approx(np.sqrt(1 - tied))


@pytest.mark.parametrize("classes", [np.arange(4), np.zeros(4, int)])
def test_no_ceiling_where_no_function_was_trained_twice(caplog, classes):
    # Functions of one network each; or four networks of one accuracy, as all have that of their class.
    accuracy = [50.0, 60.0, 70.0, 80.0] if classes.any() else [50.0] * 4
    found, _ = ceilings(accuracy, classes, n_resamples=16)
    assert not found  # the score is 0 for all seeds, so there is nothing about it either
    assert "tss, digits: no class has networks that were trained each for itself" in caplog.text


def test_scores_of_two_seeds_and_of_means():
    # Gaussian: seeds correlate at r = 1 / (1 + 0.5 ** 2); Kendall's tau is 2 / pi asin(r), Spearman's rho 6 / pi
    # asin(r / 2). Means over three seeds are compared with means over three others.
    rng = np.random.default_rng(3)
    n = 8_000
    truth, noise = rng.normal(size=n), rng.normal(0, 0.5, (6, n))
    found, columns = ceilings(rng.uniform(10, 90, n), np.arange(n), truth + noise[:3], 64)
    kendall, spearman = (columns.index(kind) for kind in ("kendall", "spearman"))
    two, means = found["naswot", "two_seeds", "all"], found["naswot", "seed_means", "all"]
    assert two[kendall] == pytest.approx(2 / np.pi * np.arcsin(0.8), abs=0.01)
    assert two[spearman] == pytest.approx(6 / np.pi * np.arcsin(0.4), abs=0.01)
    measured = stats.spearmanr(truth + noise[:3].mean(axis=0), truth + noise[3:].mean(axis=0)).statistic
    assert (means[kendall], means[spearman]) == (None, pytest.approx(measured, abs=0.01))
    low, high = two[columns.index("low")], two[columns.index("high")]
    assert low < two[kendall] < high
    # The mean over three pairs, of the same samples, is surer than one of them.
    one = analysis.correlate({0: truth + noise[0]}, truth + noise[1], n_resamples=64, seed=0)[0].kendall_interval
    assert 0.5 * np.diff(one) < high - low < np.diff(one)
    # The best are so by accuracy, which has nothing to do with these scores.
    assert found["naswot", "two_seeds", "best_10_pct"][columns.index("n")] == n // 10
    assert found["naswot", "two_seeds", "best_10_pct"][kendall] == pytest.approx(two[kendall], abs=0.04)


def test_intervals_hold_what_they_are_of_where_seeds_hardly_differ():
    # Neighbours change places: then nearly all samples of rho are below it.
    rng = np.random.default_rng(5)
    truth = rng.normal(size=3_000)
    scores = truth + rng.normal(0, 0.005, (2, 3_000))
    found, columns = ceilings(rng.uniform(10, 90, 3_000), np.arange(3_000), scores, 200)
    low, rho, high = (columns.index(name) for name in ("spearman_low", "spearman", "spearman_high"))
    samples = analysis.resample({"": tuple(scores)}, n_resamples=200, seed=0)[""].spearman[1:]
    assert np.quantile(samples, 0.975) < found["naswot", "two_seeds", "all"][rho]
    for estimate in ("two_seeds", "seed_means"):
        row = found["naswot", estimate, "all"]
        assert 0.999 < row[low] < row[rho] < row[high] <= 1


def test_spearman_brown():
    # Halves that correlate at 1/2 make a whole of 2/3.
    half = analysis.Resampled(np.array([0.4]), np.array([0.5]), 7, 7)
    assert analysis.spearman_brown(half, 2).spearman == pytest.approx([2 / 3])
    assert analysis.spearman_brown(half, 1).spearman == pytest.approx([0.5])
    assert np.isnan(analysis.spearman_brown(half, 2).kendall).all()
    # Measurements that disagree share nothing, and -1 is no pole.
    opposed = analysis.Resampled(np.zeros(4), np.array([-1.0, -0.5, -0.2, np.nan]), 7, 7)
    for n in (2, 3):
        np.testing.assert_array_equal(analysis.spearman_brown(opposed, n).spearman, [0, 0, 0, np.nan])


def test_seeds_that_disagree_make_no_ceiling_of_their_means():
    scores = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0]])
    given = tables([50.0, 60.0, 70.0, 80.0, 90.0], np.arange(5), scores)
    found = analysis.ceilings_table(*given, {"naswot": True}, n_resamples=20, seed=0)
    means = found.filter(estimate="seed_means", subset="all")
    assert means.select("spearman", "spearman_low", "spearman_high").row(0) == (0, 0, pytest.approx(0, abs=1))
    assert found.filter(estimate="two_seeds", subset="all")["spearman"].item() == pytest.approx(-1)


def test_missing_scores_are_the_worst_of_either_seed():
    # By hand, lower is better: missing is +inf; 1 2 3 inf and inf 1 2 3 agree in three pairs of six.
    scores = np.array([[1.0, 2.0, 3.0, np.nan], [np.nan, 1.0, 2.0, 3.0]])
    given = tables([50.0, 60.0, 70.0, 80.0], np.arange(4), scores)
    by_seed = given[1].with_columns(pl.col("naswot").fill_nan(None))
    found = analysis.ceilings_table(given[0], by_seed, given[2], {"naswot": False}, n_resamples=0, seed=0)
    assert found.filter(estimate="two_seeds", subset="all")["kendall"].item() == pytest.approx(0)


def test_a_sample_has_the_ceiling_of_its_networks_and_seeds():
    # By hand: of networks 0 to 2 and seeds 0 and 2, scores 1 2 3 and 2 1 3 agree in two pairs of three. The third seed
    # and the fourth network were not asked for, and would disagree. Two seeds make one pair, so of two are the means.
    scores = np.array([[1.0, 2.0, 3.0, 0.0], [3.0, 2.0, 1.0, 9.0], [2.0, 1.0, 3.0, 9.0]])
    networks, *given = tables([50.0, 60.0, 70.0, 80.0], np.arange(4), scores)
    networks = networks.with_columns(sample_place=pl.Series([2, 0, 1, 3]))
    scored_on = {"tss": {"digits": {"naswot": {"classes": 3, "seeds": [0, 2]}}}}
    found = analysis.ceilings_table(networks, *given, {"naswot": True}, n_resamples=0, seed=0, scored_on=scored_on)
    # The best of them is the best of those asked for.
    assert set(found.filter(subset="best_10_pct", quantity="naswot")["n"]) == {1}
    found = found.filter(subset="all").sort("estimate")
    assert found.select("estimate", "kendall", "spearman", "n").rows() == [
        ("seed_means", None, pytest.approx(2 * 0.5 / 1.5), 3),
        ("two_seeds", pytest.approx(1 / 3), pytest.approx(0.5), 3),
    ]


def test_published_accuracies_have_the_ceiling_of_their_classes(shared_data):
    # The noise of NATS-Bench's accuracies of CIFAR-10: 0.15 points (median over classes), so no better than 0.96.
    accuracy = pl.read_csv(shared_data / "natsbench" / "tss_accuracies.csv")["cifar10_test_accuracy_200"].to_numpy()
    found, columns = ceilings(accuracy, spaces.get("tss").classes("drop"))
    kendall = {key[1:]: row[columns.index("kendall")] for key, row in found.items()}
    assert kendall["class_mean", "all"] == pytest.approx(0.96, abs=0.005)
    assert 0.94 < kendall["other_half", "all"] < kendall["noise_added", "all"] < 0.965
    # Among the best, noise is about as large as what there is to tell apart.
    assert 0.4 < kendall["noise_added", "best_1_pct"] < kendall["noise_added", "best_10_pct"] < 0.8
