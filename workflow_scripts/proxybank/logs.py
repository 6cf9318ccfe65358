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
    file, terminal = logging.FileHandler(path, mode="w"), logging.StreamHandler()
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    # Jobs run side by side: each line on the terminal says whose it is.
    terminal.setFormatter(logging.Formatter(f"{PurePath(path).with_suffix('')}: %(message)s"))
    level = log.level
    log.setLevel(logging.INFO)
    log.addHandler(file)
    log.addHandler(terminal)
    try:
        yield
    except BaseException as error:
        log.removeHandler(terminal)  # the terminal gets the message alone, or the traceback from Python itself
        log.exception("Failed: %s", error)
        if isinstance(error, ProxybankError):
            sys.exit(str(error))
        raise
    finally:
        log.setLevel(level)
        log.removeHandler(terminal)
        log.removeHandler(file)
        file.close()
