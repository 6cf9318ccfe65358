"""Compare scores with those NAS-Bench-Suite-Zero published of 725 topologies on CIFAR-10, proxy by proxy.

    python resources/parity/suite_zero.py IMAGES PUBLISHED CACHE > docs/parity.md

IMAGES is an .npz file of CIFAR-10's training images, PUBLISHED the table of published scores, CACHE a folder for
finished scores of these networks and images: the command goes on where it was stopped.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).parents[2] / "workflow_scripts"))

from proxybank import __version__, data, processes, provenance, spaces, store  # noqa: E402
from proxybank.benchmark import scoring  # noqa: E402
from proxybank.proxies import CLOSED_FORM, GROUPS, REGISTRY, group_of, in_group  # noqa: E402

BATCH_SIZE, SEEDS, N_TOGETHER = 32, (0, 1), 25
# With a batch for each network, as the publication seems to have had, epe_nas has the first networks of the table only.
OWN_BATCHES, N_WITH_OWN_BATCHES = "own_batches", 100
# Published name -> ours.
NAMES = {
    "params": "params",
    "flops": "flops",
    "nwot": "naswot",
    "synflow": "synflow",
    "snip": "snip",
    "grad_norm": "grad_norm",
    "l2_norm": "l2_norm",
    "fisher": "fisher",
    "plain": "plain",
    "epe_nas": "epe_nas",
    "jacov": "jacov",
    "grasp": "grasp",
}
TSS = spaces.get("tss")


def score(images: str, index: NDArray[np.int64], group: str, seed: int) -> pl.DataFrame:
    """Scores of topologies by one group of passes: a row per network, a column per proxy, NaN where there is none."""
    processes.use_one_core()
    loaded = data.load(images)
    members = scoring.members_of("tss", "keep", index, loaded.skeleton())
    names, together = fed_by(group), [(seed, members)]  # seed of a batch, and the networks that see it
    if group == OWN_BATCHES:
        together = [(TSS.size * (seed + 1) + k, [member]) for k, member in zip(index.tolist(), members, strict=True)]
        names, group = ["epe_nas"], group_of(REGISTRY["epe_nas"].needs)
    frames = []
    for batch_seed, some in together:
        batch = scoring.batch_of(loaded, BATCH_SIZE, batch_seed)
        frames.append(pl.DataFrame(scoring.score(group, names, some, batch, "default", seed).scores))
    return pl.concat(frames)


def fed_by(group: str) -> list[str]:
    """Our names of the published proxies that a group of passes feeds."""
    return in_group(NAMES.values(), group)


def score_all(images: str, index: NDArray[np.int64], cache: Path) -> dict[str, NDArray[np.float64]]:
    """Scores of all networks by each proxy, shape (n_seeds, n), NaN where there is none; kept in a folder in parts."""
    cache.mkdir(parents=True, exist_ok=True)
    costs = TSS.costs(data.load(images).skeleton())
    scores = {name: np.tile(costs[REGISTRY[name].column][index], (len(SEEDS), 1)) for name in fed_by(CLOSED_FORM)}
    for group in (*filter(fed_by, GROUPS), OWN_BATCHES):
        parts: dict[int, list[pl.DataFrame]] = {seed: [] for seed in SEEDS}
        versions = "-".join(str(REGISTRY[name].version) for name in fed_by(group)) or REGISTRY["epe_nas"].version
        chosen = index[:N_WITH_OWN_BATCHES] if group == OWN_BATCHES else index
        for start in range(0, len(chosen), N_TOGETHER):
            part = chosen[start : start + N_TOGETHER]
            for seed in SEEDS:
                path = cache / f"{group}_{versions}_{seed}_{start}_{len(part)}.parquet"
                if not path.exists():
                    store.write_parquet(score(images, part, group, seed), path)
                parts[seed].append(pl.read_parquet(path))
        columns = [pl.concat(parts[seed]) for seed in SEEDS]
        names = {OWN_BATCHES: "epe_nas"} if group == OWN_BATCHES else {name: name for name in fed_by(group)}
        scores |= {key: np.stack([rows[name].to_numpy() for rows in columns]) for key, name in names.items()}
    return scores


def comparison(ours: NDArray[np.float64], published: NDArray[np.float64]) -> dict[str, float]:
    """Compare one proxy's scores, shape (n_seeds, n), with the published ones, both NaN where there is none.

    Spearman's rho is that of the networks where all have a score: of each seed with the published scores (the least
    and the largest), and of each pair of our seeds (the mean). ``ratio`` is the median of ours over theirs, and
    ``ratio_between`` that of each seed over each other one.
    """
    finite = np.isfinite(published) & np.isfinite(ours).all(axis=0)
    ours, published = ours[:, finite], published[finite]
    to_published = [spearmanr(row, published).statistic for row in ours]
    between = [spearmanr(a, b).statistic for a, b in itertools.combinations(ours, 2)]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nanmedian(ours / published)
        ratio_between = np.nanmedian([a / b for a, b in itertools.permutations(ours, 2)])
    return {
        "n": int(finite.sum()),
        "low": min(to_published),
        "high": max(to_published),
        "between": float(np.mean(between)),
        "ratio": float(ratio),
        "ratio_between": float(ratio_between),
    }


def published_scores(path: str) -> dict[str, NDArray[np.float64]]:
    """Published scores by our names, NaN where there is none, for which the file has -1e8 or an infinity."""
    rows = pl.read_csv(path)
    columns = {ours: rows[theirs].to_numpy().astype(float) for theirs, ours in NAMES.items()}
    return {name: np.where(np.isfinite(column) & (column != -1e8), column, np.nan) for name, column in columns.items()}


def comparisons(
    scores: dict[str, NDArray[np.float64]], published: dict[str, NDArray[np.float64]]
) -> dict[str, dict[str, float]]:
    """`comparison` of each proxy. Published Synflow is a logarithm; FLOPs count norms and pooling there."""
    with np.errstate(divide="ignore"):
        scores = scores | {"synflow": np.where(scores["synflow"] > 0, np.log(scores["synflow"]), 0.0)}
    published = published | {OWN_BATCHES: published["epe_nas"]}
    return {name: comparison(scores[name], published[name][: scores[name].shape[1]]) for name in scores}


PAGE = """# Parity with NAS-Bench-Suite-Zero

