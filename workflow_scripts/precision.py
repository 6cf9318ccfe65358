"""Rule precision: the precision asked for in, the one that this run computes in out."""

import json
from typing import TYPE_CHECKING

from proxybank import logs, store
from proxybank.passes import precision

if TYPE_CHECKING:
    from snakemake.iocontainers import Snakemake, snakemake


def main(job: "Snakemake") -> None:
    with logs.to_file(job.log[0]), store.atomic(job.output.precision) as path:
        path.write_text(json.dumps(precision.choose(job.params.precision, job.params.device)))


if __name__ == "__main__":
    main(snakemake)
