"""The store.

Needs: score parts of scores.smk, accuracies of truth.smk; for the database, every table of the later stages too.
Makes: the tables of scores and accuracies as Parquet, and one DuckDB file with every table; when asked, the scores as a
few small files in resources/.
"""


rule score_tables:
    """All score parts, as tables with one row per network: by seed, mean over seeds, and the status of every score."""
    input:
        networks="results/{run}/tables/networks.parquet",
        parts=score_part_files(),
    output:
        by_seed="results/{run}/tables/scores_by_seed.parquet",
        mean="results/{run}/tables/scores.parquet",
        status="results/{run}/tables/score_status.parquet",
    log:
        "results/{run}/logs/score_tables.log",
    benchmark:
        "results/{run}/benchmarks/score_tables.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=2000,
    params:
        pairs=pairs(),
        parts=score_parts(),
        closed_forms=closed_forms(),
        aggregates=aggregates(),
        versions=requested_versions(proxies.CLOSED_FORM)
        | requested_versions(proxies.AGGREGATE)
        | {"tables": versions.TABLES},
        seeds=config["seeds"],
        samples=samples(),
    message:
        "Writing the score tables"
    script:
        "../workflow_scripts/score_tables.py"


rule accuracies_table:
    """Accuracies of all spaces and datasets that have some, in one table."""
    input:
        accuracies=for_pairs(
            "results/{run}/truth/{space}/{dataset}.parquet", truth=True
        ),
    output:
        table="results/{run}/tables/accuracies.parquet",
    log:
        "results/{run}/logs/accuracies_table.log",
    benchmark:
        "results/{run}/benchmarks/accuracies_table.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=1000,
    params:
        version=versions.TABLES,
    message:
        "Writing the table of accuracies"
    script:
        "../workflow_scripts/accuracies_table.py"


rule database:
    """Every table of the run, with the views, in one portable DuckDB file."""
    input:
        **{name: f"results/{{run}}/tables/{name}.parquet" for name in store.TABLES},
    output:
        database="results/{run}/scores.duckdb",
    log:
        "results/{run}/logs/database.log",
    benchmark:
        "results/{run}/benchmarks/database.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=2000,
    params:
        views=store.database.views(),
        macros=store.database.macros(),
        comments=store.database.comments(),
        version=versions.TABLES,
    message:
        "Building the database"
    script:
        "../workflow_scripts/database.py"


rule pack:
    """Networks and scores as a few small files beside the code, from which they can be queried without a run.

    `all` leaves it out: `snakemake --configfile config/nats-bench.yaml --cores all pack` makes resources/nats-bench. Its
    output is a list of them: Snakemake would remove the files themselves, which are under version control, before the
    new ones are there. So it does not see that one is gone or another one; `--force pack` packs in any case.
    """
    input:
        **{
            name: f"results/{config['run']}/tables/{name}.parquet"
            for name in store.PACKED
        },
    output:
        sizes=f"results/{config['run']}/packed.txt",
    log:
        f"results/{config['run']}/logs/pack.log",
    benchmark:
        f"results/{config['run']}/benchmarks/pack.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=3000,
    params:
        files={
            name: f"resources/{config['run']}/{name}.parquet" for name in store.PACKED
        },
        computed=[
            name for group in proxies.GROUPS for name in requested_versions(group)
        ],
        version=versions.TABLES,
    message:
        "Packing the scores into resources/"
    script:
        "../workflow_scripts/pack.py"
