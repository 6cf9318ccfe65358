"""Rule papers: figures in print and the tables of a run in; both side by side, and what must hold, out."""

from typing import TYPE_CHECKING

from proxybank import logs, papers, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        figures, rules = papers.read_figures(job.input.figures), papers.read_rules(job.input.rules)
        speed, directions = dict(job.input.items()).get("speed"), job.params.higher_is_better
        run = papers.read_run(job.input.tables, directions, speed)
        further = {key: papers.read_run(files, directions) for key, files in job.params.further.items()}
        compared, unanswered = papers.compare(figures, rules, run, further)
        store.write_parquet(compared, job.output.compared)
        store.write_parquet(unanswered, job.output.unanswered)
        store.write_parquet(papers.must_hold(compared, unanswered, rules), job.output.must_hold)


if __name__ == "__main__":
    main(snakemake)
