"""What scoring costs: seconds of every pass, and our scoring beside the plain code of the papers.

Importing it does not import torch: the workflow reads the comparisons from here.
"""

from typing import NamedTuple


class Comparison(NamedTuple):
    """Proxies that a whole space is scored with, by the library and by plain code.

    Attributes
    ----------
    space : str
    proxies : tuple of str
        Names in `proxies.REGISTRY`; closed forms among them cost plain code nothing.
    """

    space: str
    proxies: tuple[str, ...]


COMPARISONS: dict[str, Comparison] = {
    "freerea-tss": Comparison("tss", ("naswot", "logsynflow", "skipped_layers")),
    "measures-tss": Comparison(
        "tss", ("grad_norm", "snip", "grasp", "fisher", "jacov", "plain", "synflow", "synflow_bn")
    ),
    "naswot-sss": Comparison("sss", ("naswot",)),
}

__all__ = ["COMPARISONS", "Comparison"]
