"""How many instructions a comparison needs, before judges are paid, and what more of them would buy.

Two-sided t-tests of paired differences: the same instructions for both models, so what the two
share cancels. Standard deviations come from a pilot; 0.5 is the largest that there is. Nothing here looks at results
early; a plan is for one look.

How well a ranking tells models apart and foretells another is measured as Arena-Hard does (Li et al. 2024, section 4):
separability, agreement with confidence and the Brier score of pairs, over every pair that both rankings know.
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, ndtri

from judgebench.errors import StatisticsError
from judgebench.stats.bradley_terry import difference_errors
from judgebench.stats.intervals import critical_value, critical_values
from judgebench.stats.verdict_table import Floats

__all__ = [
    "PlannedComparison", "RankingQuality", "RankingWithIntervals", "detectable_difference", "instructions_needed",
    "power", "ranking_quality", "separability", "separability_by_instructions", "smallest_seen",
]  # fmt: skip


_NODES, _WEIGHTS = (np.polynomial.legendre.leggauss(200) + np.array([[1.0], [0.0]])) / 2  # to integrate over (0, 1)


@dataclass(frozen=True, slots=True)
class PlannedComparison:
    """What is to be told apart."""

    difference: float  # of two win rates, in (0, 1)
    sd: float = 0.5  # of one model's preference over instructions
    correlation: float = 0.0  # of two models' preferences over instructions, in [-1, 1)
    level: float = 0.95
    power: float = 0.8


def instructions_needed(plan: PlannedComparison) -> int:
    """Fewest instructions with which ``plan.difference`` is found with the plan's power.

    Raises StatisticsError for a plan out of range.
    """
    unit = _unit_error(plan)
    if not 0 < plan.difference < 1:
        raise StatisticsError(f"the difference must lie strictly between 0 and 1, not {plan.difference!r}")
    about = ceil((_quantiles(plan) * unit / plan.difference) ** 2)  # what the normal distribution asks for
    planned = range(2, 2 * about + 100)
    return planned[bisect_left(planned, plan.power, key=lambda n: power(n, plan))]


def detectable_difference(instructions: int, plan: PlannedComparison) -> float:
    """Smallest difference that ``instructions`` find with the plan's power; ``plan.difference`` is not looked at.

    Raises StatisticsError for a plan out of range, or fewer than two instructions.
    """
    if instructions < 2:
        raise StatisticsError("a comparison needs at least two instructions")
    error = _unit_error(plan) / sqrt(instructions)
    return smallest_seen(error, instructions - 1, level=plan.level, power=plan.power)


def smallest_seen(error: float, degrees: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Smallest difference that a t-test with this standard ``error`` and ``degrees`` of freedom finds with ``power``.

    Raises StatisticsError for a level outside (0, 1).
    """
    steps = range(10**11)  # billionths of an error
    return error * bisect_left(steps, power, key=lambda step: _chance(step * 1e-9, degrees, level)) * 1e-9


def power(instructions: int, plan: PlannedComparison) -> float:
    """Probability of finding ``plan.difference`` (either direction counts) with ``instructions``.

    Raises StatisticsError as detectable_difference.
    """
    if instructions < 2:
        raise StatisticsError("a comparison needs at least two instructions")
    return _chance(plan.difference * sqrt(instructions) / max(_unit_error(plan), 1e-12), instructions - 1, plan.level)


def separability_by_instructions(
    estimates: Floats, covariance: Floats, instructions: int, planned: Floats, *, level: float = 0.95
) -> Floats:
    """Expected share of pairs chance different, for each number of instructions in ``planned``.

    Takes the k estimates of a pilot with ``instructions`` as the truth and shrinks their (k, k) covariance in
    proportion. Optimistic for close pairs, whose pilot differences are partly noise. A pair without difference and
    error is never told apart.
    Raises StatisticsError for fewer than two models or numbers below 1.
    """
    numbers = np.asarray(planned, dtype=np.float64)
    if len(estimates) < 2:
        raise StatisticsError(
            "a pilot takes two or more models that were judged on two instructions or more: have more judged"
        )
    if instructions < 1 or (numbers < 1).any():
        raise StatisticsError("numbers of instructions are 1 or more")
    i, j = np.triu_indices(len(estimates), 1)
    errors = difference_errors(covariance)[i, j]
    with np.errstate(divide="ignore", invalid="ignore"):
        shifts = np.abs(estimates[i] - estimates[j])[None, :] / errors * np.sqrt(numbers / instructions)[:, None]
    t = critical_values(numbers - 1, level)[:, None]
    chance = np.where(np.isnan(shifts) | np.isnan(t), 0.0, ndtr(shifts - t) + ndtr(-t - shifts))
    shares: Floats = chance[:, np.isfinite(errors)].mean(axis=1)
    return shares


