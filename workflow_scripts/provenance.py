"""Rule provenance: the configuration and the inputs of a run in, the record of how it came about out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import yaml

from proxybank import logs, provenance, store
from proxybank.proxies import REGISTRY

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake

# What is told of the packed run that scores may be taken from.
OF_KNOWN_SCORES = ("proxybank.version", "proxybank.commit", "libraries.torch", "machine.processor")


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        facts = {
            "config": job.params.config,
            "versions": job.params.versions,
            **provenance.facts(job.input.batches, job.input.tables),
        }
        facts |= {"precision": json.loads(Path(job.input.precision).read_text())}
        if known := job.params.config.get("known_scores"):
            # Scores may be from there, and their seconds another machine's.
            there = dict(store.read_table(Path(known) / "provenance.parquet").rows())
            facts |= {"known_scores": {key: there.get(key) for key in OF_KNOWN_SCORES}}
        store.write_table("provenance", store.provenance_table(facts), job.output.table)
        columns = [column.name for column in store.TABLES["proxies"].columns[1:]]
        rows = [
            {"proxy": name} | {column: getattr(REGISTRY[name], column) for column in columns}
            for name in job.params.versions["proxies"]
        ]
        store.write_table("proxies", pl.DataFrame(rows), job.output.proxies)
        with store.atomic(job.output.config) as path:
            path.write_text(yaml.safe_dump(job.params.config, sort_keys=False))


if __name__ == "__main__":
    main(snakemake)
