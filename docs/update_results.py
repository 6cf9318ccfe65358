"""Write what docs/ and README say of NATS-Bench after a run of config/nats-bench.yaml: `make results`.

That is docs/results.md, README's table, and the answers below the queries of docs/own-images.md.
"""

import itertools
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl

ROOT = Path(__file__).parents[1]
FIGURE = "correlations_nats-bench.png"
BEST, LATENCY = "Among the best, at equal cost, and what noise allows", "Within limits of latency"  # titles
SEARCHES = ("freerea N=290", "freerea- N=290", "freerea chosen N=290", "ga_rk", "sa_rk")  # that limits are shown of
RELUS = "n_relu"  # what partial correlations are given
SLIP = "misprint"  # what notes of figures that print has wrong start with
WITHIN = "The difference is within what is uncertain of it."
KEY = ["space", "dataset", "arch_index"]
PUBLISHED = "published_"  # names of users' columns that hold others' scores start with this
REASONS = ("because", "supposed", "unexplained")  # of a difference, by how sure
LETTERS = "abcdefghijklmnopqrstuvwxyz"
QUANTITIES = {
    "kendall": "τ",
    "spearman": "ρ",
    "test_accuracy_pct": "test, %",
    "test_accuracy_12_pct": "test after 12 epochs, %",
    "valid_accuracy_pct": "valid, %",
    "optimum_pct": "optimum, %",
    "regret_pct": "regret",
    "seconds_per_network": "seconds per network",
    "score": "score",
}


@dataclass(frozen=True)
class Results:
    """Folder of a run, and what the rule `papers` made of it."""

    folder: Path

    @cached_property
    def compared(self) -> pl.DataFrame:
        """Figures with answers."""
        return pl.read_parquet(self.folder / "papers/compared.parquet")

    @cached_property
    def unanswered(self) -> pl.DataFrame:
        """Figures without."""
        return pl.read_parquet(self.folder / "papers/unanswered.parquet")

    @cached_property
    def must_hold(self) -> pl.DataFrame:
        """What must hold, and whether it does."""
        return pl.read_parquet(self.folder / "papers/must_hold.parquet")

    def table(self, name: str) -> pl.DataFrame:
        """Table of the run."""
        return pl.read_parquet(self.folder / f"tables/{name}.parquet")

    @cached_property
    def facts(self) -> dict[str, str]:
        """How the run came about."""
        return dict(pl.read_parquet(self.folder / "tables/provenance.parquet").iter_rows())


def opening(results: Results) -> str:
    """What the page is, and how its scores were made."""
    facts, by_seed = results.facts, results.table("scores_by_seed")
    seeds = ", ".join(map(str, json.loads(facts["config.seeds"])))
    fewer = _with_fewer_seeds(by_seed, by_seed.columns[by_seed.columns.index("seed") + 1 :])
    names = [f"`nats-bench-{run}`" for run in results.compared["run"].drop_nulls().unique(maintain_order=True)]
    further = f" Answers by {', '.join(names)} have the number of their seeds in their lines." if names else ""
    return f"""# Results beside the papers'

Made by `make results` from the run of `config/nats-bench.yaml`: figures of the papers' tables
(`resources/papers/published.csv`) beside ours.

@contents

Scores: seeds {seeds}, batches of {facts["config.batch_size"]} images,
means over the seeds.{fewer}{further} proxybank {facts["proxybank.version"]} ({facts["proxybank.commit"]}), torch
{facts["libraries.torch"]}, {facts["machine.processor"]}, {facts["machine.cores"]} cores; {_processors(facts)}."""


def in_brief(results: Results) -> str:
    """Which proxies rank best, and how much of the papers' tables is met."""
    found = _turned(results, "correlations").with_columns(of_all=_of_all_networks("subset"))
    given = _turned(results, "partial_correlations").filter(pl.col("given").str.contains(","))
    kinds = {
        "all networks": found.filter("of_all", subset="all"),
        "all, scored on a sample": found.filter(~pl.col("of_all"), subset="all"),
        "best 10%": found.filter("of_all", subset="best_10_pct"),
        "given costs": given.filter(_of_all_networks("given")),
    }
    ceilings = results.table("ceilings").filter(estimate="noise_added", subset="all")
    places = found.select("space", "dataset").unique().sort(pl.col("space") != "tss", "dataset")
    rows = []
    for space, dataset in places.iter_rows():
        here = {"space": space, "dataset": dataset}
        ceiling = ceilings.filter(**here)["kendall"].to_list()
        rows.append([space, dataset, _number(ceiling[0] if ceiling else None, 2)])
        for table in kinds.values():
            best = table.filter(**here).top_k(1, by="kendall").to_dicts()
            rows[-1].append(f"`{best[0]['proxy']}` {_with_interval(best[0])}" if best else "-")
    answers = results.compared
    met = answers.group_by("figure").agg((~pl.col("beyond")).any())["beyond"]
    counts = {kind: answers.filter(reason=kind).height for kind in REASONS}
    slips = answers.filter(pl.col("note").str.starts_with(SLIP)).unique("figure", maintain_order=True)
    slips = [
        f"{row['paper']}, table {row['table']}, {row['dataset']}, {row['method']}, {QUANTITIES[row['quantity']]}"
        f" {row['printed']}{row['note'].removeprefix(SLIP)}"
        for row in slips.iter_rows(named=True)
    ]
    return f"""## In brief

The first of all proxies on each dataset, by Kendall's τ-b with final test accuracy, with 95% intervals; signs are
turned where lower is better. Of so many proxies the first is partly so by chance. *Given costs*: partial τ given
parameters, multiply-adds and ReLUs; *best 10%*: the networks of highest accuracy. [All of them](#{_anchor(BEST)}),
the ceiling too.

{_table(["space", "dataset", "ceiling", *kinds], rows)}

Of the {len(met):,} figures in print that have an answer here, {int(met.sum()):,} have one within what is uncertain of
both. Of the {answers.height:,} answers, {int(answers["beyond"].sum()):,} are beyond it: of {
        counts["because"]:,} figures
here or in print show why, for {counts["supposed"]:,} a reason is supposed, and {counts["unexplained"]:,} are
unexplained; a letter behind each difference leads to the reason below its table.{
        f" Slips in print: {'; '.join(slips)}." if slips else ""
    }"""


