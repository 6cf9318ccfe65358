"""Rank correlations against SciPy, SQL and closed forms."""

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy import stats

from proxybank import analysis, store
from proxybank.analysis import ranks

RNG = np.random.default_rng(7)
N = 300
# Rounded, so that both columns have ties.
ACCURACY = np.round(RNG.normal(90, 2, N), 1)
SCORE = np.round(ACCURACY - 90 + RNG.normal(0, 2, N), 1)


def one(score, accuracy=ACCURACY, samples=0, **options):
    return analysis.correlate({"it": score}, accuracy, samples=samples, seed=0, **options)["it"]


def test_values_are_scipys():
    found = one(SCORE)
    assert found.kendall == stats.kendalltau(SCORE, ACCURACY).statistic
    assert found.spearman == pytest.approx(stats.spearmanr(SCORE, ACCURACY).statistic)
    assert found.n == N


def test_values_are_those_of_sql():
    # Concordant less discordant pairs over the pairs untied in each column; Pearson's correlation of average ranks.
    data = pl.DataFrame({"x": SCORE, "y": ACCURACY}).with_row_index("i")
    kendall = """
        select sum(sign(a.x - b.x) * sign(a.y - b.y))
            / sqrt(count(*) filter (where a.x <> b.x) * count(*) filter (where a.y <> b.y)::double)
        from data as a inner join data as b on a.i < b.i"""
    spearman = """
        with ranked as (
            select rank() over (order by x) + count(*) over (partition by x) / 2 as x,
                rank() over (order by y) + count(*) over (partition by y) / 2 as y from data)
        select corr(x, y) from ranked"""
    with duckdb.connect() as con:
        con.register("data", data.to_arrow())
        found = one(SCORE)
        assert con.execute(kendall).fetchone()[0] == pytest.approx(found.kendall)
        assert con.execute(spearman).fetchone()[0] == pytest.approx(found.spearman)


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_resampled_values_are_scipys(decimals):
    rng = np.random.default_rng(decimals)
    score, accuracy = np.round(SCORE, decimals), np.round(ACCURACY + rng.normal(0, 0.3, N), decimals)
    counts = rng.poisson(1, (N, 16)).astype(np.int32)
    kendall, spearman = ranks._RankedPair(score, accuracy).resampled(counts)
    for sample in range(16):
        x, y = (np.repeat(values, counts[:, sample]) for values in (score, accuracy))
        assert kendall[sample] == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
        assert spearman[sample] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_kernels_do_the_same_without_compilation():
    rng = np.random.default_rng(3)
    x, y = np.sort(rng.integers(0, 9, 40)), rng.integers(0, 9, 40)
    x, y = np.unique(x, return_inverse=True)[1], np.unique(y, return_inverse=True)[1]
    counts = rng.integers(0, 4, (40, 16)).astype(np.int32)
    for kernel, arguments in [
        (ranks._concordance, (x, y, counts)),
        (ranks._totals, (y, counts)),
        (ranks._average_ranks, (ranks._totals(y, counts),)),
    ]:
        for found, expected in zip(kernel(*arguments), kernel.py_func(*arguments), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_interval_is_the_quantiles_of_the_samples():
    found = one(SCORE, samples=40)
    rng = np.random.default_rng(0)
    taus, rhos = [], []
    for _ in range(40):
        drawn = rng.integers(N, size=N)
        taus.append(stats.kendalltau(SCORE[drawn], ACCURACY[drawn]).statistic)
        rhos.append(stats.spearmanr(SCORE[drawn], ACCURACY[drawn]).statistic)
    assert found.kendall_interval == pytest.approx(np.quantile(taus, [0.025, 0.975]))
    assert found.spearman_interval == pytest.approx(np.quantile(rhos, [0.025, 0.975]))


def test_interval_has_the_width_of_theory():
    # Independent columns: the variance of tau is 2 (2n + 5) / (9 n (n - 1)) (Kendall 1938).
    n = 2_000
    x, y = np.random.default_rng(4).normal(size=(2, n))
    low, high = one(x, y, samples=2_000).kendall_interval
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1))), rel=0.08)


