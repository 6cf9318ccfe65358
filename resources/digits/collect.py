"""Collect the accuracies that config/digits-truth.yaml has trained into this folder, and print how they are spread."""

import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from proxybank import spaces, store  # noqa: E402


def main() -> None:
    """Read the parts, write the tables, print the summary."""
    for name in ("tss", "sss"):
        results = ROOT / "results/digits-truth/truth" / name
        shutil.copy(results / "digits.parquet", HERE / f"{name}.parquet")
        rows = pl.concat([store.read_parquet(path) for path in sorted((results / "digits").glob("*.parquet"))])
        classes, first = np.unique(spaces.get(name).classes("drop"), return_index=True)
        members = pl.DataFrame({"class_index": classes, "arch_index": first})
        by_seed = rows.join(members, on="class_index").sort("arch_index", "seed", "split")
        by_seed = by_seed.select("arch_index", "seed", "split", "epochs", "accuracy_pct", "train_seconds")
        store.write_parquet(by_seed, HERE / f"{name}_by_seed.parquet")
        describe(name, by_seed.filter(split="test"))


def describe(name: str, test: pl.DataFrame) -> None:
    """Print spread and agreement of test accuracies, percent."""
    wide = test.pivot("seed", index="arch_index", values="accuracy_pct").drop("arch_index").to_numpy()
    low, middle, high = np.percentile(wide.mean(axis=1), [5, 50, 95])
    print(f"{name}: {len(wide):,} networks, {wide.shape[1]} seeds, {test['train_seconds'].mean():.2f} s a training")
    print(f"  test accuracy, mean over seeds: 5th percentile {low:.1f}, median {middle:.1f}, 95th {high:.1f}")
    pairs = [(a, b) for b in range(wide.shape[1]) for a in range(b)]
    for a, b in pairs:
        print(f"  Spearman of seeds {a} and {b}: {spearmanr(wide[:, a], wide[:, b]).statistic:.3f}")


if __name__ == "__main__":
    main()
