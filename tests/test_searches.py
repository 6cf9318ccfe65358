"""Searches: the replay tests that every algorithm passes, budgets, limits, random numbers, and published results."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from proxybank import searches, spaces
from proxybank.errors import SearchError
from proxybank.searches import benchmark, bohb, core, freerea, ga, rea, replay, sa_rk, search_economics
from proxybank.searches.__main__ import reference
from proxybank.searches.replays import prepare, start

# Objective and parameters that make each search finish its stages within a few dozen evaluations.
OBJECTIVES = {
    "area": "score; score",
    "rea_warmup": "score; score",
    "ga_rk": "rank(score)",
    "sa_rk": "rank(score)",
    "successive_halving": "score; score; score",
    "hyperband": "score; score; score",
    "bohb": "score; score; score",
    "mf_nas": "score; score; score",
    "robot": "score; other; score",
}
PARAMETERS = {
    "rea_warmup": {"warmup": 20},
    "mf_nas": {"warmup": 20},
    "sa_rk": {"returns": "best"},
    "robot": {"draws": 20},
}
ALL = list(searches.ALGORITHMS)
SCORED = [name for name in ALL if name != "random"]  # those that look at scores
# Those that go on until the budget is used up.
ENDLESS = [name for name in SCORED if name not in ("successive_halving", "mf_nas", "robot")]
FREEREA = "naswot / max(naswot) + logsynflow / max(logsynflow) + skipped_layers / max(skipped_layers)"


def cube(score=None, feasible=None, n_genes=4, n_choices=4):
    """All networks of a small space; without a score, each has a random one."""
    generator = np.random.default_rng(0)
    n = n_choices**n_genes
    genes = np.stack(np.unravel_index(np.arange(n), (n_choices,) * n_genes), axis=1)
    columns = {"score": generator.normal(size=n) if score is None else score, "other": generator.normal(size=n)}
    return searches.make_problem(genes, np.arange(n), columns, dict.fromkeys(columns, np.full(n, 0.25)), feasible)


def some(name, runs, problem=None, **options):
    """Replay a search with what it needs."""
    settings = PARAMETERS.get(name, {}) | {"evaluations": 60, "histories": True} | options
    return replay(problem or cube(), name, OBJECTIVES.get(name, "score"), runs=runs, **settings)


def search_state(problem, key="0"):
    """State of a run that has just begun, and what compiled code takes in its place."""
    search = prepare(problem, "score", "test", 1000, None, True)()
    start(search, key)
    return search, core.reference(search)


def assert_mean(values, expected):
    """The mean is the expected one, to three standard errors."""
    assert abs(np.mean(values) - expected) <= 3 * stats.sem(values)


# The four replay tests of every search.


@pytest.mark.parametrize("name", SCORED)
def test_with_the_truth_as_score_and_a_large_budget_the_optimum_is_found(name):
    large = {
        "ga": {"generations": 10_000, "population": 200, "mutation": 0.3},
        "ga_rk": {"generations": 10_000, "population": 200},
        "sa_rk": {"iterations": 30},
        "successive_halving": {"candidates": 2000},
        "mf_nas": {"warmup": 2000},
        "reinforce": {"learning_rate": 0.001},  # it settles down before it has seen enough, otherwise
        "bohb": {"random_fraction": 0.5},
    }
    problem = cube()
    objective = "score; -score; score" if name == "robot" else OBJECTIVES.get(name, "score")
    settings = PARAMETERS.get(name, {}) | large.get(name, {})
    found = replay(problem, name, objective, runs=10, evaluations=3000, **settings).best
    assert (found == np.argmax(problem.columns["score"])).all()


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("search_economics", "robot")])
def test_with_a_constant_score_a_search_is_a_random_choice(name):
    # The first network met wins ties, and the first one is drawn with equal chances; search economics draws it in the
    # first region, and RoBoT takes the first of the ranking.
    truth = np.random.default_rng(3).normal(size=256)
    found = some(name, 1500, cube(np.ones(256)), histories=False).best
    assert_mean(truth[found], truth.mean())


@pytest.mark.parametrize("name", ALL)
def test_a_run_depends_on_its_key_alone(name):
    whole = some(name, range(12), threads=3)
    assert len({tuple(history) for history in whole.histories}) == 12
    shard = some(name, [11, 4])
    for k, run in enumerate([11, 4]):
        for column in ("histories", "stages", "times", "values"):
            np.testing.assert_array_equal(getattr(shard, column)[k], getattr(whole, column)[run])
        assert shard.best[k] == whole.best[run]
    for other in (some(name, [4], seed=1), some(name, [4], constraint="small")):
        assert list(other.histories[0]) != list(whole.histories[4])


@pytest.mark.parametrize("n", [1, 10, 100])
def test_naswot_search_has_the_mean_of_its_closed_form(n):
    # The r-th lowest of m scores wins with chance (r/m)^n - ((r-1)/m)^n. Accuracies only correlate with the scores.
    score, noise = np.random.default_rng(4).normal(size=(2, 256))
    accuracy = score + noise
    share = np.arange(257) / 256
    expected = np.diff(share**n) @ accuracy[np.argsort(score)]
    found = replay(cube(score), "naswot_search", "score", runs=range(4000), evaluations=n).best
    assert_mean(accuracy[found], expected)


# Limits.


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_limits_are_never_broken(name, share):
    # Few feasible networks are islands that no single mutation leaves.
    feasible = np.random.default_rng(5).random(256) < share
    outcome = some(name, 20, cube(feasible=feasible), constraint="small")
    assert feasible[outcome.best].all()
    assert all(feasible[history].all() for history in outcome.histories)


def test_annealing_cools_on_when_all_networks_within_the_limits_are_known():
    # Six networks are known within a few moves. At the last temperature a loss of one rank has a chance of exp(-312).
    problem = cube(np.arange(256.0), np.arange(256) < 6)
    found = replay(problem, "sa_rk", "rank(score)", runs=50, evaluations=1000, constraint="small")
    assert (found.best == 5).all() and (found.n_evaluated == 6).all()


def test_limits_that_no_network_keeps_are_named():
    with pytest.raises(SearchError, match="rea by 'score' under constraint 'tiny': no network keeps the limits"):
        replay(cube(feasible=np.zeros(256, bool)), "rea", "score", runs=[0], evaluations=5, constraint="tiny")


def test_limits_that_no_network_with_a_score_keeps_are_named():
    score = np.where(np.arange(256) < 10, np.nan, 1.0)
    with pytest.raises(SearchError, match="under constraint 'tiny': no network within the limits has a score"):
        replay(cube(score, np.arange(256) < 10), "rea", "score", runs=[0], evaluations=5, constraint="tiny")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("n_genes", "n_choices"), [(6, 5), (5, 8)])
def test_every_search_runs_on_both_spaces(name, n_genes, n_choices):
    # As many genes and choices as the topology space, and the size space.
    outcome = some(name, 2, cube(n_genes=n_genes, n_choices=n_choices))
    assert (outcome.best >= 0).all()
    assert len({tuple(history) for history in outcome.histories}) == 2


# What a network without a score, or an absent one, does.


@pytest.mark.parametrize("name", SCORED)
def test_a_network_without_a_score_is_returned_only_as_none(name):
    score = np.full(256, -np.inf)
    score[7] = -5.0  # a search that starts from 0 would never return it
    outcome = some(name, 40, cube(score))
    met = np.array([7 in history for history in outcome.histories])
    assert set(outcome.best) <= {-1, 7}
    assert met[outcome.best == 7].all()
    if name not in ("ga_rk", "robot"):  # one may forget what its last generation met, the other never meets it
        np.testing.assert_array_equal(outcome.best == 7, met)
        assert 0 < met.sum() < 40


@pytest.mark.parametrize("objective", ["-max(score) / score", "-1 / (score / max(score))", "0 * score", "score ** 0"])
def test_what_is_not_finite_is_no_score_whatever_is_done_with_it(objective):
    score = np.arange(1.0, 257)
    score[7] = np.inf
    state = core.reference(prepare(cube(score), objective, "test", 1000, None, True)())
    found = core.run_program(state, np.arange(256), np.zeros(1), 0)
    np.testing.assert_array_equal(np.flatnonzero(np.isinf(found)), [7])


def test_ties_go_to_the_network_met_first():
    score = (np.arange(256) % 4 == 0).astype(float)
    outcome = replay(cube(score), "naswot_search", "score", runs=range(40), evaluations=30, histories=True)
    for found, history in zip(outcome.best, outcome.histories, strict=True):
        assert found == next(code for code in history if score[code] == 1)


def test_a_part_of_the_size_space_is_a_space_of_fewer_choices():
    space = spaces.get("sss")
    rows = np.flatnonzero(np.isin(space.genes, [0, 1, 3, 7]).all(axis=1))
    problem = searches.make_problem(space.genes[rows], rows, {"score": rows.astype(float)})
    assert (problem.n_genes, problem.n_choices, problem.feasible.sum()) == (5, 4, 1024)
    outcome = replay(problem, "rea", "score", runs=range(5), evaluations=2000)
    assert (outcome.best == 32767).all()  # 64:64:64:64:64


def test_absent_networks_are_never_evaluated():
    rows = np.random.default_rng(6).permutation(256)[:100]
    genes = np.stack(np.unravel_index(rows, (4,) * 4), axis=1)
    problem = searches.make_problem(genes, rows, {"score": rows.astype(float)})
    outcome = replay(problem, "freerea", "score", runs=range(20), evaluations=90, histories=True)
    assert set(np.concatenate(outcome.histories)) <= set(rows)
    assert (problem.columns["score"][problem.feasible] == problem.arch_index[problem.feasible]).all()


# Budgets.


@pytest.mark.parametrize("name", ENDLESS)
def test_the_budget_in_evaluations_is_used_up_and_timed(name):
    outcome = some(name, 10, evaluations=40)
    assert (outcome.n_evaluated == 40).all()
    np.testing.assert_array_equal(outcome.simulated_seconds, 10.0)


@pytest.mark.parametrize("name", ENDLESS)
def test_an_evaluation_may_begin_while_there_is_time(name):
    # 0.25 s each: the 40th begins at 9.75 s, before the end at 9.9 s.
    outcome = some(name, 10, evaluations=None, seconds=9.9)
    assert (outcome.n_evaluated == 40).all()
    np.testing.assert_array_equal(outcome.simulated_seconds, 10.0)


@pytest.mark.parametrize("name", ENDLESS)
def test_repeats_are_free_or_charged(name):
    free = some(name, 10, evaluations=120, repeats="free")
    for history, stages in zip(free.histories, free.stages, strict=True):
        assert len(set(zip(history, stages, strict=True))) == len(history)
    charged = some(name, 10, evaluations=120, repeats="charged")
    assert any(len(set(history)) < 120 for history in charged.histories)
    assert all(len(history) == 120 for history in charged.histories)


@pytest.mark.parametrize("name", ENDLESS)
def test_a_search_that_has_seen_everything_ends(name):
    outcome = some(name, 3, cube(n_genes=2), evaluations=None, seconds=1e9, repeats="free")
    assert (outcome.n_evaluated <= 16 * 3).all()


@pytest.mark.parametrize("name", [name for name in SCORED if name not in ("ensemble", "ga_rk")])
def test_a_search_without_time_for_an_evaluation_returns_nothing(name):
    # The 100 networks behind zscore() take 25 s. An ensemble has its own, and GA-rk is by ranks alone.
    objective = OBJECTIVES.get(name, "score").replace("rank(score)", "score").replace("score", "zscore(score)", 1)
    outcome = replay(cube(), name, objective, runs=3, seconds=20)
    assert (outcome.n_evaluated == 0).all() and (outcome.best == -1).all()


def test_only_columns_that_the_objective_reads_cost_time():
    genes = np.arange(8)[:, None]
    columns = {"a": np.arange(8.0), "b": np.ones(8)}
    problem = searches.make_problem(genes, np.arange(8), columns, {"a": np.full(8, 1.0), "b": np.full(8, 2.0)})
    spent = [
        replay(problem, "naswot_search", text, runs=[0], evaluations=4).simulated_seconds[0]
        for text in ("a", "b", "a + b", "3")
    ]
    assert spent == [4.0, 8.0, 12.0, 0.0]


# The best so far.


def best_at(trajectory, n):
    """The best network after so many evaluations."""
    place = np.searchsorted(trajectory.n_evaluated, n, side="right") - 1
    return trajectory.arch_index[place] if place >= 0 else -1


@pytest.mark.parametrize("name", [name for name in SCORED if name not in ("ga_rk", "sa_rk")])
def test_the_best_so_far_is_what_a_shorter_run_returns(name):
    # The slow way: the same run again with every smaller budget. Two searches return something else than the best. Many
    # networks tie, and many have no score.
    score = np.where(np.random.default_rng(11).random(256) < 0.3, np.nan, np.round(cube().columns["score"]))
    whole = some(name, 3, cube(score), trajectories=True)
    for n in range(1, 61):
        shorter = some(name, 3, cube(score), evaluations=n).best
        assert [best_at(trajectory, n) for trajectory in whole.trajectories] == shorter.tolist()


@pytest.mark.parametrize("name", ["successive_halving", "mf_nas"])
def test_the_best_so_far_is_that_of_the_last_stage_reached(name):
    # Stages disagree, so the best of one is seldom that of the next.
    settings = PARAMETERS.get(name, {}) | {"runs": 3, "trajectories": True}
    whole = replay(cube(), name, "score; other; -score", evaluations=60, **settings)
    for n in range(1, 61):
        shorter = replay(cube(), name, "score; other; -score", evaluations=n, **settings).best
        assert [best_at(trajectory, n) for trajectory in whole.trajectories] == shorter.tolist()


@pytest.mark.parametrize("name", ["naswot_search", "freerea", "freerea_minus", "rea"])
def test_the_best_so_far_by_the_running_maximum(name):
    # When a maximum rises, networks seen before may change places.
    problem = freerea_like_problem()
    whole = replay(problem, name, FREEREA, runs=5, evaluations=40, trajectories=True)
    for n in range(1, 41):
        shorter = replay(problem, name, FREEREA, runs=5, evaluations=n).best
        assert [best_at(trajectory, n) for trajectory in whole.trajectories] == shorter.tolist()


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        ("naswot_search", "rank(score) + rank(other)"),
        ("naswot_search", "-place(score) - place(other)"),
        ("ensemble", "zscore(score) + zscore(other)"),  # which are over the networks evaluated so far
    ],
)
def test_the_best_so_far_by_rank_is_looked_for_now_and_then(name, objective):
    whole = replay(cube(), name, objective, runs=5, evaluations=50, trajectories=True)
    assert [trajectory.arch_index[-1] for trajectory in whole.trajectories] == whole.best.tolist()
    # Whenever the number has grown by 2 ** (1 / 4), and at the end.
    looks = {1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 27, 33, 40, 48, 50}
    for trajectory in whole.trajectories:
        assert set(trajectory.n_evaluated) <= looks
    for n in looks:
        shorter = replay(cube(), name, objective, runs=5, evaluations=n).best
        assert [best_at(trajectory, n) for trajectory in whole.trajectories] == shorter.tolist()


@pytest.mark.parametrize("name", ["hyperband", "bohb"])
def test_the_best_so_far_by_rank_of_all_stages(name):
    whole = replay(cube(), name, "rank(score); rank(other); rank(score)", runs=5, evaluations=60, trajectories=True)
    assert [trajectory.arch_index[-1] for trajectory in whole.trajectories] == whole.best.tolist()


@pytest.mark.parametrize("n", [1, 2, 63, 64, 200])  # few are compared with each other, many are sorted
def test_ranks_are_scipys(n):
    generator = np.random.default_rng(n)
    score = np.where(generator.random(256) < 0.2, np.nan, generator.integers(20, size=256))
    codes = generator.integers(256, size=n)
    ranks = stats.rankdata(np.nan_to_num(score[codes], nan=-1)) - 1
    for objective, expected in (("rank(score)", ranks), ("place(score)", n - ranks)):
        state = core.reference(prepare(cube(score), objective, "test", 1000, None, True)())
        found = core.run_program(state, codes, np.zeros(1), 0)
        assert found.tolist() == np.where(np.isnan(score[codes]), -np.inf, expected).tolist()


@pytest.mark.parametrize("name", ALL)
def test_times_add_up(name):
    outcome = some(name, 3, trajectories=True)
    for run in range(3):
        times, trajectory = outcome.times[run], outcome.trajectories[run]
        assert times[-1] == outcome.simulated_seconds[run]
        np.testing.assert_array_equal(np.diff(times), 0.25)
        np.testing.assert_array_equal(trajectory.simulated_seconds, times[trajectory.n_evaluated - 1])
        assert (np.diff(trajectory.n_evaluated) > 0).all()
    # RoBoT scores all 256 networks by two proxies before it evaluates the first one.
    assert outcome.times[0][0] == 0.25 + (2 * 256 * 0.25 if name == "robot" else 0)
    assert (outcome.own_seconds > 0).all()


def test_values_are_those_of_the_objective():
    problem = cube()
    outcome = some("area", 1, problem)
    stages, codes = outcome.stages[0], outcome.histories[0]
    np.testing.assert_array_equal(outcome.values[0], problem.columns["score"][codes])
    assert set(stages) == {0, 1}


def test_a_budget_in_seconds_needs_the_seconds_of_every_network():
    genes, values = np.arange(8)[:, None], np.arange(8.0)
    seconds = {"a": np.where(values == 3, np.nan, 1.0)}
    problem = searches.make_problem(genes, np.arange(8), {"a": values}, seconds)
    with pytest.raises(SearchError, match="a budget of 5 seconds, and no stored seconds of a for some networks"):
        replay(problem, "rea", "a", runs=1, seconds=5)
    assert np.isnan(replay(problem, "naswot_search", "a", runs=1, evaluations=50).simulated_seconds[0])
    # A network beyond the limits needs none.
    within = searches.make_problem(genes, np.arange(8), {"a": values}, seconds, values != 3)
    assert replay(within, "naswot_search", "a", runs=1, seconds=5).simulated_seconds[0] == 5


# Random numbers, and moves.


def test_random_numbers_are_splitmix64():
    # Reference values of Vigna's splitmix64.c for the states 0 and 1234567.
    search, shared = search_state(cube())
    search.random[0] = 0
    assert [core.random_bits(shared) for _ in range(2)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    search.random[0] = 1234567
    assert [core.random_bits(shared) for _ in range(2)] == [6457827717110365317, 3203168211198807973]


@pytest.mark.parametrize("n", [3, 5, 15625])
def test_first_numbers_of_runs_are_uniform(n):
    # Each run starts from another key, so the first numbers of many runs must be as even as those of one.
    search, shared = search_state(cube())
    drawn = np.empty(20_000, int)
    for run in range(drawn.size):
        start(search, f"0/rea/unlimited/{run}")
        drawn[run] = core.below(shared, n)
    assert drawn.min() >= 0 and drawn.max() < n
    assert n > 1000 or (drawn.min(), drawn.max()) == (0, n - 1)  # so many draws of so few numbers meet both ends
    counts = np.bincount(drawn * min(n, 50) // n, minlength=min(n, 50))
    expected = np.bincount(np.arange(n) * min(n, 50) // n) * drawn.size / n
    assert stats.chisquare(counts, expected).pvalue > 1e-4


@pytest.mark.parametrize(
    ("by_node", "odds"),
    [(False, [1 / 6] * 6), (True, [1 / 3, 1 / 6, 1 / 6, 1 / 9, 1 / 9, 1 / 9])],
)
def test_mutation_changes_one_edge_with_the_right_odds(by_node, odds):
    _, search = search_state(cube(np.ones(729), n_genes=6, n_choices=3))
    parent = 400
    children = np.array([core.mutate(search, parent, by_node) for _ in range(20_000)])
    children, counts = np.unique(children, return_counts=True)
    genes = np.stack(np.unravel_index(children, (3,) * 6), axis=1)
    changed = genes != np.array(np.unravel_index(parent, (3,) * 6))
    assert (changed.sum(axis=1) == 1).all()
    expected = 20_000 * (changed @ np.array(odds)) / 2  # two other operations for each edge
    assert stats.chisquare(counts, expected).pvalue > 1e-4


def test_crossover_takes_each_gene_from_either_parent():
    _, search = search_state(cube())
    children = {core.cross(search, 0b00_00_00_00, 0b11_10_01_00) for _ in range(500)}
    genes = np.stack(np.unravel_index(sorted(children), (4,) * 4), axis=1)
    assert [sorted(set(column)) for column in genes.T] == [[0, 3], [0, 2], [0, 1], [0]]
    assert len(children) == 8


# The compiled code.

PLAIN = """
import json, sys, warnings
sys.path[:0] = sys.argv[1:]
warnings.filterwarnings("ignore", "overflow", RuntimeWarning)  # the arithmetic of 64 random bits wraps around
from test_searches import outcome_of_every_search
print(json.dumps(outcome_of_every_search()))
"""


def freerea_like_problem():
    """A space of 81 networks with three columns, one of which has no value for some."""
    generator = np.random.default_rng(8)
    genes = np.stack(np.unravel_index(np.arange(81), (3,) * 4), axis=1)
    columns = dict(zip(["naswot", "logsynflow", "skipped_layers"], generator.normal(size=(3, 81)), strict=True))
    columns["naswot"][::9] = -np.inf
    return searches.make_problem(genes, np.arange(81), columns, {"naswot": generator.integers(0, 9, 81) / 4})


def outcome_of_every_search():
    """Histories and results of two runs of every search, by every kind of objective."""
    problem = freerea_like_problem()
    runs = [(name, some(name, 2)) for name in searches.ALGORITHMS]
    for objective in (FREEREA, "zscore(naswot) - log(place(logsynflow)) * 2 + rank(skipped_layers) ** 2"):
        for name in ("naswot_search", "ensemble", "rea", "turin_rea", "freerea_minus", "freerea"):
            runs.append((name, replay(problem, name, objective, runs=2, evaluations=60, histories=True)))
    for child in ("vote", "inversion", "crossover"):
        runs.append((child, replay(problem, "rea", "naswot", runs=2, evaluations=60, histories=True, child=child)))
    return [
        [
            name,
            outcome.best.tolist(),
            outcome.simulated_seconds.tolist(),
            [history.tolist() for history in outcome.histories],
        ]
        for name, outcome in runs
    ]


def test_compiled_and_plain_python_agree(root):
    # In another process: the compiler is switched off when it is imported.
    plain = subprocess.run(
        [sys.executable, "-c", PLAIN, str(root / "workflow_scripts"), str(root / "tests")],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(plain.stdout) == outcome_of_every_search()


def test_machine_code_is_kept_until_any_file_changes(tmp_path, monkeypatch):
    # Numba's own stamp is that of the kernel's file; a changed helper would leave the old code in use.
    assert rea.run._cache._cache_file._source_stamp == core._sources()
    for path in Path(core.__file__).parent.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(core, "__file__", str(tmp_path / "core.py"))
    core._sources.cache_clear()
    assert core._sources() == rea.run._cache._cache_file._source_stamp
    (tmp_path / "objective.py").write_text("")
    core._sources.cache_clear()
    assert core._sources() != rea.run._cache._cache_file._source_stamp
    core._sources.cache_clear()


def test_compiled_searches_are_a_hundred_times_faster(root):
    # Processor time of one thread, which the machine's other programs change little; the least of five.
    compiled = min(benchmark.seconds_for(500)[0] for _ in range(5)) / 500
    program = "from proxybank.searches.benchmark import seconds_for; print(min(seconds_for(2)[0] for _ in range(5)))"
    plain = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root / "workflow_scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert compiled < float(plain.stdout) / 2 / 100


# What is particular to one search.


def genes_of(codes, n_genes=4, n_choices=4):
    return np.stack(np.unravel_index(codes, (n_choices,) * n_genes), axis=-1)


def test_vote_takes_the_value_with_the_highest_mean():
    # By hand. Gene 0: value 1 has (5 + 0) / 2, value 2 has 3. Gene 1: 0 has 5, 3 has 1.5. Gene 2: all have 2. Gene 3: 0
    # has 5, 1 has 3, 2 has 0.
    _, search = search_state(cube())
    sample = np.array([1 * 64 + 0 * 16 + 2 * 4 + 0, 2 * 64 + 3 * 16 + 2 * 4 + 1, 1 * 64 + 3 * 16 + 2 * 4 + 2])
    child = rea._vote(search, sample, np.array([5.0, 3.0, 0.0]))
    assert genes_of(child).tolist() == [2, 0, 2, 0]


def test_inversion_reverses_a_run_of_genes():
    _, search = search_state(cube())
    children = {tuple(genes_of(rea._invert(search, 0b00_01_10_11))) for _ in range(300)}
    runs = [(first, last) for first in range(4) for last in range(first + 1, 4)]
    expected = {(*range(first), *range(last, first - 1, -1), *range(last + 1, 4)) for first, last in runs}
    assert children == expected


def two_maxima(a, b):
    """State of a run that adds two scores of the first networks, each over its largest."""
    columns = {name: np.resize(values, 256) for name, values in (("a", a), ("b", b))}
    problem = searches.make_problem(genes_of(np.arange(256)), np.arange(256), columns)
    search = prepare(problem, "a / max(a) + b / max(b)", "test", 1000, None, True)()
    start(search, "0")
    return core.reference(search)


def test_those_who_survive_in_freerea_are_chosen_at_once():
    # By hand: 0, 0.7, 0.8 and 1.5, so networks 2 and 3 stay. Without network 0 the maximum of b is 5, and network 1
    # would have 0.9.
    members, born = np.arange(4), np.array([7, 6, 5, 4])
    n = freerea._survive(two_maxima([-10.0, 5, 8, 10], [10.0, 2, 0, 5]), members, born, 4, 2)
    assert (n, members[:2].tolist(), born[:2].tolist()) == (2, [2, 3], [5, 4])


def test_parents_in_freerea_were_there_before_the_step():
    # Network 3 is the best; it is fresh, and its values do not count for maxima either: 2 has 1 + 0.75, 1 has 0.5 + 1.
    search = two_maxima([0.0, 2, 4, 100], [0.0, 2, 1.5, 1])
    members = np.arange(4)
    assert freerea._parents(search, members, members == 3, 4).tolist() == [2, 1]
    assert freerea._parents(search, members, members != 0, 4).tolist() == [0]
    assert freerea._parents(search, members, members < 0, 4).tolist() == [3, 1]


@pytest.mark.parametrize("child", ["mutation", "vote", "inversion", "crossover"])
def test_the_skip_filter_lets_no_child_without_a_skip_pass(child):
    problem = cube(n_genes=6, n_choices=5)
    outcome = replay(
        problem, "turin_rea", "score", runs=5, evaluations=60, histories=True, child=child, skips_only="yes"
    )
    skips = [(genes_of(history, 6, 5) == 1).any(axis=1) for history in outcome.histories]
    assert all(has[10:].all() for has in skips)
    assert not all(has.all() for has in skips)  # the first population is as drawn


def test_the_skip_filter_knows_skips_where_an_operation_is_absent():
    # Cells without `none`: a skip, 1 in the topology space, is the first of four operations.
    cells = cube(n_genes=6)
    problem = searches.make_problem(1 + genes_of(np.arange(4**6), 6), np.arange(4**6), cells.columns)
    outcome = replay(problem, "turin_rea", "score", runs=5, evaluations=60, histories=True, skips_only="yes")
    assert all((genes_of(history[10:], 6) == 0).any(axis=1).all() for history in outcome.histories)


def test_the_skip_filter_is_for_what_stands_in_for_children_too():
    # Inversion makes no skip where there is none; one network in five has skips, and is drawn in place of a child.
    genes = genes_of(np.arange(5**6), 6, 5)
    without, few = (genes != 1).all(axis=1), (genes == 1).sum(axis=1) == 6
    feasible = without & (genes[:, 1:] == 4).all(axis=1) | few
    problem = cube(feasible=feasible, n_genes=6, n_choices=5)
    options = {"population": 2, "sample": 2, "child": "inversion", "skips_only": "yes"}
    outcome = replay(problem, "rea", "score", runs=20, evaluations=9, histories=True, **options)
    assert all(few[history[2:]].all() for history in outcome.histories)
    # Where there is no skip at all, the filter gives up.
    problem = cube(feasible=without, n_genes=6, n_choices=5)
    assert (replay(problem, "rea", "score", runs=2, evaluations=9, **options).n_evaluated == 9).all()


def test_the_skip_filter_is_about_cells():
    with pytest.raises(
        SearchError, match="rea, skips_only: found 'yes' for networks of 4 genes. This is about the 6 edges"
    ):
        replay(cube(), "rea", "score", runs=1, evaluations=9, skips_only="yes")


@pytest.mark.parametrize(("name", "n"), [("area", 20), ("rea_warmup", 2000)])
def test_warm_up_evolves_the_best_by_the_first_stage(name, n):
    problem = cube()
    outcome = replay(problem, name, "other; score", runs=3, evaluations=n + 40, histories=True)
    for history, stages, best in zip(outcome.histories, outcome.stages, outcome.best, strict=True):
        np.testing.assert_array_equal(stages, [0] * n + [1] * 40)
        met = np.array(list(dict.fromkeys(history[:n])))  # each once, though it may be drawn and scored again
        order = np.argsort(-problem.columns["other"][met], kind="stable")
        np.testing.assert_array_equal(history[n : n + 10], met[order[:10]])
        assert best == history[n + np.argmax(problem.columns["score"][history[n:]])]


def test_halving_keeps_the_better_half():
    outcome = some("successive_halving", 3, evaluations=100)
    score = cube().columns["score"]
    for history, stages in zip(outcome.histories, outcome.stages, strict=True):
        assert np.bincount(stages).tolist() == [32, 16, 8]
        assert sorted(score[history[32:48]]) == sorted(score[history[:32]])[16:]


def test_brackets_are_those_of_hpbandster():
    # eta 3 and three budgets: 9 > 3 > 1, then 3 > 1, then 3 networks.
    for name in ("hyperband", "bohb"):
        stages = some(name, 2, evaluations=40).stages[0]
        np.testing.assert_array_equal(stages[:20], [0] * 9 + [1] * 3 + [2] + [1] * 3 + [2] + [2] * 3)
        np.testing.assert_array_equal(stages[20:], stages[:20])


def test_the_model_of_bohb_is_a_density_of_unordered_values():
    # By hand: equal values get the least bandwidth, and n^(-1/8) * 1.06 times the deviation of 0, 0, 1 is 0.436. One
    # that is wider than that of a uniform density is cut: deviation of 0, 0, 3.
    _, search = search_state(cube())
    codes = np.array([0, 0, 0b00_00_01_11])
    widths = bohb._bandwidths(search, codes, 0.3)
    np.testing.assert_allclose(widths, [0.3, 0.3, 1.06 * np.sqrt(2 / 9) * 3 ** (-1 / 8), 0.75])
    near, far = 1 - widths[2], widths[2] / 3
    assert bohb._density(search, 0, codes, widths) == pytest.approx(0.7**2 * (2 * near + far) / 3 * 0.25)
    assert bohb._density(search, 0b01_00_01_00, codes, widths) == pytest.approx(0.1 * 0.7 * (2 * far + near) / 3 * 0.25)


@pytest.mark.parametrize(("n", "n_good", "n_bad"), [(4, 4, 0), (9, 5, 4), (10, 5, 5), (40, 6, 34), (41, 6, 34)])
def test_the_model_of_bohb_has_no_network_in_both_densities(n, n_good, n_bad):
    # As in hpbandster, for four genes: 15% are good, and 85% of all are bad, both rounded down, and five at least.
    problem = cube()
    search, shared = search_state(problem)
    for code in range(n):
        core.evaluate(shared, code)
    good, bad = bohb._good_and_bad(shared, 0)
    order = np.argsort(-problem.columns["score"][:n])
    assert (good.tolist(), bad.tolist()) == (order[:n_good].tolist(), order[n_good : n_good + n_bad].tolist())
    assert bad.size == n_bad
    # A network drawn without a model takes one random number.
    before = search.random.copy()
    bohb._from_model(shared, 4, 0.3)
    after = search.random.copy()
    search.random[:] = before
    core.random_bits(shared)
    assert (search.random == after).all() == (n < 10)


def test_the_model_of_bohb_keeps_what_good_networks_share():
    # Good ones share genes 0 and 1, so these stay with chance 1 - 0.3 + 0.3 / 4 each.
    _, search = search_state(cube())
    widths = np.array([0.3, 0.3, 0.75, 0.75])
    drawn = genes_of(np.array([bohb._near(search, 0b10_01_00_00, widths) for _ in range(4000)]))
    kept = (drawn == [2, 1, 0, 0]).mean(axis=0)
    np.testing.assert_allclose(kept, [0.775, 0.775, 0.4375, 0.4375], atol=0.03)


def test_the_policy_of_reinforce_learns():
    score = 10.0 * genes_of(np.arange(256)).sum(axis=1)
    outcome = replay(cube(score), "reinforce", "score", runs=20, evaluations=1000, histories=True)
    histories = np.array(outcome.histories)
    assert score[histories[:, -100:]].mean() > score[histories[:, :100]].mean() + 40


def test_mf_nas_halves_what_local_search_found():
    problem = cube()
    outcome = replay(problem, "mf_nas", "other; score; score", runs=3, evaluations=500, histories=True, warmup=50)
    for history, stages in zip(outcome.histories, outcome.stages, strict=True):
        met = list(dict.fromkeys(history[:50]))
        best = sorted(met, key=lambda code: -problem.columns["other"][code])[:32]
        assert (stages[:50] == 0).all()
        assert list(history[50 : 50 + len(best)]) == best


@pytest.mark.parametrize("at_optimum", ["restart", "escape"])
def test_local_search_climbs_by_single_genes(at_optimum):
    # A smooth hill: nothing but improvements until the top, and the distance of each move is one gene.
    score = -((genes_of(np.arange(256)) - [1, 3, 0, 2]) ** 2).sum(axis=1).astype(float)
    outcome = replay(
        cube(score), "local_search", "score", runs=20, evaluations=60, histories=True, at_optimum=at_optimum
    )
    assert (score[outcome.best] == 0).all()
    for history in outcome.histories:
        current, genes = history[0], genes_of(history)
        for k in range(1, 60):
            distance = (genes[k] != genes_of(current)).sum()
            if score[current] == 0 and distance > 1:
                assert at_optimum == "restart" or distance == 2
                break
            assert distance == 1
            current = history[k] if score[history[k]] > score[current] else current


@pytest.mark.parametrize("at_optimum", ["restart", "escape"])
def test_local_search_goes_on_where_a_whole_climb_costs_nothing(at_optimum):
    # To the last network: around many optima, all networks have been met before and are free.
    outcome = replay(cube(), "local_search", "score", runs=10, evaluations=256, repeats="free", at_optimum=at_optimum)
    assert (outcome.n_evaluated == 256).all()


@pytest.mark.parametrize("at_optimum", ["restart", "escape"])
@pytest.mark.parametrize("feasible", [[7], [0, 255], [0, 0b01_01, 255]], ids=["one", "two", "two near, one far"])
def test_local_search_ends_where_there_is_nowhere_to_go(feasible, at_optimum):
    # A leap changes two genes: from the first of three to the second, and never to the third.
    problem = cube(feasible=np.isin(np.arange(256), feasible))
    options = {"runs": 9, "evaluations": 50, "at_optimum": at_optimum}
    assert (replay(problem, "local_search", "score", **options).n_evaluated == 50).all()
    found = set(replay(problem, "local_search", "score", repeats="free", **options).n_evaluated)
    assert found == ({2, 3} if len(feasible) == 3 and at_optimum == "escape" else {len(feasible)})


def test_mf_nas_halves_what_there_is_when_local_search_meets_nothing_new():
    # 52 networks within the limits, and 100 to score: all of them, then 32 and 16 trained.
    problem = cube(feasible=np.arange(256) % 5 == 0)
    outcome = replay(
        problem, "mf_nas", "other; score; score", runs=3, evaluations=400, warmup=100, repeats="free", histories=True
    )
    assert [np.bincount(stages).tolist() for stages in outcome.stages] == [[52, 32, 16]] * 3


@pytest.mark.parametrize("evaluations", [300, 18], ids=["ten moves", "five moves and two thirds"])
@pytest.mark.parametrize("returns", ["current", "best"])
def test_annealing_returns_the_current_or_the_best(returns, evaluations):
    """By hand: with so large an `alpha` it only climbs."""
    problem = cube()
    options = {"hottest": 1, "coldest": 0.5, "cooling": 0.4, "iterations": 10, "neighbours": 3, "repeats": "charged"}
    options |= {"alpha": 1000, "returns": returns, "evaluations": evaluations}
    outcome = replay(problem, "sa_rk", "rank(score)", runs=20, histories=True, **options)
    for best, history in zip(outcome.best, outcome.histories, strict=True):
        moves = min(10, (len(history) - 1) // 3)  # what is left of a move once the budget is used up leads nowhere
        assert len(history) == min(evaluations, 31)
        among = history if returns == "best" else history[: 1 + 3 * moves]
        assert best == max(among, key=lambda code: problem.columns["score"][code])


def test_annealing_the_slow_way():
    """Ranks are among the neighbours, the current network and those that were best before; random numbers are alike."""
    problem, objective = cube(), "rank(score) + rank(other)"
    hottest, coldest, cooling, iterations, neighbours, alpha = 1.0, 0.02, 0.7, 4, 6, 0.25
    ends, uphill = [], 0
    for key in map(str, range(30)):
        search, fast = [prepare(problem, objective, "test", 10_000, None, False)() for _ in range(2)]
        for state in (search, fast):
            start(state, key)
        state, once_best, temperature = core.reference(search), [], hottest
        current = core.random_network(state)
        while temperature > coldest:
            for _ in range(iterations):
                near = sa_rk._neighbours(state, current, neighbours)
                codes = list(dict.fromkeys([current, *near, *once_best]))
                total = sum(stats.rankdata(problem.columns[name][codes]) for name in ("score", "other"))
                once_best = list(dict.fromkeys([*once_best, codes[np.argmax(total)]]))
                chosen = 1 + np.argmax(total[1:])
                loss = total[0] - total[chosen]
                if loss < 0 or core.uniform(state) <= np.exp(-alpha * loss / temperature):
                    current, uphill = codes[chosen], uphill + (loss > 0)
            temperature *= cooling
        settings = hottest, coldest, cooling, iterations, neighbours, alpha
        assert sa_rk.run(core.reference(fast), *settings, 0) == current
        ends.append(current)
    assert len(set(ends)) > 3 and uphill > 0


def test_children_of_a_genetic_algorithm():
    problem = cube()
    score, members = problem.columns["score"], np.arange(0, 256, 16)
    _, state = search_state(problem)
    first, second = members[np.argsort(-score[members])[:2]]
    assert {frozenset(ga.parents(state, members, 16)) for _ in range(20)} == {frozenset((first, second))}
    orders = {tuple(ga.parents(state, members, 16)) for _ in range(20)}
    assert orders == {(first, second), (second, first)}
    drawn = np.concatenate([ga.parents(state, members, 3) for _ in range(500)])
    # The worst of three is none of the two, so the worst of all is none ever; the best of all is in 3 samples of 16.
    assert members[np.argmin(score[members])] not in drawn
    assert abs((drawn == first).sum() / 500 - 3 / 16) < 3 * (3 / 16 * 13 / 16 / 500) ** 0.5
    pair = np.array([0, 255])  # genes 0 0 0 0 and 3 3 3 3
    for child, outer in zip(ga.crossed(state, pair), (0, 3), strict=True):
        inside = "".join("x" if gene != outer else "-" for gene in genes_of(child))
        assert set(genes_of(child)) <= {0, 3} and "x-x" not in inside and "x--x" not in inside and "x" in inside
    for before, after in zip(pair, ga.mutated(state, pair), strict=True):
        assert (genes_of(before) != genes_of(after)).sum() == 1


@pytest.mark.parametrize("objective", ["zscore(score) + zscore(other)", "-log(place(score)) - log(place(other))"])
def test_ensembles_are_over_the_set_drawn(objective):
    problem = cube()
    outcome = replay(problem, "ensemble", objective, runs=20, evaluations=30, histories=True)
    function = stats.zscore if "zscore" in objective else lambda values: -np.log(stats.rankdata(-values))
    for best, history in zip(outcome.best, outcome.histories, strict=True):
        total = function(problem.columns["score"][history]) + function(problem.columns["other"][history])
        assert best == history[np.argmax(total)]
    assert (outcome.n_evaluated == 30).all()
    assert (outcome.simulated_seconds == 30 * 0.5).all()  # two columns of 0.25 s, and no other networks


def test_robot_pays_for_scoring_everything_and_finds_a_good_weighting():
    generator = np.random.default_rng(9)
    a, b, noise = generator.normal(size=(3, 625))
    columns = {"a": a, "b": b, "valid": a - 2 * b + 0.3 * noise}
    genes = np.stack(np.unravel_index(np.arange(625), (5,) * 4), axis=1)
    seconds = {"a": np.full(625, 0.5), "valid": np.full(625, 100.0)}
    problem = searches.make_problem(genes, np.arange(625), columns, seconds)
    outcome = replay(problem, "robot", "a; b; valid", runs=20, evaluations=100)
    assert (outcome.n_evaluated == 20).all()
    np.testing.assert_array_equal(outcome.simulated_seconds, 625 * 0.5 + 20 * 100)
    assert (np.argsort(np.argsort(-columns["valid"]))[outcome.best] < 5).mean() > 0.8


def test_robot_takes_maxima_over_all_networks():
    # Columns a thousand times as large are the same over their maxima, for each of two stages before the trained one.
    problem = cube()
    larger = replace(problem, columns=problem.columns | {"other": 1000 * problem.columns["other"]})
    stage = "score / max(score) + other / max(other)"
    options = {"runs": 5, "evaluations": 60, "draws": 20, "histories": True}
    found, alike = (replay(of, "robot", f"{stage}; score; score", **options).histories for of in (problem, larger))
    plain = replay(larger, "robot", "score + other; score; score", **options).histories
    assert list(map(list, found)) == list(map(list, alike)) != list(map(list, plain))


@pytest.mark.parametrize("stages", ["{}; other", "other; {}"])
def test_robot_goes_without_a_proxy_that_no_network_has(stages):
    # All are logarithms of negative numbers once max() is known; the other proxy is the accuracy itself.
    objective = stages.format("log(-1 - max(score))")
    outcome = replay(cube(), "robot", f"{objective}; other", runs=3, evaluations=30)
    assert (outcome.best == np.argmax(cube().columns["other"])).all()


def test_search_economics_visits_its_regions():
    # Four values of the first gene in three regions: {0, 1}, {2}, {3}.
    history = some("search_economics", 1, evaluations=200).histories[0]
    first = genes_of(history)[:, 0]
    assert [first[0] in (0, 1), first[1], first[2]] == [True, 2, 3]
    assert set(first) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("n_choices", "regions", "values"),
    [
        (8, 3, [[0, 1, 2], [3, 4, 5], [6, 7]]),
        (5, 3, [[0, 1], [2, 3], [4]]),
        (4, 4, [[0], [1], [2], [3]]),
        (3, 1, [[0, 1, 2]]),
    ],
)
def test_regions_share_the_values_of_the_first_gene_out(n_choices, regions, values):
    found = [search_economics._first_genes(n_choices, region, regions) for region in range(regions)]
    assert [list(of_region) for of_region in found] == values


def test_search_economics_does_without_a_region_that_has_no_feasible_network():
    lacking = cube(feasible=genes_of(np.arange(4**4))[:, 0] != 3)  # the last of three regions
    found = replay(lacking, "search_economics", "score", runs=3, evaluations=60, histories=True)
    for history in found.histories:
        first = genes_of(history)[:, 0]
        assert set(first) == {0, 1, 2} and first.size == 60


def test_search_economics_counts_a_round_once_however_many_search():
    # Two searchers choose region 0, one region 2; all waited for one round before.
    waited, invested = np.ones(3), np.ones(3)
    search_economics._count_round(waited, invested, np.array([0, 2, 0]))
    assert (waited.tolist(), invested.tolist()) == ([1, 2, 1], [3, 1, 2])
    search_economics._count_round(waited, invested, np.array([2, 2, 2]))
    assert (waited.tolist(), invested.tolist()) == ([2, 3, 1], [3, 1, 5])


# Mistakes.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithm": "freera"}, r"no algorithm is called 'freera'. Did you mean 'freerea'\?"),
        ({"population": 1}, "rea, population: found 1. Expected an integer from 2 to 10000. Networks alive"),
        ({"population": 2.5}, "Expected an integer"),
        ({"sample": True}, "rea, sample: found True"),
        ({"samples": 3}, r"rea: no parameter is called 'samples'. Did you mean 'sample'\?"),
        ({"edge_choice": "node"}, "Expected one of uniform, by_node"),
        ({"objective": "scores"}, r"Did you mean 'score'\?"),
        ({"objective": "score; score"}, "rea: found 2 stages in 'score; score'. Expected 1, one expression each"),
        ({"algorithm": "hyperband", "objective": ";".join(["score"] * 11)}, "Expected 1 to 10"),
        (
            {"algorithm": "ga_rk", "objective": "rank(score) - rank(other)"},
            r"ga_rk: found 'rank\(score\) - rank\(other\)'. Expected a sum of rank\(\)",
        ),
        ({"algorithm": "ga_rk", "objective": "2 * rank(score)"}, r"Write rank\(-x\) where less of x is better"),
        (
            {"algorithm": "search_economics", "regions": 5},
            "search_economics, regions: found 5 where genes have 4 values. Expected no more than these. Parts of the",
        ),
        ({"evaluations": None}, "there is no budget. Expected evaluations, seconds or both"),
        (
            {"evaluations": 0},
            "rea by 'score' under constraint 'unlimited', evaluations: found 0. Expected an integer from 1. Raise it",
        ),
        ({"evaluations": -1}, "evaluations: found -1. Expected an integer from 1"),
        ({"evaluations": 2.5}, "evaluations: found 2.5. Expected an integer from 1"),
        ({"evaluations": True}, "evaluations: found True"),
        ({"seconds": np.nan}, "'unlimited', seconds: found nan. Expected a number above 0. Raise it, or leave it out"),
        ({"seconds": 0}, "seconds: found 0. Expected a number above 0"),
        ({"evaluations": None, "seconds": -1.0}, "seconds: found -1.0"),
        ({"seconds": "5"}, "seconds: found '5'"),
        ({"repeats": "Charged"}, "'unlimited', repeats: found 'Charged'. Expected charged or free. Correct it, or"),
        ({"repeats": ""}, "repeats: found ''"),
        ({"runs": -1}, "'unlimited', runs: found -1. Expected an integer from 0"),
        ({"runs": 2.0}, "runs: found 2.0"),
        ({"threads": 0}, "'unlimited', threads: found 0. Expected an integer from 1"),
        (
            {"evaluations": None, "seconds": 1e9},
            "rea by 'score' under constraint 'unlimited': 1000000000.0 seconds allow more than 1,000,000 evaluations",
        ),
    ],
)
def test_mistakes_are_named(arguments, message):
    settings = {"algorithm": "rea", "objective": "score", "evaluations": 10, "runs": [0]} | arguments
    with pytest.raises(SearchError, match=message):
        replay(cube(), **settings)


def test_no_run_at_all_has_no_history():
    none = replay(cube(), "rea", "score", runs=np.int64(0), evaluations=10, histories=True)
    assert none.best.size == 0 and none.histories == []


@pytest.mark.parametrize("value", [np.inf, -1.0])
def test_times_that_no_clock_counts_are_named(value):
    with pytest.raises(SearchError, match=f"seconds of a: found {value} for network 1. Expected the time that it took"):
        searches.make_problem(np.arange(2)[:, None], np.arange(2), {"a": np.ones(2)}, {"a": np.array([1.0, value])})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": {"a": np.ones(1)}}, "a: found 1 values for 2 networks. Expected one for each"),
        ({"feasible": np.ones(3, bool)}, "feasible: found 3 values for 2 networks"),
        ({"seconds": {"a": np.ones(3)}}, "seconds of a: found 3 values for 2 networks"),
        ({"genes": np.arange(3)[:, None]}, "genes: found 3 values for 2 networks"),
        ({"genes": np.array([[4], [4]])}, "network 7 stands there more than once. Expected one row of each"),
    ],
)
def test_problems_are_of_one_row_for_each_network(changes, message):
    given = {"genes": np.arange(2)[:, None], "arch_index": np.array([3, 7]), "columns": {"a": np.ones(2)}}
    with pytest.raises(SearchError, match=message):
        searches.make_problem(**given | changes)


def test_every_search_says_where_it_is_from():
    for name, algorithm in searches.ALGORITHMS.items():
        assert algorithm.name == name
        assert algorithm.does and algorithm.maximises and algorithm.source and algorithm.version >= 1
        assert algorithm.repeats in ("charged", "free")
        assert algorithm.check({}) == {key: rule.default for key, rule in algorithm.parameters.items()}


def test_the_documentation_is_in_step(root):
    page = (root / "docs/algorithms.md").read_text()
    assert page == reference(), "run: make docs/algorithms.md"
    algorithms, parameters = page.split("## Parameters")
    for name, algorithm in searches.ALGORITHMS.items():
        assert f"\n| `{name}` | " in algorithms
        assert all(f"\n| `{key}` | " in parameters for key in algorithm.parameters)


# The papers' numbers, on the authors' published scores.


@pytest.fixture(scope="module")
def cifar10(shared_data):
    """CIFAR-10's topology space with the scores and seconds that FreeREA's authors published, and test accuracy."""
    space = spaces.get("tss")
    published = pl.read_csv(shared_data / "reference/tss_cifar10_freerea.csv").sort("arch_index")
    truth = pl.read_csv(shared_data / "natsbench/tss_accuracies.csv").sort("arch_index")
    columns = {name: published[name].to_numpy() for name in ("naswot", "logsynflow", "synflow")}
    seconds = {name: published[f"{name}_seconds"].to_numpy() for name in columns}
    # A skip from node i to node j jumps j - i - 1 nodes; mean over the skips, 0 without any (FreeREA's code).
    skips, jumped = space.genes == 1, np.array([0, 1, 0, 2, 1, 0])
    columns["skipped_layers"] = skips @ jumped / np.maximum(skips.sum(axis=1), 1)
    columns["valid_12"] = truth["cifar10_valid_accuracy_12"].to_numpy()
    seconds["valid_12"] = truth["cifar10_short_training_seconds"].to_numpy()
    problem = searches.make_problem(space.genes, np.arange(space.size), columns, seconds)
    return problem, truth["cifar10_test_accuracy_200"].to_numpy()


def test_freerea_finds_what_its_paper_says(cifar10):
    # Table 3 of the paper: 94.36 after 45 s, and network 9930 has the best fitness of the whole space.
    problem, accuracy = cifar10
    outcome = replay(problem, "freerea", FREEREA, runs=range(500), seconds=45)
    assert np.mean(accuracy[outcome.best]) >= 94.34  # 94.36, to 0.02
    assert np.mean(outcome.best == 9930) > 0.9


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_naswot_search_on_published_scores_has_the_mean_of_its_closed_form(cifar10, n):
    problem, accuracy = cifar10
    score = problem.columns["naswot"]
    order = problem.arch_index[np.argsort(score, kind="stable")]
    expected = np.diff((np.arange(15626) / 15625) ** n) @ accuracy[order]
    outcome = replay(problem, "naswot_search", "naswot", runs=range(1000), evaluations=n)
    assert_mean(accuracy[outcome.best], expected)


@pytest.fixture(scope="module")
def papers(root):
    """Return mean, standard deviation and standard error of a published result; other runs where n is not printed."""
    table = pl.read_csv(root / "resources/papers/published.csv", infer_schema_length=None)

    def look_up(paper, table_name, dataset, method, runs):
        rows = table.filter(paper=paper, table=table_name, space="tss", dataset=dataset, method=method)
        mean, std = rows.filter(quantity="test_accuracy_pct").select("mean", "std").cast(pl.Float64).row(0)
        return mean, std, std / np.sqrt(runs)

    return look_up


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_naswot_search_agrees_with_its_paper(cifar10, papers, n):
    # 500 runs in the paper. With a thousand networks we find 0.12 more than it, 3.4 standard errors, and exactly what
    # the closed form says for these scores and accuracies, 93.07: the difference is theirs. The paper scores one
    # initialisation on 128 images and looks up NAS-Bench-201; here are means of three on 64, and NATS-Bench. Its runs
    # spread twice as far (0.81).
    problem, accuracy = cifar10
    mean, std, error = papers("NASWOT slides", "NAS-Bench-201", "cifar10", f"NASWOT N={n}", 500)
    found = accuracy[replay(problem, "naswot_search", "naswot", runs=2000, evaluations=n).best]
    if n < 1000:
        assert abs(found.mean() - mean) < 3 * error
    else:
        assert 0 < found.mean() - mean < 0.15
        assert found.std() < std / 2


@pytest.mark.parametrize("n", [50, 100, 200, 300])
def test_naswot_search_agrees_with_the_turin_paper(cifar10, papers, n):
    problem, accuracy = cifar10
    mean, _, error = papers("Turin", "II", "cifar10", f"NASWOT search N={n}, batch 128", 10)
    found = accuracy[replay(problem, "naswot_search", "naswot", runs=2000, evaluations=n).best]
    assert abs(found.mean() - mean) < 3 * error


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "imagenet16-120"])
@pytest.mark.parametrize("n", [50, 100, 200, 300])
@pytest.mark.parametrize("rule", ["valid", "test"])
def test_random_search_with_short_training_agrees_with_the_turin_paper(shared_data, papers, dataset, n, rule):
    # Ten runs in the paper, which selects by test accuracy after 12 epochs; validation accuracy is what a search may
    # see. Both rules are within three standard errors on all three datasets.
    space = spaces.get("tss")
    short = pl.read_csv(shared_data / "natsbench/tss_short_training.csv").sort("arch_index")
    truth = pl.read_csv(shared_data / "natsbench/tss_accuracies.csv").sort("arch_index")
    score = short[f"{dataset}_{rule}_accuracy_12"].to_numpy()
    problem = searches.make_problem(space.genes, np.arange(space.size), {"short": score})
    mean, _, error = papers("Turin", "III", dataset, f"short training N={n}", 10)
    found = replay(problem, "random_search", "short", runs=2000, evaluations=n).best
    assert abs(truth[f"{dataset}_test_accuracy_200"].to_numpy()[found].mean() - mean) < 3 * error


@pytest.mark.parametrize(
    ("table", "proxy", "options"),
    [
        ("V", "NASWOT", {}),
        # Population and sample are not printed: FreeREA's, and the filter of networks without a skip. With ten, three
        # and no filter it is 93.73, near the accuracy of the network that Synflow likes best of all, 93.76.
        ("VI", "Synflow", {"population": 25, "sample": 5, "skips_only": "yes"}),
    ],
)
def test_evolution_by_a_proxy_agrees_with_the_turin_paper(cifar10, papers, table, proxy, options):
    problem, accuracy = cifar10
    mean, _, error = papers("Turin", table, "cifar10", f"REA, {proxy}, 200 networks", 10)
    objective = "naswot" if proxy == "NASWOT" else "log(synflow)"
    found = accuracy[replay(problem, "turin_rea", objective, runs=1000, evaluations=200, **options).best]
    assert abs(found.mean() - mean) < 3 * error


@pytest.mark.parametrize(("mflops", "params_m"), [(100, 0.8), (70, 0.5), (40, 0.3)])
def test_freerea_within_limits_finds_what_its_paper_says(cifar10, papers, mflops, params_m):
    # Table 5 prints hundredths; the runs that it is the mean of are 30.
    problem, accuracy = cifar10
    costs = spaces.get("tss").costs(spaces.Skeleton())
    within = (costs["mflops"] <= mflops) & (costs["params_m"] <= params_m)
    mean, _, _ = papers("FreeREA", "5", "cifar10", f"FreeREA, mflops<={mflops}, params_m<={params_m}", 30)
    outcome = replay(replace(problem, feasible=within[problem.arch_index]), "freerea", FREEREA, runs=500, seconds=45)
    assert within[outcome.best].all()
    assert accuracy[outcome.best].mean() == pytest.approx(mean, abs=0.05)


def test_freerea_minus_finds_what_its_paper_says(cifar10, papers):
    # 94.30 with 0.02 over 30 runs in the paper, 94.33 here.
    problem, accuracy = cifar10
    mean, _, _ = papers("FreeREA", "3", "cifar10", "FreeREA-", 30)
    found = accuracy[replay(problem, "freerea_minus", FREEREA, runs=500, seconds=45).best]
    assert found.mean() == pytest.approx(mean, abs=0.05)


@pytest.mark.parametrize(
    ("name", "objective", "seconds", "mean", "std"),
    [
        ("rea", "valid_12", 20_000, 94.02, 0.31),  # FreeREA's table 3, from NATS-Bench
        ("reinforce", "valid_12", 20_000, 93.90, 0.26),  # the same
        ("area", "naswot; valid_12", 12_000, 93.95, 0.39),  # table 3 of the hybrid GA paper, 50 runs
    ],
)
def test_trained_searches_agree_with_published_runs(cifar10, name, objective, seconds, mean, std):
    problem, accuracy = cifar10
    found = replay(problem, name, objective, runs=500, seconds=seconds).best
    assert accuracy[found].mean() == pytest.approx(mean, abs=0.1)
    assert accuracy[found].std() == pytest.approx(std, abs=0.05)
