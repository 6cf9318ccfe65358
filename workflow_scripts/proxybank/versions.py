"""Versions of stages whose results no registry of proxies or searches stands for.

Snakemake does not see the modules a script imports. These numbers are parameters of the rules: whoever changes what a
stage computes raises its number, and the next run computes it, and what depends on it, again.
"""

# Names, classes and costs of networks: `spaces`.
SPACES = 2
# Weights of untrained networks: `networks`. 2: on the size space, those of siblings are slices of the widest one's.
WEIGHTS = 2
# Splits of the images, and the batches drawn: `data`.
IMAGES = 2
# Training, and accuracies given to every network: `truth`.
TRUTH = 2
# Users' tables, archives, score tables, accuracies, the database: `store`.
TABLES = 1
# What searches share, such as random numbers, objectives and the clock; each also has a version of its own: `searches`.
SEARCHES = 3
# Correlations, regrets and the worth of what searches found: `analysis`.
ANALYSIS = 12
# Pictures: `figures`.
FIGURES = 8
# Figures in print beside ours: `papers`.
PAPERS = 9
# How it is measured whether a processor is fast in bfloat16: `passes.precision`.
PRECISION = 1
# Plain code, and how it and the library are timed: `benchmark`.
BENCHMARK = 2
# What is made of these times, which need not be measured again: `benchmark.summary`.
COMPARISON = 1
