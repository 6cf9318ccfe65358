"""Benchmark.

Needs: images. No other stage needs this one, and `all` leaves it out.
Makes: seconds per network of every pass and proxy, as a table and a figure; and total times and scores of the library
beside those of plain per-proxy code.
"""


rule speed_part:
    """One group of passes, timed on one core at every batch size."""
    input:
        images=ancient(images_of),
    output:
        seconds="results/{run}/benchmark/speed/{space}/{dataset}/{passes}.parquet",
    log:
        "results/{run}/logs/speed_part/{space}/{dataset}/{passes}.log",
    benchmark:
        "results/{run}/benchmarks/speed_part/{space}/{dataset}/{passes}.tsv"
    conda:
        "../envs/proxybank.yaml"
    threads: 1  # with one process on each core, as in a run
    resources:
        mem_mb=16000,
    params:
        images=how_to_read,
        files=lambda wildcards: digests(images_of(wildcards)),
        skeleton=lambda wildcards: config["spaces"][wildcards.space],
        settings=benchmark_settings("batch_sizes", "networks", "seconds"),
        seed=config["seeds"][0],
        initialisation=config["initialisation"],
        dead_edges=config["dead_edges"],
        versions=lambda wildcards: versions_of(
            proxies.in_group(proxies.REGISTRY, wildcards.passes)
        ),
        versions_of_networks=[versions.SPACES, versions.WEIGHTS, versions.IMAGES],
        version=versions.BENCHMARK,
    message:
        "Timing {wildcards.space} on {wildcards.dataset}: {wildcards.passes}"
    script:
        "../workflow_scripts/speed_part.py"


rule speed:
    """Seconds per network of every pass and proxy, with the machine and the versions."""
    input:
        parts=for_all_passes(
            "results/{run}/benchmark/speed/{space}/{dataset}/{passes}.parquet"
        ),
    output:
        table="results/{run}/benchmark/speed.parquet",
        csv="results/{run}/benchmark/speed.csv",
    log:
        "results/{run}/logs/speed.log",
    benchmark:
        "results/{run}/benchmarks/speed.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    message:
        "Writing the table of seconds"
    script:
        "../workflow_scripts/speed.py"


rule figure_speed:
    """Seconds per network of every proxy, by batch size."""
    input:
        speed="results/{run}/benchmark/speed.parquet",
    output:
        png="results/{run}/benchmark/speed_{dataset}.png",
        svg="results/{run}/benchmark/speed_{dataset}.svg",
    log:
        "results/{run}/logs/figure_speed/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/figure_speed/{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1500,
    params:
        version=versions.FIGURES,
    message:
        "Drawing seconds per network on {wildcards.dataset}"
    script:
        "../workflow_scripts/figure_speed.py"


rule compare_seconds:
    """The library and plain per-proxy code, timed in turns on all cores."""
    input:
        images=ancient(images_of),
    output:
        seconds="results/{run}/benchmark/{comparison}_{dataset}_seconds.parquet",
    log:
        "results/{run}/logs/compare_seconds/{comparison}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/compare_seconds/{comparison}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    threads: os.cpu_count()  # alone on the machine
    resources:
        mem_mb=6000,
    params:
        compared=compared,
        files=lambda wildcards: digests(images_of(wildcards)),
        settings=benchmark_settings("plain_networks", "rounds", "tasks", "run_length"),
        versions=lambda wildcards: versions_of(
            COMPARISONS[wildcards.comparison].proxies
        ),
        versions_of_networks=[versions.SPACES, versions.WEIGHTS, versions.IMAGES],
        version=versions.BENCHMARK,
    message:
        "Timing the library and plain code on {wildcards.dataset}: {wildcards.comparison}"
    script:
        "../workflow_scripts/compare_seconds.py"


rule compare_values:
    """Scores of the library and of plain per-proxy code on the same weights."""
    input:
        images=ancient(images_of),
    output:
        values="results/{run}/benchmark/{comparison}_{dataset}_values.parquet",
    log:
        "results/{run}/logs/compare_values/{comparison}_{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/compare_values/{comparison}_{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    threads: os.cpu_count()
    resources:
        mem_mb=6000,
    params:
        compared=compared,
        files=lambda wildcards: digests(images_of(wildcards)),
        settings=benchmark_settings("values"),
        versions=lambda wildcards: versions_of(
            COMPARISONS[wildcards.comparison].proxies
        ),
        versions_of_networks=[versions.SPACES, versions.WEIGHTS, versions.IMAGES],
        version=versions.BENCHMARK,
    message:
        "Scoring by the library and by plain code on {wildcards.dataset}: {wildcards.comparison}"
    script:
        "../workflow_scripts/compare_values.py"


rule performance:
    """How many times less time the library takes, and how far its values are from those of plain code."""
    input:
        seconds=for_comparisons(
            "results/{run}/benchmark/{comparison}_{dataset}_seconds.parquet"
        ),
        values=for_comparisons(
            "results/{run}/benchmark/{comparison}_{dataset}_values.parquet"
        ),
    output:
        ratios="results/{run}/benchmark/ratios.csv",
        differences="results/{run}/benchmark/differences.csv",
    log:
        "results/{run}/logs/performance.log",
    benchmark:
        "results/{run}/benchmarks/performance.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    params:
        comparisons=comparisons(),
        batch_size=config["batch_size"],
        dead_edges=config["dead_edges"],
        version=versions.COMPARISON,
    message:
        "Comparing total times and values with plain code"
    script:
        "../workflow_scripts/performance.py"


rule benchmark:
    """Everything of this file."""
    input:
        speed=f"results/{config['run']}/benchmark/speed.csv",
        figures=expand(
            "results/{run}/benchmark/speed_{dataset}.png",
            run=config["run"],
            dataset=config["datasets"],
        ),
        ratios=f"results/{config['run']}/benchmark/ratios.csv",
    localrule: True
