"""Files are whole or absent; tables keep the contract; the DuckDB file travels."""

import os
import shutil

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from proxybank import spaces, store
from proxybank.errors import TableError
from proxybank.store import database, schema

CONTRACT = {  # what readers rely on: these tables, each beginning with these columns
    "networks": "space dataset arch_index arch class_index params_m mflops n_relu skipped_layers",
    "scores_by_seed": "space dataset arch_index seed",
    "scores": "space dataset arch_index",
    "score_status": "space dataset class_index seed proxy status seconds",
    "accuracies": "space dataset arch_index split epochs accuracy_pct train_seconds source",
    "search_runs": "space dataset algorithm objective budget constraint_id run best_arch_index accuracy_pct regret_pct "
    "n_evaluated simulated_seconds",
    "search_trajectories": "space dataset algorithm objective budget constraint_id run n_evaluated simulated_seconds "
    "best_arch_index accuracy_pct regret_pct",
    "correlations": "space dataset proxy subset kendall spearman low high n n_finite",
    "partial_correlations": "space dataset proxy given kendall spearman low high n",
    "ceilings": "space dataset quantity estimate subset kendall spearman low high n",
    "regrets": "space dataset constraint_id algorithm objective max_mflops max_params_m n_feasible optimum_pct "
    "mean_pct std_pct regret_pct runs",
    "feasible_networks": "space dataset constraint_id arch_index",
    "choices": "space dataset constraint_id proxy place arch_index arch score params_m mflops n_relu",
    "proxies": "proxy higher_is_better fed_by version definition source differs",
    "provenance": "key value",
}
AT = {"space": "tss", "dataset": "digits"}
ROWS = {
    # Networks 0 and 1 are one class.
    "networks": {
        **AT,
        "arch_index": [0, 1, 2],
        "arch": ["a", "b", "c"],
        "class_index": [0, 0, 1],
        "params_m": [1.0, 1.0, 3.0],
        "mflops": [10.0, 10.0, 30.0],
        "n_relu": [5, 5, 20],
        "skipped_layers": 0.0,
        "n_skip": [0, 1, 2],
    },
    "scores_by_seed": {
        **AT,
        "arch_index": [0, 0, 1, 1, 2, 2],
        "seed": [0, 1] * 3,
        "naswot": [4.0, 6.0] * 2 + [7.0, None],
    },
    "scores": {**AT, "arch_index": [0, 1, 2], "naswot": [5.0, 5.0, None]},
    "score_status": {
        **AT,
        "class_index": [0, 0, 1, 1],
        "seed": [0, 1, 0, 1],
        "proxy": "naswot",
        "status": ["ok", "ok", "ok", "singular"],
        "seconds": [0.1, 0.2, 0.3, 0.4],
    },
    "accuracies": {
        **AT,
        "arch_index": [0, 1, 2, 0, 1, 2, 0],
        "split": ["test"] * 6 + ["valid"],
        "epochs": [200, 200, 200, 12, 12, 12, 400],
        "accuracy_pct": [90.0, 92.0, 94.0, 60.0, 61.0, 62.0, 80.0],
        "train_seconds": [1.0, None, 3.0, None, None, None, None],
        "source": "table.csv",
    },
    "search_runs": {
        **AT,
        "algorithm": ["rea", "rea", "rea", "freerea", "drawn", "drawn", "drawn"],
        "objective": ["naswot"] * 4 + ["valid_12"] * 3,
        "budget": 100.0,
        "constraint_id": "small",
        "run": [0, 1, 2, 0, 0, 1, 2],
        "best_arch_index": [0, 1, None, 1, 2, 2, 2],
        "accuracy_pct": [90.0, 92.0, None, 92.0, 89.0, 88.0, 90.0],
        "regret_pct": [2.0, 0.0, None, 0.0, 3.0, 4.0, 2.0],
        "n_evaluated": 100,
        "simulated_seconds": [12.5, 12.5, 12.5, None, 0.1, 0.1, 0.1],
        "kind": ["rea", "rea", "rea", "freerea", "random_search", "random_search", "random_search"],
        "budget_unit": "evaluations",
        "own_seconds": 0.5,
        "seed": pl.Series([None] * 7, dtype=pl.Int64),
    },
    # Run 0 of rea finds 88 at once and 90 after 50 networks, run 1 finds 92 after 3; run 2 finds nothing.
    "search_trajectories": {
        **AT,
        "algorithm": "rea",
        "objective": "naswot",
        "budget": 100.0,
        "constraint_id": "small",
        "run": [0, 0, 1],
        "n_evaluated": [1, 50, 3],
        "simulated_seconds": [0.1, 5.0, 0.3],
        "best_arch_index": [2, 0, 1],
        "accuracy_pct": [88.0, 90.0, 92.0],
        "regret_pct": [4.0, 2.0, 0.0],
    },
    "correlations": {
        **AT,
        "proxy": "naswot",
        "subset": ["all", "finite"],
        "kendall": [0.5, 0.6],
        "spearman": [0.7, 0.8],
        "low": 0.4,
        "high": 0.7,
        "n": [3, 2],
        "n_finite": 2,
        "spearman_low": None,
        "spearman_high": None,
        "seeds_std": 0.02,
        "spearman_seeds_std": 0.03,
    },
    "partial_correlations": {
        **AT,
        "proxy": "naswot",
        "given": ["params_m", "params_m, mflops, n_relu"],
        "kendall": [0.3, None],
        "spearman": [0.4, 0.2],
        "low": 0.1,
        "high": 0.6,
        "n": 3,
        "spearman_low": None,
        "spearman_high": None,
    },
    "ceilings": {
        **AT,
        "quantity": ["accuracy", "naswot"],
        "estimate": ["class_mean", "two_seeds"],
        "subset": "all",
        "kendall": [0.9, None],
        "spearman": 0.95,
        "low": None,
        "high": None,
        "n": [2, 3],
        "spearman_low": None,
        "spearman_high": None,
    },
    "regrets": {
        **AT,
        "constraint_id": ["small", "small", "unlimited"],
        "algorithm": ["oracle", "random", "oracle"],
        "objective": "",
        "max_mflops": None,
        "max_params_m": [1.0, 1.0, None],
        "n_feasible": [2, 2, 3],
        "optimum_pct": [92.0, 92.0, 94.0],
        "mean_pct": [92.0, 90.5, 94.0],
        "std_pct": [0.0, 0.5, 0.0],
        "regret_pct": [0.0, 1.5, 0.0],
        "runs": None,
        "budget": None,
        "max_n_relu": None,
        "budget_unit": None,
        "limits": ['{"max_params_m": 1.0}'] * 2 + ["{}"],
        "half_pct": None,
    },
    "feasible_networks": {
        **AT,
        "constraint_id": ["small"] * 2 + ["unlimited"] * 3,
        "arch_index": [0, 1, 0, 1, 2],
    },
    "choices": {
        **AT,
        "constraint_id": ["small", "unlimited"],
        "proxy": "naswot",
        "place": 1,
        "arch_index": 0,
        "arch": "a",
        "score": 5.0,
        "params_m": 1.0,
        "mflops": 10.0,
        "n_relu": 5,
    },
    "proxies": {
        "proxy": ["naswot"],
        "higher_is_better": [True],
        "fed_by": ["forward"],
        "version": [1],
        "definition": ["a number"],
        "source": ["somebody"],
        "differs": [""],
    },
    "provenance": {
        "key": [
            *("config.batch_size", "config.run", "config.seeds"),
            *("libraries.torch", "machine.processor", "proxybank.version"),
        ],
        "value": ["64", "digits", "[0, 1, 2]", "2.13.0", "AMD EPYC", "0.1.0"],
    },
}
FRAMES = {name: pl.DataFrame(rows) for name, rows in ROWS.items()}