def _turned(results: Results, name: str) -> pl.DataFrame:
    """A table of correlations, without those that are none, their signs turned where lower is better; and the sign."""
    signs = results.table("proxies").select("proxy", sign=pl.when("higher_is_better").then(1).otherwise(-1))
    table = results.table(name).filter(pl.col("kendall").is_not_null())
    table = table.join(signs, on="proxy", how="left", maintain_order="left").with_columns(pl.col("sign").fill_null(1))
    ends = [pl.col(end) * pl.col("sign") for end in ("low", "high")]
    return table.with_columns(
        pl.col("kendall") * pl.col("sign"), low=pl.min_horizontal(ends), high=pl.max_horizontal(ends)
    )


def _of_all_networks(kind: str) -> pl.Expr:
    """Whether a correlation is of as many networks as any of its kind, so that its proxy was not scored on a sample."""
    return pl.col("n") == pl.col("n").max().over("space", "dataset", kind)


def promises(results: Results) -> str:
    """The figures that must hold."""
    held = results.must_hold
    n_held, n_open = int(held["holds"].sum()), held["holds"].null_count()
    figures = held.group_by("space", "dataset", "method", "quantity").agg(
        every=pl.col("holds").all(ignore_nulls=False), some=pl.col("holds").any()
    )
    n_every, n_some = (int(figures[name].sum()) for name in ("every", "some"))
    reasons = _Notes(LETTERS)
    rows = [
        [
            row["what"],
            row["space"],
            row["dataset"],
            row["method"],
            QUANTITIES[row["quantity"]],
            row["target"],
            _number(row["ours"], _shown_places(row["printed"]) + 1),
            row["of"] or "-",
            {True: "yes", False: "**no**", None: "no answer"}[row["holds"]]
            + (f" {reasons.mark(_reason(row) if row['reason'] else WITHIN)}" if row["holds"] is False else ""),
        ]
        for row in held.iter_rows(named=True)
    ]
    head = ["what must hold", "space", "dataset", "method in print", "figure", "target", "ours", "by", "holds"]
    return f"""## What must hold

*Print* is what the papers have. Of {figures.height} figures we ask that ours reach print's, or come within a tolerance
(`must_hold` in `resources/papers/rules.yaml`): {n_every} hold by every answer of ours, {n_some - n_every} by some, and
{figures.height - n_some} by none. Of the {held.height} answers, {n_held} hold, {held.height - n_held - n_open} do not,
and {n_open} are missing in this run. What must reach a figure in print is compared in as many digits as that has, a
number of our own and a distance in all. Searches by others' scores, and runs behind this one, are not asked.

{_table(head, rows)}{reasons}"""


