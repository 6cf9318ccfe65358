"""Accuracy of untrained networks on the batch, over many initialisations."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes.engines import engine_for
from proxybank.passes.evidence import Batch
from proxybank.passes.inference import ignore
from proxybank.passes.prefixes import Trunk
from proxybank.passes.repeats import repeated
from proxybank.spaces.base import Layer

N_REPEATS = 100


def initial_accuracies(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield the shares of images that each network labels correctly, one for each initialisation, and the seconds.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        On the CPU, images of bfloat16 have the pass run in that precision.
    initialisation : str
        Not read: the definition has its own.
    seed : int
    """
    repeats = repeated(partial(_accuracies, members, batch), N_REPEATS, seed)
    yield from ((np.array(accuracies), seconds) for accuracies, seconds in repeats)


@torch.inference_mode()  # on a generator, it holds within each step only
def _accuracies(members: Sequence[Network], batch: Batch, seed: int) -> Iterator[tuple[float, float]]:
    # The definition draws the classifier with another variance, which does not change what logit is largest.
    draw = partial(networks.draw, initialisation="kaiming_normal_fan_out", seed=seed, device=batch.images.device)
    engine = engine_for(batch.images)

    def run(network: Network, layer: Layer, before: Any) -> Any:
        if before is None:
            before = engine.stem(draw(network, layers=("stem",)), batch.images)
        return engine.layer(layer, draw(network, layers=(layer.name,)), before, ignore)

    trunk = Trunk(run)
    for network in members:
        start = time.perf_counter()
        x = trunk.visit(network, len(network.layers))[-1]
        logits = engine.logits(draw(network, layers=("classifier",)), x)
        yield float((logits.argmax(dim=1) == batch.labels).double().mean()), time.perf_counter() - start
