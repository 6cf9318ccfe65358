"""Images and networks.

Needs: the images named in the configuration.
Makes: the batches that networks are scored on, one per dataset and seed; the table of all networks with their costs.
"""


rule batch:
    """One fixed batch of distinct training images per seed."""
    input:
        images=ancient(images_of),
    output:
        batches="results/{run}/batches/{dataset}.npz",
    log:
        "results/{run}/logs/batch/{dataset}.log",
    benchmark:
        "results/{run}/benchmarks/batch/{dataset}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    params:
        images=how_to_read,
        files=lambda wildcards: digests(images_of(wildcards)),
        training=held_back,
        batch_size=config["batch_size"],
        seeds=config["seeds"],
        version=versions.IMAGES,
    message:
        "Drawing batches of {wildcards.dataset}"
    script:
        "../workflow_scripts/batch.py"


rule networks_table:
    """Every network of every space: names, class, closed-form costs."""
    input:
        batches=expand(
            "results/{run}/batches/{dataset}.npz",
            dataset=config["datasets"],
            allow_missing=True,
        ),
        columns=columns_tables(),
    output:
        table="results/{run}/tables/networks.parquet",
    log:
        "results/{run}/logs/networks_table.log",
    benchmark:
        "results/{run}/benchmarks/networks_table.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    params:
        spaces=config["spaces"],
        datasets=list(config["datasets"]),
        dead_edges=config["dead_edges"],
        columns=config["columns"],
        files=lambda wildcards: digests(columns_tables()),
        versions=[versions.SPACES, versions.TABLES],
    message:
        "Listing networks and their costs"
    script:
        "../workflow_scripts/networks_table.py"