def test_resampling_units_draws_their_networks_together():
    # Every network twice adds pairs tied in both columns only, which tau-b leaves out: the interval stays.
    score, accuracy = np.repeat(SCORE, 2), np.repeat(ACCURACY, 2)
    once = one(SCORE, samples=50)
    together = one(score, accuracy, samples=50, units=np.repeat(3 * np.arange(N) + 7, 2))
    assert together.kendall_interval == pytest.approx(once.kendall_interval)
    apart = one(score, accuracy, samples=50)
    assert np.diff(apart.kendall_interval) < 0.9 * np.diff(once.kendall_interval)


def test_scores_are_compared_on_the_same_samples():
    found = analysis.correlate({"a": SCORE, "b": 2 * SCORE, "c": -SCORE}, ACCURACY, samples=30, seed=1)
    assert found["a"] == found["b"]
    assert found["c"].kendall_interval == pytest.approx([-bound for bound in found["a"].kendall_interval[::-1]])
    assert found["a"].kendall_interval != one(SCORE, samples=30).kendall_interval  # another seed


def test_missing_scores_rank_worst_and_tie():
    score = np.array([3.0, np.nan, 1.0, np.inf])
    np.testing.assert_array_equal(analysis.worst_if_missing(score, True), [3, -np.inf, 1, -np.inf])
    np.testing.assert_array_equal(analysis.worst_if_missing(score, False), [3, np.inf, 1, np.inf])
    # By hand: accuracies 1 2 3 4, scores worst worst 1 2 -> of six pairs five agree and one is tied in the score.
    worst = analysis.worst_if_missing(np.array([np.nan, np.nan, 1.0, 2.0]), True)
    assert one(worst, np.arange(4.0)).kendall == pytest.approx(5 / np.sqrt(6 * 5))


def test_nan_is_left_out():
    score = np.where(np.arange(N) % 3 == 0, np.nan, SCORE)
    kept = ~np.isnan(score)
    found, expected = one(score, samples=20), stats.kendalltau(SCORE[kept], ACCURACY[kept]).statistic
    assert (found.n, found.kendall) == (200, expected)
    assert found.kendall_interval[0] < expected < found.kendall_interval[1]


@pytest.mark.parametrize("score", [np.ones(N), np.full(N, np.nan), np.where(np.arange(N) == 5, 1.0, np.nan)])
def test_constant_or_absent_scores_have_no_correlation(score):
    found = one(score, samples=20)
    assert np.isnan([found.kendall, found.spearman, *found.kendall_interval, *found.spearman_interval]).all()


def test_no_samples_no_interval():
    assert np.isnan(one(SCORE).kendall_interval).all()


# --- table


def tables(classes=None, **scores):
    """Tables of networks, scores and accuracies; every network is a class of its own unless told."""
    n = len(next(iter(scores.values())))
    place = {"space": "tss", "dataset": "digits", "arch_index": np.arange(n)}
    truth = {"split": "test", "epochs": 200, "accuracy_pct": np.arange(n) + 50.0, "train_seconds": None, "source": "s"}
    networks = {**place, "class_index": np.arange(n) if classes is None else classes}
    return tuple(pl.DataFrame(columns) for columns in (networks, {**place, **scores}, {**place, **truth}))


def test_table_has_both_subsets():
    # By hand, accuracies rising: scores 1 2 3 -> tau 1 on the finite ones; the missing one has the best accuracy, so of
    # six pairs three are wrong: tau 0. For kappa, lower is better: the missing one is worst with +inf, so all agree.
    given = tables(naswot=[1.0, 2.0, 3.0, None], kappa=[4.0, 5.0, 6.0, None], flops=[1.0, 2.0, 3.0, 4.0])
    found = analysis.correlations_table(*given, {"naswot": True, "kappa": False, "flops": True}, samples=20, seed=0)
    store.conform(found, "correlations", "here")
    assert found.select("proxy", "subset", "kendall", "n", "n_finite").rows() == [
        ("naswot", "all", 0.0, 4, 3),
        ("naswot", "finite", 1.0, 3, 3),
        ("kappa", "all", 1.0, 4, 3),
        ("kappa", "finite", 1.0, 3, 3),
        ("flops", "all", 1.0, 4, 4),
        ("flops", "finite", 1.0, 4, 4),
    ]


