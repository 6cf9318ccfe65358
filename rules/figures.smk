"""Figures.

Needs: the tables of all earlier stages.
Makes: every picture as PNG, which the report shows with its caption, and as SVG.
"""


rule figure_scores:
    """Score against accuracy, one panel per proxy."""
    input:
        scores="results/{run}/tables/scores.parquet",
        accuracies="results/{run}/tables/accuracies.parquet",
        correlations="results/{run}/tables/correlations.parquet",
        networks="results/{run}/tables/networks.parquet",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/scores_{space}_{dataset}.png",
            caption="../captions/figure_scores.rst",
            category="Proxies",
            labels={
                "figure": "score and accuracy",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
        svg="results/{run}/figures/scores_{space}_{dataset}.svg",
    log:
        "results/{run}/logs/figures/scores_{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figures/scores_{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        proxies=config["proxies"],
        samples=samples(),
        lower_is_better=lower_is_better(),
        version=versions.FIGURES,
    message:
        "Drawing scores of {wildcards.space} on {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_scores.py"


rule figure_correlations:
    """Rank correlation of every proxy with accuracy."""
    input:
        correlations="results/{run}/tables/correlations.parquet",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/correlations.png",
            caption="../captions/figure_correlations.rst",
            category="Proxies",
            labels={
                "figure": "rank correlation",
                "space": "all",
                "dataset": "all",
            },
        ),
        svg="results/{run}/figures/correlations.svg",
    log:
        "results/{run}/logs/figures/correlations.log",
    benchmark:
        "results/{run}/benchmarks/figures/correlations.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        lower_is_better=lower_is_better(),
        version=versions.FIGURES,
    message:
        "Drawing rank correlations"
    script:
        "../workflow_scripts/figure_correlations.py"


rule figure_best_networks:
    """Correlations among the best networks and given costs, beside what noise of training allows."""
    input:
        correlations="results/{run}/tables/correlations.parquet",
        partial="results/{run}/tables/partial_correlations.parquet",
        ceilings="results/{run}/tables/ceilings.parquet",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/best_networks_{space}_{dataset}.png",
            caption="../captions/figure_best_networks.rst",
            category="Proxies",
            labels={
                "figure": "best networks, equal cost",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
        svg="results/{run}/figures/best_networks_{space}_{dataset}.svg",
    log:
        "results/{run}/logs/figures/best_networks_{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figures/best_networks_{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        lower_is_better=lower_is_better(),
        version=versions.FIGURES,
    message:
        "Drawing correlations among the best on {wildcards.space}, {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_best_networks.py"


rule figure_search_time:
    """Accuracy found by each search against simulated search time."""
    input:
        search_runs="results/{run}/tables/search_runs.parquet",
        regrets="results/{run}/tables/regrets.parquet",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/search_time_{space}_{dataset}.png",
            caption="../captions/figure_search_time.rst",
            category="Searches",
            labels={
                "figure": "accuracy and search time",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
        svg="results/{run}/figures/search_time_{space}_{dataset}.svg",
    log:
        "results/{run}/logs/figures/search_time_{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figures/search_time_{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        version=versions.FIGURES,
    message:
        "Drawing searches on {wildcards.space}, {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_search_time.py"


rule figure_regrets:
    """Accuracy lost by each way to choose a network, under each constraint."""
    input:
        regrets="results/{run}/tables/regrets.parquet",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/regrets_{space}_{dataset}.png",
            caption="../captions/figure_regrets.rst",
            category="Searches",
            labels={
                "figure": "regret under constraints",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
        svg="results/{run}/figures/regrets_{space}_{dataset}.svg",
    log:
        "results/{run}/logs/figures/regrets_{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figures/regrets_{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        lower_is_better=lower_is_better(),
        version=versions.FIGURES,
    message:
        "Drawing regrets on {wildcards.space}, {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_regrets.py"


rule figure_trajectories:
    """The best network so far while searches run, against evaluations and against time."""
    input:
        database="results/{run}/scores.duckdb",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/trajectories_{space}_{dataset}.png",
            caption="../captions/figure_trajectories.rst",
            category="Searches",
            labels={
                "figure": "best so far",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
        svg="results/{run}/figures/trajectories_{space}_{dataset}.svg",
    log:
        "results/{run}/logs/figures/trajectories_{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figures/trajectories_{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=4000,
    params:
        version=versions.FIGURES,
    message:
        "Drawing the best so far on {wildcards.space}, {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_trajectories.py"


rule figure_relus:
    """Score against the number of ReLUs, one panel per proxy."""
    input:
        networks="results/{run}/tables/networks.parquet",
        scores="results/{run}/tables/scores.parquet",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/relus_{space}_{dataset}.png",
            caption="../captions/figure_relus.rst",
            category="Proxies",
            labels={
                "figure": "score and ReLUs",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
        svg="results/{run}/figures/relus_{space}_{dataset}.svg",
    log:
        "results/{run}/logs/figures/relus_{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figures/relus_{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        proxies=config["proxies"],
        samples=samples(),
        version=versions.FIGURES,
    message:
        "Drawing scores by ReLUs on {wildcards.space}, {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_relus.py"


rule figure_sampling:
    """Accuracy of the best-scored of random networks, by their number and that of initialisations."""
    input:
        by_seed="results/{run}/tables/scores_by_seed.parquet",
        accuracies="results/{run}/tables/accuracies.parquet",
        networks="results/{run}/tables/networks.parquet",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/sampling_{space}_{dataset}.png",
            caption="../captions/figure_sampling.rst",
            category="Proxies",
            labels={
                "figure": "random networks",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
        svg="results/{run}/figures/sampling_{space}_{dataset}.svg",
    log:
        "results/{run}/logs/figures/sampling_{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figures/sampling_{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        higher_is_better=directions(),
        samples=samples(),
        versions=[versions.ANALYSIS, versions.FIGURES],
    message:
        "Drawing the best of random networks on {wildcards.space}, {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_sampling.py"


rule figure_children:
    """Score by the way children are made: evolution's last networks."""
    input:
        histories="results/{run}/searches/{space}/{dataset}_histories.parquet",
        provenance=ancient("results/{run}/tables/provenance.parquet"),
    output:
        png=report(
            "results/{run}/figures/children_{space}_{dataset}.png",
            caption="../captions/figure_children.rst",
            category="Searches",
            labels={
                "figure": "score by child",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
        svg="results/{run}/figures/children_{space}_{dataset}.svg",
    log:
        "results/{run}/logs/figures/children_{space}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figures/children_{space}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        labels=lambda wildcards: child_labels(wildcards.space, wildcards.dataset),
        version=versions.FIGURES,
    message:
        "Drawing scores by kind of child on {wildcards.space}, {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_children.py"
