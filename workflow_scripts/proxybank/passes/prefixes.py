"""Networks of the size space as leaves of a tree: what a prefix of widths computes serves all networks below it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Generic, TypeVar

from proxybank.networks import Network
from proxybank.spaces.base import Layer

State = TypeVar("State")


class Trunk(Generic[State]):
    """States after each layer of the network visited last; a layer runs again only where its weights differ.

    Parameters
    ----------
    run : callable
        (network, layer, state before it or None for the first) -> state after it.
    """

    def __init__(self, run: Callable[[Network, Layer, State | None], State]) -> None:
        self._run = run
        self._visited: list[tuple[Layer, State]] = []

    def visit(self, network: Network, n_layers: int) -> list[State]:
        """States after each of the first `n_layers` layers of a network."""
        shared = 0
        for (layer, _), other in zip(self._visited, network.layers[:n_layers], strict=False):
            if layer != other:
                break
            shared += 1
        del self._visited[shared:]
        for layer in network.layers[shared:n_layers]:
            before = self._visited[-1][1] if self._visited else None
            self._visited.append((layer, self._run(network, layer, before)))
        return [state for _, state in self._visited]


def siblings(members: Sequence[Network]) -> Iterator[list[Network]]:
    """Group consecutive networks that differ in their last layer alone; on the topology space each is by itself."""
    for _, group in groupby(members, key=lambda network: network.layers[:-1]):
        yield list(group)
