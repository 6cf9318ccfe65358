"""Real accuracies by training: networks in, their accuracies after a fixed schedule out."""

from proxybank.truth.accuracies import compare, draw_networks, spread
from proxybank.truth.parts import KEY, classes_to_train, settings_of, train_classes
from proxybank.truth.training import Schedule, Split, Trained, bundles, train

__all__ = [
    "KEY",
    "Schedule",
    "Split",
    "Trained",
    "bundles",
    "classes_to_train",
    "compare",
    "draw_networks",
    "settings_of",
    "spread",
    "train",
    "train_classes",
]
