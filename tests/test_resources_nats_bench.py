"""The scores of NATS-Bench that come with the repository, where they are: whole, small, and nothing but scores."""

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from proxybank import config, spaces, store
from proxybank.proxies import REGISTRY, in_group
from proxybank.store.packed import MAX_BYTES, MAX_FILE_BYTES

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "resources/nats-bench"
SETTINGS = config.load(ROOT / "config/nats-bench.yaml")  # what is packed so far may have fewer proxies
N_NETWORKS = {"tss": 15_625, "sss": 32_768}

pytestmark = pytest.mark.skipif(
    not (FOLDER / "scores.parquet").exists(), reason="resources/nats-bench has no scores: pack a run"
)


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return {name: pl.read_parquet(FOLDER / f"{name}.parquet") for name in store.PACKED}


@pytest.fixture(scope="module")
def facts(tables) -> dict[str, str]:
    return dict(tables["provenance"].rows())


def test_files_are_small_and_no_others_are_there():
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert files.keys() == {"README.md", *(f"{name}.parquet" for name in store.PACKED)}
    assert max(files.values()) < MAX_FILE_BYTES and sum(files.values()) < MAX_BYTES


def test_every_network_is_there_on_every_dataset(tables):
    for name, per_network in (("networks", 1), ("scores", 1), ("scores_by_seed", len(SETTINGS["seeds"]))):
        rows = tables[name].group_by("space", "dataset").agg(pl.len(), pl.col("arch_index").n_unique().alias("n"))
        found = {row[:2]: row[2:] for row in rows.iter_rows()}
        assert found == {
            (space, dataset): (per_network * n, n)
            for space, n in N_NETWORKS.items()
            for dataset in SETTINGS["datasets"]
        }
        key = list(store.TABLES[name].key)
        assert tables[name].select(key).equals(tables[name].select(key).unique().sort(key))
    assert tables["scores"].height == 3 * 15_625 + 3 * 32_768


def test_there_are_scores_and_structure_and_no_accuracies(tables, facts):
    for name in ("scores", "scores_by_seed"):
        columns = set(tables[name].columns) - {column.name for column in store.TABLES[name].columns}
        asked = json.loads(facts["config.proxies"])
        assert columns <= set(asked) <= set(SETTINGS["proxies"]) <= set(REGISTRY)
        nowhere = {group for e in json.loads(facts["config.samples"]) if e.get("classes") == 0 for group in e["passes"]}
        assert set(asked) - columns <= {name for group in nowhere for name in in_group(asked, group)}
        assert all(tables[name][column].count() for column in columns)
    known = {column.name for column in store.TABLES["networks"].columns} | {"sample_place"}
    known |= {name for space in N_NETWORKS for name in spaces.get(space).costs(spaces.Skeleton())}
    assert set(tables["networks"].columns) <= known
    assert not [name for table in tables.values() for name in table.columns if "accura" in name or "valid" in name]


def test_architectures_and_classes_are_those_of_the_spaces(tables):
    for space in N_NETWORKS:
        rows = tables["networks"].filter(space=space, dataset="cifar10")
        assert rows["arch"].to_list() == spaces.get(space).arch_strings
        assert rows["class_index"].to_list() == spaces.get(space).classes("drop").tolist()


def test_means_are_those_of_the_seeds(tables):
    both = tables["scores"].join(
        tables["scores_by_seed"]
        .group_by("space", "dataset", "arch_index")
        .agg(pl.col("naswot", "logsynflow").cast(float).mean()),
        on=["space", "dataset", "arch_index"],
        suffix="_mean",
    )
    for name in ("naswot", "logsynflow"):
        rows = both.drop_nulls(name)
        # A few roundings to 24 binary places.
        assert ((rows[name] - rows[f"{name}_mean"]).abs() <= 1e-6 * rows[name].abs()).all()


def test_samples_have_the_classes_that_were_asked_for(tables, facts):
    scores = tables["scores"].join(tables["networks"], on=["space", "dataset", "arch_index"])
    for entry in json.loads(facts["config.samples"]):
        fed = (in_group(json.loads(facts["config.proxies"]), group) for group in entry["passes"])
        names = [name for some in fed for name in some if name in scores.columns]  # if any network was asked for
        for dataset in entry.get("datasets", SETTINGS["datasets"]):
            for name in names:
                rows = scores.filter(pl.col(name).is_not_null(), space=entry["space"], dataset=dataset)
                n_asked = entry.get("classes", 32_768)
                assert (rows["sample_place"] < n_asked).all()
                n_classes = min(n_asked, scores.filter(space=entry["space"])["class_index"].n_unique())
                # Some may be singular; an eighth by wrcor on CIFAR-10.
                assert (0.87 if name == "wrcor" else 0.9) * n_classes <= rows["class_index"].n_unique() <= n_classes


def test_provenance_tells_how_they_were_made(facts):
    assert {"proxybank.commit", "libraries.torch", "machine.processor", "sha256.batches.cifar10.images"} <= facts.keys()
    assert json.loads(facts["config.seeds"]) == SETTINGS["seeds"]


def test_duckdb_reads_them_where_they_lie():
    rows = duckdb.sql(f"select naswot from '{FOLDER}/scores.parquet' where space = 'sss' and dataset = 'cifar10'")
    assert len(rows.fetchall()) == 32_768


@pytest.mark.parametrize(("limit", "lost"), [((100, 0.8), {0.95, 0.42, 0.26}), ((70, 0.5), {0.55, 1.07})])
def test_the_seed_decides_which_of_few_networks_freerea_likes_best(tables, shared_data, limit, lost):
    """What resources/papers/rules.yaml says of FreeREA's regrets on ImageNet16-120."""
    place = {"space": "tss", "dataset": "imagenet16-120"}
    networks = tables["networks"].filter(pl.col("mflops") <= limit[0], pl.col("params_m") <= limit[1], **place)
    accuracy = pl.read_csv(shared_data / "natsbench/tss_accuracies.csv").select(
        pl.col("arch_index").cast(pl.Int32), accuracy_pct="imagenet16-120_test_accuracy_200"
    )
    firsts = set()
    for seed in (0, 1, 2):
        scores = tables["scores_by_seed"].filter(seed=seed, **place).select("arch_index", "naswot", "logsynflow")
        terms = [pl.col(name) / pl.col(name).max() for name in ("naswot", "logsynflow", "skipped_layers")]
        ranked = networks.join(scores, on="arch_index").with_columns(fitness=pl.sum_horizontal(*terms))
        ranked = ranked.join(accuracy, on="arch_index").filter(pl.col("fitness").is_not_null())
        best = ranked["accuracy_pct"].max()
        leaders = ranked.sort("fitness", descending=True)[: len(lost)]
        assert set((best - leaders["accuracy_pct"]).round(2)) == lost
        assert leaders["fitness"].min() > 0.997 * leaders["fitness"].max()
        firsts.add(leaders["arch_index"][0])
    assert len(firsts) > 1
