"""Scores of candidate sets against values by hand."""

import numpy as np
import pytest

from proxybank.analysis import aggregates

NAN, INF = np.nan, np.inf


def column(*values):
    return np.array(values, float)


def test_standardised_leaves_out_what_is_not_finite():
    # Mean 2 and population deviation 1 of the sample's finite scores, 1 and 3.
    found = aggregates.standardised(column(1, 3, -INF, 5, NAN), np.array([0, 1, 2]))
    assert found == pytest.approx([-1, 1, NAN, 3, NAN], nan_ok=True)


def test_equal_scores_cannot_be_standardised():
    assert np.isnan(aggregates.standardised(column(2, 2, 3), np.array([0, 1]))).all()
    assert np.isnan(aggregates.standardised(column(NAN, 1), np.array([0]))).all()


def test_ninaswot_and_hybrid():
    sample = np.array([0, 1])
    naswot, ni, ntk = column(1, 3, 4), column(10, 30, NAN), column(5, 7, 9)
    # z: naswot -1, 1, 2; ni -1, 1, none; ntk -1, 1, 3.
    assert aggregates.ninaswot(naswot, ni, sample) == pytest.approx([-3, 3, NAN], nan_ok=True)
    expected = [-3 / 5**0.5 + 1, 3 / 5**0.5 - 1, NAN]
    assert aggregates.hybrid(naswot, ni, ntk, sample) == pytest.approx(expected, nan_ok=True)


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


def test_majority_of_a_pair():
    assert aggregates.majority((1, 5, 3), (2, 4, 2)) == 1
    assert aggregates.majority((1, 5, 3), (2, 6, 2)) == -1
    assert aggregates.majority((1, 2), (2, 1)) == 0
    assert aggregates.majority((NAN, 1, 2), (0, 2, 1)) == -1  # the missing score decides


def test_vote_counts_majorities():
    # 0 beats 1 (two of three), 1 beats 2, 2 beats 0: a cycle, and network 3 loses to all.
    columns = [column(3, 2, 1, NAN), column(2, 1, 3, 0), column(1, 3, 2, 0)]
    assert aggregates.vote(columns).tolist() == [1, 1, 1, -3]
    scores = np.random.default_rng(0).integers(0, 5, (3, 40)).astype(float)
    pairs = [[aggregates.majority(scores[:, i], scores[:, j]) for j in range(40)] for i in range(40)]
    assert aggregates.vote(list(scores)).tolist() == np.sum(pairs, axis=1).tolist()
