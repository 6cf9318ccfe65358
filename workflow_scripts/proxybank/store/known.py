"""Scores that a packed run has: a run that would compute them again to the same values takes them from there."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from proxybank.errors import ConfigError
from proxybank.store.files import read_parquet
from proxybank.store.parts import KEY, NO_MAKER, NOTHING, Known, columns_of
from proxybank.store.tables import provenance_table

log = logging.getLogger("proxybank")


# What is read of a packed run.
_FILES = ("networks", "scores_by_seed", "score_status", "provenance")


def check_known(folder: str | Path) -> None:
    """Raise ConfigError unless a folder has the files of a packed run."""
    missing = [f"{name}.parquet" for name in _FILES if not os.path.isfile(Path(folder, f"{name}.parquet"))]
    if missing:
        raise ConfigError(
            f"known_scores: {folder} has no {', '.join(missing)}. Expected the folder of a packed run. Correct the "
            "path, or make it empty: then what the run has no scores of is computed."
        )


def known_scores(
    folder: str | Path,
    facts: Mapping[str, object],
    versions: Mapping[str, int],
    batches: Mapping[int, str],
    *,
    space: str,
    dataset: str,
    classes: Sequence[int],
) -> Known:
    """Rows of a score part that are in the files of `packed.pack`; scores have 7 digits, as those files do, seconds 3.

    Parameters
    ----------
    folder : path
        Where the files are.
    facts : mapping
        Nested facts that decide all scores, as `tables.provenance_table` takes them. The packed run must have the same;
        the log names those that differ, and then there are no rows.
    versions : mapping of str to int
        Version of each proxy wanted; one that was packed in another, or not at all, has no columns.
    batches : mapping of int to str
        Fingerprint of each wanted seed's batch; one that was packed with another batch, or not at all, has no rows.
    space, dataset : str
    classes : sequence of int
        What the part holds.

    Returns
    -------
    Known
        Rows are sorted by class and seed; what was not scored has no status. `made_by` is of all that was packed.

    Raises
    ------
    TableError
        If a file is missing or cannot be read.
    """
    folder = Path(folder)
    there = read_parquet(folder / "provenance.parquet")
    wanted = provenance_table(facts)
    different = wanted.join(there, on=["key", "value"], how="anti").join(there, on="key", how="left", suffix="_there")
    for key, value, value_there in different.iter_rows():
        log.info("Nothing is taken from %s: %s is %s there, and %s here", folder, key, value_there or "absent", value)
    same = provenance_table({"versions": {"proxies": versions}}).join(there, on=["key", "value"], how="semi")
    names = [name for name in versions if f"versions.proxies.{name}" in same["key"]]
    of_batches = f"sha256.batches.{dataset}"
    packed = dict(there.filter(pl.col("key").str.starts_with(of_batches)).rows())
    seeds = [seed for seed, batch in batches.items() if packed.get(f"{of_batches}.{seed}") == batch]
    if not different.height and len(seeds) < len(batches):
        others = ", ".join(str(seed) for seed in batches if seed not in seeds)
        log.info("Nothing of seed %s is taken from %s: it has no such batch of %s", others, folder, dataset)
    if different.height or not names or not seeds:
        return NOTHING
    networks = read_parquet(folder / "networks.parquet", space=space, dataset=dataset)
    # Of a class in a sample, the network drawn first has the scores.
    first = networks.sort("sample_place").unique("class_index", keep="first").select("arch_index", "class_index")
    rows = read_parquet(folder / "scores_by_seed.parquet", space=space, dataset=dataset)
    rows = rows.join(first, on="arch_index").cast({"class_index": pl.Int64, "seed": pl.Int64})
    rows = rows.filter(pl.col("class_index").is_in(list(classes)), pl.col("seed").is_in(seeds))
    status = read_parquet(folder / "score_status.parquet", space=space, dataset=dataset)
    status = status.cast({"class_index": pl.Int64, "seed": pl.Int64, "seconds": pl.Float64})
    for name in names:
        score = pl.lit(None, pl.Float64) if name not in rows.columns else pl.col(name).cast(pl.Float64)
        of_proxy = status.filter(proxy=name).select(
            *KEY, pl.col("status").alias(f"{name}__status"), pl.col("seconds").alias(f"{name}__seconds")
        )
        rows = rows.with_columns(score.alias(name)).join(of_proxy, on=KEY, how="left")
    makers = there.filter(pl.col("key").str.starts_with("scores.made_by."))["value"].to_list()
    return Known(rows.select(KEY + columns_of(names)).sort(KEY), makers or [NO_MAKER])