Made by

    .venv/bin/python resources/parity/suite_zero.py data/images/cifar10.npz \\
        data/reference/tss_cifar10_suite_zero_725.csv results/parity{option} > docs/parity.md

([what the files are](nats-bench.md)) from {n} of the 725 topologies that NAS-Bench-Suite-Zero published scores of
(CIFAR-10), scored as they are written, with PyTorch's initialisation, batches of {batch_size} real training images, and
seeds {seeds}. The batch of the publication had {batch_size} images too: jacov is at most minus the number of images,
and the largest one published is {largest_jacov:.2f}.

Spearman's rho of the networks where all have a score. *Two seeds* is how well two of our own seeds, each with its own
weights and batch, agree with each other: no other draw can be expected to meet what was published better than that, and
what has no noise of its own no better than its square root. The last column is the median of one of our seeds over the
other, either way: of a score that chance gives either sign it is below 1, as the median of ours over theirs is then.

| proxy | networks | with the published | two seeds | median of ours / theirs | of two seeds |
|---|---|---|---|---|---|
{rows}

- **l2_norm** needs no images, and depends on nothing but shapes and chance: every convolution of the default
  initialisation adds about the same, whatever its kernel. It counts convolutions, and networks of one count are in
  random order. The number of convolutions alone has a rho of {convolutions:.3f} with the published values, and those
  differ from ours by {l2_difference:.2%} (median). Two draws agree no better
  than that allows: its square is their bound, not the definition.
- **plain** is a signed sum to which convolutions before BatchNorm add next to nothing: two seeds hardly agree.
- **epe_nas** adds up pairs of images of one class, and the batch sets how many there are. In the last row,
  `{own_batches}`, every network has a batch of its own, as the publication's loader seems to have drawn: then our seeds
  agree no better with each other than with the published scores. One batch for all networks is less noisy.
- **grasp** is a sum whose terms nearly cancel, and which has either sign: two seeds agree with each other as little as
  with what was published, in ranks and in size.
- **flops** of the publication count norms and pooling; ours are NATS-Bench's.
- Synflow is compared by its logarithm, as published.

proxybank {version} ({commit}), torch {torch}, one core of {machine}.
"""


def page(
    index: NDArray[np.int64], scores: dict[str, NDArray[np.float64]], published: dict[str, NDArray[np.float64]]
) -> str:
    """Write docs/parity.md."""
    rows = []
    found_for = comparisons(scores, published)
    for name in (*NAMES.values(), OWN_BATCHES):
        found, closed = found_for[name], name in fed_by(CLOSED_FORM)
        rho = f"{found['low']:.4f}" if closed else f"{found['low']:.3f} to {found['high']:.3f}"
        seeds = ["-", "-"] if closed else [f"{found['between']:.3f}", f"{found['ratio_between']:.4g}"]
        rows.append(f"| {name} | {found['n']} | {rho} | {seeds[0]} | {found['ratio']:.4g} | {seeds[1]} |")
    costs = TSS.costs(spaces.Skeleton())
    norms, theirs = scores["l2_norm"][0], published["l2_norm"][: len(index)]
    some = len(index) < len(published["params"])
    return PAGE.format(
        option=f" --networks {len(index)}" if some else "",
        n=len(index) if some else "all",
        own_batches=OWN_BATCHES,
        batch_size=BATCH_SIZE,
        seeds=" and ".join(map(str, SEEDS)),
        largest_jacov=np.nanmax(published["jacov"]),
        rows="\n".join(rows),
        convolutions=spearmanr(costs["n_conv"][index], theirs).statistic,
        l2_difference=np.median(np.abs(norms / theirs - 1)),
        version=__version__,
        commit=provenance.commit(Path(__file__).parents[2]),
        torch=torch.__version__,
        machine=provenance.processor(),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Score what is not scored yet, and print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images")
    parser.add_argument("published")
    parser.add_argument("cache", type=Path)
    parser.add_argument("--networks", type=int, help="compare the first of the published table only")
    given = parser.parse_args(arguments)
    index = pl.read_csv(given.published)["arch_index"].to_numpy()[: given.networks]
    scores = score_all(given.images, index, given.cache)
    print(page(index, scores, published_scores(given.published)), end="")


if __name__ == "__main__":
    main()
