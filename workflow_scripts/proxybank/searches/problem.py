"""The table that searches are replayed on: networks numbered by their genes, with scores, costs and limits.

Test accuracy has no place here: the analysis looks it up when a search has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proxybank import spaces
from proxybank.errors import SearchError


@dataclass(frozen=True)
class Problem:
    """Networks to search, numbered by code: lexicographic in their genes, the first gene most significant.

    Attributes
    ----------
    n_genes, n_choices : int
        Genes of a network, and values each can take; codes run from 0 to ``n_choices ** n_genes - 1``.
    choices : int64, shape (n_choices,)
        The space's own number of each value.
    arch_index : int64, shape (n_codes,)
        Official index of each network, -1 where there is none.
    columns : mapping of str to float64, shape (n_codes,)
        What objectives may be made of; a value that is not finite is no score.
    seconds : mapping of str to float64, shape (n_codes,)
        Simulated seconds it takes to compute a column for each network, NaN where they are not known; a column without
        an entry costs nothing.
    feasible : bool, shape (n_codes,)
        Networks that exist and keep all limits; a search evaluates no other.
    """

    n_genes: int
    n_choices: int
    choices: NDArray[np.int64]
    arch_index: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]
    seconds: Mapping[str, NDArray[np.float64]]
    feasible: NDArray[np.bool_]


def make_problem(
    genes: NDArray[np.integer],
    arch_index: NDArray[np.int64],
    columns: Mapping[str, NDArray[np.float64]],
    seconds: Mapping[str, NDArray[np.float64]] | None = None,
    feasible: NDArray[np.bool_] | None = None,
) -> Problem:
    """Number networks by code.

    Parameters
    ----------
    genes : int, shape (n, n_genes)
        Genes of each network. Values are renumbered, so that the sizes with widths 8, 16, 32 and 64 are a space of four
        choices; combinations that are absent are never evaluated.
    arch_index : int64, shape (n,)
        Official index of each network.
    columns, seconds : mapping of str to float64, shape (n,)
        Scores of each network, and the seconds they take; see `Problem`.
    feasible : bool, shape (n,), optional
        Networks within the limits; all by default.

    Raises
    ------
    SearchError
        If a column has not a value for each network, or times that no clock could count, negative or infinite; or if
        a network stands there more than once.
    """
    of_networks = {
        "genes": genes,
        **columns,
        **{f"seconds of {name}": values for name, values in (seconds or {}).items()},
    }
    of_networks |= {} if feasible is None else {"feasible": feasible}
    for name, values in of_networks.items():
        if len(values) != len(arch_index):
            raise SearchError(
                f"{name}: found {len(values)} values for {len(arch_index)} networks. Expected one for each. Correct it."
            )
    for name, values in (seconds or {}).items():
        bad = np.isinf(values) | (np.asarray(values) < 0)
        if bad.any():
            network = np.asarray(arch_index)[bad][0]
            raise SearchError(
                f"seconds of {name}: found {np.asarray(values)[bad][0]} for network {network}. Expected the time that "
                "it took, from 0. Correct the table."
            )
    choices, dense = np.unique(genes, return_inverse=True)
    n_genes, n_choices = genes.shape[1], choices.size
    codes = spaces.codes(dense.reshape(genes.shape), n_choices)
    first = np.unique(codes, return_index=True)[1]
    if first.size < codes.size:
        again = np.delete(np.asarray(arch_index), first)[0]
        raise SearchError(f"network {again} stands there more than once. Expected one row of each. Remove the others.")

    def by_code(values: NDArray, absent: float) -> NDArray:
        table = np.full(n_choices**n_genes, absent, np.asarray(values).dtype)
        table[codes] = values
        return table

    return Problem(
        n_genes,
        n_choices,
        choices.astype(np.int64),
        by_code(np.asarray(arch_index, np.int64), -1),
        {name: by_code(np.asarray(values, np.float64), np.nan) for name, values in columns.items()},
        {name: by_code(np.asarray(values, np.float64), 0.0) for name, values in (seconds or {}).items()},
        by_code(np.ones(codes.size, np.bool_) if feasible is None else np.asarray(feasible, np.bool_), False),
    )
