"""Bring figure and table of the README up to date with the default run: `make readme`, after `make run`."""

import re
import shutil
from pathlib import Path

import duckdb

ROOT = Path(__file__).parents[1]
RUN = ROOT / "results/digits"


def main() -> None:
    readme = ROOT / "README.md"
    text = readme.read_text()
    query = re.search(r"```sql\n(.*?)```", text, flags=re.DOTALL).group(1)
    with duckdb.connect(RUN / "scores.duckdb", read_only=True) as connection:
        rows = connection.sql(query).pl()
        facts = dict(connection.sql("select key, value from provenance").fetchall())
    lines = ["| " + " | ".join(rows.columns) + " |", "|" + "---|" * rows.width]
    lines += [
        "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |"
        for row in rows.rows()
    ]
    lines += ["", f"Batch 64, seeds 0 to 2; {facts['machine']}."]
    table = "\n".join(lines)
    text = re.sub(r"(<!-- table: correlations -->\n).*?(<!-- end -->)", rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
    readme.write_text(text)
    (ROOT / "docs/figures").mkdir(exist_ok=True)
    for name in ("scores_tss_digits.png", "regrets_tss_digits.png"):
        shutil.copy(RUN / "figures" / name, ROOT / "docs/figures" / name)


if __name__ == "__main__":
    main()