def _chance(shift: float, degrees: float, level: float) -> float:
    """That a t-test finds a difference of ``shift`` errors: the mean over what the sample's own error may be."""
    needed = _needed(degrees, level)
    return float(_WEIGHTS @ (ndtr(shift - needed) + ndtr(-needed - shift)))


@lru_cache(maxsize=256)
def _needed(degrees: float, level: float) -> Floats:
    """Errors that a difference must have, at each node of what the sample's own error may be."""
    needed: Floats = critical_value(level, degrees) * np.sqrt(chdtri(degrees, _NODES) / degrees)
    return needed


def _unit_error(plan: PlannedComparison) -> float:
    """Standard error of a paired difference on one instruction."""
    if not (plan.sd >= 0 and -1 <= plan.correlation < 1 and 0 < plan.power < 1):
        raise StatisticsError("a plan needs sd >= 0, a correlation in [-1, 1) and a power strictly between 0 and 1")
    return plan.sd * sqrt(2 * (1 - plan.correlation))


def _quantiles(plan: PlannedComparison) -> float:
    return critical_value(plan.level) + float(ndtri(plan.power))


@dataclass(frozen=True, slots=True, eq=False)
class RankingWithIntervals:
    """Aligned arrays of one ranking; larger is better."""

    estimate: Floats  # (k,)
    standard_error: Floats  # (k,)
    lower: Floats  # (k,)
    upper: Floats  # (k,)


@dataclass(frozen=True, slots=True)
class RankingQuality:
    separability: float  # share of pairs whose intervals do not overlap, in [0, 1]
    agreement: float  # in [-1, 1]; NaN where the other ranking separates no pair
    brier: float  # in [0, 1]; 0.25 is what saying "even" everywhere gets
    pairs: int


def ranking_quality(board: RankingWithIntervals, other: RankingWithIntervals) -> RankingQuality:
    """``board`` held against ``other`` (people, or another benchmark) over all pairs of the same k models.

    Raises StatisticsError for fewer than two models or arrays that are not aligned.
    """
    sizes = {len(column) for ranking in (board, other) for column in _columns(ranking)}
    if len(sizes) != 1 or min(sizes) < 2:
        raise StatisticsError("two rankings of the same two or more models are needed, in the same order")
    i, j = np.triu_indices(sizes.pop(), 1)
    verdict, truth = (_verdicts(ranking, i, j) for ranking in (board, other))
    decided = truth != 0
    with np.errstate(invalid="ignore", divide="ignore"):
        agreement = float((verdict[decided] * truth[decided]).mean()) if decided.any() else float("nan")
        z = (board.estimate[i] - board.estimate[j]) / np.hypot(board.standard_error[i], board.standard_error[j])
    chance = ndtr(np.nan_to_num(z, nan=0.0, posinf=np.inf, neginf=-np.inf))
    above = np.where(other.estimate[i] == other.estimate[j], 0.5, other.estimate[i] > other.estimate[j])
    return RankingQuality(float((verdict != 0).mean()), agreement, float(((chance - above) ** 2).mean()), len(i))


def separability(lower: Floats, upper: Floats) -> float:
    """Share of pairs whose intervals do not overlap.

    Raises StatisticsError for fewer than two models.
    """
    if len(lower) < 2:
        raise StatisticsError(
            "separability takes at least two models with an interval, so two instructions or more: have more judged"
        )
    i, j = np.triu_indices(len(lower), 1)
    return float(((lower[i] > upper[j]) | (lower[j] > upper[i])).mean())


def _columns(ranking: RankingWithIntervals) -> tuple[Floats, ...]:
    return ranking.estimate, ranking.standard_error, ranking.lower, ranking.upper


def _verdicts(ranking: RankingWithIntervals, i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.int64]:
    """1 where i lies wholly above j, -1 wholly below, else 0."""
    above, below = ranking.lower[i] > ranking.upper[j], ranking.lower[j] > ranking.upper[i]
    return above.astype(np.int64) - below.astype(np.int64)
