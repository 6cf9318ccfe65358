"""Local search by first improvement (White et al., UAI 2021; Phan and Luong, MF-NAS, GECCO 2024)."""

import numpy as np
from numba import njit

from proxybank.searches.core import (
    PATIENCE,
    TRIES,
    Search,
    below,
    best_of,
    evaluate,
    explored,
    kernel,
    random_network,
    scores,
    shuffle,
    step_gene,
)


@kernel
def run(search: Search, escape: int) -> int:
    """Climb from optimum to optimum until the budget is used up; return the best of all networks evaluated."""
    climb(search, search.max_evaluations, escape == 1)
    return best_of(search, explored(search))


@njit
def climb(search: Search, evaluations: int, escape: bool) -> bool:
    """Spend so many evaluations at stage 0, fewer if all it meets is known; False if the run's budget ends before."""
    current = random_network(search)
    if not evaluate(search, current):
        return False
    moves = np.arange(search.places.size * (search.n_choices - 1))
    while True:  # known networks that cost nothing end it, too: see `evaluate`
        improved = False
        shuffle(search, moves, moves.size)
        for move in moves:
            gene, step = move // (search.n_choices - 1), 1 + move % (search.n_choices - 1)
            code = step_gene(search, current, gene, step)
            if not search.feasible[code]:
                continue
            if search.counts[0] >= evaluations:
                return True
            if not evaluate(search, code):
                return _has_converged(search)
            values = scores(search, np.array([code, current]))
            if values[0] > values[1]:
                current = code
                improved = True
                break
        if not improved:
            current = _leap(search, current) if escape else random_network(search)
            if search.counts[0] >= evaluations:
                return True
            if not evaluate(search, current):
                return _has_converged(search)


@njit
def _has_converged(search: Search) -> bool:
    """Whether the last evaluation failed for want of new networks, not of budget."""
    return search.counts[1] >= PATIENCE


@njit
def _leap(search: Search, current: int) -> int:
    """Feasible network that differs in two genes; any feasible one if none turns up."""
    genes = np.arange(search.places.size)
    for _ in range(TRIES):
        code = current
        shuffle(search, genes, min(2, genes.size))
        for gene in genes[:2]:
            step = 1 + below(search, search.n_choices - 1)
            code = step_gene(search, code, gene, step)
        if search.feasible[code]:
            return code
    return random_network(search)
