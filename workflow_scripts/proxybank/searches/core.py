"""What all searches are made of, compiled: random numbers, moves between networks, the budget, and comparing scores.

A search is a function ``run(search, *parameters) -> code`` in a file of its own, under `kernel`: it asks `evaluate` for
networks until the budget is gone, and returns the code of one network, or -1 if none it met has a score.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import config, njit
from numpy.typing import NDArray

from proxybank.searches.objective import ADD, DIVIDE, MAX, MULTIPLY, NEGATE, RANK, SUBTRACT, TERM, ZSCORE

# A run ends after so many networks in a row that it had met before, where such networks cost nothing: it has converged.
PATIENCE = 10_000
# Random children tried before a network gives up having a feasible one.
TRIES = 1_000
# Networks that the moments of zscore() are taken over.
N_MOMENTS = 100


class Search(NamedTuple):
    """One run: the table, the budget, and what happened so far. Arrays of the last group change in place.

    Attributes
    ----------
    terms : float64, shape (n_codes, n_terms); program : int64, shape (n_steps, 2)
        The objective, see `objective.Objective`.
    seconds : float64, shape (n_codes,)
        Simulated seconds that an evaluation of each network takes.
    feasible : bool, shape (n_codes,); drawable : int64, shape (n_feasible,)
        Networks within the limits, as a mask and as codes.
    places : int64, shape (n_genes,)
        What one step of each gene adds to a code.
    n_choices : int
        Values a gene can take.
    max_evaluations : int; max_seconds : float
        The budget; an evaluation may begin while neither is used up.
    charge_repeats : bool
        Whether a network that was evaluated before costs the same again, or nothing.
    random : uint64, shape (1,)
        State of the random numbers.
    history : int64, shape (max_evaluations,)
        Codes in the order of evaluation; where repeats cost nothing, each once.
    counts : int64, shape (2,)
        Length of the history, and repeats that cost nothing since it last grew.
    clock : float64, shape (1,)
        Simulated seconds used.
    seen : bool, shape (n_codes,)
        Networks in the history.
    peaks : float64, shape (n_terms,)
        Largest finite absolute value of each term in the history.
    moments : float64, shape (n_terms, 2)
        Mean and standard deviation of each term, for zscore().
    """

    terms: NDArray[np.float64]
    program: NDArray[np.int64]
    seconds: NDArray[np.float64]
    feasible: NDArray[np.bool_]
    drawable: NDArray[np.int64]
    places: NDArray[np.int64]
    n_choices: int
    max_evaluations: int
    max_seconds: float
    charge_repeats: bool
    random: NDArray[np.uint64]
    history: NDArray[np.int64]
    counts: NDArray[np.int64]
    clock: NDArray[np.float64]
    seen: NDArray[np.bool_]
    peaks: NDArray[np.float64]
    moments: NDArray[np.float64]


@cache
def _sources() -> str:
    """Fingerprint of this package's code."""
    paths = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def kernel(function: Callable) -> Callable:
    """Compile a search, and keep the machine code between sessions until any file of this package changes.

    Numba itself looks at the kernel's own file only, and would go on using old helpers. Threads run side by side.
    """
    dispatcher = njit(nogil=True)(function)
    if not config.DISABLE_JIT:
        dispatcher.enable_caching()
        dispatcher._cache._cache_file._source_stamp = _sources()
    return dispatcher


# Random numbers: splitmix64 (Steele, Lea, Flood, OOPSLA 2014), because a run can start from any 64 bits.


