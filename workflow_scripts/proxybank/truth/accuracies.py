"""From classes trained here to accuracies of networks, and back: a random sample trained again."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr

from proxybank.spaces import Space


def spread(trained: pl.DataFrame, space: Space, dead_edges: str, dataset: str) -> pl.DataFrame:
    """Give every network the accuracy of its class, the mean over the trained seeds.

    Parameters
    ----------
    trained : polars.DataFrame
        Rows of `train_classes`, of some or all classes.
    space : Space
    dead_edges : {"drop", "keep"}
        What makes a class; see `Space.classes`.
    dataset : str

    Returns
    -------
    polars.DataFrame
        Table ``accuracies`` of the space and dataset, `source` being ``trained here``; sorted by split, epochs,
        arch_index.
    """
    means = trained.group_by("class_index", "split", "epochs").agg(
        pl.col("accuracy_pct", "train_seconds").sort_by("seed").mean()
    )
    classes = pl.DataFrame({"arch_index": np.arange(space.size), "class_index": space.classes(dead_edges)})
    return (
        classes.join(means, on="class_index")
        .sort("split", "epochs", "arch_index")
        .select(
            pl.lit(space.name).alias("space"),
            pl.lit(dataset).alias("dataset"),
            "arch_index",
            "split",
            "epochs",
            "accuracy_pct",
            "train_seconds",
            pl.lit("trained here").alias("source"),
        )
    )


def draw_networks(known: pl.DataFrame, n: int, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw networks of different classes at random, always the same ones.

    Parameters
    ----------
    known : polars.DataFrame
        Rows of the table ``accuracies`` of one space and dataset; only networks in it are drawn.
    n : int
        How many; fewer if there are not so many classes.
    classes : int64, shape (space.size,)
        Class of every network; two of one class would be the same training twice.

    Returns
    -------
    int64, shape (n,)
        Official indexes, ascending.
    """
    order = np.random.default_rng(0).permutation(known["arch_index"].unique().sort().to_numpy())
    _, first = np.unique(classes[order], return_index=True)
    return np.sort(order[np.sort(first)[:n]])


def compare(trained: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Compare accuracies trained here with those of a table.

    Parameters
    ----------
    trained, known : polars.DataFrame
        Rows of the table ``accuracies`` of one space and dataset.

    Returns
    -------
    polars.DataFrame
        One row per split and epochs that both have: n networks, Spearman's rho between the two (null if either is
        constant), mean and standard deviation of trained - known and the largest difference, percentage points.
    """
    both = trained.join(known, on=["arch_index", "split", "epochs"], suffix="_known").sort("split", "epochs")
    rows = []
    for (split, epochs), networks in both.group_by("split", "epochs", maintain_order=True):
        ours, theirs = networks["accuracy_pct"].to_numpy(), networks["accuracy_pct_known"].to_numpy()
        varied = np.ptp(ours) > 0 and np.ptp(theirs) > 0
        rows.append(
            {
                "split": split,
                "epochs": epochs,
                "n": networks.height,
                "spearman": float(spearmanr(ours, theirs).statistic) if varied else None,
                "mean_difference_pct": float((ours - theirs).mean()),
                "std_difference_pct": float((ours - theirs).std()),
                "largest_difference_pct": float(np.abs(ours - theirs).max()),
            }
        )
    return pl.DataFrame(rows)
