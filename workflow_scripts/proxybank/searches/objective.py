"""What a search maximises: an arithmetic expression over score columns, checked, then lowered to a small program.

Besides numbers, names of columns and ``+ - * / **``, an expression may call

- ``log(x)``: natural logarithm, not finite where x is not positive;
- ``max(x)``: the largest ``|x|`` so far among the networks a run has explored, plus 1e-9, as FreeREA's code has it
  (FreeREA itself, and RoBoT, have the set being compared);
- ``zscore(x)``: x less its mean, over its standard deviation, both from 100 networks that the run draws first
  (an ensemble has its own set);
- ``rank(x)``: how many networks of the set being compared have a smaller x, those with the same x counting half;
- ``place(x)``: the place of the network in that set by x, the largest first, from 1; equal ones share their mean place.

Without the last four, the value of a network never changes and is computed once for the whole table. Searches that look
at networks in several stages take as many expressions, with semicolons between them.

A network where the value of the expression, or of a part of it, is not finite has no score.
"""

import ast
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxybank.errors import SearchError, suggest

# Steps of a program: what to do, and the term it is about. The machine that runs them is `core.run_program`.
TERM, MAX, ZSCORE, RANK, PLACE, NEGATE, LOG, ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER = range(12)

NORMALISERS = {"max": MAX, "zscore": ZSCORE, "rank": RANK, "place": PLACE}
FUNCTIONS = ("log", *NORMALISERS)

_BINARY: dict[type[ast.operator], tuple[int, Callable]] = {
    ast.Add: (ADD, np.add),
    ast.Sub: (SUBTRACT, np.subtract),
    ast.Mult: (MULTIPLY, np.multiply),
    ast.Div: (DIVIDE, np.divide),
    ast.Pow: (POWER, np.power),
}


class Objective(NamedTuple):
    """An expression made ready for one table.

    Attributes
    ----------
    terms : float64, shape (n_codes, n_terms)
        Parts of the expression that never change, one column each.
    program : int64, shape (n_steps, 2)
        Steps of a stack machine in postfix order: what to do, and the number of the term it is about (0 if none).
    """

    terms: NDArray[np.float64]
    program: NDArray[np.int64]


def split_stages(objective: str) -> list[str]:
    """Return the expressions of an objective, one for each stage."""
    return [expression.strip() for expression in objective.split(";")]


def check_objective(objective: str, columns: Collection[str]) -> tuple[str, ...]:
    """Return the names of the columns that an objective reads, in the order they appear.

    Parameters
    ----------
    objective : str
        One expression, or several with semicolons between them; see the top of this module.
    columns : collection of str
        Names that it may use.

    Raises
    ------
    SearchError
        If it is no arithmetic expression, or calls or names something unknown.
    """
    return tuple(dict.fromkeys(name for text in split_stages(objective) for name in _check_expression(text, columns)))


def names_in_zscore(expression: str) -> set[str]:
    """Return the names of the columns that an expression reads within zscore(), and perhaps elsewhere as well."""
    calls = [node for node in ast.walk(_parse(expression)) if isinstance(node, ast.Call)]
    return {name for call in calls if _function(call) == "zscore" for name in _names(call)}


def _check_expression(expression: str, columns: Collection[str]) -> list[str]:
    """Check one expression; return the names it reads."""
    tree = _parse(expression)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _check_call(node, expression)
        elif not isinstance(node, _ARITHMETIC) or (isinstance(node, ast.Constant) and not _is_number(node.value)):
            raise SearchError(
                f"objective '{expression}': found '{_text(node)}'. Expected numbers, columns, + - * / ** and "
                f"{', '.join(FUNCTIONS)}. Remove it."
            )
    names = list(_names(tree))
    for name in names:
        if name not in columns:
            raise SearchError(
                f"objective '{expression}': no column is called '{name}'.{suggest(name, columns)} "
                f"Columns: {', '.join(sorted(columns))}."
            )
    return names


def is_sum_of_ranks(expression: str) -> bool:
    """Whether an expression is rank() of something, or several of these added up."""

    def is_sum(node: ast.expr) -> bool:
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, ast.Add) and is_sum(node.left) and is_sum(node.right)
        return isinstance(node, ast.Call) and _function(node) == "rank"

    return is_sum(_parse(expression).body)


