"""Tables packed for the repository: small, sorted, whole or not at all, and nothing in them that is not ours."""

import shutil

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from proxybank import spaces, store
from proxybank.errors import TableError
from proxybank.store import packed

TSS = spaces.get("tss")
AT = {"space": "tss", "dataset": "digits"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict:
    """Tables of a run with made-up scores: one fits float32, the others are too large or too small for it."""
    folder = tmp_path_factory.mktemp("tables")
    score = np.random.default_rng(0).normal(1800, 30, TSS.size)
    scores = {
        "naswot": score,
        "synflow": 10.0 ** (score / 30),
        "fisher": 1e-39,
        "jacov": [None, *score[1:]],
        "grasp": None,
    }
    networks = store.networks_table(TSS, "digits", "drop", TSS.costs(spaces.Skeleton()))
    frames = {
        "networks": networks.with_columns(phone_ms=pl.lit(3.0)),
        "scores": pl.DataFrame({**AT, "arch_index": range(TSS.size), **scores}).reverse(),
        "provenance": store.provenance_table({"proxybank": {"version": "0"}}),
    }
    seeds = [frames["scores"].with_columns(seed=pl.lit(seed, pl.Int64)) for seed in (1, 0)]
    frames["scores_by_seed"] = pl.concat(seeds)
    for name, frame in frames.items():
        store.write_table(name, frame, folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in frames}


def outputs(folder) -> dict:
    return {name: folder / "out" / f"{name}.parquet" for name in store.PACKED}


def test_packed_tables_hold_the_same(tables, tmp_path):
    store.pack(tables, outputs(tmp_path))
    found = {name: pl.read_parquet(path) for name, path in outputs(tmp_path).items()}
    assert found["provenance"].rows() == [("proxybank.version", "0")]
    scores, whole = found["scores"], store.read_table(tables["scores"]).sort("arch_index")
    assert scores["arch_index"].to_list() == list(range(TSS.size))
    assert "grasp" not in scores.columns and "grasp" not in found["scores_by_seed"].columns  # nothing has a score
    # Half a unit in the last of 24 binary places; what float32 cannot hold is the same to the bit.
    np.testing.assert_allclose(scores["naswot"].to_numpy(), whole["naswot"].to_numpy(), rtol=2**-24, atol=0)
    assert scores.select("synflow", "fisher").equals(whole.select("synflow", "fisher"))
    assert scores["jacov"].is_null().to_list() == [True] + [False] * (TSS.size - 1)
    dtypes = [scores.schema[name] for name in ("arch_index", "naswot", "synflow", "fisher", "jacov")]
    assert dtypes == [pl.Int32, pl.Float32, pl.Float64, pl.Float64, pl.Float32]
    assert found["scores_by_seed"].select("arch_index", "seed").rows()[:3] == [(0, 0), (0, 1), (1, 0)]
    networks, theirs = found["networks"], store.read_table(tables["networks"])
    assert "phone_ms" not in networks.columns
    assert networks.columns == [name for name in theirs.columns if name != "phone_ms"]
    assert networks["params_m"].equals(theirs["params_m"])  # limits are inclusive
    # Smaller than plain float32, though these scores are random.
    size = sum(column.total_compressed_size for column in columns_of(outputs(tmp_path)["scores"], "naswot"))
    assert size < 0.9 * 4 * TSS.size


def columns_of(path, name):
    """Pieces of a column in a Parquet file."""
    groups = pq.read_metadata(path)
    return [
        groups.row_group(k).column(j)
        for k in range(groups.num_row_groups)
        for j in range(groups.num_columns)
        if groups.row_group(k).column(j).path_in_schema == name
    ]


def test_a_space_that_is_not_whole_is_refused(tables, tmp_path):
    store.write_table("scores", store.read_table(tables["scores"])[1:], tmp_path / "scores.parquet")
    with pytest.raises(TableError, match="scores.parquet: 15624 rows of tss, digits. Expected 15625. Run the whole"):
        store.pack(tables | {"scores": tmp_path / "scores.parquet"}, outputs(tmp_path))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("MAX_FILE_BYTES", r"out/networks.parquet: it would have 0.\d MB. Expected at most 0, so that a repository"),
        (
            "MAX_BYTES",
            r"scores_by_seed.parquet, \S+provenance.parquet: they would have \d.\d MB. Expected at most 0 in",
        ),
    ],
)
def test_files_that_are_too_large_leave_the_old_ones_alone(tables, tmp_path, monkeypatch, limit, message):
    store.pack(tables, outputs(tmp_path))
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(packed, limit, 1000)
    with pytest.raises(TableError, match=message):
        store.pack(tables, outputs(tmp_path))
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_the_rule_packs_a_run(tiny_run, workspace):
    made = workspace()
    (made.folder / "resources").unlink()  # it is the repository's own
    (made.folder / "resources/tiny").mkdir(parents=True)
    (made.folder / "resources/digits").symlink_to(tiny_run.folder / "resources/digits")
    shutil.copytree(tiny_run.folder / "results", made.folder / "results")
    (made.folder / "resources/tiny/scores.parquet").write_text("an older one")
    done = made.snakemake("--cores", "1", "--rerun-triggers", "mtime", "--", "pack")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 steps" in done.stdout + done.stderr
    found = {path.stem: pl.read_parquet(path) for path in (made.folder / "resources/tiny").iterdir()}
    assert found.keys() == set(store.PACKED)
    assert found["scores"]["naswot"].to_list() == tiny_run.table("scores")["naswot"].cast(pl.Float32).to_list()
