"""proxybank: score every network of both spaces, replay searches on the scores, compare, draw."""

import os
import shlex
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")
sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

from proxybank.config import check, check_files, read
from proxybank.errors import ProxybankError

# Snakemake calls the interpreter from a shell, without quotes.
if shlex.quote(sys.executable) != sys.executable:
    sys.exit(
        f"{sys.executable}: found a space or a special character in this path. Expected none in the path of the project. "
        "Move it."
    )

if not workflow.configfiles:

    configfile: "config.yaml"


try:
    for path in workflow.configfiles:
        read(
            os.path.relpath(path)
        )  # Snakemake, which has read it, takes no offence at a key that is there twice
    config.update(
        check(config, where=" + ".join(map(os.path.relpath, workflow.configfiles)))
    )
    if workflow.is_main_process and not os.environ.get("PROXYBANK_CHECKED"):
        # Not again in each job of a cluster, nor where `make run` has done so: decoding many images takes minutes.
        check_files(config)
except ProxybankError as error:
    sys.exit(str(error))


report: "captions/workflow.rst"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/truth.smk"
include: "rules/scores.smk"
include: "rules/store.smk"
include: "rules/searches.smk"
include: "rules/analysis.smk"
include: "rules/figures.smk"
include: "rules/benchmark.smk"
include: "rules/papers.smk"


rule all:
    """The score database and every figure; `make run` adds the report."""
    default_target: True
    input:
        database=f"results/{config['run']}/scores.duckdb",
        figures=expand(figure_files(), run=config["run"]),
    localrule: True
