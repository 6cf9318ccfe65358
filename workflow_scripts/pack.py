"""Rule pack: tables of networks, scores and provenance in, the same as a few small files, and their sizes, out."""

from pathlib import Path
from typing import TYPE_CHECKING

from proxybank import logs, store

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]):
        files = job.params.files
        store.pack(dict(job.input.items()), files, job.params.computed)
        with store.atomic(job.output.sizes) as path:
            path.write_text("".join(f"{file}: {Path(file).stat().st_size:,} bytes\n" for file in files.values()))


if __name__ == "__main__":
    main(snakemake)