def compile_objective(expression: str, columns: Mapping[str, NDArray[np.float64]]) -> Objective:
    """Check one expression and lower it for a table of columns, each float64 of shape (n_codes,)."""
    if not columns:
        raise SearchError(
            f"objective '{expression}': the table has no column. Expected one at least. Add what it reads."
        )
    _check_expression(expression, columns)
    n_codes = next(iter(columns.values())).size
    terms: dict[str, NDArray[np.float64]] = {}
    program: list[tuple[int, int]] = []

    def term(node: ast.expr) -> int:
        """Number of an unchanging part, which is computed when it is first met."""
        with np.errstate(all="ignore"):
            terms.setdefault(ast.unparse(node), np.broadcast_to(_value(node, columns), n_codes))
        return list(terms).index(ast.unparse(node))

    def lower(node: ast.expr) -> None:
        if not _has_normaliser(node):
            program.append((TERM, term(node)))
        elif isinstance(node, ast.Call) and _function(node) in NORMALISERS:
            program.append((NORMALISERS[_function(node)], term(node.args[0])))
        elif isinstance(node, ast.Call):
            lower(node.args[0])
            program.append((LOG, 0))
        elif isinstance(node, ast.BinOp):
            lower(node.left)
            lower(node.right)
            program.append((_BINARY[type(node.op)][0], 0))
        elif isinstance(node, ast.UnaryOp):
            lower(node.operand)
            if isinstance(node.op, ast.USub):
                program.append((NEGATE, 0))

    lower(_parse(expression).body)
    return Objective(np.column_stack(list(terms.values())), np.array(program, np.int64))


_ARITHMETIC = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.UAdd, ast.USub, ast.Name, ast.Load, ast.Constant),
    *_BINARY,
)


def _parse(expression: str) -> ast.Expression:
    try:
        return ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SearchError(
            f"objective '{expression}': this is not an expression. Expected arithmetic on columns, for example "
            "naswot / max(naswot) + skipped_layers / max(skipped_layers). Correct it."
        ) from error


def _check_call(node: ast.Call, expression: str) -> None:
    name = _function(node)
    where = f"objective '{expression}'"
    if name not in FUNCTIONS:
        raise SearchError(f"{where}: no function is called '{name}'.{suggest(name, FUNCTIONS)} {_KNOWN_FUNCTIONS}")
    if len(node.args) != 1 or node.keywords:
        found = len(node.args) + len(node.keywords)
        raise SearchError(f"{where}: {name}() has {found} arguments. Expected one. Correct '{_text(node)}'.")
    if name in NORMALISERS and _has_normaliser(node.args[0]):
        raise SearchError(
            f"{where}: '{_text(node)}' calls a function of the set of networks within another function. Expected "
            f"{', '.join(NORMALISERS)} around plain arithmetic. Write it apart."
        )


_KNOWN_FUNCTIONS = f"Functions: {', '.join(FUNCTIONS)}."


def _function(node: ast.Call) -> str:
    return ast.unparse(node.func)


def _names(tree: ast.AST) -> Iterator[str]:
    """Names in an expression that are not those of functions."""
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in functions:
            yield node.id


def _has_normaliser(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Call) and _function(inner) in NORMALISERS for inner in ast.walk(node))


def _is_number(value: object) -> bool:
    # An integer may have more digits than a float can hold.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _text(node: ast.AST) -> str:
    """A piece of an expression as the user may have written it; operators have only the name of their kind."""
    return ast.unparse(node) or type(node).__name__


def _value(node: ast.expr, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """An expression without normalisers, for all networks at once; NaN where a part of it is not finite."""
    if isinstance(node, ast.Name):
        return columns[node.id]
    if isinstance(node, ast.Constant):
        return np.float64(node.value)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, columns), _value(node.right, columns)
        value = _BINARY[type(node.op)][1](left, right)
        return np.where(np.isfinite(left) & np.isfinite(right) & np.isfinite(value), value, np.nan)
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, columns)
        return -value if isinstance(node.op, ast.USub) else value
    return np.log(_value(node.args[0], columns))  # the only function left
