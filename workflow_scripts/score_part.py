"""Rule score_part: batches in, scores of one part of a space by one group of passes out."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from proxybank import config, data, logs, provenance, store
from proxybank.proxies import LOW_PRECISION

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        config.check_device(job.params.device)
        batches = data.Batches.read(job.input.batches).of(job.params.seeds)
        lowered = job.wildcards.passes in LOW_PRECISION
        classes = store.classes_of_part(
            job.wildcards.space,
            int(job.wildcards.part.removeprefix("sample-")),
            job.params.networks_per_part,
            job.params.dead_edges,
            job.params.sample,
        )
        settings = {
            "space": job.wildcards.space,
            "group": job.wildcards.passes,
            "dead_edges": job.params.dead_edges,
            "skeleton": batches.skeleton(**job.params.skeleton),
            "initialisation": job.params.initialisation,
            "device": job.params.device,
            "precision": json.loads(Path(job.input.precision).read_text())["precision"] if lowered else "float32",
        }
        made_with = settings | {
            "classes": [job.wildcards.part, job.params.networks_per_part, job.params.sample],
            "batches": batches.fingerprint(),
            "versions": job.params.versions_of_networks,
        }
        computed = store.update_part(
            job.output.scores,
            store.MadeWith(json.dumps(made_with, default=repr), job.params.versions),
            partial(score, batches=batches, hamming=job.params.hamming, **settings),
            classes,
            known_scores(job, classes, settings["precision"]),
        )
        logs.log.info("Computed: %s", ", ".join(computed) or "nothing, all was there")


def score(names: list[str], classes: list[int], **settings: Any) -> pl.DataFrame:
    """Run `scoring.score_part`."""
    from proxybank.proxies import scoring  # not above: torch takes seconds to import, and often all scores are there

    return scoring.score_part(names, classes, **settings)


def known_scores(job: "Snakemake", classes: list[int], precision: str) -> pl.DataFrame:
    """Scores of these classes in the configuration's folder of known ones."""
    if not job.params.known_scores:
        return pl.DataFrame()
    dataset, (spaces, weights) = job.wildcards.dataset, job.params.versions_of_networks
    facts = {
        "config": {
            "device": job.params.device,
            "dead_edges": job.params.dead_edges,
            "initialisation": job.params.initialisation,
            "spaces": {job.wildcards.space: job.params.skeleton},
        },
        "sha256": {"batches": {dataset: provenance.array_hashes(job.input.batches)}},
        "versions": {"spaces": spaces, "weights": weights},
    }
    if job.wildcards.passes in LOW_PRECISION:
        facts["precision"] = {"precision": precision}
    return store.known_scores(
        job.params.known_scores,
        facts,
        job.params.versions,
        space=job.wildcards.space,
        dataset=dataset,
        classes=classes,
        seeds=job.params.seeds,
    )


if __name__ == "__main__":
    main(snakemake)
