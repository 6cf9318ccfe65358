"""Tables packed for the repository: small, sorted, whole or not at all, and nothing in them that is not ours."""

import logging
import os
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import polars.testing
import pyarrow.parquet as pq
import pytest

from proxybank import spaces, store
from proxybank.errors import ConfigError, TableError
from proxybank.store import packed

TSS = spaces.get("tss")
N_CLASSES = len(TSS.class_genes("drop"))
FACTS = {"config": {"dead_edges": "drop", "spaces": {"tss": {"stem_width": 1}, "sss": {}}}}
VERSIONS = {"naswot": 1, "synflow": 2, "fisher": 1, "jacov": 1, "grasp": 1}
AT = {"space": "tss", "dataset": "digits"}
BATCHES = {0: "0b", 1: "1b"}
MAKERS = ["code 1, on one machine", "code 2, on another"]
COMPUTED = ["naswot", "synflow", "jacov", "grasp"]


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
        "provenance": store.provenance_table(
            FACTS
            | {"versions": {"proxies": VERSIONS}, "sha256": {"batches": {"digits": BATCHES}}}
            | {"scores": {"made_by": dict(enumerate(MAKERS))}}
        ),
        # Not asked of jacov and of seed 1: class 1. Seconds are of more digits than repeat.
        "score_status": pl.DataFrame({**AT, "class_index": range(N_CLASSES)})
        .join(pl.DataFrame({"seed": [1, 0]}), how="cross")
        .join(pl.DataFrame({"proxy": list(scores)}), how="cross")
        .with_columns(
            status=pl.when(proxy="grasp").then(pl.lit("constant")).otherwise(pl.lit("ok")),
            seconds=0.123456 + pl.col("class_index"),
        )
        .with_columns(
            status=pl.when(proxy="jacov", seed=1, class_index=1).then(pl.lit("not_sampled")).otherwise("status")
        ),
    }
    seeds = [frames["scores"].with_columns(seed=pl.lit(seed, pl.Int64)) for seed in (1, 0)]
    frames["scores_by_seed"] = pl.concat(seeds)
    for name, frame in frames.items():
        store.write_table(name, frame, folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in frames}


def outputs(folder) -> dict:
    return {name: folder / "out" / f"{name}.parquet" for name in store.PACKED}


def test_packed_tables_hold_the_same(tables, tmp_path):
    store.pack(tables, outputs(tmp_path), COMPUTED)
    found = {name: pl.read_parquet(path) for name, path in outputs(tmp_path).items()}
    assert found["provenance"].rows() == store.read_parquet(tables["provenance"]).rows()
    status = found["score_status"]
    assert status.columns == [column.name for column in store.TABLES["score_status"].columns]
    assert set(status["proxy"]) == set(COMPUTED) and "not_sampled" not in status["status"]
    assert status.height == 2 * len(COMPUTED) * N_CLASSES - 1
    seconds = status.filter(proxy="jacov", seed=0)["seconds"].to_list()
    assert seconds[:2] + seconds[-1:] == pytest.approx([0.123, 1.12, 5040])
    scores, whole = found["scores"], store.read_parquet(tables["scores"]).sort("arch_index")
    assert scores["arch_index"].to_list() == list(range(TSS.size))
    assert "grasp" not in scores.columns and "grasp" not in found["scores_by_seed"].columns  # nothing has a score
    # Half a unit in the last of 24 binary places; what float32 cannot hold is the same to the bit.
    np.testing.assert_allclose(scores["naswot"].to_numpy(), whole["naswot"].to_numpy(), rtol=2**-24, atol=0)
    assert scores.select("synflow", "fisher").equals(whole.select("synflow", "fisher"))
    assert scores["jacov"].is_null().to_list() == [True] + [False] * (TSS.size - 1)
    dtypes = [scores.schema[name] for name in ("arch_index", "naswot", "synflow", "fisher", "jacov")]
    assert dtypes == [pl.Int32, pl.Float32, pl.Float64, pl.Float64, pl.Float32]
    assert found["scores_by_seed"].select("arch_index", "seed").rows()[:3] == [(0, 0), (0, 1), (1, 0)]
    networks, theirs = found["networks"], store.read_parquet(tables["networks"])
    assert "phone_ms" not in networks.columns
    assert networks.columns == [name for name in theirs.columns if name != "phone_ms"]
    assert networks["params_m"].equals(theirs["params_m"])  # limits are inclusive
    # Smaller than plain float32, though these scores are random.
    size = sum(column.total_compressed_size for column in columns_of(outputs(tmp_path)["scores"], "naswot"))
    assert size < 0.9 * 4 * TSS.size


@pytest.fixture(scope="module")
def folder(tables, tmp_path_factory):
    """A packed run."""
    folder = tmp_path_factory.mktemp("packed")
    store.pack(tables, outputs(folder), COMPUTED)
    return folder / "out"


def known(folder, facts=FACTS, versions=VERSIONS, classes=(0, 1, 5043), batches=BATCHES):
    return store.known_scores(folder, facts, versions, batches, classes=classes, **AT).rows


def test_a_part_is_known_as_it_was_packed(folder, tables):
    found = known(folder, versions={"synflow": 2, "grasp": 1})
    columns = [f"{name}{suffix}" for name in ("synflow", "grasp") for suffix in ("", "__status", "__seconds")]
    assert found.columns == ["class_index", "seed", *columns]
    assert found.select("class_index", "seed").rows() == [(c, seed) for c in (0, 1, 5043) for seed in (0, 1)]
    # Every network of a class has its scores, if all were drawn; here of the one that was drawn first.
    networks, scores = (store.read_parquet(tables[name]) for name in ("networks", "scores"))
    first = networks.filter(pl.col("class_index") == 5043).sort("sample_place")["arch_index"][0]
    assert found["synflow"][4] == scores.filter(arch_index=first)["synflow"].item()
    assert found["grasp__status"].unique().to_list() == ["constant"] and found["grasp"].null_count() == 6
    assert found["synflow__seconds"].to_list() == pytest.approx([0.123, 0.123, 1.12, 1.12, 5040, 5040])
    store.write_part(found, folder / "part.parquet")