def overview(results: Results) -> str:
    """How to read the tables, and how much of each is answered."""
    rows, total = [], [0] * 7
    for paper, table in _tables(results):
        compared = results.compared.filter(paper=paper, table=table)
        unanswered = results.unanswered.filter(paper=paper, table=table).height
        answered = compared.select("space", "dataset", "method", "quantity").unique().height
        reasons = [compared.filter(reason=kind).height for kind in REASONS]
        counts = [unanswered, answered, compared.height, int(compared["beyond"].sum()), *reasons]
        total = [a + b for a, b in zip(total, counts, strict=True)]
        rows.append([paper, table, *(f"{count:,}" for count in counts)])
    rows.append(["**all**", "", *(f"**{count:,}**" for count in total)])
    head = [
        "paper",
        "table",
        "figures without answer",
        "with one",
        "answers",
        "beyond",
        "shown why",
        "supposed",
        "unexplained",
    ]
    return f"""## How to read the tables

- `tss` and `sss` are NATS-Bench's 15,625 topologies and 32,768 sizes. Topologies that compute the same function share
  one score; in *networks as written* (run `nats-bench-literal`) each has its own.
- *Turin* is a report on NASWOT and Synflow by Melchionna, Revel Garrone and Suriano, *hybrid GA* a manuscript on GA-rk
  and SA-rk by the authors of OEmiliatanO/Rank-Based-NAS; we know of no public address of either.
- *By* says what of ours stands beside a figure: a proxy, or a search and its budget; a dataset at its end is the one
  that it is of, where that is not the figure's. Behind seconds stand the networks that a search saw in them, in the
  mean over its runs. `freerea` has 45 seconds by our scoring times, `freerea rtx3080` by those that its authors
  measured on CIFAR-10, and `freerea published` its authors' scores.
- *Ours* is the mean, ± the standard deviation over runs (n - 1), or over draws where it is exact; *n* is what it is
  over; *seeds* is the number of weight initialisations that scores are means over, of the proxy with the fewest; none
  where no seed changes anything. All runs of a search share these scores; runs of one *by seed* see the scores of one
  seed each, in turn.
- A **difference** in bold is beyond what is uncertain: more than two standard errors of both sides together, and half a
  unit of the last printed digit. Of runs *by seed* one in twenty would be by chance, if scores in print are as
  uncertain as those of one seed here. Of others more, we do not know how many: other weights are not in the error of
  other searches, nor in that of correlations by a single seed, and the deviation of three seeds is uncertain itself. A
  letter says why: what figures here or in print show; what is *supposed*, since the settings differ so, but was not
  measured; or that it is *unexplained*.
- Standard errors. Correlations over all networks: the standard deviation over single seeds, for either side, since both
  rank the same networks. Over a sample of them: the sampling error on top, ours by the bootstrap over networks, print's
  by Bonett and Wright's formulas. Most proxies of a sample have a single seed (column *seeds*), whose noise is not
  known and not in it. Of a single seed over all networks, as those as written have, the bootstrap stands in for it.
  Searches: standard deviation by the square root of the number of runs, which is the chance of the search alone, on
  the scores that it saw; *by seed* that of the means of seeds by the square root of theirs, widened by Student's t for
  so few, and for print, which saw scores of its own, the deviation of a single seed, as much wider; where print does
  not say how many runs there were, the whole standard deviation. The best of some networks: the standard deviation over
  single seeds, where there are several, and of a sample the bootstrap over networks on top. What is exact has none.
- The sign of a correlation is the proxy's own, if its line does not say that it is turned. Networks without a score
  rank last, all tied; a proxy that was scored on a sample alone has a smaller n.

{_table(head, rows)}"""


def papers(results: Results) -> str:
    """One table for each table in print."""
    return "\n\n".join(
        _paper(paper, table, results.compared.filter(paper=paper, table=table))
        for paper, table in _tables(results)
        if results.compared.filter(paper=paper, table=table).height
    )


def among_the_best(results: Results) -> str:
    """Correlations that no paper shows: among the best, at equal cost, and what noise lets any score reach."""
    key = ["space", "dataset", "proxy"]
    shown = ["all", "best_10_pct", "best_1_pct"]
    shared = [*key, "subset", "kendall", "low", "high", "n"]
    subsets = _turned(results, "correlations").filter(pl.col("subset").is_in(shown))
    given = _turned(results, "partial_correlations").select(*key, "given", "kendall", "low", "high", "n")
    given = given.rename({"given": "subset"}).filter((pl.col("subset") == RELUS) | pl.col("subset").str.contains(","))
    given = given.with_columns(
        pl.when(pl.col("subset") == RELUS).then("subset").otherwise(pl.lit("costs")).alias("subset")
    )
    ceilings = results.table("ceilings")
    limits = ceilings.filter(estimate="noise_added").with_columns(proxy=pl.lit("ceiling"))
    seeds = ceilings.filter(estimate="two_seeds", subset="all").select(*key[:2], proxy="quantity", two_seeds="kendall")
    found = pl.concat(
        [subsets.select(*shared, "seeds_std", "sign"), given.select(shared), limits.select(shared)],
        how="diagonal_relaxed",
    )
    rows, strength = [], {}
    for (space, dataset, proxy), part in found.group_by(key, maintain_order=True):
        cells = {row["subset"]: row for row in part.iter_rows(named=True)}
        if "all" in cells and cells["all"]["kendall"] is not None:
            again = seeds.filter(space=space, dataset=dataset, proxy=proxy)["two_seeds"].to_list()
            n = ", ".join(f"{cells[name]['n']:,}" if name in cells else "-" for name in shown)
            values = [_with_interval(cells.get(name)) for name in (*shown, RELUS, "costs")]
            values[1:1] = [_number(cells["all"]["seeds_std"], 3)]
            name = proxy + (" \N{DOWNWARDS ARROW}" if cells["all"]["sign"] == -1 else "")
            rows.append([space, dataset, name, *values, _number(again[0] if again else None, 2), n])
            strength[space, dataset, name] = -cells["all"]["kendall"]
    # The ceiling first, then by how well a proxy ranks all networks.
    rows.sort(key=lambda row: (row[0] != "tss", row[1], row[2] != "ceiling", strength[tuple(row[:3])]))
    head = ["space", "dataset", "proxy", "all", "± seeds", "best 10%", "best 1%", "given ReLUs", "given costs"]
    head += ["two seeds", "n"]
    return f"""## {BEST}

Kendall's τ-b with final test accuracy: of all networks, of the best 10% and the best 1% of them by accuracy, of all
given the number of ReLUs, and given parameters, multiply-adds and ReLUs (partial τ). Signs are turned where lower is
better (\N{DOWNWARDS ARROW}): below 0 a proxy ranks networks the wrong way round. In brackets, 95% bootstrap intervals
over classes, which do not hold the noise of weights and images: *± seeds* is the standard deviation of τ over single
seeds, of all networks; a value is of mean scores, and may be above that of each seed. *Ceiling*: what accuracies have
with those of one more training, its noise drawn from what members of one class deviate from their mean; no score of the
function can be expected to have more, and the size space has no two members of one class. That of the best 1% is an
estimate: few trainings tell of their noise. *Two seeds*: a proxy with itself, by other weights and another batch. *n*:
networks of all, of the best 10% and of the best 1%, ties at the border included; a sample has a few in its best 1%, and
may exceed the ceiling by chance. All sizes have the same number of ReLUs.

![Rank correlation of each proxy with test accuracy, a panel per space](figures/{FIGURE})

{_table(head, rows)}"""


