"""Passes that count how many different sign patterns ReLU units show over a few images."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks, spaces
from proxybank.networks import Network
from proxybank.passes import devices
from proxybank.passes.devices import on_cpu
from proxybank.passes.engines import engine_for
from proxybank.passes.evidence import Batch
from proxybank.passes.inference import as_map
from proxybank.passes.maps import Map, mark_patterns
from proxybank.passes.prefixes import Trunk
from proxybank.passes.repeats import repeated
from proxybank.spaces.base import Layer

N_REPEATS, N_IMAGES = 32, 16


class SignPatterns(NamedTuple):
    """Sign patterns of a network (pass ``sign_pattern``).

    Attributes
    ----------
    n_patterns : int64, shape (n_repeats,)
        Different patterns over the images among all ReLU units, in each repeat.
    size : float
        Parameters of the network, in standard deviations from their mean over the space.
    """

    n_patterns: NDArray[np.int64]
    size: float


class PatternSet:
    """Marks every pattern over the images that a unit shows; what receives the signs of a network's ReLUs.

    Parameters
    ----------
    seen : bool Tensor, shape (2 ** n_images,)
        Patterns that came before.
    """

    def __init__(self, seen: Tensor) -> None:
        self.seen = seen.clone()

    def __call__(self, x: Tensor | Map, _: int) -> None:
        """Take what goes into a ReLU or comes out of it, a map or of shape (n_images, channels, height, width)."""
        if isinstance(x, Tensor) and not on_cpu(x):
            bits = 1 << torch.arange(len(x), dtype=torch.int32, device=x.device)
            patterns = ((x > 0) * bits[:, None, None, None]).sum(dim=0, dtype=torch.int32)
            self.seen[patterns.flatten()] = True
        else:
            mark_patterns(as_map(x) if isinstance(x, Tensor) else x, self.seen.numpy())

    @classmethod
    def empty(cls, n_images: int, device: torch.device) -> "PatternSet":
        """Set without patterns."""
        return cls(torch.zeros(2**n_images, dtype=torch.bool, device=device))


State = tuple[Any, Tensor]  # output of a layer, patterns seen up to there


def sign_patterns(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[SignPatterns, float]]:
    """Yield the number of sign patterns of each network in each repeat, and the seconds taken.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Its first 16 images are used, all where there are fewer.
    initialisation : str
        Not read: the definition has its own.
    seed : int
    """
    space = spaces.get(members[0].space)
    params = space.costs(members[0].skeleton)["params_m"]
    own = params[space.index_of(np.array([network.genes for network in members]))]
    sizes = (own - params.mean()) / params.std()
    repeats = repeated(partial(_count_patterns, members, batch.images[:N_IMAGES]), N_REPEATS, seed)
    for size, (counts, seconds) in zip(sizes, repeats, strict=True):
        yield SignPatterns(np.array(counts), float(size)), seconds


@torch.inference_mode()  # on a generator, it holds within each step only
def _count_patterns(members: Sequence[Network], images: Tensor, seed: int) -> Iterator[tuple[int, float]]:
    draw = partial(networks.draw, initialisation="standard_normal", seed=seed, device=images.device)
    engine = engine_for(images)

    def run(network: Network, layer: Layer, before: State | None) -> State:
        if before is None:
            x = engine.stem(draw(network, layers=("stem",)), images)
            before = x, PatternSet.empty(len(images), images.device).seen
        patterns = PatternSet(before[1])
        x = engine.layer(layer, draw(network, layers=(layer.name,)), before[0], patterns)
        return x, patterns.seen

    trunk = Trunk(run)
    for network in members:
        start = devices.seconds()
        x, seen = trunk.visit(network, len(network.layers))[-1]
        patterns = PatternSet(seen)
        engine.head(x, patterns)
        yield int(patterns.seen.sum()), devices.seconds() - start
