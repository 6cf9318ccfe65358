"""Accuracy of untrained networks on the batch, over many initialisations."""

from collections.abc import Iterator, Sequence, Set
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes import devices
from proxybank.passes.engines import engine_for
from proxybank.passes.evidence import Batch
from proxybank.passes.inference import ignore
from proxybank.passes.prefixes import Trunk
from proxybank.passes.repeats import each_repeat
from proxybank.spaces.base import Layer

# Initialisations that each part has, the first ones of the other's.
N_REPEATS, N_FEW = 100, 10


def initial_accuracies(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int, parts: Set[str]
) -> Iterator[dict[str, tuple[NDArray[np.float64], float]]]:
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
    parts : set of str
        Of ``initial_accuracy``, with `N_REPEATS` initialisations, and ``few_accuracies``, with the first `N_FEW`.
    """
    counts = {part: {"initial_accuracy": N_REPEATS, "few_accuracies": N_FEW}[part] for part in parts}
    for found in each_repeat(partial(_accuracies, members, batch), max(counts.values()), seed):
        accuracies, seconds = np.array(found).T
        yield {part: (accuracies[:n], float(seconds[:n].sum())) for part, n in counts.items()}


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
        start = devices.seconds()
        x = trunk.visit(network, len(network.layers))[-1]
        logits = engine.logits(draw(network, layers=("classifier",)), x)
        yield float((logits.argmax(dim=1) == batch.labels).double().mean()), devices.seconds() - start