def in_the_sample(results: Results) -> str:
    """How proxies that are scored on all networks rank those of the sample that others are scored on; or nothing."""
    correlations = results.table("correlations").filter(subset="all")
    rows = []
    for (space, dataset), part in correlations.group_by("space", "dataset", maintain_order=True):
        place = {"space": space, "dataset": dataset}
        sampled = part.filter(pl.col("n") > 0, pl.col("n") < pl.col("n").max())
        status = results.table("score_status").filter(
            pl.col("status") != "not_sampled", pl.col("proxy").is_in(sampled["proxy"].implode()), **place
        )
        sizes = status.group_by("proxy").agg(pl.col("class_index").n_unique())["class_index"].unique()
        table = results.table("networks").filter(**place).join(results.table("scores"), on=KEY)
        accuracies = results.table("accuracies").filter(split="test", **place)
        accuracies = accuracies.filter(pl.col("epochs") == pl.col("epochs").max())
        table = table.join(accuracies.select(*KEY, "accuracy_pct"), on=KEY).sort("arch_index")
        for n_classes in sizes.sort(descending=True):
            inside = table.filter(pl.col("sample_place") < n_classes)
            n = f"{table.height:,}, {inside.height:,}, {n_classes:,}"
            for name in ("naswot", "synflow", "logsynflow"):
                if name in part["proxy"]:
                    cells = [_number(_spearman(some, name), 2) for some in (table, inside)]
                    rows.append([space, dataset, name, *cells, n])
    if not rows:
        return ""
    head = ["space", "dataset", "proxy", "all networks", "those in the sample", "n, and classes of these"]
    return f"""## What a sample is worth

Proxies that take long are scored on networks drawn at random until they have 1,000 classes.
How well such a sample stands for all networks is seen where a proxy has both, by Spearman's ρ with final test accuracy:

{_table(head, rows)}"""


def _spearman(table: pl.DataFrame, name: str) -> float:
    """Correlation with accuracy; networks without a score rank last, tied."""
    score = pl.col(name).cast(pl.Float64).fill_null(float("-inf"))
    return table.select(pl.corr(score, "accuracy_pct", method="spearman")).item()


def within_latencies(results: Results) -> str:
    """What is lost under limits of latency, which no paper shows; nothing where no limit is one."""
    lost = _lost_within(results, pl.col("constraint_id").str.ends_with("ms"))
    return (
        lost
        and f"""## {LATENCY}

Percentage points of test accuracy lost within a limit (milliseconds, measured or estimated for five devices; on the GPU
for a batch of 32 images), against the best network within it. Of a proxy it is the network with the best score, the
mean over those that tie, by mean scores; in brackets, the least and the most by single seeds, where these differ: a
network that is first by a hair may lose much. Of a search it is the mean over runs, ± half a 95% interval. *Sample*:
proxies that were scored on a sample choose from that, and are measured against the best network there, so that they
compare with others of the sample alone.

{lost}"""
    )


def within_sizes(results: Results) -> str:
    """The same under limits of parameters and multiply-adds."""
    limits = pl.col("constraint_id").str.contains("^(flops|params)_")
    lost = _lost_within(results, limits, sampled=False)
    return (
        lost
        and f"""## Within limits of size

As [within limits of latency](#{_anchor(LATENCY)}), in millions of multiply-adds or of parameters, by proxies that were
scored on all networks.

{lost}{_worse_than_random(results, limits)}"""
    )


def _lost_within(results: Results, limits: pl.Expr, *, sampled: bool = True) -> str:
    """For each space, what proxies and `SEARCHES` lose within limits, with proxies of a sample if asked; or nothing."""
    regrets = results.table("regrets").filter(limits)
    feasible = _accuracies_within(results, limits)
    feasible = feasible.join(results.table("networks").select(*KEY, "sample_place"), on=KEY)
    tables = []
    for space in sorted(regrets["space"].unique(), key="tss".__ne__):
        rows, of_space = [], regrets.filter(space=space)
        names = of_space["constraint_id"].unique(maintain_order=True).to_list()
        for dataset in of_space["dataset"].unique().sort():
            inside = feasible.filter(space=space, dataset=dataset)
            lines = _lines_within(results, of_space.filter(dataset=dataset), inside, names, sampled)
            rows += [[dataset, *line] for line in lines]
        tables.append(_table([f"{space}: dataset", "by", *names], rows))
    return "\n\n".join(tables)


