"""Closed forms as scores: tables of a few rows, worked out by hand."""

import polars as pl

from proxybank import store

NETWORKS = pl.DataFrame(
    {
        "space": "tss",
        "dataset": "d",
        "arch_index": [0, 1, 2],
        "class_index": [0, 1, 0],
        "params_m": [1.5, 2.5, 3.5],
        "n_relu": [5, 8, 11],
    }
)


def test_closed_forms_belong_to_the_network_and_not_to_its_class():
    by_seed = pl.DataFrame({"arch_index": [0, 0, 1, 1, 2, 2], "seed": [4, 5] * 3})
    added = store.add_closed_forms(by_seed, NETWORKS, {"params": "params_m", "relus": "n_relu"})
    assert added["params"].to_list() == [1.5, 1.5, 2.5, 2.5, 3.5, 3.5]
    assert added["relus"].to_list() == [5.0, 5.0, 8.0, 8.0, 11.0, 11.0]
    assert added["relus"].dtype == pl.Float64


def test_closed_forms_are_always_there_for_nothing():
    frames = list(store.closed_form_status(NETWORKS, ["params"], [5, 4]))
    rows = [("tss", "d", index, seed, "params", "ok", 0.0) for index in (0, 1) for seed in (4, 5)]
    assert [frame.rows() for frame in frames] == [rows]
