"""Errors that users meet: one message that says where, what was found, what was expected, what to do."""

import difflib
from collections.abc import Iterable


class ProxybankError(Exception):
    """Base of every error caused by input; its text is the whole message, shown without a traceback."""


class ConfigError(ProxybankError):
    """A key of the configuration is misspelt, missing, out of range or contradicts another."""


class TableError(ProxybankError):
    """A table, or an architecture named in one, does not hold what it should."""


class ImageError(ProxybankError):
    """A file of images has the wrong shape, type or number of images."""


class PickleError(ProxybankError):
    """A pickle would build something other than plain data, or is damaged."""


class SearchError(ProxybankError):
    """A search cannot run: no feasible network, no finite score, an objective it cannot evaluate."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
