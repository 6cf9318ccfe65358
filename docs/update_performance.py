"""Write docs/performance.md and its figure after `make benchmark`: `.venv/bin/python docs/update_performance.py`."""

import shutil
from pathlib import Path

import polars as pl

ROOT = Path(__file__).parents[1]
BATCH_SIZE = 64  # of the table of seconds; the figure has all

PAGE = """# Performance

`make performance` measures all of this (`config/benchmark.yaml`), and writes this page. The plain code that the library
is compared with is `workflow_scripts/proxybank/benchmark/plain.py`: networks built of torch modules as they are
written, one network after the other, one pass per proxy, in float32 but for flows, which are float64, as in the papers'
public code.

## How many times less

{ratios}

{machine}

Images: {datasets}; batches of {batch_size}. Both sides took turns in one session; times are by the clock on the wall.
Plain code: mean seconds per network, building it included, with torch free to use all {cores} cores, times the networks
of the space. The library: mean seconds per class (a size, or a function that topologies compute) with one process on
each core at once, times the classes, divided by the cores; runs of sizes pay for their shared layers. In brackets, 95%
bootstrap intervals over networks and runs. Starting Python is counted on neither side.

## How far values are apart

{differences}

Random classes, scored by the library as a run with `precision: auto` scores them, `naswot` in bfloat16 where the
processor is faster in it, and by plain code in float32 with the same weights. *One side* counts classes that only one
of the two could score: in plain code, rounding decides whether the determinant of a singular kernel is zero.

*Without the farthest*: Spearman's correlation of all but the network whose ranks are farthest apart. Some networks have
gradients that follow the last digits of their images: float32 does not settle their `plain` and `grasp` on either side.

## Seconds per network

![Seconds per network of every proxy, by batch size](figures/{figure})

Batches of {shown}: median seconds of the processor on one core, of the proxy with the pass that feeds it. Proxies of
one pass share its time. Sizes share layers, and are timed in runs below one prefix of widths, as long as sharing pays.
What took too long at a smaller batch is not timed at a larger one, and has a dash, or no line at all.

{speed}

Closed forms (`params`, `flops`, `n_relu`, `skipped_layers` and their like) take no pass. The whole table, with every
batch size, is `results/{run}/benchmark/speed.csv`.
"""


def main(root: Path = ROOT, run: str = "benchmark") -> None:
    """Write the page in the folder `root` from ``results/<run>/benchmark/``."""
    results = root / "results" / run / "benchmark"
    ratios, differences, speed = (pl.read_csv(results / f"{name}.csv") for name in ("ratios", "differences", "speed"))
    about = ratios.row(0, named=True)
    dataset = about["dataset"]
    figure = f"speed_{dataset}.png"
    page = PAGE.format(
        ratios=_ratios(ratios),
        differences=_differences(differences),
        speed=_speed(speed.filter(dataset=dataset)),
        machine=f"{about['processor']}, {about['cores']} cores, {about['system']}; Python {about['python']}, torch "
        f"{about['torch']}, proxybank {about['proxybank']} ({about['commit']}).",
        datasets=", ".join(ratios["dataset"].unique(maintain_order=True)),
        batch_size=about["batch_size"],
        cores=about["n_cores"],
        figure=figure,
        shown=_shown(speed),
        run=run,
    )
    (root / "docs/figures").mkdir(parents=True, exist_ok=True)
    (root / "docs/performance.md").write_text(page)
    shutil.copy(results / figure, root / "docs/figures" / figure)


def _shown(speed: pl.DataFrame) -> int:
    sizes = sorted(speed["batch_size"].unique())
    return BATCH_SIZE if BATCH_SIZE in sizes else sizes[-1]


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _ratios(ratios: pl.DataFrame) -> str:
    head = [
        "space",
        "proxies",
        "times less",
        "plain code",
        "library",
        "seconds per network, plain",
        "per class, library",
    ]
    head += ["n"]
    rows = [
        [
            row["space"],
            ", ".join(f"`{name}`" for name in row["proxies"].split()),
            f"**{row['ratio']:.1f}** [{row['low']:.1f}, {row['high']:.1f}]",
            f"{row['plain_hours']:.3g} h",
            f"{row['library_hours']:.3g} h",
            f"{row['plain_seconds']:.3g}",
            f"{row['library_seconds']:.3g}",
            f"{row['n_plain']:,} networks, {row['n_library']:,} classes",
        ]
        for row in ratios.iter_rows(named=True)
    ]
    return _table(head, rows)


def _differences(differences: pl.DataFrame) -> str:
    head = ["comparison", "proxy", "n", "one side", "median difference", "greatest", "median, relative", "Spearman"]
    head += ["without the farthest"]
    rows = [
        [
            row["comparison"],
            f"`{row['proxy']}`",
            f"{row['n']:,}",
            f"{row['n_one_side']:,}",
            *(_number(row[key], ".2g") for key in ("median_absolute", "max_absolute", "median_relative")),
            _number(row["spearman"], ".5f"),
            "-" if row["farthest"] is None else f"{_number(row['spearman_without'], '.5f')} (class {row['farthest']})",
        ]
        for row in differences.iter_rows(named=True)
    ]
    return _table(head, rows)


def _speed(speed: pl.DataFrame) -> str:
    shown = speed.filter(batch_size=_shown(speed)).pivot("space", index=["passes", "proxy"], values="seconds")
    spaces = sorted(speed["space"].unique(), reverse=True)
    rows = [
        [row["passes"], f"`{row['proxy']}`", *(_number(row[space], ".3g") for space in spaces)]
        for row in shown.sort("passes", "proxy").iter_rows(named=True)
    ]
    return _table(["pass", "proxy", *(f"{space}, s" for space in spaces)], rows)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


if __name__ == "__main__":
    main()
