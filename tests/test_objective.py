"""Objectives: expressions that are checked, and what they evaluate to."""

import numpy as np
import pytest
from scipy.stats import rankdata

from proxybank.errors import SearchError
from proxybank.searches import check_objective, make_problem, replay
from proxybank.searches.objective import compile_objective

A = np.array([1.0, 4.0, 2.0, -8.0])
B = np.array([10.0, 0.0, 30.0, 20.0])
COLUMNS = {"a": A, "b": B}


def best(objective, columns=COLUMNS):
    """Network that a random search over the whole table ends with, when it has seen every network many times."""
    n = len(next(iter(columns.values())))
    problem = make_problem(np.arange(n)[:, None], np.arange(n), columns)
    return replay(problem, "naswot_search", objective, runs=[0], evaluations=50 * n).best[0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", A),
        ("-a + 2 * b", 2 * B - A),
        ("a - b / 4", A - B / 4),
        ("(a - b) ** 2", (A - B) ** 2),
        ("+a", A),
        ("7", np.full(4, 7.0)),
        ("log(b + 1)", np.log(B + 1)),
        # No score where a part is not finite: 1 / log(0) would be 0, and log(0) ** 0 would be 1.
        ("-1 / log(a)", np.array([np.nan, -1 / np.log(4), -1 / np.log(2), np.nan])),
        ("1 / log(b)", np.array([1 / np.log(10), np.nan, 1 / np.log(30), 1 / np.log(20)])),
        ("log(b) ** 0", np.array([1, np.nan, 1, 1])),
    ],
)
def test_plain_arithmetic_is_one_unchanging_term(expression, expected):
    terms, program = compile_objective(expression, COLUMNS)
    assert program.shape == (1, 2)
    np.testing.assert_array_equal(terms[:, 0], expected)


def test_a_power_has_no_value_where_a_part_has_none():
    # log(max(b) - b) is not finite for network 2, the largest; a power of 0 would make it 1, more than all others.
    assert best("log(max(b) - b - 1e-9) ** 0 - 0.01 * a") == 3


def test_names_are_those_of_columns_in_order():
    assert check_objective("b / max(b) + log(a) - b", ["a", "b"]) == ("b", "a")


def test_max_is_the_largest_absolute_value():
    # By hand: a / 8 + b / 30 = 0.46, 0.5, 1.25, -0.33. Divided by the plain maximum of a, 4, network 2 would still win,
    # but for -a: with 8 it is 0.21, -0.5, 0.75, 1.67, and network 3 wins.
    assert best("a / max(a) + b / max(b)") == 2
    assert best("-a / max(a) + b / max(b)") == 3
    # 4 * 8 / 8 = 4 is below 5, 4 * 8 / 4 = 8 would not be.
    assert best("-4 * a / max(a)", {"a": A}) == 3
    assert best("a * max(a) - 5 * a * a", {"a": np.array([1.0, 0.5, -8.0])}) == 0  # 8 - 5, 4 - 1.25, -384
    assert best("a * max(a) - 5 * a * a", {"a": np.array([1.0, 0.5, -3.0])}) == 1  # 3 - 5, 1.5 - 1.25, -54


def test_max_of_nothing_but_zeros_divides():
    # 1e-9 is added, as FreeREA's code has it: 0 / 0 would take every score away.
    assert best("a / max(a) + b", {"a": np.zeros(3), "b": np.array([1.0, 3.0, 2.0])}) == 1


def test_rank_sum_is_that_of_scipy():
    generator = np.random.default_rng(1)
    columns = {"a": generator.integers(0, 20, 60) / 4, "b": generator.normal(size=60)}
    problem = make_problem(np.arange(60)[:, None], np.arange(60), columns)
    seen = replay(problem, "naswot_search", "rank(a) + rank(b)", runs=range(20), evaluations=40, histories=True)
    for found, history in zip(seen.best, seen.histories, strict=True):
        total = rankdata(columns["a"][history]) + rankdata(columns["b"][history])
        assert found == history[np.argmax(total)]


