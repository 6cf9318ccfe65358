"""What searches see of the tables: columns in the order of the networks, and seconds, by hand."""

import numpy as np
import polars as pl
import pytest

from proxybank import store

NETWORKS = pl.DataFrame({"arch_index": [7, 3, 5], "class_index": [1, 0, 1], "phone_s": [0.5, None, 2.0]})


def test_a_column_comes_in_the_order_of_the_networks():
    table = pl.DataFrame({"arch_index": [3, 4, 5, 7], "depth": [30, 40, None, 70]})
    found = store.column_in_order(NETWORKS, table, "depth")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [70, 30, np.nan])


def test_a_column_may_have_the_name_of_the_key():
    np.testing.assert_array_equal(store.column_in_order(NETWORKS, NETWORKS, "arch_index"), [7, 3, 5])


def test_validation_accuracies_have_a_column_for_each_number_of_epochs():
    rows = [
        (3, "valid", 12, 60.0, 100.0),
        (7, "valid", 12, 70.0, 200.0),
        (7, "valid", 200, 90.0, None),
        (5, "test", 12, 50.0, 1.0),
    ]
    columns = ("arch_index", "split", "epochs", "accuracy_pct", "train_seconds")
    accuracy_pct, seconds = store.validation_columns(NETWORKS, pl.DataFrame(rows, schema=columns, orient="row"))
    assert accuracy_pct.keys() == seconds.keys() == {"valid_12", "valid_200"}
    np.testing.assert_array_equal(accuracy_pct["valid_12"], [70, 60, np.nan])
    np.testing.assert_array_equal(accuracy_pct["valid_200"], [90, np.nan, np.nan])
    np.testing.assert_array_equal(seconds["valid_12"], [200, 100, np.nan])
    np.testing.assert_array_equal(seconds["valid_200"], [np.nan] * 3)


def test_seconds_of_scoring_are_those_of_the_class_and_all_seeds():
    status = pl.DataFrame(
        {
            "class_index": [0, 0, 1, 1, 0],
            "proxy": ["naswot"] * 4 + ["synflow"],
            "seed": [0, 1, 0, 1, 0],
            "seconds": [1.0, 2.0, 4.0, 8.0, 0.5],
        }
    )
    seconds = store.scoring_seconds(NETWORKS, status)
    np.testing.assert_array_equal(seconds["naswot"], [12, 3, 12])
    np.testing.assert_array_equal(seconds["synflow"], [np.nan, 0.5, np.nan])


@pytest.mark.parametrize(
    ("seconds", "expected"), [(2, [2, 2, 2]), ("phone_s", [0.5, np.nan, 2]), ("no_such_s", [np.nan] * 3)]
)
def test_a_clock_has_one_number_or_a_column(seconds, expected):
    np.testing.assert_array_equal(store.clock_seconds(NETWORKS, {"naswot": seconds})["naswot"], expected)
