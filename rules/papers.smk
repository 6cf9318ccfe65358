"""Papers.

Needs: the tables of the run, and of further ones that are there, and figures in print. No other stage needs this one,
and `all` leaves it out.
Makes: every figure in print beside ours, and what must hold; `docs/update_results.py` shows them.
"""


rule papers:
    """Figures of the papers' tables beside those of this run."""
    input:
        **timed_passes(),
        figures="resources/papers/published.csv",
        rules="resources/papers/rules.yaml",
        tables=expand(
            "results/{run}/tables/{table}.parquet", table=ANSWERING, allow_missing=True
        ),
        further=lambda wildcards: sum(further_runs(wildcards.run).values(), []),
    output:
        compared="results/{run}/papers/compared.parquet",
        unanswered="results/{run}/papers/unanswered.parquet",
        must_hold="results/{run}/papers/must_hold.parquet",
    log:
        "results/{run}/logs/papers.log",
    benchmark:
        "results/{run}/benchmarks/papers.tsv"
    conda:
        "../envs/proxybank.yaml"
    resources:
        mem_mb=3000,
    params:
        higher_is_better=directions(),
        further=lambda wildcards: further_runs(wildcards.run),
        version=versions.PAPERS,
    message:
        "Comparing with figures in print"
    script:
        "../workflow_scripts/papers.py"


rule results:
    """All that docs/results.md shows."""
    input:
        database=f"results/{config['run']}/scores.duckdb",
        compared=f"results/{config['run']}/papers/compared.parquet",
        figure=f"results/{config['run']}/figures/correlations.png",
    localrule: True
