"""How well one ranking tells models apart, and how well it foretells another.

The three measures of Arena-Hard (Li et al. 2024, section 4): separability, agreement with confidence, and the Brier
score of pairs. All look at every pair of models that both rankings know. No significance is attached to the measures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from judgebench.errors import StatisticsError
from judgebench.stats.verdict_table import Floats


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
    said, truth = (_verdicts(ranking, i, j) for ranking in (board, other))
    decided = truth != 0
    with np.errstate(invalid="ignore", divide="ignore"):
        agreement = float((said[decided] * truth[decided]).mean()) if decided.any() else float("nan")
        z = (board.estimate[i] - board.estimate[j]) / np.hypot(board.standard_error[i], board.standard_error[j])
    chance = ndtr(np.nan_to_num(z, nan=0.0, posinf=np.inf, neginf=-np.inf))
    above = np.where(other.estimate[i] == other.estimate[j], 0.5, other.estimate[i] > other.estimate[j])
    return RankingQuality(float((said != 0).mean()), agreement, float(((chance - above) ** 2).mean()), len(i))


def separability(lower: Floats, upper: Floats) -> float:
    """Share of pairs whose intervals do not overlap.

    Raises StatisticsError for fewer than two models.
    """
    if len(lower) < 2:
        raise StatisticsError("separability needs at least two models")
    i, j = np.triu_indices(len(lower), 1)
    return float(((lower[i] > upper[j]) | (lower[j] > upper[i])).mean())


def _columns(ranking: RankingWithIntervals) -> tuple[Floats, ...]:
    return ranking.estimate, ranking.standard_error, ranking.lower, ranking.upper


def _verdicts(ranking: RankingWithIntervals, i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.int64]:
    """1 where i lies wholly above j, -1 wholly below, else 0."""
    above, below = ranking.lower[i] > ranking.upper[j], ranking.lower[j] > ranking.upper[i]
    return above.astype(np.int64) - below.astype(np.int64)
