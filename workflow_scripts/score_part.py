"""Rule score_part: batches in, scores of one part of a space by one group of passes out."""

from typing import TYPE_CHECKING

from proxybank import config, data, logs, store
from proxybank.proxies import scoring

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        config.check_device(job.params.device)
        batches = data.Batches.read(job.input.batches)
        rows = scoring.score_part(
            space=job.wildcards.space,
            group=job.wildcards.passes,
            names=list(job.params.versions),
            part=int(job.wildcards.part),
            networks_per_part=job.params.networks_per_part,
            dead_edges=job.params.dead_edges,
            skeleton=batches.skeleton(**job.params.skeleton),
            batches=batches,
            initialisation=job.params.initialisation,
            device=job.params.device,
        )
        store.write_part(rows, job.output.scores)


if __name__ == "__main__":
    main(snakemake)
