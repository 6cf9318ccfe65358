"""The two spaces of NATS-Bench: genes, architecture strings, official indexes, canonical classes, closed-form costs."""

from functools import cache

from proxybank.errors import ConfigError, suggest
from proxybank.spaces.base import Skeleton, Space, codes
from proxybank.spaces.sss import SizeSpace
from proxybank.spaces.tss import TopologySpace

__all__ = ["NAMES", "Skeleton", "Space", "codes", "get"]

_SPACES = {"tss": TopologySpace, "sss": SizeSpace}
NAMES = tuple(_SPACES)


@cache
def get(name: str) -> Space:
    """Return the space called `name`, ``"tss"`` or ``"sss"``.

    Raises
    ------
    ConfigError
        If there is no such space.
    """
    if name not in _SPACES:
        raise ConfigError(f"spaces: no space is called '{name}'.{suggest(name, NAMES)} Known: {', '.join(NAMES)}.")
    return _SPACES[name]()
