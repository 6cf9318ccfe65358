"""How certain the mean over the runs of a search is."""

import polars as pl
from scipy import stats

# Half a 95% interval of a mean over very many, in standard errors.
HALF_INTERVAL = 1.96


def half_interval(runs: pl.DataFrame, column: str = "accuracy_pct") -> float | None:
    """Half the 95% interval of a mean over runs, as view ``leaderboard`` has it.

    Parameters
    ----------
    runs : polars.DataFrame
        Runs of one search: the column, and `seed` as in table ``search_runs``. Where it is not null, runs of a seed
        share the noise of its scores, and the means of the seeds are what counts.
    column : str
        What is averaged; runs without a value are left out.

    Returns
    -------
    half : float or None
        By Student's t; None for a single run or seed.
    """
    found = runs.drop_nulls(column)
    seeded = found.drop_nulls("seed")
    values = found[column]
    if not seeded.is_empty():
        values = seeded.group_by("seed", maintain_order=True).agg(pl.col(column).mean())[column]
    if values.len() < 2:
        return None
    return float(stats.t.ppf(0.975, values.len() - 1)) * values.std() / values.len() ** 0.5
