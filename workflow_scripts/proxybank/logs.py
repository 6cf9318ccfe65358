"""Where the progress of a job goes: every line to its log file and to the terminal."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from proxybank.errors import ProxybankError

log = logging.getLogger("proxybank")


@contextmanager
def to_file(path: str) -> Iterator[None]:
    """Send what the library logs in this block to a file and to the terminal.

    The traceback of a failure is left in the file. Bad input (`ProxybankError`) ends the program with its one message
    on the terminal and exit code 1; any other error is our own mistake, and is raised again.

    Parameters
    ----------
    path : str
        The log file, which is replaced.
    """
    handlers = [logging.FileHandler(path, mode="w"), logging.StreamHandler()]
    handlers[0].setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    # Jobs run side by side: each line on the terminal says whose it is.
    handlers[1].setFormatter(logging.Formatter(f"{PurePath(path).with_suffix('')}: %(message)s"))
    level = log.level
    log.setLevel(logging.INFO)
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    except BaseException as error:
        log.removeHandler(handlers[1])  # the terminal gets the message alone, or the traceback from Python itself
        log.exception("Failed: %s", error)
        if isinstance(error, ProxybankError):
            sys.exit(str(error))
        raise
    finally:
        log.setLevel(level)
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()
