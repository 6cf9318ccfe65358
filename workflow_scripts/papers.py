"""Rule papers: figures in print and the tables of a run in; both side by side, and what must hold, out."""

from typing import TYPE_CHECKING

from proxybank import logs, papers, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake

TABLES = ("networks", "scores", "scores_by_seed", "accuracies", "correlations", "regrets", "search_runs")


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        figures, rules = papers.read_figures(job.input.figures), papers.read_rules(job.input.rules)
        files = dict(job.input.items())
        run = papers.Run(
            **{name: store.read_table(files[name]) for name in TABLES},
            not_sampled=papers.read_not_sampled(files["score_status"]),
            higher_is_better=job.params.higher_is_better,
            speed=store.read_parquet(files["speed"]) if "speed" in files else None,
        )
        compared, unanswered = papers.compare(figures, rules, run)
        store.write_parquet(compared, job.output.compared)
        store.write_parquet(unanswered, job.output.unanswered)
        store.write_parquet(papers.must_hold(compared, unanswered, rules), job.output.must_hold)


if __name__ == "__main__":
    main(snakemake)
