"""Truth.

Needs: tables of accuracies, an official archive of NATS-Bench, or images to train networks on.
Makes: accuracies of the networks of one space and dataset in the form of the store; where asked for, accuracies of some
networks trained here beside those of the table.
"""


rule train_part:
    """Train every network of one part of a space."""
    input:
        images=ancient(images_of),
    output:
        accuracies="results/{run}/truth/{space}/{dataset}/{part}.parquet",
    log:
        "results/{run}/logs/train_part/{space}/{dataset}/{part}.log",
    benchmark:
        "results/{run}/benchmarks/train_part/{space}/{dataset}/{part}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=memory_of_training,
        runtime=240,
    params:
        images=how_to_read,
        files=lambda wildcards: digests(images_of(wildcards)),
        skeleton=lambda wildcards: config["spaces"][wildcards.space],
        dead_edges=config["dead_edges"],
        widths=lambda wildcards: truth_of(wildcards).get("widths"),
        networks_per_part=lambda wildcards: training_of(wildcards)["networks_per_part"],
        training=schedule_of,
        versions=[
            versions.SPACES,
            versions.WEIGHTS,
            versions.IMAGES,
            versions.TRUTH,
        ],
    message:
        "Training {wildcards.space} on {wildcards.dataset}: part {wildcards.part}"
    script:
        "../workflow_scripts/train_part.py"


rule archive:
    """Every training in the official archive of one space, one row per seed."""
    input:
        folder=ancient(archive_of),
    output:
        trainings="results/{run}/archives/{space}.parquet",
    log:
        "results/{run}/logs/archive/{space}.log",
    benchmark:
        "results/{run}/benchmarks/archive/{space}.tsv"
    conda:
        "../envs/proxybank.yaml"
    threads: 2
    resources:
        mem_mb=1500,
    params:
        files=lambda wildcards: digests([archive_of(wildcards)]),
        versions=[versions.SPACES, versions.TRUTH, versions.TABLES],
    message:
        "Importing the archive of {wildcards.space}"
    script:
        "../workflow_scripts/archive.py"


rule truth:
    """Accuracies of one space and dataset, from tables, an archive, or the parts trained here."""
    input:
        accuracies=truth_files,
    output:
        table="results/{run}/truth/{space}/{dataset}.parquet",
    log:
        "results/{run}/logs/truth/{space}/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/truth/{space}/{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    params:
        # How many networks are trained again beside them decides nothing here.
        truth=lambda wildcards: {
            key: value
            for key, value in truth_of(wildcards).items()
            if key != "retrain"
        },
        files=lambda wildcards: (
            digests(truth_files(wildcards))
            if truth_of(wildcards)["source"] == "table"
            else []
        ),
        dead_edges=config["dead_edges"],
        versions=[versions.SPACES, versions.TRUTH, versions.TABLES],
    message:
        "Reading accuracies of {wildcards.space} on {wildcards.dataset}"
    script:
        "../workflow_scripts/truth.py"


rule retrain:
    """Some networks, drawn at random and trained here, beside their accuracies in the table."""
    input:
        images=ancient(images_of),
        accuracies="results/{run}/truth/{space}/{dataset}.parquet",
    output:
        accuracies="results/{run}/truth/{space}/{dataset}_retrained.parquet",
        comparison=report(
            "results/{run}/figures/retrained_{space}_{dataset}.csv",
            caption="../captions/retrain.rst",
            category="Truth",
            labels={
                "figure": "retrained networks",
                "space": "{space}",
                "dataset": "{dataset}",
            },
        ),
    log:
        "results/{run}/logs/retrain/{space}/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/retrain/{space}/{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=memory_of_training,
        runtime=240,
    params:
        images=how_to_read,
        files=lambda wildcards: digests(images_of(wildcards)),
        skeleton=lambda wildcards: config["spaces"][wildcards.space],
        dead_edges=config["dead_edges"],
        n_networks=lambda wildcards: truth_of(wildcards)["retrain"],
        training=schedule_of,
        versions=[
            versions.SPACES,
            versions.WEIGHTS,
            versions.IMAGES,
            versions.TRUTH,
        ],
    message:
        "Training {params.n_networks} random networks of {wildcards.space} on {wildcards.dataset}"
    script:
        "../workflow_scripts/retrain.py"
