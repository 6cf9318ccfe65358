"""Scores of candidate sets against values by hand."""

import numpy as np
import polars as pl
import pytest

from proxybank.analysis import aggregates
from proxybank.proxies import AGGREGATE, REGISTRY

NAN, INF = np.nan, np.inf


def column(*values):
    return np.array(values, float)


def test_standardised_leaves_out_what_is_not_finite():
    # Mean 2 and population deviation 1 of the sample's finite scores, 1 and 3.
    found = aggregates.standardised(column(1, 3, -INF, 5, NAN), np.array([0, 1, 2]))
    assert found == pytest.approx([-1, 1, NAN, 3, NAN], nan_ok=True)


def test_equal_scores_cannot_be_standardised():
    assert np.isnan(aggregates.standardised(column(2, 2, 3), np.array([0, 1]))).all()
    assert np.isnan(
        aggregates.standardised(column(0.1, 0.1, 0.1, 0.2), np.array([0, 1, 2]))
    ).all()  # deviate by rounding
    assert np.isnan(aggregates.standardised(column(NAN, 1), np.array([0]))).all()


def test_ninaswot_without_and_with_the_tangent_kernel():
    sample = np.array([0, 1])
    naswot, ni, ntk = column(1, 3, 4), column(10, 30, NAN), column(5, 7, 9)
    # z: naswot -1, 1, 2; ni -1, 1, none; ntk -1, 1, 3.
    assert aggregates.ninaswot(naswot, ni, sample) == pytest.approx([-3, 3, NAN], nan_ok=True)
    expected = [-3 / 5**0.5 + 1, 3 / 5**0.5 - 1, NAN]
    assert aggregates.ninaswot_ntk(naswot, ni, ntk, sample) == pytest.approx(expected, nan_ok=True)


def test_rank_sum_counts_from_the_best_and_puts_missing_scores_last():
    # Ranks 2.5, 0, 2.5, 1 (both missing ones tie for the places 2 and 3) and 1, 2.5, 2.5, 0.
    found = aggregates.rank_sum([column(NAN, 9, -INF, 5), column(3, 1, 1, 4)])
    assert found.tolist() == [3.5, 2.5, 5.0, 1.0]


def test_log_rank_sum():
    # Ranks from the worst: 1, 3, 2 and 1.5, 1.5, 3.
    found = aggregates.log_rank_sum([column(NAN, 5, 4), column(1, 1, 2)])
    assert found == pytest.approx(np.log([1 / 3 * 0.5, 0.5, 2 / 3]))
    assert aggregates.log_rank_sum([column(1, 2), column(0, 7)])[1] == 0


def test_freerea_fitness():
    found = aggregates.freerea_fitness(column(-10, 5, -INF), column(2, 4, 4), column(0, 0, 0))
    assert found == pytest.approx([-1 + 0.5, 0.5 + 1, NAN], nan_ok=True)


def majority(ours, theirs):
    """Judgement of one pair of networks by several proxies: 1 if most prefer the first, -1 if the second, else 0."""
    one, other = (np.nan_to_num(np.array(scores, float), nan=-INF) for scores in (ours, theirs))
    return int(np.sign((one > other).sum() - (one < other).sum()))


def test_vote_counts_majorities():
    # 0 beats 1 (two of three), 1 beats 2, 2 beats 0: a cycle, and network 3 loses to all.
    columns = [column(3, 2, 1, NAN), column(2, 1, 3, 0), column(1, 3, 2, 0)]
    assert aggregates.vote(columns).tolist() == [1, 1, 1, -3]
    scores = np.random.default_rng(0).integers(0, 5, (3, 40)).astype(float)
    scores[0, 3] = scores[1, 5] = NAN  # loses to those that have a score
    pairs = [[majority(scores[:, i], scores[:, j]) for j in range(40)] for i in range(40)]
    assert aggregates.vote(list(scores)).tolist() == np.sum(pairs, axis=1).tolist()


def test_every_aggregate_is_registered():
    assert {name for name, proxy in REGISTRY.items() if proxy.needs == AGGREGATE} == aggregates.AGGREGATES.keys()


def terms(name):
    """A column for each term of a registered aggregate, 30 networks, none missing."""
    return list(np.random.default_rng(1).normal(size=(len(REGISTRY[name].terms), 30)))


@pytest.mark.parametrize("name", aggregates.AGGREGATES)
def test_a_registered_direction_is_that_of_the_terms(name):
    """Worse terms throughout make a network worse."""
    columns = terms(name)
    for column, term in zip(columns, REGISTRY[name].terms, strict=True):
        column[0] = 9 if REGISTRY[term].higher_is_better else -9
        column[1] = -column[0]
    found = aggregates.AGGREGATES[name](columns, np.arange(30))
    best, worst = (0, 1) if REGISTRY[name].higher_is_better else (1, 0)
    assert found[best] == found.max() and found[worst] == found.min()


