"""Golden scores: every proxy of a pass, of three untrained networks on digits, as it was when the table was written."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from proxybank import data, networks, passes
from proxybank.benchmark.scoring import batch_of
from proxybank.proxies import GROUPS, REGISTRY, evaluate, in_group

IMAGES = data.load("digits")
BATCH = batch_of(IMAGES, 16, 0)
SMALL = IMAGES.skeleton(cells_per_stage=1)
# Chosen so that no input of a ReLU is as near to zero as rounding is large, which would move gradients by per cents.
CELLS = {"tss_442314": (4, 4, 2, 3, 1, 4), "tss_132423": (1, 3, 2, 4, 2, 3), "sss_12010": (1, 2, 0, 1, 0)}
GOLDEN = pl.read_csv(Path(__file__).with_name("golden_scores.csv"))
# Sums of the inverse of gaps between gradients: rounding decides how small the smallest is, and so a per cent of them.
LEFT_OUT = ("zico", "l_swag")
# Sums of terms of both signs, and logarithms of small numbers. With weights and images a millionth off, ten times what
# rounding is, these moved by 1% at most, all others by 0.1%.
TOLERANCES = dict.fromkeys(("jacov", "epe_nas", "plain", "grasp", "knas_code"), 0.02)


@pytest.mark.usefixtures("few_repeats")
@pytest.mark.parametrize("group", [group for group in GROUPS if set(in_group(REGISTRY, group)) - set(LEFT_OUT)])
def test_scores_are_those_of_their_version(group):
    """If one has changed, so have all that runs computed before, and those that come with the repository.

    Where that is meant, raise the version of the proxy, or `WEIGHTS` or `IMAGES` in `proxybank.versions`, whichever it
    was, or old scores are mixed with new ones. Then put the rows of the message into tests/golden_scores.csv.
    """
    scores = {name: [] for name in in_group(REGISTRY, group) if name not in LEFT_OUT}
    for cell, genes in CELLS.items():
        members = [networks.Network(cell[:3], genes, SMALL)]
        (found,) = passes.run(group, set(GROUPS[group]), members, BATCH, "default", 0)
        for name, values in scores.items():
            value, _ = evaluate(REGISTRY[name], found[REGISTRY[name].needs][0])
            values.append(None if value is None else float(f"{value:.7g}"))
    rows = [(group, name, *values) for name, values in scores.items()]
    now = f"{group}:\n" + pl.DataFrame(rows, schema=GOLDEN.columns, orient="row").write_csv(include_header=False)
    golden = {name: values for _, name, *values in GOLDEN.filter(group=group).rows()}
    assert golden.keys() == scores.keys(), now
    for name, values in scores.items():
        expected = np.array(golden[name], float)
        assert np.array(values, float) == pytest.approx(expected, rel=TOLERANCES.get(name, 1e-3), nan_ok=True), now
