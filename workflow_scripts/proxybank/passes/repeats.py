"""Passes that are run over several initialisations of each network, where a definition asks for that."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from proxybank.networks.randomness import stream_key

Evidence = TypeVar("Evidence")


def repeat_seed(seed: int, repeat: int) -> int:
    """Seed of one repeat within a seed of the run."""
    return int(stream_key(seed, "repeat", repeat))


def repeated(
    once: Callable[[int], Iterator[tuple[Evidence, float]]], n_repeats: int, seed: int
) -> Iterator[tuple[list[Evidence], float]]:
    """Yield what a pass over all networks found in each repeat, and the seconds of all repeats, network by network.

    A repeat runs over all networks before the next one begins, so that networks of the size space share its layers.

    Parameters
    ----------
    once : callable
        Seed -> for each network, evidence and seconds.
    n_repeats : int
    seed : int
        The run's; every repeat gets a seed of its own.
    """
    repeats = [list(once(repeat_seed(seed, repeat))) for repeat in range(n_repeats)]
    for found in zip(*repeats, strict=True):
        yield [evidence for evidence, _ in found], sum(seconds for _, seconds in found)
