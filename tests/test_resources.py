"""The accuracies that come with the repository: complete, real, and in step with the single trainings."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from proxybank import config, spaces, store, truth

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "resources/digits"
SETTINGS = config.load(ROOT / "config/digits-truth.yaml")["datasets"]["digits"]


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_every_network_was_trained_with_every_seed(name):
    space, widths = spaces.get(name), SETTINGS["truth"][name].get("widths")
    classes = truth.classes_to_train(name, "drop", widths)
    by_seed = pl.read_parquet(FOLDER / f"{name}_by_seed.parquet")
    seeds = SETTINGS["training"]["seeds"][name]
    assert by_seed.height == len(classes) * len(seeds) * 2
    assert (by_seed["train_seconds"] > 0).all()
    for (split,), rows in by_seed.group_by("split"):
        assert split in ("test", "valid")
        assert sorted(rows["seed"].unique()) == seeds
        assert set(space.classes("drop")[rows["arch_index"].unique()]) == set(classes)


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_the_table_holds_the_means_of_the_trainings(name):
    space = spaces.get(name)
    table = pl.read_parquet(FOLDER / f"{name}.parquet")
    assert table["source"].unique().to_list() == ["trained here"]
    means = pl.read_parquet(FOLDER / f"{name}_by_seed.parquet").group_by("arch_index", "split")
    means = means.agg(pl.col("accuracy_pct").mean().alias("mean")).with_columns(
        pl.col("arch_index").map_elements(lambda k: int(space.classes("drop")[k]), pl.Int64).alias("class_index")
    )
    classes = pl.DataFrame({"arch_index": np.arange(space.size), "class_index": space.classes("drop")})
    both = table.join(classes, on="arch_index").join(means.drop("arch_index"), on=["class_index", "split"])
    assert both.height == table.height == 2 * classes["class_index"].is_in(means["class_index"].unique()).sum()
    np.testing.assert_allclose(both["accuracy_pct"], both["mean"], atol=1e-9)


@pytest.mark.parametrize("name", ["tss", "sss"])
def test_accuracies_are_shares_of_the_images_of_their_split(name):
    by_seed = pl.read_parquet(FOLDER / f"{name}_by_seed.parquet")
    for split, n_images in (("test", 1100), ("valid", 597)):
        hits = by_seed.filter(split=split)["accuracy_pct"].to_numpy() * n_images / 100
        np.testing.assert_allclose(hits, hits.round(), atol=1e-6)


def test_the_default_run_trains_as_the_table_was_trained():
    default = config.load(ROOT / "config.yaml")["datasets"]["digits"]
    assert default["training"] == SETTINGS["training"]
    assert default["truth"]["sss"]["widths"] == SETTINGS["truth"]["sss"]["widths"]


def test_the_store_reads_it():
    for name in ("tss", "sss"):
        read = store.read_accuracies(FOLDER / f"{name}.parquet", spaces.get(name), "digits")
        assert read["split"].unique().sort().to_list() == ["test", "valid"]
