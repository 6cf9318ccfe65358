"""What README and docs promise: their queries run, and their commands, files and links exist."""

import re
import runpy
from pathlib import Path

import duckdb
import pytest

from proxybank import config, store
from proxybank.proxies import REGISTRY
from proxybank.searches import ALGORITHMS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", README, flags=re.DOTALL)


SHIPPED = [query for query in QUERIES if "resources/nats-bench" in query]


def test_there_are_three_queries_of_a_run_and_one_of_the_scores_that_come_with_the_repository():
    assert (len(QUERIES), len(SHIPPED)) == (4, 1)


@pytest.mark.parametrize("query", [query for query in QUERIES if query not in SHIPPED])
def test_queries_run_and_find_something(query, tiny_run):
    with duckdb.connect(tiny_run.results / "scores.duckdb", read_only=True) as connection:
        rows = connection.sql(query).pl()
    assert rows.height > 0
    # The run has a single seed.
    assert not any(column.null_count() == rows.height for column in rows.drop("seeds_std", strict=False))


@pytest.mark.parametrize("query", SHIPPED)
def test_the_query_of_packed_scores_runs(query, tiny_run, tmp_path):
    # On the packed tables of the small run, which is on digits.
    packed = {name: tmp_path / f"{name}.parquet" for name in store.PACKED}
    store.pack({name: tiny_run.results / f"tables/{name}.parquet" for name in packed}, packed, ["naswot"])
    check_shipped(query.replace("resources/nats-bench", str(tmp_path)).replace("cifar10", "digits"))


@pytest.mark.parametrize("query", SHIPPED)
def test_the_query_of_the_scores_that_come_with_the_repository_runs(query, monkeypatch):
    monkeypatch.chdir(ROOT)
    check_shipped(query)


def check_shipped(query: str) -> None:
    """Fail unless a query finds five networks, best first, and values in every column."""
    rows = duckdb.sql(query).pl()
    assert rows.height == 5 and not rows.null_count().sum_horizontal().item()
    assert rows["naswot"].is_sorted(descending=True)


def test_table_and_figure_come_from_a_run(tiny_run, tmp_path):
    (tmp_path / "results").symlink_to(tiny_run.folder / "results")
    (tmp_path / "README.md").write_text(README)
    update = runpy.run_path(str(ROOT / "docs/update_readme.py"))["main"]
    update(tmp_path, tiny_run.results.name)
    text = (tmp_path / "README.md").read_text()
    table = text.partition("<!-- table: correlations -->\n")[2].partition("<!-- end -->")[0]
    with duckdb.connect(tiny_run.results / "scores.duckdb", read_only=True) as connection:
        first = connection.execute(QUERIES[0]).fetchone()
    cells = ["-" if value is None else str(value) for value in first[:-1]]
    assert table.splitlines()[2] == f"| {' | '.join(cells)} | {first[-1]:,} |"
    assert "torch" in table and (tmp_path / "docs/figures/scores_tss_digits.png").exists()
    # Nothing else of the page has changed.
    assert text.partition("<!-- table")[0] == README.partition("<!-- table")[0]
    assert text.partition("<!-- end -->")[2] == README.partition("<!-- end -->")[2]


def test_the_table_of_nats_bench_is_that_of_the_results_page():
    """Correlations are the same, with signs turned where lower is better; see `test_papers`."""
    page = (ROOT / "docs/results.md").read_text()
    row = r"^\| (\w+) \| (\S+) \| (\w+)(?: \W)? \| (-?\d\.\d\d) \[[^|]* \| ([\d.]+|-) \| .* \| ([\d,]+), .*\|$"
    shown = {found[:3]: found[3:] for found in re.findall(row, page, re.MULTILINE)}
    table = README.partition("<!-- table: nats-bench -->\n")[2].partition("<!-- end -->")[0]
    head, _, *rows, networks = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"
    ]
    assert len(head) == 7 and len(rows) >= 10
    for name, *values in rows:
        for place, value, n in zip(head[1:], values, networks[1:], strict=True):
            kendall, over_seeds, of = shown[(*place.split(", "), name.strip("`"))]
            value, _, spread = value.partition(" ± ")
            assert (float(value), n) == (float(kendall), of), (name, place)
            # Two digits of what has three there, if they are any.
            assert bool(spread) == (over_seeds != "-" and float(over_seeds) >= 0.005) or over_seeds == "0.005"
            assert not spread or float(spread) == pytest.approx(float(over_seeds), abs=0.0056), (name, place)


def test_the_gain_of_the_objective_is_that_of_its_page():
    page = (ROOT / "docs/objective.md").read_text()
    text = " ".join(README.split())
    said = re.search(
        r"accurate by ([\d.]+ ± [\d.]+) percentage[^.]* on CIFAR-100,[^.]* and by ([\d.]+ ± [\d.]+) on Ima.* by those "
        r"of single seeds they are ([\d.]+ ± [\d.]+) and ([\d.]+ ± [\d.]+),",
        text,
    )
    for dataset, gain, by_seed in zip(
        ("cifar100", "imagenet16-120"), said.groups()[:2], said.groups()[2:], strict=True
    ):
        assert f"| {dataset} | mean |  |  |  | +{gain} |" in page
        assert re.search(rf"^\| {dataset} \|(?: [+-][\d.]+ \|){{3}} \+{by_seed} \|$", page, re.MULTILINE)


def test_commands_are_targets_of_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    commands = set(re.findall(r"\bmake ([a-z]+)\b", README))
    assert {"run", "test"} <= commands <= targets


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        *(str(p.relative_to(ROOT)) for folder in ("docs", "resources/*") for p in ROOT.glob(f"{folder}/*.md")),
    ],
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text()):
        if not target.startswith("https://"):
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


def test_tables_named_exist(tiny_run):
    named = set(re.findall(r"^\| (`[^|]*) \|", README.partition("| table |")[2].partition("\n\n")[0], re.MULTILINE))
    tables = {name for cell in named for name in re.findall(r"`(\w+)`", cell)}
    assert tables == {path.stem for path in (tiny_run.results / "tables").glob("*.parquet")}


def test_the_query_of_meanings_shows_columns_of_all_tables_and_nothing_else(tiny_run):
    query = re.search(r"`(select table_name[^`]*)`", README)[1]
    with duckdb.connect(tiny_run.results / "scores.duckdb", read_only=True) as connection:
        rows = connection.sql(query).fetchall()
    assert {table for table, _, _ in rows} == store.TABLES.keys() and ("scores", "arch_index") in {r[:2] for r in rows}


def test_proxies_and_searches_named_are_all_there():
    rows = {cells[1].strip(): line for line in README.splitlines() if len(cells := line.split("|")) > 2}
    assert {name for name in re.findall(r"`(\w+)`", rows["proxies"])} <= set(REGISTRY)
    default = config.schema()["properties"]["proxies"]["default"]
    assert f"{len(REGISTRY) - len(default)} more, such as" in rows["proxies"]
    assert f"REA, FreeREA and {len(ALGORITHMS) - 3} more" in rows["searches"]  # the first is NASWOT search
