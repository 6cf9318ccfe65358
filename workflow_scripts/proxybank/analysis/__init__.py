"""Rank correlation, regret, and how certain both are."""

from proxybank.analysis.aggregates import add_aggregates, aggregate_status
from proxybank.analysis.ceilings import ACCURACY, NOISE_ADDED, ceilings_table, spearman_brown
from proxybank.analysis.choices import choices_table, feasible_networks
from proxybank.analysis.comparison import compare_scores
from proxybank.analysis.correlations import COSTS, best_percent, correlations_table, partial_correlations_table
from proxybank.analysis.intervals import HALF_INTERVAL, half_interval
from proxybank.analysis.ranks import Correlation, Resampled, correlate, partial, resample, worst_if_missing
from proxybank.analysis.regrets import ARGMAX, ORACLE, RANDOM, best_scored, feasible, judge, regrets_table
from proxybank.analysis.sampling import best_of_random, sampling_table

__all__ = [
    "ACCURACY",
    "ARGMAX",
    "COSTS",
    "HALF_INTERVAL",
    "NOISE_ADDED",
    "ORACLE",
    "RANDOM",
    "Correlation",
    "Resampled",
    "add_aggregates",
    "aggregate_status",
    "best_of_random",
    "best_percent",
    "best_scored",
    "ceilings_table",
    "choices_table",
    "compare_scores",
    "correlate",
    "correlations_table",
    "feasible",
    "feasible_networks",
    "half_interval",
    "judge",
    "partial",
    "partial_correlations_table",
    "regrets_table",
    "resample",
    "sampling_table",
    "spearman_brown",
    "worst_if_missing",
]