@pytest.fixture
def paths(tmp_path):
    paths = {name: tmp_path / "tables" / f"{name}.parquet" for name in FRAMES}
    for name, frame in FRAMES.items():
        store.write_table(name, frame, paths[name])
    return paths


def test_schema_is_the_contract():
    assert list(schema.TABLES) == list(CONTRACT)
    for name, columns in CONTRACT.items():
        known = [column.name for column in schema.TABLES[name].columns]
        assert known[: len(columns.split())] == columns.split()


# --- files


def test_failed_writing_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="killed"), store.atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("killed")
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]
    assert path.read_text() == "old"


def test_temporary_file_is_on_the_same_disk_and_keeps_the_ending(tmp_path):
    with store.atomic(tmp_path / "new" / "file.npz") as temporary:
        assert temporary.parent == tmp_path / "new"
        assert temporary.suffix == ".npz"
        temporary.write_text("new")
        assert not (tmp_path / "new" / "file.npz").exists()
    assert os.listdir(tmp_path / "new") == ["file.npz"]


def test_same_rows_give_the_same_bytes(tmp_path):
    for name in ("one.parquet", "two.parquet"):
        store.write_parquet(FRAMES["networks"], tmp_path / name)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_parquet_is_zstd_with_plain_strings(paths):
    meta = duckdb.sql(f"select distinct compression from parquet_metadata('{paths['networks']}')").fetchall()
    assert meta == [("ZSTD",)]
    assert pq.read_schema(paths["networks"]).field("arch").type == pa.string()
    assert_frame_equal(store.read_parquet(paths["networks"]), FRAMES["networks"], check_column_order=False)


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(TableError, match=r"gone\.parquet: there is no such file"):
        store.read_parquet(tmp_path / "gone.parquet")
    (tmp_path / "half.parquet").write_bytes(b"PAR1")
    with pytest.raises(TableError, match=r"half\.parquet: this is no readable Parquet file"):
        store.read_parquet(tmp_path / "half.parquet")
    with pytest.raises(
        TableError, match=r"gone\.duckdb: there is no such file. Expected the database of a run. Run the"
    ):
        store.read_view(tmp_path / "gone.duckdb", "leaderboard")


