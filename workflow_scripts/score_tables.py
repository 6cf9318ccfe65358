"""Rule score_tables: networks and score parts in; scores by seed, mean scores and status tables out."""

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from proxybank import analysis, logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    parts = {(space, dataset): defaultdict(list) for space, dataset in job.params.pairs}
    for path, (space, dataset, group, _) in zip(job.input.parts, job.params.parts, strict=True):
        parts[space, dataset][group].append(path)
    with (
        logs.to_file(job.log[0]),
        store.table_writer("scores_by_seed", job.output.by_seed) as write_by_seed,
        store.table_writer("scores", job.output.mean) as write_mean,
        store.table_writer("score_status", job.output.status) as write_status,
    ):
        for (space, dataset), groups in parts.items():
            networks = store.read_parquet(job.input.networks, space=space, dataset=dataset)
            samples = job.params.samples[space][dataset]
            by_seed = store.scores_by_seed(networks, groups, job.params.seeds, samples)
            by_seed = store.add_closed_forms(by_seed, networks, job.params.closed_forms)
            by_seed = analysis.add_aggregates(by_seed, networks, job.params.aggregates, samples)
            write_by_seed(by_seed)
            write_mean(store.mean_scores(by_seed, samples))
            terms: dict[str, pl.DataFrame] = {}
            for frame in chain(
                store.score_status(networks, groups, job.params.seeds, samples),
                store.closed_form_status(networks, job.params.closed_forms, job.params.seeds),
            ):
                write_status(frame)
                if any(frame["proxy"][0] in needed for needed in job.params.aggregates.values()):
                    terms[frame["proxy"][0]] = frame
            for name, needed in job.params.aggregates.items():
                statuses = [(group, terms[term]) for term, group in needed.items()]
                write_status(analysis.aggregate_status(networks, by_seed, name, statuses))


if __name__ == "__main__":
    main(snakemake)
