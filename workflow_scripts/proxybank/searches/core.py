"""What all searches are made of, compiled: random numbers, moves between networks, the budget, and comparing scores.

A search is a function ``run(search, *parameters) -> code`` in a file of its own, under `kernel`: it asks `evaluate` for
networks until the budget is gone, and returns the code of one network, or -1 if none it met has a score. Some searches
look at networks in several stages, each with an objective and a cost of its own, such as a proxy and then training.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import config, njit, typeof, types
from numba.experimental import structref
from numpy.typing import NDArray

from proxybank.searches.objective import ADD, DIVIDE, LOG, MAX, MULTIPLY, NEGATE, PLACE, RANK, SUBTRACT, TERM, ZSCORE

# A run, or the local search of MF-NAS, ends after so many networks in a row that it had met before, where such networks
# cost nothing: it has converged.
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
        The objectives of all stages one after the other, see `objective.Objective`.
    bounds : int64, shape (n_stages + 1, 2)
        Where the steps and the terms of each stage begin, and the last ones end.
    seconds : float64, shape (n_codes, n_stages)
        Simulated seconds that an evaluation of each network takes.
    moment_seconds : float64, shape (n_codes, n_stages)
        Of these, the seconds of what zscore() is of: what it takes to have a network among those behind the moments.
    feasible : bool, shape (n_codes,); drawable : int64, shape (n_feasible,)
        Networks within the limits, as a mask and as codes.
    places : int64, shape (n_genes,)
        What one step of each gene adds to a code.
    n_choices : int
        Values a gene can take.
    choices : int64, shape (n_choices,)
        The space's own number of each, which is another one where some are absent.
    max_evaluations : int; max_seconds : float
        The budget; an evaluation may begin while neither is used up. Arrays may be shorter, see `history`.
    charge_repeats : bool
        Whether a network that was evaluated before costs the same again, or nothing.
    random : uint64, shape (1,)
        State of the random numbers.
    history : int64, shape (n,)
        Codes in the order of evaluation; where repeats cost nothing, each once a stage, for which n is enough.
    stages : int64, shape (n,)
        The stage of each evaluation.
    times : float64, shape (n,)
        The clock after each evaluation.
    counts : int64, shape (2,)
        Length of the history, and repeats that cost nothing since it last grew.
    clock : float64, shape (1,)
        Simulated seconds used.
    seen : bool, shape (n_codes, n_stages)
        Networks in the history.
    peaks : float64, shape (n_terms,)
        Largest finite absolute value of each term in the history.
    moments : float64, shape (n_terms, 2)
        Mean and standard deviation of each term, for zscore().
    """

    terms: NDArray[np.float64]
    program: NDArray[np.int64]
    bounds: NDArray[np.int64]
    seconds: NDArray[np.float64]
    moment_seconds: NDArray[np.float64]
    feasible: NDArray[np.bool_]
    drawable: NDArray[np.int64]
    places: NDArray[np.int64]
    n_choices: int
    choices: NDArray[np.int64]
    max_evaluations: int
    max_seconds: float
    charge_repeats: bool
    random: NDArray[np.uint64]
    history: NDArray[np.int64]
    stages: NDArray[np.int64]
    times: NDArray[np.float64]
    counts: NDArray[np.int64]
    clock: NDArray[np.float64]
    seen: NDArray[np.bool_]
    peaks: NDArray[np.float64]
    moments: NDArray[np.float64]


@structref.register
class _SearchType(types.StructRef):
    """Type of a `Search` that compiled functions hand on by reference: its arrays are neither copied nor counted."""


class _Reference(structref.StructRefProxy):
    def __new__(cls, *values):
        return structref.StructRefProxy.__new__(cls, *values)


if not config.DISABLE_JIT:
    structref.define_proxy(_Reference, _SearchType, list(Search._fields))


def reference(search: Search) -> Search:
    """Return what the functions of this module and kernels take as `search`; it shares the arrays."""
    return search if config.DISABLE_JIT else _Reference(*search)


@cache
def _sources() -> str:
    """Fingerprint of this package's code."""
    paths = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def kernel(function: Callable) -> Callable:
    """Compile a search, and keep the machine code between sessions until any file of this package changes.

    Numba itself looks at the kernel's own file only, and would go on using old helpers. Threads run side by side.
    """
    dispatcher = njit(nogil=True, cache=True)(function)
    if not config.DISABLE_JIT:
        dispatcher._cache._cache_file._source_stamp = _sources()
    return dispatcher


def make_ready(function: Callable, *arguments: object) -> None:
    """Compile a kernel for such arguments, or read its machine code, without calling it."""
    if not config.DISABLE_JIT:
        function.compile(tuple(typeof(argument) for argument in arguments))


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


@njit
def normal(search: Search) -> float:
    """Random number with mean 0 and standard deviation 1, by the method of Box and Muller."""
    return np.sqrt(-2 * np.log(1 - uniform(search))) * np.cos(2 * np.pi * uniform(search))


