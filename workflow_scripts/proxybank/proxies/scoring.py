"""Score one part of a space with one group of passes: every class and seed, each pass run once for all its proxies."""

from collections.abc import Sequence

import polars as pl
import torch

from proxybank import networks, passes, processes, spaces
from proxybank.data import Batches
from proxybank.passes import devices
from proxybank.proxies.registry import LOW_PRECISION, REGISTRY, evaluate
from proxybank.spaces import Skeleton


def score_part(
    names: Sequence[str],
    classes: Sequence[int],
    *,
    space: str,
    group: str,
    dead_edges: str,
    skeleton: Skeleton,
    batches: Batches,
    initialisation: str,
    device: str,
    precision: str,
    hamming: str = "product",
) -> pl.DataFrame:
    """Score some classes of a space.

    Parameters
    ----------
    names : sequence of str
        Proxies to compute, all fed by `group`.
    classes : sequence of int
    space : str
    group : str
        Group of passes, one of `proxies.GROUPS`.
    dead_edges : {"drop", "keep"}
    skeleton : Skeleton
    batches : Batches
        One batch per seed.
    initialisation : str
        A name in `networks.INITIALISATIONS`.
    device : str
        A torch device.
    precision : {"float32", "bfloat16"}
        Of passes in `registry.LOW_PRECISION` on the CPU; all others have the precision that their proxies need.
    hamming : {"product", "popcount"}
        How an accelerator compares the codes of ReLUs; both ways give the same integers.

    Returns
    -------
    polars.DataFrame
        One row per class and seed: class_index, seed, and per proxy its score (null where it has none), status and
        seconds (of the pass that feeds it and its own: what the proxy would take alone).
    """
    processes.use_one_core()
    devices.prepare(device)
    members = networks.members(space, spaces.get(space).class_genes(dead_edges)[list(classes)], skeleton)
    columns: dict[str, list] = {"class_index": [], "seed": []}
    columns |= {f"{name}{suffix}": [] for name in names for suffix in ("", "__status", "__seconds")}
    lowered = device == "cpu" and group in LOW_PRECISION
    dtype = getattr(torch, precision) if lowered else torch.float32
    parts = {REGISTRY[name].needs for name in names}
    for number, seed in enumerate(batches.seeds.tolist() if classes else []):
        batch = passes.Batch(
            torch.from_numpy(batches.images[number]).to(device, dtype),
            torch.from_numpy(batches.labels[number]).to(device),
            hamming,
        )
        for k, evidence in enumerate(passes.run(group, parts, members, batch, initialisation, seed)):
            columns["class_index"].append(classes[k])
            columns["seed"].append(seed)
            for name in names:
                found, pass_seconds = evidence[REGISTRY[name].needs]
                start = devices.seconds()
                score, status = evaluate(REGISTRY[name], found)
                columns[name].append(score)
                columns[f"{name}__status"].append(status.value)
                columns[f"{name}__seconds"].append(pass_seconds + devices.seconds() - start)
    dtypes = {"": pl.Float64, "__status": pl.String, "__seconds": pl.Float64}
    schema = {f"{name}{suffix}": dtype for name in names for suffix, dtype in dtypes.items()}
    schema |= {"class_index": pl.Int64, "seed": pl.Int64}
    return pl.DataFrame(columns, schema_overrides=schema).sort("class_index", "seed")
