"""Searches.

Needs: the tables of networks, scores (means and by seed), statuses and accuracies.
Makes: the outcome of every replayed run of every search, under every constraint, and how it got there.
"""


rule search:
    """All searches on one space and dataset."""
    input:
        networks="results/{run}/tables/networks.parquet",
        scores="results/{run}/tables/scores.parquet",
        by_seed="results/{run}/tables/scores_by_seed.parquet",
        status="results/{run}/tables/score_status.parquet",
        accuracies="results/{run}/tables/accuracies.parquet",
    output:
        **histories_file(),
        runs="results/{run}/searches/{space}/{dataset}.parquet",
        trajectories="results/{run}/searches/{space}/{dataset}_trajectories.parquet",
    log:
        "results/{run}/logs/search/{space}/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/search/{space}/{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    threads: 2  # runs side by side
    resources:
        mem_mb=4000,
    params:
        runs=config["searches"]["runs"],
        seed=config["searches"]["seed"],
        clocks=config["searches"]["clocks"],
        entries=lambda wildcards: entries_of(wildcards.space, wildcards.dataset),
        columns=lambda wildcards: users_columns(wildcards.space, wildcards.dataset),
        proxies=config["proxies"],
        samples=samples(),
        versions={name: search.version for name, search in searches.ALGORITHMS.items()}
        | {"all": versions.SEARCHES},
        constraints=lambda wildcards: config["constraints"][wildcards.space],
    message:
        "Replaying searches on {wildcards.space}, {wildcards.dataset}"
    script:
        "../workflow_scripts/search.py"


rule search_runs:
    """What the networks found are worth: the only place where searches meet test accuracy."""
    input:
        runs=for_pairs("results/{run}/searches/{space}/{dataset}.parquet", truth=True),
        trajectories=for_pairs(
            "results/{run}/searches/{space}/{dataset}_trajectories.parquet", truth=True
        ),
        networks="results/{run}/tables/networks.parquet",
        accuracies="results/{run}/tables/accuracies.parquet",
    output:
        table="results/{run}/tables/search_runs.parquet",
        trajectories="results/{run}/tables/search_trajectories.parquet",
    log:
        "results/{run}/logs/search_runs.log",
    benchmark:
        "results/{run}/benchmarks/search_runs.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=3000,
    params:
        constraints=config["constraints"],
        version=versions.ANALYSIS,
    message:
        "Judging the networks that searches found"
    script:
        "../workflow_scripts/search_runs.py"
