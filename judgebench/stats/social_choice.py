"""Many voices, one answer, without a common scale; and whether one scale can hold what the verdicts say.

A jury is several judges as one: a view of their verdicts, never a stored one, since a verdict names the judge that gave
it. ``majority``: each judge votes for a side or a tie (by its mean preference over repeats); a side that more than half
of them name wins, anything else is a tie, as the panels of Verga et al. 2024 vote. ``mean``: the mean of their
preferences, for soft verdicts. The order shown is kept apart, so that position bias stays visible. A battle counts
where every judge of the jury has a verdict on it in that order: otherwise who was absent would decide.

A consensus takes categories as voters (Borda, Kemeny) and pairs as a game (maximal lottery, Condorcet winner). Ranks
within a category are of win rates against the field. The test of cycles splits the pairwise log-odds into what
differences of scores explain and the cyclic rest (Hodge decomposition; Jiang, Lim, Yao and Ye 2011), and reweights
instructions, so that what instructions share is not taken for cycles; every pair has an imagined one for and one
against besides, so that what never varied is not certain.

Models that nothing tells apart are told apart by none of them: the lottery is the most even one, Kemeny's ranks are
all those that equally good orders have.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from scipy.special import logit

from judgebench.coverage import Coverage
from judgebench.errors import StatisticsError
from judgebench.stats.intervals import instruction_weights
from judgebench.stats.method import Jury
from judgebench.stats.verdict_table import Floats, PairCounts, VerdictTable
from judgebench.stats.win_rate import pair_rates, win_rates

__all__ = [
    "Consensus", "CycleTest", "JuryVerdicts", "Kemeny", "borda", "condorcet_winner", "consensus", "convene",
    "cycle_test", "cyclic_triples", "kemeny", "maximal_lottery",
]  # fmt: skip
EXACT_UP_TO = 12  # models for which Kemeny's ranking is searched exhaustively
_BEATEN = 1e-6  # of a lottery's margins, beyond what rounding leaves
_AS_GOOD = 1e-12  # what rounding leaves of no difference


@dataclass(frozen=True, slots=True, eq=False)
class JuryVerdicts:
    """The jury's verdicts as those of one judge."""

    table: VerdictTable
    members: tuple[str, ...]
    incomplete: int  # battles, in an order, that some member has no verdict on: left out


def convene(table: VerdictTable, rule: Jury) -> JuryVerdicts:
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
    return JuryVerdicts(judged, members, int((~complete).sum()))


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


@dataclass(frozen=True, slots=True, eq=False)
class Kemeny:
    order: NDArray[np.int64]  # (k,) codes, the best first; one of those that contradict as little
    ranks: NDArray[np.int64]  # (k, 2) of each model, the best and the worst in orders that contradict as little
    disagreements: float  # weighted pairs of rankings and models that it contradicts
    exact: bool  # False: the best that local search found


def maximal_lottery(preference: Floats) -> Floats:
    """(k,) probabilities, from (k, k) preferences for row over column; a pair that never met counts as even.

    The one closest to even shares where several are optimal. Raises StatisticsError when margins are not antisymmetric.
    """
    from scipy.optimize import lsq_linear  # slow to load, and only this needs it

    margin = np.nan_to_num(np.asarray(preference, dtype=np.float64) - 0.5)
    np.fill_diagonal(margin, 0.0)
    if not np.allclose(margin, -margin.T, atol=1e-9):
        raise StatisticsError("preferences for row over column and column over row must sum to 1")
    # The shortest vector of nonnegative numbers that nobody beats and that sum to 1 or more: Lawson and Hanson (1974),
    # Solving Least Squares Problems, chapter 23, least distance programming.
    k = len(margin)
    bounds = np.concatenate([np.eye(k), margin.T, np.ones((1, k))])
    system = np.vstack([bounds.T, np.append(np.zeros(2 * k), 1.0)])
    target = np.append(np.zeros(k), 1.0)
    fit = lsq_linear(system, target, bounds=(0.0, np.inf), method="bvls", tol=1e-14, max_iter=100 * len(bounds))
    residual = system @ fit.x - target
    lottery: Floats = np.maximum(-residual[:k] / residual[k], 0.0)
    lottery /= lottery.sum()
    if (lottery @ margin).min(initial=0.0) < -_BEATEN:
        raise StatisticsError("the maximal lottery could not be found")
    return lottery


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
    if table.shape[1] <= EXACT_UP_TO:
        exact, open_ranks = _exhaustive(says)
        return Kemeny(exact, open_ranks, _cost(says, exact), True)
    order = _local(says, np.argsort(-np.nan_to_num(borda(table)), kind="stable"))
    return Kemeny(order, _movable(says, order), _cost(says, order), False)


