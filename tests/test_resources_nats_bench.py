"""The scores of NATS-Bench that come with the repository, where they are: whole, small, and nothing but scores."""

import json
import re
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
from snakemake.utils import update_config
from test_workflow_scripts import run_script

from proxybank import config, data, spaces, store, versions
from proxybank.proxies import GROUPS, REGISTRY, in_group
from proxybank.store.packed import MAX_BYTES, MAX_FILE_BYTES

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "resources/nats-bench"
SETTINGS = config.load(ROOT / "config/nats-bench.yaml")
KEY = ["space", "dataset", "arch_index"]
N_NETWORKS = {"tss": 15_625, "sss": 32_768}


# Further pages that say how long scoring took.
HOURS = ("README.md", "docs/nats-bench.md", "config/nats-bench.yaml")


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return {name: pl.read_parquet(FOLDER / f"{name}.parquet") for name in store.PACKED}


@pytest.fixture(scope="module")
def facts(tables) -> dict[str, str]:
    return dict(tables["provenance"].rows())


def test_the_page_names_all_that_there_is_no_score_of(tables):
    page = " ".join((FOLDER / "README.md").read_text().split())
    (said,) = re.findall(r"There is no score by `(.+?)` of sizes, for all of which it is the same\.", page)
    proxies = [name for name in tables["scores"].columns if name not in KEY]
    expected = {("sss", dataset, said) for dataset in SETTINGS["datasets"]}
    counts = tables["scores"].group_by("space", "dataset").agg(pl.col(proxies).count())
    found = {(row["space"], row["dataset"], name) for row in counts.to_dicts() for name in proxies if not row[name]}
    assert found == expected
    classes = tables["score_status"].group_by("space", "dataset", "proxy").agg(pl.col("class_index").n_unique())
    assert classes["class_index"].min() == 1000


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
        assert columns == set(asked) <= set(SETTINGS["proxies"]) <= set(REGISTRY)
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
                # Some may be singular.
                assert 0.9 * n_classes <= rows["class_index"].n_unique() <= n_classes


def test_statuses_are_of_all_that_was_computed(tables, facts):
    """A score is there where its status is ok; and what took no time was not computed."""
    asked = {name for group in GROUPS for name in in_group(json.loads(facts["config.proxies"]), group)}
    assert set(tables["score_status"]["proxy"]) <= asked
    # Of a class in a sample, one network at least has the scores.
    networks = tables["networks"].sort("sample_place").unique(["space", "dataset", "class_index"], keep="first")
    by_seed = tables["scores_by_seed"].join(networks.select("class_index", *KEY), on=KEY)
    for (proxy,), rows in tables["score_status"].group_by("proxy"):
        both = rows.join(by_seed, on=["space", "dataset", "class_index", "seed"], validate="1:1")
        assert both.height == rows.height and (both["seconds"] > 0).all()
        scored = both[proxy].is_not_null() if proxy in both.columns else pl.repeat(False, both.height, eager=True)
        assert (scored == (both["status"] == "ok")).all()


@pytest.fixture(scope="module")
def hours_of(tables) -> dict[tuple[str, str], float]:
    """Of each space and group of passes. Its proxies share its time: the dearest has all of it."""
    group_of = {name: group for group in GROUPS for name in in_group(REGISTRY, group)}
    status = tables["score_status"].with_columns(passes=pl.col("proxy").replace_strict(group_of))
    taken = status.group_by(*KEY[:2], "class_index", "seed", "passes").agg(pl.col("seconds").max())
    taken = taken.group_by("space", "passes").agg(pl.col("seconds").cast(pl.Float64).sum() / 3600)
    return {row[:2]: row[2] for row in taken.rows()}


def test_the_configuration_says_how_long_each_sample_took(hours_of):
    text = (ROOT / "config/nats-bench.yaml").read_text()
    cheap, samples = text[text.index("# Cheap passes") : text.index("# Dear passes")], text.split("\nsamples:\n")[1]
    entries, dear = iter(SETTINGS["samples"]), set()
    for comment in samples.split("\n\n")[0].split("  # ")[1:]:
        groups = set()
        for _ in re.findall("^  - ", comment, flags=re.MULTILINE):
            entry = next(entries)
            groups |= {(entry["space"], passes) for passes in entry["passes"]}
        dear |= groups
        if groups.isdisjoint(hours_of):  # of a proxy that has come since the files were packed
            continue
        hours = sum(hours_of.get(group, 0) for group in groups)
        assert re.findall(r"([\d.]+) hours", comment) == [f"{hours:.1f}"], comment
    assert next(entries, None) is None
    said = re.findall(r"([\d.]+) hours(?: of one core)? on (TSS|SSS)", " ".join(cheap.replace("# ", "").split()))
    rest = {
        name: sum(hours_of[group] for group in hours_of.keys() - dear if group[0] == name)
        for name in SETTINGS["spaces"]
    }
    assert said == [(f"{rest[name]:.1f}", name.upper()) for name in ("tss", "sss")]


def test_the_readme_says_how_long_it_took(hours_of):
    hours = sum(hours_of.values())
    assert f"in all {hours:.1f} hours" in " ".join((FOLDER / "README.md").read_text().split())
    for page in (FOLDER / "README.md", *(ROOT / name for name in HOURS)):
        assert f"{hours:.0f} hours of one core" in " ".join(page.read_text().replace("# ", "").split()), page