def test_rows_with_given_values_are_read(paths):
    assert store.read_parquet(paths["scores_by_seed"], space="tss", seed=1)["naswot"].to_list() == [6.0, 6.0, None]


# --- the check of a table


def wrong(name, **columns):
    return FRAMES[name].with_columns(**columns)


@pytest.mark.parametrize(
    ("name", "frame", "message"),
    [
        ("scores", wrong("scores").drop("arch_index"), "here: table scores has no column 'arch_index'"),
        ("networks", FRAMES["networks"].rename({"mflops": "mflop"}), "no column 'mflops'. Did you mean 'mflop'"),
        ("provenance", wrong("provenance", extra=pl.lit(1)), "'extra' that the contract does not know"),
        ("accuracies", wrong("accuracies", epochs=pl.lit(1.5)), "column epochs: found Float64 values. Expected Int64"),
        (
            "accuracies",
            wrong("accuracies", epochs=pl.lit(1)),
            "6 rows that share their key, first space tss, dataset dig",
        ),
        ("networks", wrong("networks", n_relu=pl.lit(None, pl.Int64)), "column n_relu: found 3 nulls, first in row 0"),
        ("scores", wrong("scores", naswot=pl.Series([1.0, float("-inf"), None])), "naswot: found -inf in row 1"),
        ("scores", wrong("scores", naswot=pl.lit("high")), "column naswot: found String values. Expected Float64"),
    ],
)
def test_frames_outside_the_contract_are_refused(name, frame, message):
    with pytest.raises(TableError, match=message):
        store.conform(frame, name, "here")


def test_narrow_numbers_are_widened_and_columns_put_in_order():
    frame = FRAMES["scores"].select(
        pl.col("naswot").cast(pl.Float32), pl.col("arch_index").cast(pl.Int32), "dataset", "space"
    )
    assert_frame_equal(store.conform(frame, "scores", "here"), FRAMES["scores"])


def test_frames_of_two_spaces_go_into_one_file(tmp_path):
    sizes = FRAMES["networks"].drop("n_skip").with_columns(space=pl.lit("sss"), width_0=8)
    store.write_table("networks", [FRAMES["networks"], sizes], tmp_path / "networks.parquet")
    found = store.read_parquet(tmp_path / "networks.parquet")
    assert found["n_skip"].to_list() == [0, 1, 2, None, None, None]
    assert found["width_0"].to_list() == [None, None, None, 8, 8, 8]
    assert found["width_0"].dtype == pl.Int64


def test_table_without_frames_has_no_rows(tmp_path):
    store.write_table("accuracies", [], tmp_path / "accuracies.parquet")
    found = store.read_parquet(tmp_path / "accuracies.parquet")
    assert found.schema == FRAMES["accuracies"].clear().schema


