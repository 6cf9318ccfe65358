"""Torch networks from genes: their convolutions, counter-based weights, a functional forward pass; and as modules."""

from proxybank.networks.forward import (
    EPSILON,
    Output,
    average_pool,
    batch_norm,
    forward,
    head,
    run_layer,
    stem,
)
from proxybank.networks.modules import NetworkModule, build
from proxybank.networks.structure import Conv, Network, block_convs, cell_convs, members
from proxybank.networks.weights import INITIALISATIONS, Weights, draw

__all__ = [
    "EPSILON",
    "INITIALISATIONS",
    "Conv",
    "Network",
    "NetworkModule",
    "Output",
    "Weights",
    "average_pool",
    "batch_norm",
    "block_convs",
    "build",
    "cell_convs",
    "draw",
    "forward",
    "head",
    "members",
    "run_layer",
    "stem",
]