def scores_by_seed(**columns):
    """Networks 0, 1, 2 with seeds 3 and 4, network by network."""
    place = {"space": "tss", "dataset": "digits", "arch_index": [0, 0, 1, 1, 2, 2], "seed": [3, 4] * 3}
    return pl.DataFrame(place | columns)


# Networks 0 and 1 are of class 0.
NETWORKS = pl.DataFrame(
    {"space": "tss", "dataset": "digits", "arch_index": [0, 1, 2], "class_index": [0, 0, 1], "sample_place": [0, 0, 1]}
)


def test_aggregates_are_columns_computed_seed_by_seed():
    by_seed = scores_by_seed(
        naswot=[1.0, 4.0, 2.0, None, 3.0, 8.0], logsynflow=[5.0, 1.0, 10.0, 1.0, 5.0, 2.0], skipped_layers=[0.0] * 6
    )
    terms = {"freerea_fitness": REGISTRY["freerea_fitness"].terms}
    found = aggregates.add_aggregates(by_seed, NETWORKS, terms)
    # Maxima 3 and 10 for seed 3, and 8 and 2 for seed 4.
    expected = [1 / 3 + 0.5, 4 / 8 + 0.5, 2 / 3 + 1, None, 1 + 0.5, 1 + 1]
    assert found["freerea_fitness"].to_list() == [pytest.approx(value) if value else None for value in expected]
    assert found.drop("freerea_fitness").equals(by_seed)


def test_the_set_is_the_sample_of_its_terms():
    by_seed = scores_by_seed(ni=[1.0, None, 2.0, None, None, None], naswot=[3.0, 1.0] * 3, logsynflow=[7.0] * 6)
    sample = {"rank_sum": {"classes": 1, "seeds": [3]}}
    found = aggregates.add_aggregates(by_seed, NETWORKS, {"rank_sum": REGISTRY["rank_sum"].terms}, sample)
    # By hand, networks 0 and 1 with seed 3: by ni network 1 is first (0) and 0 second (1), the others tie at 1/2 each.
    assert found["rank_sum"].to_list() == [2.0, None, 1.0, None, None, None]


def test_samples_are_drawn_by_the_seed():
    assert len(set(aggregates.reference_of(0, 15_625).tolist())) == 100
    assert aggregates.reference_of(0, 15_625).tolist() == aggregates.reference_of(0, 15_625).tolist()
    assert aggregates.reference_of(0, 15_625).tolist() != aggregates.reference_of(1, 15_625).tolist()
    assert sorted(aggregates.reference_of(0, 3)) == [0, 1, 2]


def test_status_of_an_aggregate():
    """The pass of class 0 finds a singular kernel for seed 4."""
    by_seed = scores_by_seed(some=[1.0, None, 2.0, None, 3.0, None])

    def status(*values, seconds):
        return pl.DataFrame({"class_index": [0, 0, 1, 1], "seed": [3, 4] * 2, "status": values, "seconds": seconds})

    statuses = [
        ("forward", status("ok", "singular", "ok", "ok", seconds=1.0)),
        ("noisy_images", status("ok", "nan", "ok", "ok", seconds=5.0)),
        ("forward", status("ok", "ok", "ok", "ok", seconds=2.0)),
    ]
    found = aggregates.aggregate_status(NETWORKS, by_seed, "some", statuses)
    assert found["status"].to_list() == ["ok", "singular", "ok", "constant"]
    assert found["seconds"].to_list() == [7.0] * 4  # the pass that feeds two terms counts once
    assert found.columns == ["space", "dataset", "class_index", "seed", "proxy", "status", "seconds"]
    # A term was not asked for: neither was the aggregate, though another term has a reason of its own.
    statuses[2] = ("gradients", status("ok", "not_sampled", "ok", "not_sampled", seconds=[2.0, 0, 2, 0]))
    found = aggregates.aggregate_status(NETWORKS, by_seed, "some", statuses)
    assert found["status"].to_list() == ["ok", "not_sampled", "ok", "not_sampled"]
    assert found["seconds"].to_list() == [8.0, 0, 8, 0]


def test_a_class_has_an_aggregate_if_the_networks_drawn_from_it_have():
    """Network 1 was not drawn, its copy was."""
    by_seed = scores_by_seed(some=[1.0, 2.0, None, None, 3.0, 4.0])
    term = pl.DataFrame({"class_index": [0, 0, 1, 1], "seed": [3, 4] * 2, "status": "ok", "seconds": 1.0})
    found = aggregates.aggregate_status(NETWORKS, by_seed, "some", [("forward", term)])
    assert found["status"].to_list() == ["ok"] * 4
