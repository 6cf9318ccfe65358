"""Outcomes of a search as tables, a row for each run, change of the best, or evaluation."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from proxybank.searches.replays import Outcomes


def runs_table(runs: Sequence[int], found: Outcomes) -> pl.DataFrame:
    """One row per run; see table ``search_runs``."""
    return pl.DataFrame(
        {
            "run": runs,
            "best_arch_index": pl.Series(found.best).replace(-1, None),
            "n_evaluated": found.n_evaluated,
            "simulated_seconds": pl.Series(found.simulated_seconds).fill_nan(None),
            "own_seconds": found.own_seconds,
        }
    )


def trajectories_table(runs: Sequence[int], found: Outcomes) -> pl.DataFrame:
    """One row per change of the best so far; see table ``search_trajectories``."""
    paths = found.trajectories
    return pl.DataFrame(
        {
            "run": np.repeat(np.array(runs), [path.n_evaluated.size for path in paths]),
            "n_evaluated": np.concatenate([path.n_evaluated for path in paths]),
            "simulated_seconds": np.concatenate([path.simulated_seconds for path in paths]),
            "best_arch_index": np.concatenate([path.arch_index for path in paths]),
        }
    ).with_columns(pl.col("simulated_seconds").fill_nan(None))


def histories_table(runs: Sequence[int], found: Outcomes) -> pl.DataFrame:
    """One row per evaluation: its number from 1, network, stage, clock, and value of the objective at the end."""
    sizes = found.n_evaluated
    return pl.DataFrame(
        {
            "run": np.repeat(np.array(runs), sizes),
            "n_evaluated": np.concatenate([np.arange(1, size + 1) for size in sizes]),
            "arch_index": np.concatenate(found.histories),
            "stage": np.concatenate(found.stages),
            "simulated_seconds": np.concatenate(found.times),
            "value": np.concatenate(found.values),
        }
    ).with_columns(
        pl.col("simulated_seconds").fill_nan(None),
        pl.when(pl.col("value").is_finite()).then("value").alias("value"),
    )