def test_writing_the_same_rows_twice_is_refused(tmp_path):
    with (
        pytest.raises(TableError, match="gets rows of tss, digits, naswot a second time"),
        store.table_writer("score_status", tmp_path / "score_status.parquet") as append,
    ):
        append(FRAMES["score_status"])
        append(FRAMES["score_status"])
    assert os.listdir(tmp_path) == []


def test_provenance_flattens_facts():
    frame = store.provenance_table({"version": "1", "config": {"seeds": [0, 1], "tss": {}, "a": {"b": "text"}}})
    assert frame.rows() == [("config.a.b", "text"), ("config.seeds", "[0, 1]"), ("config.tss", "{}"), ("version", "1")]


# --- the DuckDB file


@pytest.fixture
def con(paths, tmp_path):
    store.build_database(paths, tmp_path / "scores.duckdb")
    shutil.rmtree(tmp_path / "tables")  # the file needs nothing beside it
    with duckdb.connect(tmp_path / "scores.duckdb", read_only=True) as con:
        yield con


def test_database_holds_every_table(con):
    for name, frame in FRAMES.items():
        assert_frame_equal(con.sql(f"from {name}").pl(), store.conform(frame, name, "here"))


def test_database_is_one_file_in_an_old_storage_version(con, tmp_path):
    assert os.listdir(tmp_path) == ["scores.duckdb"]
    tags = con.execute("select tags from duckdb_databases() where not internal").fetchone()[0]
    assert tags["storage_version"].startswith("v1.2")


def test_database_explains_its_columns(con):
    query = "select comment from duckdb_columns() where table_name = 'networks' and column_name = 'mflops'"
    assert con.execute(query).fetchone() == ("multiply-adds per image, millions",)
    query = "select comment from duckdb_views() where view_name = 'best_networks'"
    (comment,) = con.execute(query).fetchone()
    assert comment.startswith("One row per space, dataset, constraint_id, place: the ten best networks within")
    assert comment.endswith("params_m, mflops: millions.")


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_every_cost_of_a_space_has_a_meaning_and_its_dtype(name):
    table = store.TABLES["networks"]
    for column, values in spaces.get(name).costs(spaces.Skeleton()).items():
        known = table.column(column)
        assert known is not table.further, column
        assert known.dtype == (pl.Int64 if values.dtype.kind == "i" else pl.Float64), column


def test_database_needs_every_table(paths, tmp_path):
    del paths["regrets"]
    with pytest.raises(TableError, match="table regrets is missing"):
        store.build_database(paths, tmp_path / "scores.duckdb")


GRAIN = {
    "accuracies_final": ("space, dataset, arch_index, split", 4),
    "against_random": (
        "space, dataset, constraint_id, algorithm, objective, budget, "
        "random_algorithm, random_objective, random_budget",
        5,
    ),
    "best_networks": ("space, dataset, constraint_id, place", 5),
    "classes": ("space, dataset, class_index", 2),
    "leaderboard": ("space, dataset, constraint_id, algorithm, objective, budget", 6),
    "partial_scores": ("space, dataset, class_index, proxy", 1),
    "proxy_coverage": ("space, dataset, proxy", 1),
    # Eight a decade, rounded: 1, 2, 3, 4, 6, 7, 10, .., 75, 100; searches without a trajectory have them as well.
    "trajectories": ("space, dataset, constraint_id, algorithm, objective, budget, n_evaluated", 3 * 15),
    # From 0.1 s, when the first run has a network, to 12.5 s: 0.1 * 10 ** (k / 8) for k from 0 to 16, and 12.5.
    "trajectories_by_time": ("space, dataset, constraint_id, algorithm, objective, budget, simulated_seconds", 18),
}


def test_every_view_has_the_grain_it_states(con):
    assert database.views().keys() == GRAIN.keys()
    for (view, (key, rows)), sql in zip(GRAIN.items(), database.views().values(), strict=True):
        assert f"view {view} as" in sql
        assert sql.replace("\n-- ", " ").startswith(f"-- One row per {key}")
        assert con.execute(f"from {view}").fetchall()
        found = con.execute(f"select count(*), count(distinct ({key})) from {view}").fetchone()
        assert found == (rows, rows), view


