"""Rule score_part: batches in, scores of one part of a space by one group of passes out."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from proxybank import config, data, logs, store
from proxybank.proxies import LOW_PRECISION, scoring

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        config.check_device(job.params.device)
        batches = data.Batches.read(job.input.batches).of(job.params.seeds)
        lowered = job.wildcards.passes in LOW_PRECISION
        settings = {
            "space": job.wildcards.space,
            "group": job.wildcards.passes,
            "part": int(job.wildcards.part.removeprefix("sample-")),
            "networks_per_part": job.params.networks_per_part,
            "dead_edges": job.params.dead_edges,
            "skeleton": batches.skeleton(**job.params.skeleton),
            "initialisation": job.params.initialisation,
            "device": job.params.device,
            "precision": json.loads(Path(job.input.precision).read_text())["precision"] if lowered else "float32",
        }
        if job.params.sample is not None:
            settings["sample"] = job.params.sample
        made_with = settings | {"batches": batches.fingerprint(), "versions": job.params.versions_of_networks}
        computed = store.update_part(
            job.output.scores,
            store.MadeWith(json.dumps(made_with, default=repr), job.params.versions),
            partial(scoring.score_part, batches=batches, hamming=job.params.hamming, **settings),
        )
        logs.log.info("Computed: %s", ", ".join(computed) or "nothing, all was there")


if __name__ == "__main__":
    main(snakemake)
