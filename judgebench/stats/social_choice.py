"""Several judges as one: a view of their verdicts, never a stored one, since a verdict names the judge that gave it.

``majority``: each judge votes for a side or a tie (by its mean preference over repeats); a side that more than half of
them name wins, anything else is a tie, as the panels of Verga et al. 2024 vote. ``mean``: the mean of their
preferences, for soft verdicts. The order shown is kept apart, so that position bias stays visible. A battle counts
where every judge of the jury has a verdict on it in that order: otherwise who was absent would decide.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.verdict_table import Floats, VerdictTable

Rule = Literal["majority", "mean"]


@dataclass(frozen=True, slots=True, eq=False)
class Jury:
    """The jury's verdicts as those of one judge."""

    table: VerdictTable
    members: tuple[str, ...]
    incomplete: int  # battles, in an order, that some member has no verdict on: left out


def convene(table: VerdictTable, rule: Rule) -> Jury:
    """Raises StatisticsError with fewer than two judges, or where no battle has a verdict of each."""
    codes, judge = np.unique(table.judge, return_inverse=True)
    if len(codes) < 2:
        raise StatisticsError("a jury needs the verdicts of two judges or more: run another judge, or leave --jury out")
    case, first_row = _cases(table)
    votes, given = _by_judge(case, judge, table.preference, (len(first_row), len(codes)))
    complete = given.all(axis=1)
    if not complete.any():
        raise StatisticsError("no battle has a verdict of every judge in the jury: name judges that read the same ones")
    kept = table.select(first_row[complete])
    preference = _majority(votes[complete]) if rule == "majority" else votes[complete].mean(axis=1)
    members = tuple(table.judges[code] for code in codes)
    named = f"{rule} of {', '.join(members)}"
    judged = replace(kept, preference=preference, judges=(named,), judge=np.zeros(len(kept), dtype=np.int32))
    return Jury(judged, members, int((~complete).sum()))


def _cases(table: VerdictTable) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The battle and order of each row as a number, and a row of each."""
    columns = np.stack([table.instruction, table.model_a, table.model_b, table.order.astype(np.int32)])
    _, first_row, case = np.unique(columns, axis=1, return_index=True, return_inverse=True)
    return case.reshape(-1), first_row


def _by_judge(
    case: NDArray[np.intp], judge: NDArray[np.intp], preference: Floats, shape: tuple[int, int]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Mean preference of each judge in each case (NaN without), and whether there is one."""
    cell, cells = case * shape[1] + judge, shape[0] * shape[1]
    counts = np.bincount(cell, minlength=cells)
    with np.errstate(invalid="ignore"):
        means = np.bincount(cell, preference, minlength=cells) / counts
    return means.reshape(shape), (counts > 0).reshape(shape)


def _majority(votes: Floats) -> Floats:
    half = votes.shape[1] / 2
    wins, losses = (votes > 0.5).sum(axis=1) > half, (votes < 0.5).sum(axis=1) > half
    return np.where(wins, 1.0, np.where(losses, 0.0, 0.5))


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