@njit
def shuffle(search: Search, values: NDArray[np.int64], n: int) -> None:
    """Bring `n` values drawn without replacement to the front, in random order."""
    for k in range(n):
        other = k + below(search, values.size - k)
        values[k], values[other] = values[other], values[k]


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
def step_gene(search: Search, code: int, gene: int, step: int) -> int:
    """Code of the network with one gene so many values further, from the last one on to the first."""
    return with_gene(search, code, gene, (gene_of(search, code, gene) + step) % search.n_choices)


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
        child = step_gene(search, parent, gene, step)
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
def evaluate(search: Search, code: int, stage: int = 0) -> bool:
    """Spend what one network costs and put it into the history; False, and nothing done, once the budget is used up."""
    n = search.counts[0]
    if n >= search.max_evaluations or search.clock[0] >= search.max_seconds:
        return False
    if search.seen[code, stage] and not search.charge_repeats:
        search.counts[1] += 1
        return search.counts[1] < PATIENCE
    search.seen[code, stage] = True
    search.history[n] = code
    search.stages[n] = stage
    search.counts[0] = n + 1
    search.counts[1] = 0
    search.clock[0] += search.seconds[code, stage]
    search.times[n] = search.clock[0]
    raise_peaks(search, search.peaks, code, stage)
    return True


@njit
def explored(search: Search, stage: int = 0) -> NDArray[np.int64]:
    """Codes evaluated so far at a stage, in order."""
    codes = np.empty(search.counts[0], np.int64)
    n = 0
    for k in range(codes.size):
        if search.stages[k] == stage:
            codes[n] = search.history[k]
            n += 1
    return codes[:n]