def elsewhere(name: str, **place: str) -> pl.DataFrame:
    """Rows of a table about another space or dataset, whose numbers would come first if the two were mixed."""
    frame = FRAMES[name]
    if name == "search_runs":  # runs see the scores of one seed each, and the random search has the same objective
        frame = frame.with_columns(seed=pl.col("run") % 2, kind=pl.col("kind").replace("random", "naswot_search"))
    if name == "networks":
        frame = frame.with_columns(arch="0" + pl.col("arch"))
    columns = ("accuracy_pct", "mean_pct", "epochs", "n_evaluated", "simulated_seconds")
    return frame.with_columns(
        *(pl.col(column) + 3 for column in columns if column in frame.columns),
        **{k: pl.lit(v) for k, v in place.items()},
    )


def write_everywhere(folder) -> dict:
    """Write every table with its rows about AT, another dataset and another space; their paths."""
    paths = {name: folder / f"{name}.parquet" for name in FRAMES}
    for name, frame in FRAMES.items():
        others = ({"dataset": "a"}, {"space": "sss"}) if "dataset" in frame.columns else ()
        store.write_table(name, [frame, *(elsewhere(name, **other) for other in others)], paths[name])
    return paths


def test_a_further_space_or_dataset_changes_no_row_of_another(con, tmp_path):
    # The rows of `con` are those that are worked out by hand below.
    store.build_database(write_everywhere(tmp_path / "further"), tmp_path / "further.duckdb")
    for view in GRAIN:
        found = store.read_view(tmp_path / "further.duckdb", view, **AT)
        assert_frame_equal(found, con.sql(f"from {view}").pl(), check_row_order=False)


def test_final_accuracies_take_the_longest_training_of_each_split(con):
    query = "select arch_index, epochs, accuracy_pct from accuracies_final where split = 'test' order by arch_index"
    expected = [(0, 200, 90.0), (1, 200, 92.0), (2, 200, 94.0)]
    assert con.execute(query).fetchall() == expected
    found = store.final_accuracies(FRAMES["accuracies"])
    assert found.select("arch_index", "epochs", "accuracy_pct").rows() == expected


def test_best_networks_keep_the_limits(con):
    query = "select constraint_id, place, arch_index from best_networks"
    # small: at most 1 million parameters, so network 2 is out.
    expected = [("small", 1, 1), ("small", 2, 0), ("unlimited", 1, 2), ("unlimited", 2, 1), ("unlimited", 3, 0)]
    assert con.execute(query).fetchall() == expected


def test_classes_say_how_far_members_differ(con):
    query = "select class_index, first_arch, n_networks, n_trained, mean_pct, std_pct from classes order by 1"
    # Class 0: 90 and 92, so mean 91 and sample standard deviation sqrt(2).
    assert con.execute(query).fetchall() == [(0, "a", 2, 2, 91.0, pytest.approx(2**0.5)), (1, "c", 1, 1, 94.0, None)]


def test_leaderboard_has_mean_spread_and_interval(con):
    columns = "place, algorithm, n_runs, mean_pct, std_pct, low_pct, high_pct, simulated_seconds, own_seconds"
    freerea, oracle, rea, random, drawn = con.execute(
        f"select {columns} from leaderboard where constraint_id = 'small'"
    ).fetchall()
    # The control is exact. freerea found 92 once, with unknown seconds; rea 90 and 92, and nothing in run 2: standard
    # error sqrt(2) / sqrt(2).
    assert oracle == (1, "oracle", None, 92.0, 0.0, None, None, None, None)
    assert freerea == (1, "freerea", 1, 92.0, None, None, None, None, 0.5)
    half = 12.706  # Student's of two
    expected = (3, "rea", 2, 91.0, pytest.approx(2**0.5), pytest.approx(91 - half), pytest.approx(91 + half), 12.5, 0.5)
    assert rea == expected
    assert random == (4, "random", None, 90.5, 0.5, None, None, None, None)
    assert drawn[:4] == (5, "drawn", 3, 89.0)


def test_leaderboard_has_the_gain_over_the_control(con):
    """Its mean is exact, so that only runs of the search are uncertain, and those of `drawn` do not come in."""
    columns = "random_algorithm, gain_pct, gain_low_pct, p_value"
    row = con.execute(f"select {columns} from leaderboard where algorithm = 'rea'").fetchone()
    # By hand: 90 and 92 less 90.5, standard error sqrt(2) / sqrt(2).
    assert row == ("random", 0.5, pytest.approx(0.5 - 12.706), pytest.approx(2 * stats.t.sf(0.5, 1)))