@pytest.mark.parametrize("group", ["forward", "weights"])
def test_a_run_of_the_configuration_finds_its_scores(facts, shared_data, tmp_path, monkeypatch, caplog, group):
    """All of a part that the shipped run has, by its rule's script, without an image being scored."""
    monkeypatch.chdir(ROOT)
    images = data.load(str(shared_data / "images/cifar10.npz"), 10)
    data.draw_batches(images, SETTINGS["batch_size"], SETTINGS["seeds"]).write(tmp_path / "cifar10.npz")
    (tmp_path / "precision.json").write_text(json.dumps({"precision": facts["precision.precision"]}))
    params = {name: SETTINGS[name] for name in ("seeds", "device", "dead_edges", "hamming", "initialisation")}
    params |= {"known_scores": SETTINGS["known_scores"], "skeleton": SETTINGS["spaces"]["tss"], "sample": None}
    params |= {"networks_per_part": 5044, "versions_of_networks": [versions.SPACES, versions.WEIGHTS]}
    params["versions"] = {name: REGISTRY[name].version for name in in_group(REGISTRY, group)}
    inputs = {"batches": str(tmp_path / "cifar10.npz"), "precision": str(tmp_path / "precision.json")}
    wildcards = {"space": "tss", "dataset": "cifar10", "passes": group, "part": "0"}
    run_script("score_part", tmp_path, {"scores": "0.parquet"}, inputs, params, **wildcards)
    assert (tmp_path / "score_part.log").read_text().endswith("Computed: nothing, all was there\n")
    assert store.read_parquet(tmp_path / "0.parquet").height == 3 * 5044


@pytest.mark.parametrize("name", ["nats-bench-literal", "nats-bench-128"])
def test_further_runs_are_there_too(name):
    settings = config.read(ROOT / "config/nats-bench.yaml")
    update_config(settings, config.read(ROOT / f"config/{name}.yaml"))
    settings = config.check(settings)
    store.check_known(ROOT / settings["known_scores"])
    files = {path.name: path.stat().st_size for path in (ROOT / settings["known_scores"]).iterdir()}
    assert files.keys() == {"README.md", *(f"{table}.parquet" for table in store.PACKED)}
    assert max(files.values()) < MAX_FILE_BYTES and sum(files.values()) < MAX_BYTES
    scores = pl.read_parquet(ROOT / settings["known_scores"] / "scores.parquet")
    assert scores.height == 15_625 * len(settings["datasets"])
    assert scores["naswot"].null_count() < 0.03 * scores.height


def test_provenance_tells_how_they_were_made(facts):
    assert {"proxybank.commit", "libraries.torch", "machine.processor", "sha256.batches.cifar10.0"} <= facts.keys()
    # The last run took most scores from those before it.
    assert len([key for key in facts if key.startswith("scores.made_by.")]) > 10
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


def test_the_queries_of_the_page_run(tables, monkeypatch):
    monkeypatch.chdir(ROOT)
    best, counts, *_ = re.findall(r"```sql\n(.*?)```", (FOLDER / "README.md").read_text(), flags=re.DOTALL)
    found = duckdb.sql(best).pl()
    assert found.group_by("space").len().sort("space").rows() == [("sss", 3), ("tss", 3)]
    found = {row[:3]: row[3] for row in duckdb.sql(counts).pl().iter_rows()}
    assert found["tss", "cifar10", "jacov"] == tables["scores"].filter(space="tss", dataset="cifar10")["jacov"].count()
    assert (found["sss", "cifar10", "cv_u"], found["sss", "cifar10", "te_nas_regions"]) == (1000, 0)
    assert len(found) == 6 * (len(tables["scores"].columns) - len(KEY))


def test_sums_of_ranks_have_networks_without_a_term(tables):
    scores = tables["scores"].filter(space="tss", dataset="cifar10")
    lacking = scores.filter(
        pl.any_horizontal(pl.col("az_expressivity", "az_progressivity", "az_trainability").is_null())
    )
    lacking = lacking.filter(pl.col("az_nas").is_not_null())
    assert lacking.height > 0 and scores["rank_sum"].null_count() == 0
    assert scores["naswot"].null_count() > 0
    assert scores["ninaswot"].is_null().equals((scores["naswot"] * scores["ni"]).is_null())


def test_the_page_correlates_and_replays(tables, shared_data, tmp_path, monkeypatch, capsys):
    """What docs/results.md has of NASWOT and of FreeREA on CIFAR-10, from the shipped scores."""
    page = (FOLDER / "README.md").read_text()
    accuracies = pl.read_csv(shared_data / "natsbench/tss_accuracies.csv")
    accuracies = accuracies.select("arch_index", accuracy_pct="cifar10_test_accuracy_200")
    imported = tmp_path / "results/accuracies/tables/accuracies.parquet"
    imported.parent.mkdir(parents=True)
    about = {"space": "tss", "dataset": "cifar10", "split": "test"}
    about = {name: pl.lit(value) for name, value in about.items()}
    both = [
        accuracies.with_columns(pl.col("accuracy_pct") - less, epochs=n, **about) for n, less in ((200, 0), (12, 9))
    ]
    pl.concat(both).write_parquet(imported)
    for name in ("resources", "workflow_scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    *_, correlate, copy = re.findall(r"```sql\n(.*?)```", page, flags=re.DOTALL)
    duckdb.sql(copy)
    spearman, n = duckdb.sql(correlate).fetchall()[0]
    assert (spearman, n) == (pytest.approx(0.808, abs=5e-4), 15_625)
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(code, {})
    kendall, mean_pct, within_pct = map(float, capsys.readouterr().out.split())
    assert kendall == pytest.approx(0.627, abs=5e-4)
    assert mean_pct == pytest.approx(94.363, abs=5e-3)
    small = tables["networks"].filter(pl.col("params_m") <= 0.5, space="tss", dataset="cifar10")
    best_pct = accuracies.join(small, on="arch_index", how="semi")["accuracy_pct"].max()
    assert best_pct - 2 < within_pct < best_pct < mean_pct