def _accuracies_within(results: Results, limits: pl.Expr) -> pl.DataFrame:
    """Networks that keep each limit, with their final test accuracies."""
    accuracies = results.table("accuracies").filter(split="test")
    last = pl.col("epochs") == pl.col("epochs").max().over("space", "dataset")
    return results.table("feasible_networks").filter(limits).join(accuracies.filter(last), on=KEY)


def _worse_than_random(results: Results, limits: pl.Expr) -> str:
    """Which networks proxies like best within limits although random ones are better in the mean; or nothing."""
    within = ["space", "dataset", "constraint_id"]
    inside = _accuracies_within(results, limits)
    mean = inside.group_by(within).agg(mean_pct=pl.col("accuracy_pct").mean())
    n_networks = results.table("networks").group_by("space", "dataset").agg(n=pl.len().cast(pl.Int64))
    whole = results.table("correlations").filter(pl.col("kendall").is_not_null(), subset="all")
    whole = whole.with_columns(pl.col("n").cast(pl.Int64)).join(n_networks, on=["space", "dataset", "n"])
    second = pl.col("score").shift(-1).over(*within, "proxy", order_by="place")
    alone = results.table("choices").filter(limits).with_columns(alone=pl.col("score").ne_missing(second))
    first = alone.filter("alone", place=1).join(whole, on=["space", "dataset", "proxy"], how="semi")
    first = first.join(inside, on=[*KEY, "constraint_id"]).join(mean, on=within)
    rows = []
    for (space, dataset), some in sorted(first.group_by("space", "dataset"), key=lambda of: (of[0][0] != "tss", of[0])):
        worse = some.filter(pl.col("accuracy_pct") < pl.col("mean_pct"))
        liked = worse.group_by("arch").agg(pl.len(), pl.col("proxy").unique().sort())
        for arch, times, names in liked.sort("len", "arch", descending=[True, False]).head(1).iter_rows():
            of_all = [f"{some.height:,}", f"{worse.height:,}"]
            rows.append([space, dataset, *of_all, _arch(arch), f"{times:,}", ", ".join(f"`{name}`" for name in names)])
    if not rows:
        return ""
    head = ["space", "dataset", "first choices", "worse", "the most frequent of these", "times", "of"]
    return f"""

First choices, each of one proxy within one limit without a tie; how many are worse than random networks within it are
in the mean; and the network that is most often among these:

{_table(head, rows)}"""


def _lines_within(
    results: Results, regrets: pl.DataFrame, inside: pl.DataFrame, limits: list[str], sampled: bool
) -> list[list[str]]:
    """What of one space and dataset stands in the table: networks and what they lose, searches, proxies; samples."""
    place = regrets.select("space", "dataset").row(0, named=True)
    ranked = results.table("correlations").filter(pl.col("kendall").is_not_null(), subset="all", **place)
    n_of = dict(ranked.select("proxy", "n").iter_rows())
    places = results.table("networks").filter(**place)["sample_place"].sort()
    by_seed = _lost_by_seed(results, inside, [name for name, n in n_of.items() if n == len(places)])
    lines = _lines_of_networks(inside, limits, "")
    for search in SEARCHES:
        means = {row["constraint_id"]: row for row in regrets.filter(algorithm=search).iter_rows(named=True)}
        lines += [[f"search `{search}`", *(_with_half(means.get(name)) for name in limits)]] if means else []
    for n in sorted(set(n_of.values()), reverse=True) if sampled else [len(places)]:
        if n < len(places):
            drawn = inside.filter(pl.col("sample_place") <= places[n - 1])
            lines += _lines_of_networks(drawn, limits, f"sample of {n:,}: ")
        for proxy in [name for name in n_of if n_of[name] == n]:
            values = regrets.filter(algorithm="argmax", objective=proxy).select("constraint_id", "regret_pct")
            values = dict(values.iter_rows())
            lines.append([f"`{proxy}`", *(_with_range(values.get(k), by_seed.get((k, proxy))) for k in limits)])
    return lines


def _lines_of_networks(inside: pl.DataFrame, limits: list[str], label: str) -> list[list[str]]:
    """How many networks limits leave, the best one's accuracy, and what one of them loses in the mean."""
    accuracy = pl.col("accuracy_pct")
    facts = inside.group_by("constraint_id").agg(pl.len(), best=accuracy.max(), lost=accuracy.max() - accuracy.mean())
    facts = {row["constraint_id"]: row for row in facts.iter_rows(named=True)}
    found = [facts.get(name, {"len": 0, "best": None, "lost": None}) for name in limits]
    return [
        [f"*{label}networks*", *(f"{row['len']:,}" for row in found)],
        [f"*{label}best, %*", *(_number(row["best"], 2) for row in found)],
        [f"*{label}random*", *(_number(row["lost"], 2) for row in found)],
    ]


