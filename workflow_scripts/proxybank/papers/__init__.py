"""Figures of papers' tables beside those of a run: what answers each, how far apart the two are, and why."""

from proxybank.papers.answers import Run, read_not_sampled, read_run
from proxybank.papers.comparison import compare, must_hold
from proxybank.papers.figures import read_figures
from proxybank.papers.rules import read_rules

__all__ = ["Run", "compare", "must_hold", "read_figures", "read_not_sampled", "read_rules", "read_run"]
