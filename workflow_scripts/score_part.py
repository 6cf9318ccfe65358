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
        config.check_device(job.params.device, job.params.hamming)
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
        made_with = store.MadeWith(
            json.dumps(settings | {"versions": job.params.versions_of_networks}, default=repr),
            job.params.versions,
            batches.fingerprints(),
        )
        computed = store.update_part(
            job.output.scores,
            made_with,
            partial(score, batches=batches, hamming=job.params.hamming, **settings),
            classes,
            provenance.made_by(job.params.device),
            known_scores(job, made_with.batches, classes, settings["precision"]),
        )
        logs.log.info("Computed: %s", ", ".join(computed) or "nothing, all was there")


def score(names: list[str], classes: list[int], seed: int, *, batches: data.Batches, **settings: Any) -> pl.DataFrame:
    """Run `scoring.score_part` for one seed."""
    from proxybank.proxies import scoring  # not above: torch takes seconds to import, and often all scores are there

    return scoring.score_part(names, classes, batches=batches.of([seed]), **settings)


def known_scores(job: "Snakemake", batches: dict[int, str], classes: list[int], precision: str) -> store.Known:
    """Scores of these classes in the configuration's folder of known ones."""
    if not job.params.known_scores:
        return store.NOTHING
    spaces, weights = job.params.versions_of_networks
    facts = {
        "config": {
            "device": job.params.device,
            "dead_edges": job.params.dead_edges,
            "initialisation": job.params.initialisation,
            "spaces": {job.wildcards.space: job.params.skeleton},
        },
        "versions": {"spaces": spaces, "weights": weights},
    }
    if job.wildcards.passes in LOW_PRECISION:
        facts["precision"] = {"precision": precision}
    return store.known_scores(
        job.params.known_scores,
        facts,
        job.params.versions,
        batches,
        space=job.wildcards.space,
        dataset=job.wildcards.dataset,
        classes=classes,
    )


if __name__ == "__main__":
    main(snakemake)
