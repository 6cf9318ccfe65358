"""Proxies that are scored on some classes and seeds only: which networks they were asked for.

A sample is a number n of classes, and a list of seeds: networks are drawn at random until they have n classes, which
then are scored. Those drawn have less than n in the column ``sample_place`` of the table ``networks``, see
`Space.sample_places`; the other networks of these classes do not belong to the sample, and have no score.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from proxybank import spaces


class Sample(TypedDict):
    """Classes (the first so many of the random order) and seeds that a proxy is scored on."""

    classes: int
    seeds: Sequence[int]


# Proxy -> its sample; proxies that are scored on everything are absent.
Samples = Mapping[str, Sample]
# Space -> dataset -> samples.
AllSamples = Mapping[str, Mapping[str, Samples]]
NO_SAMPLES: Mapping = MappingProxyType({})


def asked(networks: pl.DataFrame, samples: Samples, proxy: str) -> NDArray[np.bool_]:
    """Which networks a proxy was asked for.

    Parameters
    ----------
    networks : polars.DataFrame
        Rows with the column ``sample_place`` of the table ``networks``, if the proxy has a sample.
    samples : mapping of str to Sample
    proxy : str

    Returns
    -------
    bool, shape (networks.height,)
    """
    if proxy not in samples:
        return np.ones(networks.height, bool)
    return networks["sample_place"].to_numpy() < samples[proxy]["classes"]


def scored(scores: pl.DataFrame, samples: Samples, proxies: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Which networks a proxy was asked for, of those proxies for which one of them has a score.

    Parameters
    ----------
    scores : polars.DataFrame
        Rows of the table ``scores``, with the column ``sample_place`` of the table ``networks`` if there are samples.
    samples : mapping of str to Sample
    proxies : sequence of str
        Columns of `scores`.

    Returns
    -------
    dict of str to bool, shape (scores.height,)
        In the order of `proxies`.
    """
    finite = scores.select(pl.col(proxy).cast(pl.Float64).is_finite().fill_null(False) for proxy in proxies)
    of_proxies = {proxy: asked(scores, samples, proxy) for proxy in proxies}
    return {proxy: rows for proxy, rows in of_proxies.items() if finite[proxy].filter(rows).any()}


def asked_seeds(seeds: Sequence[int], samples: Samples, proxy: str) -> list[int]:
    """Those of the seeds that a proxy was asked for."""
    return [seed for seed in seeds if proxy not in samples or seed in samples[proxy]["seeds"]]


def classes_of_part(
    space: str, part: int, networks_per_part: int, dead_edges: str, sample: int | None = None
) -> list[int]:
    """Classes ``part * networks_per_part`` and the following ones, of all or of a sample of so many, in official order.

    In that order, sizes that share layers stand together. See `Space.random_classes` for samples.
    """
    of = spaces.get(space)
    order = np.arange(len(of.class_genes(dead_edges))) if sample is None else of.random_classes(dead_edges)
    return np.sort(order[:sample][part * networks_per_part : (part + 1) * networks_per_part]).tolist()