def test_what_is_known_says_what_computed_it(folder):
    found = store.known_scores(folder, FACTS, VERSIONS, BATCHES, classes=[0], **AT)
    assert found.made_by == MAKERS


def test_what_was_not_scored_is_not_known(folder):
    found = known(folder, versions={"jacov": 1, "grasp": 1})
    assert found.filter(pl.col("jacov__status").is_null()).select("class_index", "seed").rows() == [(1, 1)]
    assert found["grasp__status"].null_count() == 0


def test_seeds_of_other_batches_are_not_known(folder, caplog):
    with caplog.at_level(logging.INFO, "proxybank"):
        found = known(folder, batches=BATCHES | {1: "another", 2: "further"})
    assert found["seed"].to_list() == [0, 0, 0]
    assert caplog.messages == [f"Nothing of seed 1, 2 is taken from {folder}: it has no such batch of digits"]
    assert known(folder, batches={1: "another"}).is_empty()


def test_a_proxy_of_another_version_is_not_known(folder):
    found = known(folder, versions={"naswot": 2, "synflow": 2, "params": 1})
    assert store.proxies_of(found) == ["synflow"]
    assert known(folder, versions={"naswot": 2}).is_empty()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"config": {"dead_edges": "keep"}}, "config.dead_edges is drop there, and keep here"),
        ({"config": {"spaces": {"tss": {"stem_width": 16}}}}, "config.spaces.tss.stem_width is 1 there, and 16 here"),
        ({"precision": "float32"}, "precision is absent there, and float32 here"),
    ],
)
def test_nothing_is_known_of_a_run_made_otherwise(folder, caplog, facts, message):
    with caplog.at_level(logging.INFO, "proxybank"):
        assert known(folder, facts).is_empty()
    assert caplog.messages == [f"Nothing is taken from {folder}: {message}"]


def test_a_folder_of_known_scores_without_them_is_named(folder, tmp_path):
    store.check_known(folder)
    (tmp_path / "networks.parquet").touch()
    message = (
        "has no scores_by_seed.parquet, score_status.parquet, provenance.parquet. Expected the folder of a packed run"
    )
    with pytest.raises(ConfigError, match=message):
        store.check_known(tmp_path)


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
    store.write_table("scores", store.read_parquet(tables["scores"])[1:], tmp_path / "scores.parquet")
    with pytest.raises(TableError, match="scores.parquet: 15624 rows of tss, digits. Expected 15625. Run the whole"):
        store.pack(tables | {"scores": tmp_path / "scores.parquet"}, outputs(tmp_path), COMPUTED)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("MAX_FILE_BYTES", r"out/networks.parquet: it would have 0.\d MB. Expected at most 0, so that a repository"),
        (
            "MAX_BYTES",
            r"score_status.parquet, \S+provenance.parquet: they would have \d.\d MB. Expected at most 0 in",
        ),
    ],
)
def test_files_that_are_too_large_leave_the_old_ones_alone(tables, tmp_path, monkeypatch, limit, message):
    store.pack(tables, outputs(tmp_path), COMPUTED)
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(packed, limit, 1000)
    with pytest.raises(TableError, match=message):
        store.pack(tables, outputs(tmp_path), COMPUTED)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_provenance_takes_its_place_last(tables, tmp_path, monkeypatch):
    # It says what the others are: of a packing that was interrupted, old provenance refuses new scores.
    renamed = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda source, target: (renamed.append(target), replace(source, target)))
    store.pack(tables, outputs(tmp_path), COMPUTED)
    named = [Path(path).name for path in renamed if not Path(path).name.startswith(".")]
    assert named == [f"{name}.parquet" for name in store.PACKED]
    assert store.PACKED[-1] == "provenance"


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
    sizes = [
        f"resources/tiny/{path.name}: {path.stat().st_size:,} bytes" for path in made.folder.glob("resources/tiny/*")
    ]
    assert sorted((made.results / "packed.txt").read_text().splitlines()) == sorted(sizes)
    found = {path.stem: pl.read_parquet(path) for path in (made.folder / "resources/tiny").iterdir()}
    assert found.keys() == set(store.PACKED)
    assert found["scores"]["naswot"].to_list() == tiny_run.table("scores")["naswot"].cast(pl.Float32).to_list()

    # Scores that are packed need no computing.
    before = made.table("scores_by_seed"), made.table("score_status").drop("seconds")
    shutil.rmtree(made.results / "scores")
    for path in (made.results / "tables").glob("score*.parquet"):
        path.unlink()
    known = ["--config", "known_scores=resources/tiny"]
    done = made.snakemake(
        "--cores", "2", "--rerun-triggers", "mtime", *known, "--", "results/tiny/tables/scores.parquet"
    )
    assert done.returncode == 0, done.stderr
    logs = list((made.results / "logs/score_part").rglob("*.log"))
    assert logs and all("Computed: nothing, all was there" in path.read_text() for path in logs)
    pl.testing.assert_frame_equal(made.table("scores_by_seed"), before[0], rel_tol=2**-24, abs_tol=0)
    assert made.table("score_status").drop("seconds").equals(before[1])