def _lost_by_seed(results: Results, inside: pl.DataFrame, proxies: list[str]) -> dict[tuple[str, str], list[float]]:
    """Points lost by each seed's best-scored networks among `inside`, by limit and proxy."""
    signs = dict(results.table("proxies").select("proxy", "higher_is_better").iter_rows())
    scored = inside.join(results.table("scores_by_seed").select(*KEY, "seed", *proxies), on=KEY)
    best = dict(inside.group_by("constraint_id").agg(pl.col("accuracy_pct").max()).iter_rows())
    lost: dict[tuple[str, str], list[float]] = {}
    for proxy in proxies:
        score = pl.col(proxy) if signs.get(proxy, True) else -pl.col(proxy)
        first = scored.drop_nulls(proxy).filter(score == score.max().over("constraint_id", "seed"))
        for name, _, mean in first.group_by("constraint_id", "seed").agg(pl.col("accuracy_pct").mean()).iter_rows():
            lost.setdefault((name, proxy), []).append(best[name] - mean)
    return lost


def _with_range(value: float | None, by_seed: list[float] | None) -> str:
    """Points lost, and the least and the most by single seeds, if they differ in what is shown."""
    ends = [_number(end, 2) for end in (min(by_seed), max(by_seed))] if by_seed else []
    return _number(value, 2) + (f" ({' to '.join(ends)})" if len(set(ends)) > 1 else "")


def _with_half(row: dict | None) -> str:
    if row is None or row["regret_pct"] is None:
        return "-"
    return _number(row["regret_pct"], 2) + ("" if row["half_pct"] is None else f" ± {_number(row['half_pct'], 2)}")


def network_by_network(results: Results) -> str:
    """Scores that others published of the same networks, the columns ``published_*`` of ``networks``; or nothing."""
    networks = results.table("networks")
    names = [name.removeprefix(PUBLISHED) for name in networks.columns if name.startswith(PUBLISHED)]
    if not names:
        return ""
    seeds = results.table("scores_by_seed").pivot("seed", index=KEY, values=names)
    if len(names) == 1:  # then polars names columns after seeds alone
        seeds = seeds.rename({name: f"{names[0]}_{name}" for name in seeds.columns if name not in KEY})
    table = networks.join(results.table("scores").select(*KEY, *names), on=KEY).join(seeds, on=KEY)
    table = table.with_columns(dead=pl.lit(6) - pl.col("n_none") - pl.col("n_live_edges"))
    lines, far = [], []
    for (space, dataset), part in table.group_by("space", "dataset", maintain_order=True):
        for name in names:
            both = part.filter(pl.col(name).is_not_null() & pl.col(PUBLISHED + name).is_not_null())
            if both.is_empty():
                continue
            own = [column for column in seeds.columns if re.fullmatch(rf"{name}_\d+", column)]
            between = [both.select(pl.corr(a, b, method="spearman")).item() for a, b in itertools.combinations(own, 2)]
            rho = [
                _number(some.select(pl.corr(name, PUBLISHED + name, method="spearman")).item(), 4)
                for some in (both, both.filter(dead=0))
            ]
            n = f"{both.height:,}, {both.filter(dead=0).height:,}"
            two = _number(sum(between) / len(between), 4) if between else "-"
            alive = both.filter(dead=0)
            by = [
                _number(_apart_by(alive, *pair), 1)
                for pair in ((PUBLISHED + name, name), *([own[:2]] * (len(own) > 1)))
            ]
            lines.append([space, dataset, name, *rho, two, *by, *["-"] * (2 - len(by)), n])
            far += _far_apart(both, name, own)
    head = ["space", "dataset", "proxy", "all networks", "without dead edges", "two seeds", "apart, %"]
    head += ["two seeds apart, %", "n"]
    listed = ["proxy", "network", "ours", "published", "rank of ours", "published rank", "between", "seeds alone"]
    listed += ["dead edges"]
    return f"""## Network by network

Spearman's ρ of our scores with those that FreeREA's authors published, means of three initialisations on either side,
of the networks that both could score: all, and those without dead edges, which lie on no path from input to output.
*Two seeds*: two of our own with each other, each with its own weights and batch, mean over the pairs. *Apart*: by how
much scores of networks without dead edges differ, in the median, from what was published, and those of our first two
seeds from each other.

{_table(head, lines)}

The ten classes that are farthest apart by rank, each by one network; ranks from the lowest score, *seeds alone* by one
seed at a time, *between* the networks whose published scores lie between the two. Published scores are those of
networks as they are written, ours the same with and without dead edges. So naswot counts the ReLUs of convolutions
there that nothing comes of. LogSynflow was published as |ln(g + 1e-6)| in place of ln(g + 1): each weight that nothing
flows through adds 13.8 times its magnitude, also in networks without any path. Synflow's ten differ in value about as
much as other weights change it, where scores are so dense that this passes hundreds of networks.

{_table(listed, far)}"""


def _apart_by(table: pl.DataFrame, one: str, other: str) -> float | None:
    """Median of what a column differs from another, in percent of that."""
    return table.select(((pl.col(other) / pl.col(one) - 1).abs() * 100).median()).item()


