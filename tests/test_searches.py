"""Searches: the replay tests that every algorithm passes, budgets, limits, random numbers, and published results."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from proxybank import searches, spaces
from proxybank.errors import SearchError
from proxybank.searches import core, replay
from proxybank.searches.replays import prepare, start

SEARCHES = [name for name in searches.ALGORITHMS if name != "random"]  # those that look at scores
FREEREA = "naswot / max(naswot) + logsynflow / max(logsynflow) + skipped_layers / max(skipped_layers)"


def cube(score=None, feasible=None, n_genes=4, n_choices=4):
    """All networks of a small space; without a score, each has a random one. The official index is a permutation."""
    generator = np.random.default_rng(0)
    n = n_choices**n_genes
    genes = np.stack(np.unravel_index(np.arange(n), (n_choices,) * n_genes), axis=1)
    columns = {"score": generator.normal(size=n) if score is None else score}
    return searches.make_problem(genes, np.arange(n), columns, {"score": np.full(n, 0.25)}, feasible)


def search_state(problem, key="0"):
    """State of a run that has just begun."""
    search = prepare(problem, "score", "test", 1000, None, True)()
    start(search, key)
    return search


def assert_mean(values, expected):
    """The mean is the expected one, to three standard errors."""
    assert abs(np.mean(values) - expected) <= 3 * stats.sem(values)


# The four replay tests of every search.


@pytest.mark.parametrize("name", SEARCHES)
def test_with_the_truth_as_score_and_a_large_budget_the_optimum_is_found(name):
    problem = cube()
    found = replay(problem, name, "score", runs=range(20), evaluations=10_000).best
    assert (found == np.argmax(problem.columns["score"])).all()


@pytest.mark.parametrize("name", searches.ALGORITHMS)
def test_with_a_constant_score_a_search_is_a_random_choice(name):
    # The first network met wins ties, and the first one is drawn with equal chances.
    truth = np.random.default_rng(3).normal(size=256)
    found = replay(cube(np.ones(256)), name, "score", runs=range(3000), evaluations=60).best
    assert_mean(truth[found], truth.mean())


@pytest.mark.parametrize("name", searches.ALGORITHMS)
def test_a_run_depends_on_its_key_alone(name):
    def some(runs, **options):
        return replay(cube(), name, "score", runs=runs, evaluations=50, histories=True, **options)

    whole = some(range(12), threads=3)
    assert len({tuple(history) for history in whole.histories}) == 12
    shard = some([11, 4])
    for k, run in enumerate([11, 4]):
        np.testing.assert_array_equal(shard.histories[k], whole.histories[run])
        assert shard.best[k] == whole.best[run]
    for other in (some([4], seed=1), some([4], constraint="small")):
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


@pytest.mark.parametrize("name", searches.ALGORITHMS)
@pytest.mark.parametrize("share", [0.02, 0.3])
def test_limits_are_never_broken(name, share):
    # Few feasible networks are islands that no single mutation leaves.
    feasible = np.random.default_rng(5).random(256) < share
    outcome = replay(
        cube(feasible=feasible), name, "score", runs=range(50), evaluations=100, constraint="small", histories=True
    )
    assert feasible[outcome.best].all()
    assert all(feasible[history].all() for history in outcome.histories)


def test_limits_that_no_network_keeps_are_named():
    with pytest.raises(SearchError, match="rea by 'score' under constraint 'tiny': no network keeps the limits"):
        replay(cube(feasible=np.zeros(256, bool)), "rea", "score", runs=[0], evaluations=5, constraint="tiny")


def test_limits_that_no_network_with_a_score_keeps_are_named():
    score = np.where(np.arange(256) < 10, np.nan, 1.0)
    with pytest.raises(SearchError, match="under constraint 'tiny': no network within the limits has a score"):
        replay(cube(score, np.arange(256) < 10), "rea", "score", runs=[0], evaluations=5, constraint="tiny")


# What a network without a score, or an absent one, does.


@pytest.mark.parametrize("name", SEARCHES)
def test_a_network_without_a_score_is_returned_only_as_none(name):
    score = np.full(256, -np.inf)
    score[7] = -5.0  # a search that starts from 0 would never return it
    outcome = replay(cube(score), name, "score", runs=range(40), evaluations=60, histories=True)
    met = np.array([7 in history for history in outcome.histories])
    assert 0 < met.sum() < 40
    np.testing.assert_array_equal(outcome.best, np.where(met, 7, -1))


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


@pytest.mark.parametrize("name", SEARCHES)
def test_the_budget_in_evaluations_is_used_up_and_timed(name):
    outcome = replay(cube(), name, "score", runs=range(10), evaluations=40)
    assert (outcome.n_evaluated == 40).all()
    np.testing.assert_array_equal(outcome.simulated_seconds, 10.0)


@pytest.mark.parametrize("name", SEARCHES)
def test_an_evaluation_may_begin_while_there_is_time(name):
    # 0.25 s each: the 40th begins at 9.75 s, before the end at 9.9 s.
    outcome = replay(cube(), name, "score", runs=range(10), seconds=9.9)
    assert (outcome.n_evaluated == 40).all()
    np.testing.assert_array_equal(outcome.simulated_seconds, 10.0)


@pytest.mark.parametrize("name", SEARCHES)
def test_repeats_are_free_or_charged(name):
    free = replay(cube(), name, "score", runs=range(10), evaluations=120, repeats="free", histories=True)
    assert all(len(set(history)) == len(history) for history in free.histories)
    charged = replay(cube(), name, "score", runs=range(10), evaluations=120, repeats="charged", histories=True)
    assert any(len(set(history)) < 120 for history in charged.histories)
    assert all(len(history) == 120 for history in charged.histories)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_that_has_seen_everything_ends(name):
    outcome = replay(cube(n_genes=2), name, "score", runs=range(3), seconds=1e9, repeats="free")
    assert (outcome.n_evaluated <= 16).all()


def test_only_columns_that_the_objective_reads_cost_time():
    genes = np.arange(8)[:, None]
    columns = {"a": np.arange(8.0), "b": np.ones(8)}
    problem = searches.make_problem(genes, np.arange(8), columns, {"a": np.full(8, 1.0), "b": np.full(8, 2.0)})
    spent = [
        replay(problem, "naswot_search", text, runs=[0], evaluations=4).simulated_seconds[0]
        for text in ("a", "b", "a + b", "3")
    ]
    assert spent == [4.0, 8.0, 12.0, 0.0]


# Random numbers, and moves.


def test_random_numbers_are_splitmix64():
    # Reference values of Vigna's splitmix64.c for the states 0 and 1234567.
    search = search_state(cube())
    search.random[0] = 0
    assert [core.random_bits(search) for _ in range(2)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    search.random[0] = 1234567
    assert [core.random_bits(search) for _ in range(2)] == [6457827717110365317, 3203168211198807973]


@pytest.mark.parametrize("n", [3, 5, 15625])
def test_first_numbers_of_runs_are_uniform(n):
    # Each run starts from another key, so the first numbers of many runs must be as even as those of one.
    search = search_state(cube())
    drawn = np.empty(20_000, int)
    for run in range(drawn.size):
        start(search, f"0/rea/unlimited/{run}")
        drawn[run] = core.below(search, n)
    assert (drawn.min(), drawn.max()) >= (0, n - 1) or n > 1000
    counts = np.bincount(drawn * min(n, 50) // n, minlength=min(n, 50))
    expected = np.bincount(np.arange(n) * min(n, 50) // n) * drawn.size / n
    assert stats.chisquare(counts, expected).pvalue > 1e-4


@pytest.mark.parametrize(
    ("by_node", "odds"),
    [(False, [1 / 6] * 6), (True, [1 / 3, 1 / 6, 1 / 6, 1 / 9, 1 / 9, 1 / 9])],
)
def test_mutation_changes_one_edge_with_the_right_odds(by_node, odds):
    search = search_state(cube(np.ones(729), n_genes=6, n_choices=3))
    parent = 400
    children = np.array([core.mutate(search, parent, by_node) for _ in range(20_000)])
    children, counts = np.unique(children, return_counts=True)
    genes = np.stack(np.unravel_index(children, (3,) * 6), axis=1)
    changed = genes != np.array(np.unravel_index(parent, (3,) * 6))
    assert (changed.sum(axis=1) == 1).all()
    expected = 20_000 * (changed @ np.array(odds)) / 2  # two other operations for each edge
    assert stats.chisquare(counts, expected).pvalue > 1e-4


def test_crossover_takes_each_gene_from_either_parent():
    search = search_state(cube())
    children = {core.cross(search, 0b00_00_00_00, 0b11_10_01_00) for _ in range(500)}
    genes = np.stack(np.unravel_index(sorted(children), (4,) * 4), axis=1)
    assert [sorted(set(column)) for column in genes.T] == [[0, 3], [0, 2], [0, 1], [0]]
    assert len(children) == 8


# The compiled code.

PLAIN = """
import json, sys
sys.path[:0] = sys.argv[1:]
import numpy as np
np.seterr(over="ignore")  # the arithmetic of 64 random bits wraps around
from proxybank import searches
from test_searches import FREEREA, freerea_like_problem, outcome_of_every_search
print(json.dumps(outcome_of_every_search()))
"""


def freerea_like_problem():
    """A space of 81 networks with three columns, one of which has no value for some."""
    generator = np.random.default_rng(8)
    genes = np.stack(np.unravel_index(np.arange(81), (3,) * 4), axis=1)
    columns = dict(zip(["naswot", "logsynflow", "skipped_layers"], generator.normal(size=(3, 81)), strict=True))
    columns["naswot"][::9] = -np.inf
    return searches.make_problem(genes, np.arange(81), columns, {"naswot": generator.random(81)})


def outcome_of_every_search():
    """Histories and results of two runs of every search, by every kind of objective."""
    problem = freerea_like_problem()
    found = {}
    for objective in (FREEREA, "zscore(naswot) - 2 * rank(logsynflow) ** 2", "naswot"):
        for name in searches.ALGORITHMS:
            outcome = replay(problem, name, objective, runs=range(2), evaluations=60, histories=True)
            found[f"{name} {objective}"] = [
                outcome.best.tolist(),
                outcome.simulated_seconds.tolist(),
                [history.tolist() for history in outcome.histories],
            ]
    return found


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
    from proxybank.searches import rea

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
        ({"evaluations": None}, "there is no budget. Expected evaluations, seconds or both"),
        ({"evaluations": None, "seconds": 1e9}, "1000000000.0 seconds allow more than 1,000,000 evaluations"),
    ],
)
def test_mistakes_are_named(arguments, message):
    settings = {"algorithm": "rea", "objective": "score", "evaluations": 10} | arguments
    with pytest.raises(SearchError, match=message):
        replay(cube(), runs=[0], **settings)


@pytest.mark.parametrize("value", [np.nan, -1.0])
def test_times_that_no_clock_counts_are_named(value):
    with pytest.raises(SearchError, match="seconds of a: found values that are negative or not finite"):
        searches.make_problem(np.arange(2)[:, None], np.arange(2), {"a": np.ones(2)}, {"a": np.array([1.0, value])})


def test_every_search_says_where_it_is_from():
    for name, algorithm in searches.ALGORITHMS.items():
        assert algorithm.name == name
        assert algorithm.source and algorithm.version >= 1 and algorithm.repeats in ("charged", "free")
        assert algorithm.check({}) == {key: rule.default for key, rule in algorithm.parameters.items()}


# The papers' numbers, on the authors' published scores.


@pytest.fixture(scope="module")
def cifar10(shared_data):
    """CIFAR-10's topology space with the scores and seconds that FreeREA's authors published, and test accuracy."""
    space = spaces.get("tss")
    published = pl.read_csv(shared_data / "reference/tss_cifar10_freerea.csv").sort("arch_index")
    truth = pl.read_csv(shared_data / "natsbench/tss_accuracies.csv").sort("arch_index")
    columns = {name: published[name].to_numpy() for name in ("naswot", "logsynflow", "synflow")}
    seconds = {name: published[f"{name}_seconds"].to_numpy() for name in columns}
    # A skip from node i to node j jumps j - i - 1 nodes; mean over the skips, 0 without any (proxies.md 1.4).
    skips, jumped = space.genes == 1, np.array([0, 1, 0, 2, 1, 0])
    columns["skipped_layers"] = skips @ jumped / np.maximum(skips.sum(axis=1), 1)
    problem = searches.make_problem(space.genes, np.arange(space.size), columns, seconds)
    return problem, truth["cifar10_test_accuracy_200"].to_numpy()


def test_freerea_finds_what_its_paper_says(cifar10):
    # Table 3 of the paper: 94.36 after 45 s, and network 9930 has the best fitness of the whole space.
    problem, accuracy = cifar10
    outcome = replay(problem, "freerea", FREEREA, runs=range(500), seconds=45)
    assert np.mean(accuracy[outcome.best]) >= 94.34
    assert np.mean(outcome.best == 9930) > 0.9


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_naswot_search_on_published_scores_has_the_mean_of_its_closed_form(cifar10, n):
    problem, accuracy = cifar10
    score = problem.columns["naswot"]
    order = problem.arch_index[np.argsort(score, kind="stable")]
    expected = np.diff((np.arange(15626) / 15625) ** n) @ accuracy[order]
    outcome = replay(problem, "naswot_search", "naswot", runs=range(1000), evaluations=n)
    assert_mean(accuracy[outcome.best], expected)