@njit
def distinct(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each code once, in the order they first appear; the array given is used up."""
    n = 0
    for k in range(codes.size):
        if not (codes[:n] == codes[k]).any():
            codes[n] = codes[k]
            n += 1
    return codes[:n].copy()


@njit
def n_stages(search: Search) -> int:
    """Number of stages."""
    return search.bounds.shape[0] - 1


@njit
def raise_peaks(search: Search, peaks: NDArray[np.float64], code: int, stage: int) -> bool:
    """Let the largest absolute values of a stage's terms hold for one more network; whether any has grown."""
    risen = False
    for term in range(search.bounds[stage, 1], search.bounds[stage + 1, 1]):
        size = abs(search.terms[code, term])
        if np.isfinite(size) and size > peaks[term]:
            peaks[term] = size
            risen = True
    return risen


@njit
def draw_moments(search: Search) -> None:
    """Draw the networks that zscore() is about; what it is of is put on the clock, and nothing into the history."""
    codes = np.empty(N_MOMENTS, np.int64)
    for k in range(N_MOMENTS):
        codes[k] = random_network(search)
    for stage in range(n_stages(search)):
        for code in codes:
            search.clock[0] += search.moment_seconds[code, stage]
    set_moments(search, codes)


@njit
def set_moments(search: Search, codes: NDArray[np.int64]) -> None:
    """Take the moments of zscore() over these networks; values that are not finite are left out."""
    for term in range(search.moments.shape[0]):
        n, total, squares, least, most = 0, 0.0, 0.0, np.inf, -np.inf
        for code in codes:
            value = search.terms[code, term]
            if np.isfinite(value):
                n += 1
                total += value
                least, most = min(least, value), max(most, value)
        mean = total / n if n else np.nan
        for code in codes:
            if np.isfinite(search.terms[code, term]):
                squares += (search.terms[code, term] - mean) ** 2
        search.moments[term, 0] = mean
        # Of equal values rounding may leave a deviation.
        search.moments[term, 1] = (np.sqrt(squares / n) if least < most else 0.0) if n else np.nan


# Comparing scores.


@njit
def scores(search: Search, codes: NDArray[np.int64], stage: int = 0) -> NDArray[np.float64]:
    """Objective of each network, with max() over all explored ones; -inf where a network has no score."""
    return run_program(search, codes, search.peaks, stage)


@njit
def scores_within(search: Search, codes: NDArray[np.int64], stage: int = 0) -> NDArray[np.float64]:
    """Objective of each network, with max() over these networks only."""
    terms = search.terms
    peaks = np.zeros(terms.shape[1])  # as `raise_peaks` has them, whose call for each network would take longer
    for term in range(search.bounds[stage, 1], search.bounds[stage + 1, 1]):
        for code in codes:
            size = abs(terms[code, term])
            if peaks[term] < size < np.inf:  # which nan is not
                peaks[term] = size
    return run_program(search, codes, peaks, stage)


@njit
def best_of(search: Search, codes: NDArray[np.int64], stage: int = 0) -> int:
    """First of the networks with the highest score, or -1 if none has one."""
    values = scores(search, codes, stage)
    best, highest = -1, -np.inf
    for k in range(codes.size):
        if values[k] > highest:
            best, highest = codes[k], values[k]
    return best


@njit
def best_ever(search: Search) -> int:
    """Network with the highest score of all stages, an earlier stage first; -1 if none has one."""
    best, highest = -1, -np.inf
    for stage in range(n_stages(search)):
        codes = explored(search, stage)
        values = scores(search, codes, stage)
        for k in range(codes.size):
            if values[k] > highest:
                best, highest = codes[k], values[k]
    return best


@njit
def top(search: Search, codes: NDArray[np.int64], n: int, stage: int = 0) -> NDArray[np.int64]:
    """Return the `n` networks with the highest scores, best first; those met first win ties."""
    return codes[highest_places(scores(search, codes, stage), n)]


@njit
def highest_places(values: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return where the `n` highest values are, the highest first; the first of equal ones first."""
    places = np.empty(min(n, values.size), np.int64)
    taken = np.zeros(values.size, np.bool_)
    for k in range(places.size):
        places[k] = -1
        for j in range(values.size):
            if not taken[j] and (places[k] < 0 or values[j] > values[places[k]]):
                places[k] = j
        taken[places[k]] = True
    return places


# Networks that are sorted to be ranked; of fewer, each is compared with all others sooner.
_SORTED_FROM = 64


@njit
def run_program(
    search: Search, codes: NDArray[np.int64], peaks: NDArray[np.float64], stage: int
) -> NDArray[np.float64]:
    """Objective of each network, with rank() and place() among them, and with max() as given.

    The loops are short and run millions of times: what a step does is asked once and not of each network, and all is in
    one function, because handing an array on costs more than such a loop (its references are counted).
    """
    first, last = search.bounds[stage, 0], search.bounds[stage + 1, 0]
    program, terms, moments = search.program, search.terms, search.moments
    n = codes.size
    stack = np.empty((last - first, n))
    row = -1
    for step in range(first, last):
        operation, term = program[step, 0], program[step, 1]
        row += 1 if operation <= PLACE else 0 if operation <= LOG else -1
        if operation == TERM:
            for k in range(n):
                stack[row, k] = terms[codes[k], term]
        elif operation == MAX:
            for k in range(n):
                stack[row, k] = peaks[term] + 1e-9
        elif operation == ZSCORE:
            mean, deviation = moments[term, 0], moments[term, 1]
            for k in range(n):
                stack[row, k] = (terms[codes[k], term] - mean) / (deviation if deviation > 0 else 1.0)
        elif operation <= PLACE:
            _rank(search, operation, codes, term, stack[row])
        elif operation == NEGATE:
            for k in range(n):
                stack[row, k] = -stack[row, k]
        elif operation == LOG:
            for k in range(n):
                stack[row, k] = np.log(stack[row, k]) if stack[row, k] > 0 else np.nan
        elif operation == ADD:
            for k in range(n):
                stack[row, k] += stack[row + 1, k]
        elif operation == SUBTRACT:
            for k in range(n):
                stack[row, k] -= stack[row + 1, k]
        elif operation == MULTIPLY:
            for k in range(n):
                stack[row, k] *= stack[row + 1, k]
        elif operation == DIVIDE:
            for k in range(n):
                known = np.isfinite(stack[row + 1, k]) and stack[row + 1, k] != 0  # a share of infinity would be 0
                stack[row, k] = stack[row, k] / stack[row + 1, k] if known else np.nan
        else:
            for k in range(n):
                known = np.isfinite(stack[row, k]) and np.isfinite(stack[row + 1, k])  # 1 ** nan would be 1
                stack[row, k] = stack[row, k] ** stack[row + 1, k] if known else np.nan
    for k in range(n):
        if not np.isfinite(stack[0, k]):
            stack[0, k] = -np.inf
    return stack[0]


@njit
def _rank(search: Search, operation: int, codes: NDArray[np.int64], term: int, ranks: NDArray[np.float64]) -> None:
    """Ranks from below, or places from the top; equal ones count half.

    Those without a value are below all others, and have NaN themselves.
    """
    n = codes.size
    values = np.empty(n)
    for k in range(n):
        value = search.terms[codes[k], term]
        values[k] = value if np.isfinite(value) else -np.inf
    if n < _SORTED_FROM:
        for k in range(n):
            n_smaller, n_equal = 0, 0
            for other in values:
                n_smaller += other < values[k]
                n_equal += other == values[k]
            rank = n_smaller + 0.5 * (n_equal - 1) if values[k] > -np.inf else np.nan
            ranks[k] = rank if operation == RANK else n - rank
        return
    order = np.argsort(values)
    first = 0
    while first < n:
        value, last = values[order[first]], first
        while last < n and values[order[last]] == value:
            last += 1
        rank = 0.5 * (first + last - 1) if value > -np.inf else np.nan
        for place in order[first:last]:
            ranks[place] = rank if operation == RANK else n - rank
        first = last
