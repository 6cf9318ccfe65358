"""Rule compare_seconds: images in, seconds of both sides out."""

from typing import TYPE_CHECKING

from proxybank import logs, provenance, store
from proxybank.benchmark import comparison

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        setting = comparison.Setting.of(job.wildcards.comparison, **job.params.compared)
        rows = comparison.compare_seconds(
            setting,
            networks=job.params.settings["plain_networks"],
            rounds=job.params.settings["rounds"],
            tasks=job.params.settings["tasks"],
            run_length=job.params.settings["run_length"][setting.comparison.space],
            cores=job.threads,
        )
        store.write_parquet(provenance.with_machine(rows), job.output.seconds)


if __name__ == "__main__":
    main(snakemake)
