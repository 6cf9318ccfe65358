"""Analysis.

Needs: the tables of networks, scores, accuracies and search runs.
Makes: rank correlations with intervals, also given costs, and their ceilings; what each proxy chooses under constraints,
and regrets; and the record of how all of it came about.
"""


rule correlations:
    """Rank correlation of every proxy with the final test accuracy."""
    input:
        networks="results/{run}/tables/networks.parquet",
        scores="results/{run}/tables/scores.parquet",
        scores_by_seed="results/{run}/tables/scores_by_seed.parquet",
        accuracies="results/{run}/tables/accuracies.parquet",
    output:
        table="results/{run}/tables/correlations.parquet",
    log:
        "results/{run}/logs/correlations.log",
    benchmark:
        "results/{run}/benchmarks/correlations.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=2000,
    params:
        bootstrap=config["bootstrap"],
        higher_is_better=directions(),
        samples=samples(),
        version=versions.ANALYSIS,
    message:
        "Correlating scores with accuracies"
    script:
        "../workflow_scripts/correlations.py"


rule partial_correlations:
    """What of every rank correlation is left, given what the networks cost."""
    input:
        networks="results/{run}/tables/networks.parquet",
        scores="results/{run}/tables/scores.parquet",
        accuracies="results/{run}/tables/accuracies.parquet",
    output:
        table="results/{run}/tables/partial_correlations.parquet",
    log:
        "results/{run}/logs/partial_correlations.log",
    benchmark:
        "results/{run}/benchmarks/partial_correlations.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=2000,
    params:
        bootstrap=config["bootstrap"],
        higher_is_better=directions(),
        samples=samples(),
        version=versions.ANALYSIS,
    message:
        "Correlating scores with accuracies, given costs"
    script:
        "../workflow_scripts/partial_correlations.py"


rule ceilings:
    """How far the noise of training and of initialisation limits any rank correlation."""
    input:
        networks="results/{run}/tables/networks.parquet",
        scores_by_seed="results/{run}/tables/scores_by_seed.parquet",
        accuracies="results/{run}/tables/accuracies.parquet",
    output:
        table="results/{run}/tables/ceilings.parquet",
    log:
        "results/{run}/logs/ceilings.log",
    benchmark:
        "results/{run}/benchmarks/ceilings.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=2000,
    params:
        bootstrap=config["bootstrap"],
        higher_is_better=directions(),
        samples=samples(),
        version=versions.ANALYSIS,
    message:
        "Correlating accuracies and scores with themselves"
    script:
        "../workflow_scripts/ceilings.py"


rule choices:
    """What limits allow, and which networks each proxy would choose within them: known without any accuracy."""
    input:
        networks="results/{run}/tables/networks.parquet",
        scores="results/{run}/tables/scores.parquet",
    output:
        table="results/{run}/tables/choices.parquet",
        feasible="results/{run}/tables/feasible_networks.parquet",
    log:
        "results/{run}/logs/choices.log",
    benchmark:
        "results/{run}/benchmarks/choices.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=2000,
    params:
        constraints=config["constraints"],
        higher_is_better=directions(),
        version=versions.ANALYSIS,
    message:
        "Choosing networks by each proxy"
    script:
        "../workflow_scripts/choices.py"


rule chosen:
    """What each proxy would choose on one space and dataset, for the report."""
    input:
        choices="results/{run}/tables/choices.parquet",
    output:
        table=report(
            "results/{run}/figures/chosen_{space}_{dataset}.csv",
            caption="../captions/chosen.rst",
            category="Choices",
            labels={
                "figure": "chosen networks",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
    log:
        "results/{run}/logs/chosen/{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/chosen/{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    params:
        version=versions.FIGURES,
    message:
        "Listing chosen networks of {wildcards.space} on {wildcards.dataset}"
    script:
        "../workflow_scripts/chosen.py"


rule regrets:
    """Accuracy lost by trusting a proxy or a search, under every constraint."""
    input:
        networks="results/{run}/tables/networks.parquet",
        scores="results/{run}/tables/scores.parquet",
        accuracies="results/{run}/tables/accuracies.parquet",
        search_runs="results/{run}/tables/search_runs.parquet",
    output:
        table="results/{run}/tables/regrets.parquet",
    log:
        "results/{run}/logs/regrets.log",
    benchmark:
        "results/{run}/benchmarks/regrets.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=2000,
    params:
        constraints=config["constraints"],
        higher_is_better=directions(),
        samples=samples(),
        version=versions.ANALYSIS,
    message:
        "Computing regrets"
    script:
        "../workflow_scripts/regrets.py"


rule provenance:
    """The configuration, and on which machine, with which versions and images the run was made."""
    input:
        batches=expand(
            "results/{run}/batches/{dataset}.npz",
            dataset=config["datasets"],
            allow_missing=True,
        ),
        tables=truth_tables() + columns_tables(),
        precision="results/{run}/precision.json",
        scores="results/{run}/tables/scores.parquet",
        parts=score_part_files(),
    output:
        table="results/{run}/tables/provenance.parquet",
        proxies="results/{run}/tables/proxies.parquet",
        config="results/{run}/config.yaml",
    log:
        "results/{run}/logs/provenance.log",
    benchmark:
        "results/{run}/benchmarks/provenance.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    params:
        config=config,
        versions={
            "spaces": versions.SPACES,
            "weights": versions.WEIGHTS,
            "proxies": versions_of(config["proxies"]),
        },
        files=lambda wildcards: digests(truth_tables() + columns_tables()),
        proxies=[
            {"proxy": name}
            | {
                column.name: getattr(proxies.REGISTRY[name], column.name)
                for column in store.TABLES["proxies"].columns[1:]
            }
            for name in config["proxies"]
        ],
        code=provenance.versions_of_code(),
    message:
        "Recording provenance"
    script:
        "../workflow_scripts/provenance.py"