def test_zscore_is_free_of_scale_and_offset():
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(2, 125))
    genes = np.stack(np.unravel_index(np.arange(125), (5, 5, 5)), axis=1)
    problem = make_problem(genes, np.arange(125), {"a": a, "b": b, "c": 1024 * b + 4096})
    expected = replay(problem, "naswot_search", "zscore(a) + zscore(b)", runs=range(50), evaluations=20).best
    np.testing.assert_array_equal(
        replay(problem, "naswot_search", "zscore(a) + zscore(c)", runs=range(50), evaluations=20).best, expected
    )
    assert (replay(problem, "naswot_search", "a + c", runs=range(50), evaluations=20).best != expected).any()


def test_the_networks_behind_zscore_take_time_and_no_evaluations():
    problem = make_problem(np.arange(9)[:, None], np.arange(9), {"a": np.arange(9.0)}, {"a": np.full(9, 0.5)})
    outcome = replay(problem, "naswot_search", "zscore(a)", runs=[0], evaluations=4)
    assert (outcome.n_evaluated[0], outcome.simulated_seconds[0]) == (4, 52.0)


def test_stages_without_zscore_do_not_pay_for_it():
    # 100 networks at 0.5 s for the moments, 20 at 0.5 s to warm up, 10 trained for 1,000 s.
    columns = {"a": np.arange(9.0), "valid": np.arange(9.0)}
    seconds = {"a": np.full(9, 0.5), "valid": np.full(9, 1000.0)}
    problem = make_problem(np.arange(9)[:, None], np.arange(9), columns, seconds)
    outcome = replay(problem, "area", "zscore(a); valid", runs=[0], evaluations=30)
    assert outcome.simulated_seconds[0] == 50 + 10 + 10_000


def test_columns_outside_zscore_do_not_pay_for_it():
    # 100 networks at 0.5 s for the moments of a, then four of all columns: trained for 1,000 s, and b for 0.25 s.
    columns = {name: np.arange(9.0) for name in ("a", "b", "valid")}
    seconds = {"a": np.full(9, 0.5), "b": np.full(9, 0.25), "valid": np.full(9, 1000.0)}
    problem = make_problem(np.arange(9)[:, None], np.arange(9), columns, seconds)
    outcome = replay(problem, "naswot_search", "valid + b * zscore(log(a + 1))", runs=[0], evaluations=4)
    assert outcome.simulated_seconds[0] == 50 + 4 * 1000.75


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("objective", ["a", "a + b", "a / max(a)", "zscore(a)", "rank(a) + 0 * b", "b / (a - 1)"])
def test_networks_without_a_finite_value_rank_last(value, objective):
    # Network 1 has no score in a, and network 0 divides by zero in the last objective.
    columns = {"a": np.array([1.0, value, 0.5, 2.0]), "b": np.array([0.0, 9.0, 0.1, 3.0])}
    assert best(objective, columns) == 3


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("naswt", r"objective 'naswt': no column is called 'naswt'. Did you mean 'naswot'\? Columns: naswot, synflow."),
        (
            "maxx(naswot)",
            r"no function is called 'maxx'. Did you mean 'max'\? Functions: log, max, zscore, rank, place.",
        ),
        ("naswot.real", "found 'naswot.real'. Expected numbers, columns"),
        ("__import__('os')", "no function is called '__import__'"),
        ("naswot.sum()", "no function is called 'naswot.sum'"),
        ("naswot if synflow else 0", "Expected numbers, columns"),
        ("naswot > 1", "Expected numbers, columns"),
        ("naswot % 2", "Expected numbers, columns"),
        ("naswot * True", "found 'True'"),
        (f"naswot + 1{'0' * 309}", "found '10+'. Expected numbers, columns"),  # no float is as large
        ("naswot * 2j", "found '2j'"),
        ("[naswot]", "found '\\[naswot\\]'"),
        ("naswot +", "this is not an expression"),
        ("", "this is not an expression"),
        ("x = naswot", "this is not an expression"),
        ("max(naswot, synflow)", r"max\(\) has 2 arguments. Expected one"),
        ("max()", r"max\(\) has 0 arguments"),
        ("max(zscore(naswot))", "within another function"),
        ("rank(log(max(naswot)))", "within another function"),
        ("naswot; synflw", r"Did you mean .synflow.\?"),
        ("naswot;", "this is not an expression"),
        ("max", "no column is called 'max'"),
    ],
)
def test_bad_expressions_say_what_is_wrong(expression, message):
    with pytest.raises(SearchError, match=message):
        check_objective(expression, ["naswot", "synflow"])
