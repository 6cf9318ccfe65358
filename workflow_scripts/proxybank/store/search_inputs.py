"""What a search sees of the tables: columns of numbers and their seconds, in the order of the networks."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.float64]]


def column_in_order(networks: pl.DataFrame, table: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """Column of another table, which has each network once or not at all; NaN where it has none.

    Parameters
    ----------
    networks, table : polars.DataFrame
        Both with the column `arch_index`.
    name : str
        Column of `table`.

    Returns
    -------
    float64, shape (networks.height,)
    """
    found = networks.select("arch_index").join(
        table.select("arch_index", pl.col(name).cast(pl.Float64).alias("value")),
        on="arch_index",
        how="left",
        maintain_order="left",
    )
    return found["value"].to_numpy()


def validation_columns(networks: pl.DataFrame, accuracies: pl.DataFrame) -> tuple[Columns, Columns]:
    """Validation accuracy after each number of epochs that is stored, and the seconds of that training.

    Parameters
    ----------
    networks, accuracies : polars.DataFrame
        Rows of the tables of these names, of one space and dataset.

    Returns
    -------
    accuracy_pct, train_seconds : dict of str to float64, shape (networks.height,)
        By the name of a column, ``valid_<epochs>``; NaN where a network has none.
    """
    accuracy_pct, train_seconds = {}, {}
    for (epochs,), rows in accuracies.filter(split="valid").group_by("epochs", maintain_order=True):
        accuracy_pct[f"valid_{epochs}"] = column_in_order(networks, rows, "accuracy_pct")
        train_seconds[f"valid_{epochs}"] = column_in_order(networks, rows, "train_seconds")
    return accuracy_pct, train_seconds


def scoring_seconds(networks: pl.DataFrame, status: pl.DataFrame) -> Columns:
    """Seconds it took to score each network by each proxy, all seeds together.

    Parameters
    ----------
    networks, status : polars.DataFrame
        Rows of the tables ``networks`` and ``score_status``, of one space and dataset; the latter has every class.

    Returns
    -------
    dict of str to float64, shape (networks.height,)
    """
    of_class = status.group_by("class_index", "proxy").agg(pl.col("seconds").sum())
    return {
        proxy: networks.select("class_index")
        .join(of_class.filter(proxy=proxy), on="class_index", how="left", maintain_order="left")["seconds"]
        .to_numpy()
        for proxy in status["proxy"].unique(maintain_order=True)
    }


def clock_seconds(networks: pl.DataFrame, clock: Mapping[str, float | str]) -> Columns:
    """Seconds by a user's clock.

    Parameters
    ----------
    networks : polars.DataFrame
        Rows of the table ``networks``, with the user's columns.
    clock : mapping of str to float or str
        Column of scores -> its seconds, the same for every network, or the column of `networks` that has them.

    Returns
    -------
    dict of str to float64, shape (networks.height,)
        NaN where they are not known.
    """
    unknown = np.full(networks.height, np.nan)
    return {
        column: (networks[seconds].to_numpy() if seconds in networks.columns else unknown)
        if isinstance(seconds, str)
        else np.full(networks.height, float(seconds))
        for column, seconds in clock.items()
    }
