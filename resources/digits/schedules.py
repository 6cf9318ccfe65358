"""Compare training schedules on a few topologies: how far accuracies spread, and how well two seeds agree.

The schedule of config/digits-truth.yaml was chosen from this table. No score is read.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow_scripts"))

from proxybank import data, spaces, truth  # noqa: E402

# training images, epochs, batch size, learning rate
SCHEDULES = ((100, 16, 50, 0.03), (100, 16, 50, 0.1), (100, 16, 50, 0.3), (100, 30, 50, 0.1), (100, 16, 25, 0.1))
SCHEDULES += ((200, 12, 50, 0.1),)
N_NETWORKS = 128


def main() -> None:
    """Train with each schedule and print a line of the table."""
    digits = data.load("digits")
    genes = spaces.get("tss").class_genes("drop")
    chosen = np.sort(np.random.default_rng(1).choice(len(genes), N_NETWORKS, replace=False))
    print("| training images | epochs | batch | learning rate | Spearman of two seeds | 5th, 50th, 95th percentile |")
    print("|---|---|---|---|---|---|")
    for train_images, epochs, batch_size, learning_rate in SCHEDULES:
        training = {
            "train_images": train_images,
            "valid_images": 597,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "momentum": 0.9,
            "weight_decay": 0.0005,
            "seeds": [0, 1],
        }
        skeleton = digits.skeleton(stem_width=8, cells_per_stage=1)
        rows = pl.concat(truth.train_classes(chosen, genes[chosen], "tss", digits, skeleton, training))
        first, second = rows.filter(split="test").sort("seed", "class_index")["accuracy_pct"].to_numpy().reshape(2, -1)
        low, middle, high = np.percentile(first, [5, 50, 95])
        agreement = spearmanr(first, second).statistic
        print(f"| {train_images} | {epochs} | {batch_size} | {learning_rate} ", end="")
        print(f"| {agreement:.2f} | {low:.1f}, {middle:.1f}, {high:.1f} |", flush=True)


if __name__ == "__main__":
    main()