def test_the_random_search_of_the_same_objective_and_budget_goes_before_the_control(paths, tmp_path):
    same = (
        FRAMES["search_runs"]
        .filter(algorithm="rea")
        .with_columns(algorithm=pl.lit("plain"), kind=pl.lit("naswot_search"), accuracy_pct=pl.col("accuracy_pct") - 1)
    )
    in_seconds = same.with_columns(algorithm=pl.lit("a"), budget_unit=pl.lit("seconds"))  # as many, of something else
    runs = pl.concat([FRAMES["search_runs"], same, same.with_columns(budget=pl.lit(7.0)), in_seconds])
    store.write_table("search_runs", runs, paths["search_runs"])
    store.build_database(paths, tmp_path / "scores.duckdb")
    board = store.read_view(tmp_path / "scores.duckdb", "leaderboard", algorithm="rea")
    assert board.select("random_algorithm", "gain_pct").rows() == [("plain", 1.0)]


def test_a_search_of_several_stages_is_like_the_random_search_by_its_last_one(paths, tmp_path):
    staged = FRAMES["search_runs"].filter(algorithm="rea").with_columns(objective=pl.lit("naswot; valid_12"))
    store.write_table("search_runs", pl.concat([FRAMES["search_runs"], staged]), paths["search_runs"])
    store.build_database(paths, tmp_path / "scores.duckdb")
    board = store.read_view(tmp_path / "scores.duckdb", "leaderboard", algorithm="rea").sort("objective")
    assert board["random_algorithm"].to_list() == ["random", "drawn"]


def test_trajectories_hold_the_best_so_far(con):
    columns = "n_evaluated, n_runs, n_found, mean_pct, low_pct, median_pct, high_pct"
    rows = con.execute(f"select {columns} from trajectories where algorithm = 'rea'").fetchall()
    found = {row[0]: row[1:] for row in rows}
    assert found[2] == (3, 1, 88.0, 88.0, 88.0, 88.0)
    # 88 and 92, then 90 and 92; quantiles between two values lie on a line.
    assert found[3] == (3, 2, 90.0, pytest.approx(88.2), 90.0, pytest.approx(91.8))
    assert found[42] == found[3]
    assert found[56] == found[100] == (3, 2, 91.0, pytest.approx(90.1), 91.0, pytest.approx(91.9))


def test_trajectories_by_time_count_what_is_complete(con):
    rows = con.execute("select simulated_seconds, n_found, mean_pct from trajectories_by_time").fetchall()
    times = [row[0] for row in rows]
    assert times == pytest.approx([0.1 * 10 ** (k / 8) for k in range(17)] + [12.5])
    found = dict(zip(times, (row[1:] for row in rows), strict=True))
    assert [found[time] for time in times if time < 0.3] == [(1, 88.0)] * 4
    assert [found[time] for time in times if 0.3 <= time < 5] == [(2, 90.0)] * 10
    assert [found[time] for time in times if time > 5] == [(2, 91.0)] * 4


@pytest.mark.parametrize("descending", [False, True])
def test_of_evaluations_at_one_moment_the_last_counts(paths, tmp_path, descending):
    """All of the first stage take no time; in whatever order the rows are."""
    run = FRAMES["search_runs"].filter(algorithm="rea")[:1].with_columns(simulated_seconds=2.0)
    about = FRAMES["search_trajectories"].filter(algorithm="rea")[:1].drop("n_evaluated", "simulated_seconds")
    changes = pl.DataFrame(
        {"n_evaluated": [1, 2, 3], "simulated_seconds": [0.5, 0.5, 0.5], "found": [50.0, 90.0, 95.0]}
    )
    changes = about.join(changes, how="cross").with_columns(accuracy_pct="found").drop("found")
    for name, frame in (("search_runs", run), ("search_trajectories", changes)):
        store.write_table(name, frame.select(FRAMES[name].columns), paths[name])
    store.build_database(paths, tmp_path / "scores.duckdb")
    with duckdb.connect(str(tmp_path / "scores.duckdb")) as con:
        order = f"n_evaluated {'desc' if descending else 'asc'}"
        con.execute(
            f"create or replace table search_trajectories as select * from search_trajectories order by {order}"
        )
        found = con.execute("select distinct mean_pct from trajectories_by_time").fetchall()
    assert found == [(95.0,)]


