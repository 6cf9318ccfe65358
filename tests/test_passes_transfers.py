"""Passes and proxies leave numbers on the device: what they fetch from it does not grow with the number of layers.

Calls that wait by themselves, as those of `torch.linalg` for eigenvalues do, are not counted.
"""

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from proxybank import networks, passes, spaces
from proxybank.passes import sweep
from proxybank.proxies import GROUPS, REGISTRY, evaluate, in_group

BATCH = passes.Batch(torch.randn(16, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 10)
# Every operation, on every kind of edge.
CELL = (2, 3, 1, 4, 4, 1)
FETCHING = {
    torch.equal,
    torch.nonzero,
    *(getattr(torch.Tensor, name) for name in ("cpu", "item", "numpy", "tolist", "nonzero")),
    *(getattr(torch.Tensor, f"__{name}__") for name in ("array", "bool", "float", "int")),
}


class Fetches(TorchFunctionMode):
    """Counts the calls that make the CPU wait for a number: on an accelerator, each stops it."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        masked = function is torch.Tensor.__getitem__ and getattr(args[1], "dtype", None) == torch.bool
        self.count += masked or function in FETCHING
        return function(*args, **(kwargs or {}))


def n_fetches(group, cells_per_stage):
    skeleton = spaces.Skeleton(image_side=8, stem_width=8, cells_per_stage=cells_per_stage)
    members = [networks.Network("tss", CELL, skeleton)]
    with Fetches() as fetches:
        (found,) = passes.run(group, set(GROUPS[group]), members, BATCH, "default", 0)
        for name in in_group(REGISTRY, group):
            evaluate(REGISTRY[name], found[REGISTRY[name].needs][0])
    return fetches.count


@pytest.mark.usefixtures("few_repeats")
@pytest.mark.parametrize("group", GROUPS)
def test_fetches_do_not_grow_with_depth(group, monkeypatch):
    forward = ("engines", "forward", "noisy_images", "perturbed_noise", "sign_pattern")
    for module in (*forward, "channelwise", "patches", "sweep"):
        monkeypatch.setattr(f"proxybank.passes.{module}.on_cpu", lambda x: False)
    # Where squares lie is drawn on the CPU, and stays there.
    monkeypatch.setattr("proxybank.passes.activation_rank.uniform", lambda key, shape: np.zeros(shape))
    assert n_fetches(group, 1) == n_fetches(group, 3) <= 12


def test_no_step_of_a_sweep_waits_for_its_time(monkeypatch):
    # An accelerator that comes to every moment a second after the one before.
    class Event:
        made = waited = 0

        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            Event.made += 1
            self.second = Event.made

        def synchronize(self):
            Event.waited += 1

        def elapsed_time(self, other):
            return 1000.0 * (other.second - self.second)

    monkeypatch.setattr(torch.cuda, "Event", Event)
    clock = sweep.Clock(torch.device("cuda"))
    clock.lap("forward")
    clock.lap("forward", "tangent")
    clock.lap("back")
    assert (Event.made, Event.waited) == (4, 0)
    assert clock.seconds() == dict.fromkeys(sweep.KINDS, 0.0) | {"forward": 1.5, "tangent": 0.5, "back": 1.0}


def test_fetches_are_counted():
    x = torch.ones(2)
    with Fetches() as fetches:
        x.cpu(), x.sum().item(), float(x.sum()), x.numpy(), x.tolist(), bool(x.sum()), torch.equal(x, x), x[x > 0]
    assert fetches.count == 8
