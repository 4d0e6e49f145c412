"""Other answers to "who is best?" than one strength a model, for when preferences or categories disagree.

Maximal lottery: the mixture of models that nobody beats on average (Kreweras 1965; Fishburn 1984), by linear
programming; the same as the optimal strategy of the game in which the payoff is the preference margin. Borda counts and
Kemeny's ranking (1959) combine rankings, e.g. one a category. None of them comes with an interval: pass resampled
preferences or rankings to see what noise does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.table import Floats

EXACT_UP_TO = 12  # models for which Kemeny's ranking is searched exhaustively


@dataclass(frozen=True, slots=True, eq=False)
class Kemeny:
    order: NDArray[np.int64]  # (k,) codes, the best first
    disagreements: float  # weighted pairs of rankings and models that it contradicts
    exact: bool  # False: the best that local search found


def maximal_lottery(preference: Floats) -> Floats:
    """(k,) probabilities, from (k, k) preferences for row over column; a pair that never met counts as even.

    One optimum among several where it is not unique. Raises StatisticsError when margins are not antisymmetric.
    """
    from scipy.optimize import linprog  # slow to load, and only this needs it

    margin = np.nan_to_num(np.asarray(preference, dtype=np.float64) - 0.5)
    np.fill_diagonal(margin, 0.0)
    if not np.allclose(margin, -margin.T, atol=1e-9):
        raise StatisticsError("preferences for row over column and column over row must sum to 1")
    k = len(margin)
    found = linprog(
        np.append(np.zeros(k), -1.0),
        A_ub=np.column_stack([-margin.T, np.ones(k)]),
        b_ub=np.zeros(k),
        A_eq=np.append(np.ones(k), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0, 1)] * k + [(None, None)],
        method="highs",
    )
    if not found.success:
        raise StatisticsError(f"the maximal lottery could not be found: {found.message}")
    lottery: Floats = np.maximum(found.x[:k], 0.0)
    return np.asarray(lottery / lottery.sum(), dtype=np.float64)


def condorcet_winner(preference: Floats) -> int | None:
    """The code of the model preferred to each other one by a majority; None where there is none."""
    majority = np.asarray(preference) > 0.5
    np.fill_diagonal(majority, True)
    winners = np.flatnonzero(majority.all(axis=1))
    return int(winners[0]) if len(winners) == 1 else None


def borda(ranks: Floats) -> Floats:
    """(k,) mean share of others beaten, in [0, 1], over (rankings, k) ranks; 1 is best, equal ranks share.

    A model missing from a ranking (NaN) takes part in the others only.
    Raises StatisticsError for no rankings.
    """
    table = np.atleast_2d(np.asarray(ranks, dtype=np.float64))
    if not table.size:
        raise StatisticsError("a Borda count needs at least one ranking")
    above = (table[:, :, None] < table[:, None, :]).astype(np.float64)
    equal = (table[:, :, None] == table[:, None, :]).astype(np.float64)
    known = ~np.isnan(table)
    others = known.sum(axis=1, keepdims=True) - 1
    points = above.sum(axis=2) + (equal.sum(axis=2) - 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(known, points / others, np.nan)
        counts: Floats = np.nansum(shares, axis=0) / known.sum(axis=0)
    return counts


def kemeny(ranks: Floats, weights: Floats | None = None) -> Kemeny:
    """The order that contradicts as few pairwise statements of (rankings, k) ranks as possible.

    Exact up to EXACT_UP_TO models, beyond by moving single models from Borda's order. Ties in a ranking and missing
    models (NaN) state nothing. Among equally good orders the one with smaller codes first.
    Raises StatisticsError for no rankings.
    """
    table = np.atleast_2d(np.asarray(ranks, dtype=np.float64))
    if not table.size:
        raise StatisticsError("Kemeny's ranking needs at least one ranking")
    weight = np.ones(len(table)) if weights is None else np.asarray(weights, dtype=np.float64)
    says = np.einsum("r,rij->ij", weight, (table[:, :, None] < table[:, None, :]).astype(np.float64))
    exact = table.shape[1] <= EXACT_UP_TO
    order = _exhaustive(says) if exact else _local(says, np.argsort(-np.nan_to_num(borda(table)), kind="stable"))
    return Kemeny(order, _cost(says, order), exact)


def _cost(says: Floats, order: NDArray[np.int64]) -> float:
    """Statements contradicted: those for a model over one placed before it."""
    return float(np.tril(says[np.ix_(order, order)], -1).sum())


def _exhaustive(says: Floats) -> NDArray[np.int64]:
    """Dynamic programming over sets of models already placed: the best cost of placing a set first."""
    k = len(says)
    against = [sum(1 << j for j in range(k) if j != i) for i in range(k)]
    best = [0.0] + [np.inf] * ((1 << k) - 1)
    last = [0] * (1 << k)
    for placed in range(1 << k):
        for i in range(k):
            if placed >> i & 1:
                continue
            waiting = against[i] & ~placed
            cost = best[placed] + sum(float(says[j, i]) for j in range(k) if waiting >> j & 1)
            after = placed | 1 << i
            if cost < best[after] - 1e-12:
                best[after], last[after] = cost, i
    order, placed = [], (1 << k) - 1
    while placed:
        order.append(last[placed])
        placed ^= 1 << last[placed]
    return np.array(order[::-1], dtype=np.int64)


def _local(says: Floats, start: NDArray[np.intp]) -> NDArray[np.int64]:
    order = start.astype(np.int64)
    improved = True
    while improved:
        improved = False
        for place in range(len(order)):
            rest = np.delete(order, place)
            # Cost of the moved model at each place: statements for those after it, plus its own over those before.
            before = np.concatenate([[0.0], np.cumsum(says[order[place], rest])])
            after = np.concatenate([np.cumsum(says[rest, order[place]][::-1])[::-1], [0.0]])
            target = int(np.argmin(before + after))
            if (before + after)[target] < (before + after)[place] - 1e-12:
                order, improved = np.insert(rest, target, order[place]), True
    return order