def _cost(says: Floats, order: NDArray[np.int64]) -> float:
    """Statements contradicted: those for a model over one placed before it."""
    return float(np.tril(says[np.ix_(order, order)], -1).sum())


def _exhaustive(says: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Dynamic programming over sets of models already placed: an order, and the ranks in all that are as good."""
    k = len(says)
    sets = np.arange(1 << k)
    full, size = int(sets[-1]), np.bitwise_count(sets)
    against = np.zeros((k, 1 << k))  # what each model contradicts that stands before a set: theirs over it
    for j in range(k):
        against += says[j][:, None] * (sets >> j & 1)
    first, rest = _least_costs(against)
    ranks = np.zeros((k, 2), dtype=np.int64)
    for i in range(k):
        before = sets[sets >> i & 1 == 0]
        cost = first[before] + against[i, full ^ (before | 1 << i)] + rest[before | 1 << i]
        best = size[before[cost <= first[full] + _AS_GOOD]]
        ranks[i] = best.min() + 1, best.max() + 1
    order: list[int] = []
    placed = 0
    while placed != full:
        waiting = (i for i in range(k) if not placed >> i & 1)
        left = rest[placed] + _AS_GOOD
        order.append(next(i for i in waiting if against[i, full ^ (placed | 1 << i)] + rest[placed | 1 << i] <= left))
        placed |= 1 << order[-1]
    return np.array(order, dtype=np.int64), ranks


def _least_costs(against: Floats) -> tuple[Floats, Floats]:
    """(sets,) what the best order contradicts by which models of each set stand first, and by the others after it."""
    k, full = len(against), against.shape[1] - 1
    first, rest = np.full(full + 1, np.inf), np.full(full + 1, np.inf)
    first[0] = rest[full] = 0.0
    steps = [(placed, i) for placed in range(full) for i in range(k) if not placed >> i & 1]
    for placed, i in steps:
        after = placed | 1 << i
        first[after] = min(first[after], first[placed] + against[i, full ^ after])
    for placed, i in reversed(steps):
        after = placed | 1 << i
        rest[placed] = min(rest[placed], against[i, full ^ after] + rest[after])
    return first, rest


def _moves(says: Floats, order: NDArray[np.int64], place: int) -> Floats:
    """(k,) what the model at this place contradicts at each place: statements of those after it, its own before."""
    rest = np.delete(order, place)
    before = np.concatenate([[0.0], np.cumsum(says[order[place], rest])])
    after = np.concatenate([np.cumsum(says[rest, order[place]][::-1])[::-1], [0.0]])
    costs: Floats = before + after
    return costs


def _movable(says: Floats, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """(k, 2) ranks that single models can move to at no cost: at least these are open."""
    ranks = np.zeros((len(order), 2), dtype=np.int64)
    for place, model in enumerate(order):
        costs = _moves(says, order, place)
        free = np.flatnonzero(costs <= costs[place] + _AS_GOOD)
        ranks[model] = free[0] + 1, free[-1] + 1
    return ranks


def _local(says: Floats, start: NDArray[np.intp]) -> NDArray[np.int64]:
    order = start.astype(np.int64)
    improved = True
    while improved:
        improved = False
        for place in range(len(order)):
            costs = _moves(says, order, place)
            target = int(np.argmin(costs))
            if costs[target] < costs[place] - _AS_GOOD:
                order, improved = np.insert(np.delete(order, place), target, order[place]), True
    return order


@dataclass(frozen=True, slots=True)
class CycleTest:
    cyclic_share: float
    expected_share: float  # mean over reweightings where there are no cycles but noise
    p_value: float  # for "no cycles"
    resamples: int


def cycle_test(table: VerdictTable, *, resamples: int = 1000, rng: np.random.Generator) -> CycleTest:
    """Whether the cyclic share exceeds what reweighting instructions produces around a perfect ranking.

    Pair log-odds are those of (wins + 1/2) / (verdicts + 1).
    Raises StatisticsError for fewer than two resamples, or where no circle of models met, so that none could go round.
    """
    counts = PairCounts.of(table)
    i, j = np.nonzero(np.triu(counts.verdicts, 1))
    k = len(table.models)
    n = counts.verdicts[i, j]
    p = (counts.wins[i, j] + 0.5) / (n + 1)
    y, weight = logit(p), n * p * (1 - p)
    design, root = _incidence(i, j, k), np.sqrt(weight)
    basis = np.linalg.svd(design * root[:, None], full_matrices=False)
    along = basis[0][:, basis[1] > 1e-9 * basis[1].max(initial=0.0)]
    if along.shape[1] == len(i):
        raise StatisticsError("no three or more models met each other in a circle, so preferences cannot go round")

    def rest(values: Floats) -> Floats:
        scaled = values * root
        off = scaled - (scaled @ along) @ along.T
        squares: Floats = (off**2).sum(axis=-1)
        return squares

    influence = vstack([_influence(table, i, j, p, n), _imagined(table, p, n)])
    noise = np.concatenate([(w - 1) @ influence for w in instruction_weights(influence.shape[0], resamples, rng)])
    cyclic, null = float(rest(y)), rest(noise)
    total = float((weight * y**2).sum())
    p_value = (1 + float((null >= cyclic).sum())) / (resamples + 1)
    return CycleTest(
        cyclic / total if total > 0 else float("nan"), float(null.mean()) / max(total, 1e-300), p_value, resamples
    )


def cyclic_triples(preference: Floats) -> float:
    """Share of triples of models whose majorities go round; ``preference`` (k, k), 1/2 on no majority or no battle.

    Triples with a pair at exactly 1/2 are not counted. NaN where no triple is left.
    """
    cycles, triples = 0, 0
    for a, b, c in combinations(range(len(preference)), 3):
        sides = [preference[a, b] - 0.5, preference[b, c] - 0.5, preference[c, a] - 0.5]
        if all(side != 0 for side in sides):
            triples += 1
            cycles += all(side > 0 for side in sides) or all(side < 0 for side in sides)
    return cycles / triples if triples else float("nan")


def _incidence(i: np.ndarray, j: np.ndarray, k: int) -> Floats:
    design = np.zeros((len(i), k))
    design[np.arange(len(i)), i], design[np.arange(len(i)), j] = 1.0, -1.0
    return design


def _influence(table: VerdictTable, i: np.ndarray, j: np.ndarray, p: Floats, n: Floats) -> csr_array:
    """(instructions, pairs) what each instruction moves the log-odds of each pair by."""
    k = len(table.models)
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    pair = np.searchsorted(i * k + j, low.astype(np.int64) * k + high)
    toward = np.where(table.model_a < table.model_b, table.preference, 1 - table.preference)
    share = np.bincount(pair, weights=toward, minlength=len(i)) / n
    values = (toward - share[pair]) / (n * p * (1 - p))[pair]
    return csr_array((values, (table.instruction, pair)), shape=(len(table.instructions), len(i)))


def _imagined(table: VerdictTable, p: Floats, n: Floats) -> csr_array:
    """(2 pairs, pairs) what average instructions move by that a pair's first model won, and that it lost."""
    size = n / max(len(np.unique(table.instruction)), 1)
    moved = size / (n * p * (1 - p))
    return csr_array(np.concatenate([np.diag((1 - p) * moved), np.diag(-p * moved)]))


@dataclass(frozen=True, slots=True)
class Consensus:
    """Aligned to ``models``, those that took part."""

    models: tuple[str, ...]
    lottery: tuple[float, ...]  # probability of each model in the mixture that nobody beats on average
    unmet: int  # pairs of models that never met, which the lottery takes for even
    condorcet_winner: str | None  # preferred to each other model by a majority of these verdicts
    condorcet_certain: bool  # whether intervals that hold together prove each of its majorities
    categories: tuple[str, ...]  # that ranked; "" where instructions have none
    borda: tuple[float, ...]  # mean share of others beaten over categories, in [0, 1]
    kemeny: tuple[str, ...]  # an order that contradicts fewest categories
    kemeny_ranks: tuple[tuple[int, int], ...]  # the best and the worst rank of each model in orders as good
    kemeny_disagreements: float  # pairs of models and categories that it contradicts
    kemeny_exact: bool  # False: the best that local search found
    cycles: CycleTest | None  # None: no models met in a circle, or no pair has a preference
    cyclic_triples: (
        float | None
    )  # share of triples in which majorities go round; None: no triple of which all pairs met
    coverage: Coverage | None = None  # what of a benchmark it counts; None: it is of a table that nobody chose


def consensus(
    table: VerdictTable, categories: Sequence[str | None], *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Consensus:
    """``categories`` is aligned to ``table.instructions``. Raises StatisticsError for fewer than two models."""
    present = np.unique(np.concatenate([table.model_a, table.model_b]))
    if len(present) < 2:
        raise StatisticsError("there are no verdicts on two models: run a judge first, or choose another judge")
    models = tuple(table.models[code] for code in present)
    pairs, among = pair_rates(table, level=1 - (1 - level) / (len(present) - 1)), np.ix_(present, present)
    rates = pairs.rate[among]
    majorities = np.nan_to_num(rates, nan=0.5)
    winner = condorcet_winner(majorities.copy())
    names, ranks = _by_category(table, categories)
    order = kemeny(ranks[:, present])
    return Consensus(
        models=models,
        lottery=tuple(maximal_lottery(rates).tolist()),
        unmet=int(np.isnan(rates[np.triu_indices(len(present), 1)]).sum()),
        condorcet_winner=None if winner is None else models[winner],
        condorcet_certain=winner is not None and bool((np.delete(pairs.lower[among][winner], winner) > 0.5).all()),
        categories=names,
        borda=tuple(borda(ranks[:, present]).tolist()),
        kemeny=tuple(models[code] for code in order.order),
        kemeny_ranks=tuple((int(best), int(worst)) for best, worst in order.ranks),
        kemeny_disagreements=order.disagreements,
        kemeny_exact=order.exact,
        cycles=_cycles(table, resamples, seed),
        cyclic_triples=_number(cyclic_triples(majorities)),
    )


def _cycles(table: VerdictTable, resamples: int, seed: int) -> CycleTest | None:
    try:
        test = cycle_test(table, resamples=resamples, rng=np.random.default_rng(seed))
    except StatisticsError:
        return None
    return test if np.isfinite(test.cyclic_share) else None


def _by_category(table: VerdictTable, categories: Sequence[str | None]) -> tuple[tuple[str, ...], Floats]:
    """Names of categories with verdicts, and (categories, models) ranks by win rate; NaN where a model has none."""
    named = np.array([name or "" for name in categories], dtype=object)
    of_row = named[table.instruction]
    names = tuple(sorted(set(of_row.tolist())))
    ranks = []
    for name in names:
        rate = win_rates(table.select(of_row == name)).rate
        above = (rate[None, :] > rate[:, None]).sum(axis=1) + 1.0
        ranks.append(np.where(np.isfinite(rate), above, np.nan))
    return names, np.array(ranks)


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