def test_networks_outside_a_sample_are_not_ranked():
    # Networks 0, 2 and 3 are in the sample, network 2 could not be scored and ranks worst: of three pairs 0-3 and 2-3
    # are right, 0-2 is wrong. Kappa has no network at all.
    networks, *given = tables(naswot=[1.0, None, None, 2.0, None], kappa=[None] * 5, flops=[1.0, 2, 3, 4, 5])
    networks = networks.with_columns(sample_place=pl.Series([2, 4, 0, 1, 3]))
    seeds = {"seeds": [0]}
    scored_on = {"tss": {"digits": {"naswot": {"classes": 3, **seeds}, "kappa": {"classes": 0, **seeds}}}}
    found = analysis.correlations_table(
        networks,
        *given,
        {"naswot": True, "kappa": False, "flops": True},
        samples=20,
        seed=0,
        scored_on=scored_on,
    )
    assert found.select("proxy", "subset", "kendall", "n", "n_finite").rows() == [
        ("naswot", "all", pytest.approx(1 / 3), 3, 2),
        ("naswot", "finite", 1.0, 2, 2),
        ("kappa", "all", None, 0, 0),
        ("kappa", "finite", None, 0, 0),
        ("flops", "all", pytest.approx(1.0), 5, 5),
        ("flops", "finite", pytest.approx(1.0), 5, 5),
    ]


def test_table_counts_trained_networks_only_and_takes_the_longest_training():
    networks, scores, accuracies = tables(naswot=[1.0, 2.0, 3.0, 4.0])
    short = accuracies.with_columns(epochs=12, accuracy_pct=-pl.col("accuracy_pct") + 100)
    found = analysis.correlations_table(
        networks, scores, pl.concat([short, accuracies[1:]]), {"naswot": True}, samples=20, seed=0
    )
    assert found.filter(subset="all").select("kendall", "n").rows() == [(1.0, 3)]


def test_table_holds_null_where_nothing_can_be_ranked():
    found = analysis.correlations_table(*tables(skipped_layers=[2.0] * 4), {"skipped_layers": True}, samples=20, seed=0)
    assert found.select("kendall", "spearman", "low", "spearman_high").row(0) == (None,) * 4


def test_table_without_truth_is_empty():
    networks, scores, accuracies = (table.clear() for table in tables(naswot=[1.0, 2.0]))
    assert analysis.correlations_table(networks, scores, accuracies, {"naswot": True}, samples=20, seed=0).is_empty()


def test_table_resamples_classes():
    # Networks 2i and 2i + 1 are one class, numbered from the last. Pairs tied in both columns are left out by tau-b, so
    # the interval is that of one network per class.
    networks, scores, accuracies = tables(classes=np.repeat(np.arange(N), 2)[::-1], naswot=np.repeat(SCORE, 2))
    accuracies = accuracies.with_columns(accuracy_pct=np.repeat(ACCURACY, 2))
    found = analysis.correlations_table(networks, scores, accuracies, {"naswot": True}, samples=50, seed=0)
    expected = one(SCORE[::-1], ACCURACY[::-1], samples=50)
    assert found.select("low", "high").row(0) == pytest.approx(expected.kendall_interval)
    assert found["n"][0] == 2 * N


def test_published_scores_have_the_published_correlations(shared_data):
    # FreeREA table 1 for NASWOT and Synflow; proxies.md 1.3 for LogSynflow as released.
    score = pl.read_csv(shared_data / "reference" / "tss_cifar10_freerea.csv")
    accuracy = pl.read_csv(shared_data / "natsbench" / "tss_accuracies.csv")["cifar10_test_accuracy_200"].to_numpy()
    columns = {
        proxy: analysis.worst_if_missing(score[proxy].to_numpy(), True) for proxy in ("naswot", "synflow", "logsynflow")
    }
    found = analysis.correlate(columns, accuracy, samples=16, seed=0)
    printed = {"naswot": (0.61, 0.79), "synflow": (0.57, 0.77), "logsynflow": (0.63, 0.83)}
    for proxy, (kendall, spearman) in printed.items():
        assert found[proxy].kendall == pytest.approx(kendall, abs=0.005)
        assert found[proxy].spearman == pytest.approx(spearman, abs=0.01)
        # n = 15,625: about a hundredth.
        assert 0.005 < np.diff(found[proxy].kendall_interval)[0] < 0.03
