"""Rule ceilings: classes, scores by seed and accuracies of networks in, how well each agrees with itself out."""

from typing import TYPE_CHECKING

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        table = analysis.ceilings_table(
            store.by_function(store.read_parquet(job.input.networks)),
            store.read_parquet(job.input.scores_by_seed),
            store.read_parquet(job.input.accuracies),
            job.params.higher_is_better,
            **job.params.bootstrap,
            scored_on=job.params.samples,
        )
        store.write_table("ceilings", table, job.output.table)


if __name__ == "__main__":
    main(snakemake)
