"""The best-scored of some random networks: closed forms against every draw there is, one by one."""

import itertools

import numpy as np
import polars as pl
import pytest

from proxybank import analysis

ACCURACY = np.array([60.0, 70.0, 90.0, 85.0, 10.0])
# Networks 2 and 3 tie, network 4 has no score.
SCORE = np.array([1.0, 3.0, 2.0, 2.0, np.nan])


@pytest.mark.parametrize("n", [1, 2, 4])
def test_every_draw_counted(n):
    # All 5 ** n draws with replacement; the one met first wins a tie, and draws without any score are left out.
    found = []
    for drawn in itertools.product(range(5), repeat=n):
        scored = [k for k in drawn if np.isfinite(SCORE[k])]
        if scored:
            found.append(ACCURACY[max(scored, key=lambda k: SCORE[k])])
    assert analysis.best_of_random(SCORE, ACCURACY, n) == pytest.approx((np.mean(found), np.std(found)))


def test_without_any_score_there_is_none():
    assert analysis.best_of_random(np.full(5, np.nan), ACCURACY, 3) == (None, None)


def test_scores_are_means_over_seeds():
    at = {"space": "tss", "dataset": "digits"}
    by_seed = pl.DataFrame(
        {
            **at,
            "arch_index": [0, 1, 2] * 3,
            "seed": [0] * 3 + [1] * 3 + [2] * 3,
            "naswot": [3.0, 1.0, 0.0, 1.0, 3.0, 0.0, 1.0, 0.0, 2.5],
            "ntk": None,
        },
        schema_overrides={"ntk": pl.Float64},
    )
    truth = {"split": "test", "epochs": 9, "accuracy_pct": [50.0, 60.0, 80.0], "train_seconds": None, "source": "s"}
    accuracies = pl.DataFrame({**at, "arch_index": [0, 1, 2], **truth})
    table = analysis.sampling_table(by_seed, accuracies, {"naswot": True, "ntk": False}, [1, 1000])
    rows = {row[:3]: row[3] for row in table.select("proxy", "n_networks", "n_seeds", "mean_pct").rows()}
    # Of a thousand networks the best one is among them. By one seed that is network 0, 1 or 2; by two in a row: seeds 0
    # and 1 tie 0 and 1 at 2, seeds 1 and 2 have 1 at 1.5, seeds 2 and 0 have 0 at 2. All three: 5, 4, 2.5 thirds.
    assert rows["naswot", 1000, 1] == pytest.approx((50 + 60 + 80) / 3)
    assert rows["naswot", 1000, 2] == pytest.approx((55 + 60 + 50) / 3)
    assert rows["naswot", 1000, 3] == pytest.approx(50)
    assert rows["naswot", 1, 3] == pytest.approx(190 / 3)
    assert rows["ntk", 1, 1] is None
    # Lower is better.
    table = analysis.sampling_table(by_seed, accuracies, {"naswot": False}, [1000])
    assert table.filter(n_seeds=3)["mean_pct"][0] == pytest.approx(80)
    # Networks 0 and 2 with seeds 0 and 2 alone: by both, 0 has 2 and 2 has 1.25.
    networks = pl.DataFrame({"arch_index": [0, 1, 2], "sample_place": [0, 2, 1]})
    samples = {"naswot": {"classes": 2, "seeds": [0, 2]}}
    table = analysis.sampling_table(by_seed, accuracies, {"naswot": True}, [1, 1000], networks, samples)
    assert table.select("n_networks", "n_seeds", "mean_pct").rows() == [
        (1, 1, pytest.approx((50 + 80) / 2)),
        (1000, 1, pytest.approx((50 + 80) / 2)),
        (1, 2, pytest.approx((50 + 80) / 2)),
        (1000, 2, pytest.approx(50)),
    ]