def _far_apart(both: pl.DataFrame, name: str, seeds: list[str]) -> list[list[str]]:
    """Lines of the networks that two sides disagree on most, no two of one class."""
    rank = {column: pl.col(column).rank().alias(f"{column} rank") for column in (name, PUBLISHED + name, *seeds)}
    ranked = both.with_columns(*rank.values())
    apart = (pl.col(f"{name} rank") - pl.col(f"{PUBLISHED}{name} rank")).abs()
    worst = ranked.sort(apart, pl.col("arch_index"), descending=[True, False]).unique(
        "class_index", keep="first", maintain_order=True
    )
    return [
        [
            name,
            f"{_arch(row['arch'])} ({row['arch_index']})",
            f"{row[name]:.5g}",
            f"{row[PUBLISHED + name]:.5g}",
            *(f"{row[f'{column} rank']:,.0f}" for column in (name, PUBLISHED + name)),
            f"{_between(both[PUBLISHED + name], row[name], row[PUBLISHED + name]):,}",
            ", ".join(f"{row[f'{column} rank']:,.0f}" for column in seeds),
            str(row["dead"]),
        ]
        for row in worst.head(10).iter_rows(named=True)
    ]


def _between(values: pl.Series, one: float, other: float) -> int:
    return values.is_between(min(one, other), max(one, other), closed="none").sum()


def _with_interval(row: dict | None) -> str:
    if row is None or row["kendall"] is None:
        return "-"
    interval = (
        "" if row["low"] is None else f" [{row['low']:.2f}, {row['high']:.2f}]"
    )  # of a few networks there is none
    return f"{row['kendall']:.2f}{interval}"


def unanswered(results: Results) -> str:
    """Figures that this run has nothing beside, and why."""
    group = ["paper", "table", "space", "reason"]
    rows = [
        [
            paper,
            table,
            space,
            ", ".join(part["method"].unique(maintain_order=True)),
            ", ".join(part["dataset"].unique(maintain_order=True)),
            ", ".join(QUANTITIES[name] for name in part["quantity"].unique(maintain_order=True)),
            f"{part.height:,}",
            reason,
        ]
        for (paper, table, space, reason), part in results.unanswered.group_by(group, maintain_order=True)
    ]
    head = ["paper", "table", "space", "method", "datasets", "quantities", "figures", "why"]
    return f"## Without an answer\n\n{_table(head, rows)}"


# The page, in this order. A further analysis is a function from Results to Markdown in this list.
SECTIONS: tuple[Callable[[Results], str], ...] = (
    opening,
    in_brief,
    promises,
    overview,
    among_the_best,
    in_the_sample,
    within_latencies,
    within_sizes,
    papers,
    network_by_network,
    unanswered,
)


def ranked_everywhere(results: Results) -> str:
    """Correlations of the proxies that rank all networks of every space and dataset: README's table."""
    whole = _turned(results, "correlations").filter(_of_all_networks("subset"), subset="all")
    places = whole.select("space", "dataset", "n").unique().sort(pl.col("space") != "tss", "dataset")
    rows = {}
    for (proxy,), part in whole.group_by("proxy", maintain_order=True):
        at = {(row["space"], row["dataset"]): (row["kendall"], row["seeds_std"]) for row in part.iter_rows(named=True)}
        if len(at) == places.height:
            rows[proxy] = [at[place] for place in places["space", "dataset"].iter_rows()]
    names = sorted(rows, key=lambda proxy: -sum(value for value, _ in rows[proxy]))
    head = ["proxy", *(f"{space}, {dataset}" for space, dataset, _ in places.iter_rows())]
    lines = [[f"`{name}`", *(_with_spread(*cell) for cell in rows[name])] for name in names]
    lines.append(["*networks*", *(f"{n:,}" for n in places["n"])])
    facts = results.facts
    seeds = ", ".join(map(str, json.loads(facts["config.seeds"])))
    return f"""{_table(head, lines)}

Batch of {facts["config.batch_size"]} images; scores are means over seeds {seeds}.{
        _with_fewer_seeds(results.table("scores_by_seed"), names)
    }
proxybank {facts["proxybank.version"]}, torch {facts["libraries.torch"]}; {_processors(facts)}."""


def _with_spread(value: float, spread: float | None) -> str:
    """A correlation and its deviation over seeds, if two digits show any."""
    return f"{value:.2f} ± {spread:.2f}" if spread is not None and spread >= 0.005 else f"{value:.2f}"


def _processors(facts: dict[str, str]) -> str:
    """What scored the networks, which is not always what the run was finished on."""
    makers = [value.rsplit(", ", 1)[-1] for key, value in facts.items() if key.startswith("scores.made_by.")]
    return f"scores by {' and '.join(dict.fromkeys(sorted(makers)))}"


def _with_fewer_seeds(by_seed: pl.DataFrame, names: list[str]) -> str:
    """Sentences on those of some proxies that were scored with some of the seeds only."""
    few: dict[str, list[str]] = {}
    for name in names:
        scored = by_seed.filter(pl.col(name).is_not_null())["seed"].unique().sort()
        if 0 < len(scored) < by_seed["seed"].n_unique():
            few.setdefault(", ".join(map(str, scored)), []).append(f"`{name}`")
    return "".join(f" With seed {some} alone: {', '.join(names)}." for some, names in few.items())


