"""Accuracies of classes given to networks, and a second training compared with the first: worked out by hand."""

import numpy as np
import polars as pl
import pytest

from proxybank import spaces, truth


def test_every_network_has_the_mean_accuracy_of_its_class():
    space = spaces.get("tss")
    classes = space.classes("drop")
    members = np.flatnonzero(classes == 7)
    trained = pl.DataFrame(
        {
            "class_index": [7, 7],
            "seed": [0, 1],
            "split": "test",
            "epochs": 9,
            "accuracy_pct": [50.0, 60.0],
            "train_seconds": [1.0, 3.0],
        }
    )
    rows = truth.spread(trained, space, "drop", "d")
    assert rows["arch_index"].to_list() == members.tolist()
    assert rows.select("space", "dataset", "split", "epochs", "accuracy_pct", "train_seconds").unique().rows() == [
        ("tss", "d", "test", 9, 55.0, 2.0)
    ]


def accuracies(*percent: float) -> pl.DataFrame:
    return pl.DataFrame({"arch_index": range(len(percent)), "split": "test", "epochs": 9, "accuracy_pct": percent})


def test_comparison_with_a_table():
    # Differences +1, -1, +3: mean 1, population variance (0 + 4 + 4) / 3; equal ranks. Then ranks 2, 1, 3 against
    # 1, 2, 3: rho = 1 - 6 * 2 / (3 * 8).
    (row,) = truth.compare(accuracies(51.0, 59.0, 73.0), accuracies(50.0, 60.0, 70.0)).rows(named=True)
    assert (row["n"], row["mean_difference_pct"], row["largest_difference_pct"]) == (3, 1.0, 3.0)
    assert row["std_difference_pct"] == pytest.approx((8 / 3) ** 0.5)
    assert row["spearman"] == pytest.approx(1.0)
    (row,) = truth.compare(accuracies(61.0, 59.0, 73.0), accuracies(50.0, 60.0, 70.0)).rows(named=True)
    assert row["spearman"] == pytest.approx(0.5)


def test_a_constant_has_no_rank_correlation():
    assert truth.compare(accuracies(50.0, 50.0), accuracies(50.0, 60.0))["spearman"].to_list() == [None]


def test_networks_are_drawn_without_repeats_among_the_known_ones():
    known = pl.DataFrame({"arch_index": [9, 3, 3, 5, 7]})
    alone = np.arange(10)
    assert truth.draw_networks(known, 100, alone).tolist() == [3, 5, 7, 9]
    drawn = truth.draw_networks(known, 2, alone)
    assert len(set(drawn.tolist())) == 2
    assert drawn.tolist() == truth.draw_networks(known, 2, alone).tolist()


def test_networks_drawn_are_of_different_classes():
    known = pl.DataFrame({"arch_index": range(8)})
    classes = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    for n in (2, 3, 8):
        drawn = truth.draw_networks(known, n, classes)
        assert len(set(classes[drawn])) == len(drawn) == min(n, 3)
