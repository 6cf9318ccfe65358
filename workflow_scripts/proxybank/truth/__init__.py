"""Real accuracies by training: networks in, their accuracies after a fixed schedule out."""

from proxybank.truth.accuracies import compare, draw_networks, spread
from proxybank.truth.parts import classes_to_train, train_classes
from proxybank.truth.training import Schedule, Split, Trained, bundles, train

__all__ = [
    "Schedule",
    "Split",
    "Trained",
    "bundles",
    "classes_to_train",
    "compare",
    "draw_networks",
    "spread",
    "train",
    "train_classes",
]
