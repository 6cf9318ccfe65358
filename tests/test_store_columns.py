"""Users' tables of further columns: what is read, what is missing, and what is refused."""

import polars as pl
import pytest

from proxybank import spaces, store
from proxybank.errors import TableError

SPACE = spaces.get("tss")


def read(folder, columns, rows):
    """Write a table and read it."""
    pl.DataFrame(rows).write_csv(folder / "t.csv")
    return store.read_columns(folder / "t.csv", SPACE, columns, ["digits"])


def test_columns_are_renamed_and_in_official_order(tmp_path):
    found = read(tmp_path, {"phone_ms": "phone"}, {"arch_index": [7, 3], "phone": [2, 1], "other": ["x", "y"]})
    assert found.columns == ["arch_index", "phone_ms"]
    assert found["arch_index"].to_list() == list(range(15_625))
    assert found.drop_nulls().rows() == [(3, 1.0), (7, 2.0)]


def test_networks_may_be_named_by_architecture(tmp_path):
    found = read(tmp_path, {"phone_ms": "phone"}, {"arch": [SPACE.arch_strings[9]], "phone": [2.5]})
    assert found.drop_nulls().rows() == [(9, 2.5)]


def test_networks_without_a_value_are_named(tmp_path):
    rows = {"arch_index": range(15_624), "a": [None] + [1.0] * 15_623, "b": 1.0}
    found = read(tmp_path, {"a_ms": "a", "b_ms": "b"}, rows)
    assert store.missing_networks(found) == [
        "column a_ms has no value for 2 of 15625 networks: networks 0, 15624",
        "column b_ms has no value for 1 of 15625 networks: network 15624",
    ]
    assert store.missing_networks(found.fill_null(0.0)) == []


def test_what_is_not_finite_is_missing(tmp_path):
    # As published scores have it: FreeREA's 201 infinite ones.
    found = read(
        tmp_path, {"a": "a"}, {"arch_index": range(15_625), "a": [-float("inf"), float("nan")] + [1.0] * 15_623}
    )
    assert store.missing_networks(found) == ["column a has no value for 2 of 15625 networks: networks 0, 1"]


def test_numbers_may_be_padded_and_not_there(tmp_path):
    # As NumPy and Python's csv write them.
    (tmp_path / "t.csv").write_text("arch_index,a\n7, 2.5\n8,nan\n9,-1e3\n")
    found = store.read_columns(tmp_path / "t.csv", SPACE, {"a": "a"}, ["digits"])
    assert found.drop_nulls().rows() == [(7, 2.5), (9, -1000.0)]


def test_a_damaged_file_and_a_path_that_cannot_be_are_named(tmp_path, monkeypatch):
    def panic(*_, **__):
        raise pl.exceptions.PanicException("index out of bounds")

    path = tmp_path / "t.parquet"
    path.touch()
    monkeypatch.setattr(pl, "read_parquet", panic)
    with pytest.raises(TableError, match="this cannot be read as a parquet table: index out of bounds"):
        store.read_columns(path, SPACE, {"a": "a"}, ["digits"])
    path = tmp_path / ("t" * 300 + ".csv")
    with pytest.raises(TableError, match="there is no such file"):
        store.read_columns(path, SPACE, {"a": "a"}, ["digits"])


def test_times_of_clocks_are_not_negative(tmp_path):
    rows = {"arch_index": [7, 8, 9], "phone": [1.0, float("inf"), -2.5]}
    read(tmp_path, {"phone_s": "phone"}, rows)  # a score, say
    with pytest.raises(TableError, match=r"t.csv: column phone, row 3: found -2.5. Expected seconds from 0, and"):
        store.read_columns(tmp_path / "t.csv", SPACE, {"phone_s": "phone"}, ["digits"], ["phone_s", "gpu_s"])


def test_a_published_table_is_complete(shared_data):
    # Latencies on 27 devices, of which the first network takes 10.754371 ms on the first (the file's own row).
    path = shared_data / "hardware/tss_latency_ms.parquet"
    found = store.read_columns(path, SPACE, {"gtx_ms": "1080ti_1", "raspi4_ms": "raspi4"}, ["digits"])
    assert store.missing_networks(found) == []
    assert found["gtx_ms"][0] == pytest.approx(10.754371, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            {"arch_index": [1, 1], "phone": [1.0, 2.0]},
            "t.csv: network 1 stands there more than once. Expected one row each.",
        ),
        (
            {"space": ["tss", "sss"], "arch_index": [1, 2], "phone": 1.0},
            "column space has sss in 1 of 2 rows. Expected tss",
        ),
        (
            {"dataset": ["digits", "cifar10"], "arch_index": [1, 2], "phone": 1.0},
            "column dataset has cifar10 in 1 of 2 rows. Expected digits",
        ),
        ({"arch_index": [1], "phone": ["slow"]}, "column phone, row 1: 'slow'. Expected numbers."),
        ({"arch_index": [99_999], "phone": [1.0]}, "row 1: tss has no network 99999."),
    ],
)
def test_bad_tables_are_refused(tmp_path, rows, message):
    with pytest.raises(TableError, match=message):
        read(tmp_path, {"phone_ms": "phone"}, rows)
