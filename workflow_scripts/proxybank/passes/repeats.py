"""Passes that are run over several initialisations of each network, where a definition asks for that."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from proxybank.networks.randomness import stream_key

Evidence = TypeVar("Evidence")


def repeat_seed(seed: int, repeat: int) -> int:
    """Seed of one repeat within a seed of the run."""
    return int(stream_key(seed, "repeat", repeat))


def each_repeat(
    once: Callable[[int], Iterator[tuple[Evidence, float]]], n_repeats: int, seed: int
) -> Iterator[tuple[tuple[Evidence, float], ...]]:
    """Yield what a pass over all networks found in each repeat, with its seconds, network by network.

    A repeat runs over all networks before the next one begins, so that networks of the size space share its layers.

    Parameters
    ----------
    once : callable
        Seed -> for each network, evidence and seconds.
    n_repeats : int
    seed : int
        The run's; every repeat gets a seed of its own.
    """
    yield from zip(*(list(once(repeat_seed(seed, repeat))) for repeat in range(n_repeats)), strict=True)


def repeated(
    once: Callable[[int], Iterator[tuple[Evidence, float]]], n_repeats: int, seed: int
) -> Iterator[tuple[list[Evidence], float]]:
    """Yield what `each_repeat` does, and the seconds of all repeats together."""
    for found in each_repeat(once, n_repeats, seed):
        yield [evidence for evidence, _ in found], sum(seconds for _, seconds in found)