def test_trajectories_by_time_leave_out_searches_with_a_run_of_unknown_seconds(paths, tmp_path):
    unknown = pl.when(pl.col("run") > 0).then("simulated_seconds").alias("simulated_seconds")
    store.write_table("search_runs", FRAMES["search_runs"].with_columns(unknown), paths["search_runs"])
    store.build_database(paths, tmp_path / "scores.duckdb")
    assert store.read_view(tmp_path / "scores.duckdb", "trajectories_by_time").is_empty()


def test_searches_are_compared_with_random_search_run_by_run(con):
    columns = "algorithm, random_algorithm, n_pairs, gain_pct, std_pct, low_pct, high_pct, p_value"
    freerea, rea = con.execute(
        f"select {columns} from against_random where random_kind = 'random_search' order by algorithm"
    ).fetchall()
    assert freerea == ("freerea", "drawn", 1, 3.0, None, None, None, None)
    # By hand: rea gains 1 and 4, and finds nothing in run 2. Mean 2.5, standard deviation 3 / sqrt(2), so the standard
    # error is 1.5 and t 5 / 3; half an interval is 12.706 of it.
    expected = ("rea", "drawn", 2, 2.5, 3 / 2**0.5, 2.5 - 12.706 * 1.5, 2.5 + 12.706 * 1.5, 2 * stats.t.sf(5 / 3, 1))
    assert rea == (*expected[:3], *map(pytest.approx, expected[3:]))


def test_searches_are_alike_if_their_scores_are(paths, tmp_path):
    """Means of all seeds on one side and single ones on the other are not; a probability that is rounding is 0."""
    about = FRAMES["search_runs"].drop("run", "seed")
    run = pl.DataFrame({"run": range(10)}).with_columns(seed=pl.col("run") % 5)
    rea = about.filter(algorithm="rea")[:1].join(run, how="cross")
    rea = rea.with_columns(accuracy_pct=90 + pl.col("seed") * 1.35e-3)
    drawn = about.filter(algorithm="rea")[:1].with_columns(kind=pl.lit("naswot_search"), accuracy_pct=80.0)
    drawn = [
        drawn.with_columns(algorithm=pl.lit(name)).join(runs, how="cross")
        for name, runs in (("of means", run.with_columns(seed=None)), ("of seeds", run))
    ]
    frames = [frame.select(FRAMES["search_runs"].columns) for frame in (rea, *drawn)]
    store.write_table("search_runs", frames, paths["search_runs"])
    store.build_database(paths, tmp_path / "scores.duckdb")
    gains = store.read_view(tmp_path / "scores.duckdb", "against_random", algorithm="rea", random_kind="naswot_search")
    assert dict(gains.select("random_algorithm", "is_alike").rows()) == {"of means": False, "of seeds": True}
    t = (10 + 2 * 1.35e-3) / stats.sem(np.arange(5) * 1.35e-3)
    assert 1e-16 < 2 * stats.t.sf(t, 4) < 1e-14  # of which the view's sum would leave rounding
    assert gains["p_value"].to_list() == [0, 0]


