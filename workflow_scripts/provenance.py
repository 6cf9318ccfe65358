"""Rule provenance: the configuration and the inputs of a run in, the record of how it came about out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import yaml

from proxybank import logs, provenance, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        facts = {
            "config": job.params.config,
            "versions": job.params.versions,
            **provenance.facts(job.input.batches, job.input.tables),
        }
        facts |= {"precision": json.loads(Path(job.input.precision).read_text())}
        # Not always this machine and code: parts may be from an earlier run, and known scores from a packed one.
        facts |= {"scores": {"made_by": dict(enumerate(store.makers_of(job.input.parts)))}}
        store.write_table("provenance", store.provenance_table(facts), job.output.table)
        store.write_table("proxies", pl.DataFrame(job.params.proxies), job.output.proxies)
        with store.atomic(job.output.config) as path:
            path.write_text(yaml.safe_dump(job.params.config, sort_keys=False))


if __name__ == "__main__":
    main(snakemake)
