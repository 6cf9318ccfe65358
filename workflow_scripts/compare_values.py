"""Rule compare_values: images in, scores by both sides out."""

from typing import TYPE_CHECKING

from proxybank import logs, store
from proxybank.benchmark import comparison

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        setting = comparison.Setting.of(job.wildcards.comparison, **job.params.compared)
        rows = comparison.compare_values(setting, networks=job.params.settings["values"], cores=job.threads)
        store.write_parquet(rows, job.output.values)


if __name__ == "__main__":
    main(snakemake)