def answered(page: str, connection: duckdb.DuckDBPyConnection) -> str:
    """A page with each table behind a query, between ``<!-- answer -->`` and ``<!-- end -->``, made of that query."""

    def answer(match: re.Match) -> str:
        found = connection.sql(match["query"])
        rows = [[f"{value:,}" if isinstance(value, int) else str(value) for value in row] for row in found.fetchall()]
        return f"{match['before']}{_table(found.columns, rows)}\n{match['after']}"

    query = r"(?P<before>```sql\n(?P<query>(?:(?!```).)*)```\n\n<!-- answer -->\n).*?(?P<after><!-- end -->)"
    page, n_answers = re.subn(query, answer, page, flags=re.DOTALL)
    if n_answers != page.count("<!-- answer -->"):
        raise SystemExit(
            f"docs/own-images.md: found {n_answers} queries right before an '<!-- answer -->', of which there are "
            f"{page.count('<!-- answer -->')}. Expected one before each. Put it there."
        )
    return page


def main(root: Path = ROOT, run: str = "nats-bench") -> None:
    """Write the pages in the folder `root` from ``results/<run>/``."""
    results = Results(root / "results" / run)
    (root / "docs/figures").mkdir(exist_ok=True, parents=True)
    shutil.copy(results.folder / "figures/correlations.png", root / "docs/figures" / FIGURE)
    page = "\n\n".join(filter(None, (section(results) for section in SECTIONS)))
    titles = re.findall("^## (.+)$", page, flags=re.MULTILINE)
    contents = " \N{MIDDLE DOT}\n".join(f"[{title}](#{_anchor(title)})" for title in titles)
    table, readme = ranked_everywhere(results) + "\n", root / "README.md"
    marked = r"(<!-- table: nats-bench -->\n).*?(<!-- end -->)"
    text, n_tables = re.subn(marked, lambda m: m[1] + table + m[2], readme.read_text(), flags=re.DOTALL)
    if n_tables != 1:
        raise SystemExit(f"{readme}: found {n_tables} places for the table. Expected one between {marked!r}.")
    queries = root / "docs/own-images.md"
    with duckdb.connect(results.folder / "scores.duckdb", read_only=True) as connection:
        answers = answered(queries.read_text(), connection)
    (root / "docs/results.md").write_text(page.replace("@contents", contents, 1) + "\n")
    readme.write_text(text)
    queries.write_text(answers)


def _anchor(title: str) -> str:
    """What a heading is linked by."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _tables(results: Results) -> list[tuple[str, str]]:
    """Tables in print, in the order of the file of figures."""
    both = pl.concat([frame.select("figure", "paper", "table") for frame in (results.compared, results.unanswered)])
    return both.sort("figure").select("paper", "table").unique(maintain_order=True).rows()


def _paper(paper: str, table: str, rows: pl.DataFrame) -> str:
    reasons, notes, lines = _Notes(LETTERS), _Notes(list(map(str, range(1, 100)))), []
    for row in rows.iter_rows(named=True):
        places = _shown_places(row["printed"])
        printed = row["printed"] + (f" ± {row['printed_std']}" if row["printed_std"] else "")
        ours = _number(row["ours"], places)
        if row["ours_std"] is not None:
            ours += f" ± {_number(row['ours_std'], places)}"
        difference = f"{row['difference']:+.{places}f}"
        if row["beyond"]:
            difference = f"**{difference}** {reasons.mark(_reason(row))}"
        n = f"{row['n']:,} {row['counted']}"
        if row["n_scored"] is not None:
            n += f", {row['n_scored']:,} scored"
        cells = [row["space"], row["dataset"], row["method"], QUANTITIES[row["quantity"]]]
        cells += [printed + (f" {notes.mark(row['note'])}" if row["note"] else ""), ours, difference]
        lines.append([*cells, row["of"], n, "-" if row["seeds"] is None else str(row["seeds"])])
    head = ["space", "dataset", "method in print", "quantity", "print", "ours", "difference", "by", "n", "seeds"]
    numbered = re.fullmatch(r"[\dIVX, ]+|[A-Z]\.\d+", table)
    name = f"{'tables' if ',' in table else 'table'} {table}" if numbered else table
    return f"## {paper}, {name}\n\n{rows['source'][0]}.\n\n{_table(head, lines)}{reasons}{notes}"


def _reason(row: dict) -> str:
    """Why a difference is beyond what is uncertain, and how sure that is."""
    text = row["because"] or ""
    return text if row["reason"] == "because" else f"{row['reason'].capitalize()}: {text}".removesuffix(": ")


class _Notes:
    """Marks of the notes below a table; the same text has the same mark."""

    def __init__(self, marks: str | list[str]) -> None:
        self._marks, self._texts = marks, []

    def mark(self, text: str) -> str:
        if text not in self._texts:
            self._texts.append(text)
        return f"({self._marks[self._texts.index(text)]})"

    def __str__(self) -> str:
        lines = [f"- {self.mark(text)} {text}" for text in self._texts]
        return "\n\n" + "\n".join(lines) if lines else ""


def _shown_places(printed: str) -> int:
    """One digit more than print has, unless that has many."""
    places = len(printed.partition(".")[2])
    return places + (places < 4)


def _arch(arch: str) -> str:
    """An architecture string within a table, whose columns its bars would end."""
    return f"`{arch.replace('|', chr(92) + '|')}`"


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


if __name__ == "__main__":
    main()