@pytest.mark.parametrize("n_runs", [3, 10, 101, 500])
def test_the_interval_and_test_of_runs_are_students(paths, tmp_path, n_runs):
    run = pl.DataFrame({"run": range(n_runs)}).with_columns(seed=pl.lit(None, pl.Int64))
    runs = FRAMES["search_runs"].drop("run", "seed").filter(algorithm="rea")[:1].join(run, how="cross")
    found = 90.5 + np.random.default_rng(n_runs).normal(0.3, 2, n_runs)
    runs = runs.with_columns(accuracy_pct=found).select(FRAMES["search_runs"].columns)
    store.write_table("search_runs", runs, paths["search_runs"])
    store.build_database(paths, tmp_path / "scores.duckdb")
    board = store.read_view(tmp_path / "scores.duckdb", "leaderboard", algorithm="rea").row(0, named=True)
    expected = stats.ttest_1samp(found, 90.5)  # the control's mean
    assert board["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
    low, high = expected.confidence_interval()
    assert (board["low_pct"], board["high_pct"]) == pytest.approx((low, high), rel=1e-4)
    assert board["gain_low_pct"] == pytest.approx(low - 90.5, rel=1e-3)


@pytest.mark.parametrize("n_seeds", [1, 2, 3, 4, 5, 12, 25])
def test_runs_that_see_the_scores_of_a_seed_count_as_one(paths, tmp_path, n_seeds):
    # Seed k finds 91 + k * k again and again, 90 and 92 in turn around it; random search finds 89, the control 90.5.
    run = pl.DataFrame({"run": range(100)}).with_columns(seed=pl.col("run") // 2 % n_seeds)
    about = FRAMES["search_runs"].drop("run", "seed")
    runs = about.filter(algorithm="rea")[:1].join(run, how="cross")
    runs = runs.with_columns(accuracy_pct=90.0 + pl.col("seed") ** 2 + 2 * (pl.col("run") % 2))
    random = about.filter(algorithm="drawn")[:1].join(run.with_columns(seed=None), how="cross")
    frames = [frame.select(FRAMES["search_runs"].columns) for frame in (runs, random)]
    store.write_table("search_runs", frames, paths["search_runs"])
    store.build_database(paths, tmp_path / "scores.duckdb")
    board = store.read_view(tmp_path / "scores.duckdb", "leaderboard", algorithm="rea").row(0, named=True)
    gains = store.read_view(tmp_path / "scores.duckdb", "against_random", algorithm="rea")
    seeds = 91.0 + np.arange(n_seeds) ** 2
    assert (board["n_runs"], board["n_seeds"], gains["n_pairs"].to_list()) == (100, n_seeds, [100, 100])
    means = dict(gains.select("random_kind", "gain_pct").rows())
    assert means == pytest.approx({"random_search": board["mean_pct"] - 89, "random": board["mean_pct"] - 90.5})
    for gain in gains.iter_rows(named=True):
        assert gain["n_seeds"] == n_seeds
        if n_seeds == 1:
            assert board["low_pct"] is gain["low_pct"] is gain["p_value"] is None
            continue
        half = stats.t.ppf(0.975, n_seeds - 1) * stats.sem(seeds)
        assert board["high_pct"] - board["mean_pct"] == pytest.approx(half, rel=1e-3)
        assert gain["gain_pct"] - gain["low_pct"] == pytest.approx(half, rel=1e-3)
        t = gain["gain_pct"] / stats.sem(seeds)
        assert gain["p_value"] == pytest.approx(2 * stats.t.sf(t, n_seeds - 1), rel=1e-9)
    assert board["gain_low_pct"] == gains.row(by_predicate=pl.col("random_kind") == "random", named=True)["low_pct"]


def test_coverage_counts_failures(con):
    row = con.execute("select share_ok, n_singular, n_pairs, seconds, ms_per_pair from proxy_coverage").fetchone()
    assert row == (0.75, 1, 4, pytest.approx(1.0), pytest.approx(250.0))
    partial = con.execute("select class_index, proxy, n_ok, n_seeds, why from partial_scores").fetchall()
    assert partial == [(1, "naswot", 1, 2, "singular")]


def test_what_no_sample_asks_for_is_no_failure(paths, tmp_path):
    # The pairs of class 1 become those that a sample leaves out: of the other two, both have a score.
    of_class_1 = pl.col("class_index") == 1
    status = FRAMES["score_status"].with_columns(
        status=pl.when(of_class_1).then(pl.lit("not_sampled")).otherwise("status"),
        seconds=pl.when(of_class_1).then(0.0).otherwise("seconds"),
    )
    nothing = status.with_columns(proxy=pl.lit("ntk"), status=pl.lit("not_sampled"), seconds=0.0)
    store.write_table("score_status", [status, nothing], paths["score_status"])
    store.build_database(paths, tmp_path / "scores.duckdb")
    rows = store.read_view(tmp_path / "scores.duckdb", "proxy_coverage").sort("proxy")
    columns = ("proxy", "share_ok", "n_pairs", "seconds", "ms_per_pair", "n_not_sampled")
    assert rows.select(columns).rows() == [
        ("naswot", 1.0, 2, pytest.approx(0.3), pytest.approx(150.0), 2),
        ("ntk", None, 0, 0.0, None, 4),
    ]
    assert store.read_view(tmp_path / "scores.duckdb", "partial_scores").is_empty()
