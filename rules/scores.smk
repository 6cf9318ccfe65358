"""Scores.

Needs: the batches of data.smk.
Makes: scores of every class of networks, or of a sample, in parts; one file per part and group of passes. A further proxy
or seed computes only itself: the rest of its group's files is taken from what lies beside them (.kept), and what a
packed run has, from there.
"""


rule precision:
    """In which precision forward passes run: measured once, so that all parts of a run agree."""
    output:
        precision="results/{run}/precision.json",
    log:
        "results/{run}/logs/precision.log",
    benchmark:
        "results/{run}/benchmarks/precision.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    params:
        precision=config["precision"],
        device=config["device"],
        version=versions.PRECISION,
    message:
        "Measuring whether this processor is fast in bfloat16"
    script:
        "../workflow_scripts/precision.py"


rule score_part:
    """One group of passes over one part of a space: one row per class and seed."""
    input:
        batches="results/{run}/batches/{dataset}.npz",
        precision=precision_file,
    output:
        scores="results/{run}/scores/{space}/{dataset}/{passes}/{part}.parquet",
    log:
        "results/{run}/logs/score_part/{space}/{dataset}/{passes}/{part}.log",
    benchmark:
        "results/{run}/benchmarks/score_part/{space}/{dataset}/{passes}/{part}.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        # sample_gradient, gradient_sign and tangent_kernel hold the gradients of each image.
        mem_mb=500 + 35 * max(64, config["batch_size"]),
        # Minutes, for a cluster. tangent_kernel on CIFAR, the dearest, takes an hour or more for a part of a sample with
        # the papers' batches of 64, on one core (AMD EPYC); what is stopped at the limit goes on where it was.
        runtime=240,
    params:
        skeleton=lambda wildcards: config["spaces"][wildcards.space],
        versions=lambda wildcards: requested_versions(wildcards.passes),
        seeds=seeds_of,
        device=config["device"],
        hamming=config["hamming"],
        initialisation=config["initialisation"],
        dead_edges=config["dead_edges"],
        networks_per_part=size_of_part,
        sample=sample_of_part,
        versions_of_networks=[versions.SPACES, versions.WEIGHTS],
        # No input: the rule pack may make these files of what this rule makes.
        known_scores=config["known_scores"],
    message:
        "Scoring {wildcards.space} on {wildcards.dataset}: {wildcards.passes}, part {wildcards.part}"
    script:
        "../workflow_scripts/score_part.py"