@njit
def random_bits(search: Search) -> np.uint64:
    """Return 64 random bits."""
    search.random[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = search.random[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@njit
def uniform(search: Search) -> float:
    """Random number in [0, 1), a multiple of 2 ** -53."""
    return np.float64(random_bits(search) >> np.uint64(11)) * 2.0**-53


@njit
def below(search: Search, n: int) -> int:
    """Random integer from 0 to n - 1."""
    return int(uniform(search) * n)


# Moves between networks.


@njit
def gene_of(search: Search, code: int, gene: int) -> int:
    """Value of one gene."""
    return code // search.places[gene] % search.n_choices


@njit
def with_gene(search: Search, code: int, gene: int, value: int) -> int:
    """Code of the network that differs in one gene."""
    return code + (value - gene_of(search, code, gene)) * search.places[gene]


@njit
def random_network(search: Search) -> int:
    """Feasible network, all with the same chance."""
    return search.drawable[below(search, search.drawable.size)]


@njit
def random_gene(search: Search, by_node: bool) -> int:
    """Gene to change: any with the same chance, or `by_node` a node of the cell first, then one of its incoming edges.

    Genes of a cell (six) are its edges by the node they enter: 1, 2, 2, 3, 3, 3. Sizes have no nodes.
    """
    n_genes = search.places.size
    if by_node and n_genes == 6:
        node = 1 + below(search, 3)
        return node * (node - 1) // 2 + below(search, node)
    return below(search, n_genes)


@njit
def mutate(search: Search, parent: int, by_node: bool) -> int:
    """Feasible network that differs from `parent` in one gene; any feasible one if none such turns up."""
    for _ in range(TRIES):
        gene = random_gene(search, by_node)
        step = 1 + below(search, search.n_choices - 1)
        child = with_gene(search, parent, gene, (gene_of(search, parent, gene) + step) % search.n_choices)
        if search.feasible[child]:
            return child
    return random_network(search)


@njit
def cross(search: Search, first: int, second: int) -> int:
    """Feasible network with each gene from one of two feasible parents, by a fair coin; `first` if none turns up."""
    for _ in range(TRIES):
        child = first
        for gene in range(search.places.size):
            if below(search, 2) == 1:
                child = with_gene(search, child, gene, gene_of(search, second, gene))
        if search.feasible[child]:
            return child
    return first


# The budget.


@njit
def evaluate(search: Search, code: int) -> bool:
    """Spend what one network costs and put it into the history; False, and nothing done, once the budget is used up."""
    if search.counts[0] >= search.max_evaluations or search.clock[0] >= search.max_seconds:
        return False
    if search.seen[code] and not search.charge_repeats:
        search.counts[1] += 1
        return search.counts[1] < PATIENCE
    search.seen[code] = True
    search.history[search.counts[0]] = code
    search.counts[0] += 1
    search.counts[1] = 0
    search.clock[0] += search.seconds[code]
    _raise_peaks(search, search.peaks, code)
    return True


@njit
def explored(search: Search) -> NDArray[np.int64]:
    """Codes evaluated so far, in order."""
    return search.history[: search.counts[0]]


@njit
def _raise_peaks(search: Search, peaks: NDArray[np.float64], code: int) -> None:
    for term in range(peaks.size):
        size = abs(search.terms[code, term])
        if np.isfinite(size) and size > peaks[term]:
            peaks[term] = size


@njit
def draw_moments(search: Search) -> None:
    """Draw the networks that zscore() is about, and put them on the clock; values that are not finite are left out."""
    codes = np.empty(N_MOMENTS, np.int64)
    for k in range(N_MOMENTS):
        codes[k] = random_network(search)
        search.clock[0] += search.seconds[codes[k]]
    set_moments(search, codes)


@njit
def set_moments(search: Search, codes: NDArray[np.int64]) -> None:
    """Take the moments of zscore() over these networks; a term with less than two values has none."""
    for term in range(search.moments.shape[0]):
        values = search.terms[codes, term]
        values = values[np.isfinite(values)]
        search.moments[term, 0] = values.mean() if values.size > 1 else np.nan
        search.moments[term, 1] = values.std() if values.size > 1 else np.nan


# Comparing scores.


@njit
def scores(search: Search, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Objective of each network, with max() over all explored ones; -inf where a network has no score."""
    return _run_program(search, codes, search.peaks)


@njit
def scores_within(search: Search, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Objective of each network, with max() over these networks only."""
    peaks = np.zeros(search.peaks.size)
    for code in codes:
        _raise_peaks(search, peaks, code)
    return _run_program(search, codes, peaks)


@njit
def best_of(search: Search, codes: NDArray[np.int64]) -> int:
    """First of the networks with the highest score, or -1 if none has one."""
    values = scores(search, codes)
    best = np.argmax(values)
    return codes[best] if values[best] > -np.inf else -1


@njit
def _run_program(search: Search, codes: NDArray[np.int64], peaks: NDArray[np.float64]) -> NDArray[np.float64]:
    n_steps, n = search.program.shape[0], codes.size
    stack = np.empty((n_steps, n))
    top = -1
    for step in range(n_steps):
        operation, term = search.program[step, 0], search.program[step, 1]
        if operation <= RANK:
            top += 1
            _push(search, codes, peaks, operation, term, stack[top])
        elif operation == NEGATE:
            for k in range(n):
                stack[top, k] = -stack[top, k]
        else:
            top -= 1
            for k in range(n):
                stack[top, k] = _arithmetic(operation, stack[top, k], stack[top + 1, k])
    values = stack[0]
    for k in range(n):
        if not np.isfinite(values[k]):
            values[k] = -np.inf
    return values


@njit
def _push(
    search: Search,
    codes: NDArray[np.int64],
    peaks: NDArray[np.float64],
    operation: int,
    term: int,
    out: NDArray[np.float64],
) -> None:
    if operation == RANK:
        _ranks(search.terms[codes, term], out)
        return
    for k in range(codes.size):
        if operation == TERM:
            out[k] = search.terms[codes[k], term]
        elif operation == MAX:
            out[k] = peaks[term] + 1e-9
        elif operation == ZSCORE:
            deviation = search.moments[term, 1]
            centred = search.terms[codes[k], term] - search.moments[term, 0]
            out[k] = centred / deviation if deviation > 0 else centred


@njit
def _ranks(values: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """How many values are smaller, equal ones counting half; NaN for those that are not finite, below all others."""
    finite = np.isfinite(values)
    n_below = values.size - finite.sum()
    ordered = np.sort(values[finite])
    for k in range(values.size):
        out[k] = np.nan
        if finite[k]:
            n_smaller = np.searchsorted(ordered, values[k])
            n_equal = np.searchsorted(ordered, values[k], side="right") - n_smaller
            out[k] = n_below + n_smaller + 0.5 * (n_equal - 1)


@njit
def _arithmetic(operation: int, left: float, right: float) -> float:
    if operation == ADD:
        return left + right
    if operation == SUBTRACT:
        return left - right
    if operation == MULTIPLY:
        return left * right
    if operation == DIVIDE:
        return left / right if right != 0 else np.nan
    return left**right
