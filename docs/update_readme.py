"""Bring table and figure of the README up to date, after a run: `make readme`."""

import json
import re
import shutil
from pathlib import Path

import duckdb

ROOT = Path(__file__).parents[1]
FIGURE = "scores_tss_digits.png"


def main(root: Path = ROOT, run: str = "digits") -> None:
    """Rewrite `README.md` in the folder `root` from ``results/<run>/``."""
    results, readme = root / "results" / run, root / "README.md"
    text = readme.read_text()
    query = re.search(r"```sql\n(.*?)```", text, flags=re.DOTALL).group(1)  # the first one makes the table
    with duckdb.connect(results / "scores.duckdb", read_only=True) as connection:
        rows = connection.sql(query)
        table = [f"| {' | '.join(rows.columns)} |", "|" + "---|" * len(rows.columns)]
        table += [f"| {' | '.join(map(_cell, row))} |" for row in rows.fetchall()]
        facts = dict(connection.sql("select key, value from provenance").fetchall())
    seeds = ", ".join(map(str, json.loads(facts["config.seeds"])))
    table += ["", f"Batch of {facts['config.batch_size']} images; scores are means over seeds {seeds}; proxybank "]
    table[-1] += f"{facts['proxybank.version']}, torch {facts['libraries.torch']}, {facts['machine.processor']}."
    marked = r"(<!-- table: correlations -->\n).*?(<!-- end -->)"
    text, n_tables = re.subn(marked, lambda m: m[1] + "\n".join(table) + "\n" + m[2], text, flags=re.DOTALL)
    if n_tables != 1:
        raise SystemExit(f"{readme}: found {n_tables} places for the table. Expected one between {marked!r}.")
    readme.write_text(text)
    (root / "docs/figures").mkdir(parents=True, exist_ok=True)
    shutil.copy(results / "figures" / FIGURE, root / "docs/figures" / FIGURE)


def _cell(value: object) -> str:
    if value is None:  # a proxy that is equal for all networks ranks none of them
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
