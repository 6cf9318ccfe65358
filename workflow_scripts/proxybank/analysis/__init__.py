"""Rank correlation, regret, and how certain both are."""

from proxybank.analysis.aggregates import add_aggregates, aggregate_status
from proxybank.analysis.correlations import correlations_table
from proxybank.analysis.ranks import Correlation, correlate, worst_if_missing
from proxybank.analysis.regrets import (
    ARGMAX,
    ORACLE,
    RANDOM,
    best_scored,
    feasible,
    feasible_networks,
    judge,
    regrets_table,
)
from proxybank.analysis.sampling import best_of_random, sampling_table

__all__ = [
    "ARGMAX",
    "ORACLE",
    "RANDOM",
    "Correlation",
    "add_aggregates",
    "aggregate_status",
    "best_of_random",
    "best_scored",
    "correlate",
    "correlations_table",
    "feasible",
    "feasible_networks",
    "judge",
    "regrets_table",
    "sampling_table",
    "worst_if_missing",
]
