"""AlpacaEval's length-controlled win rate from its published coefficients and difficulties, to the digit.

Nothing is fitted here. The estimator is logit P = length * tanh(delta / sd) + difficulty * d + ability without an
intercept; at equal length only the last two terms remain (alpaca_eval/metrics/glm_winrate.py). The difficulties are
not in its repository as a table, but any model published with both coefficients and predictions gives them back.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from judgebench.errors import StatisticsError
from judgebench.stats.verdict_table import Floats


@dataclass(frozen=True, slots=True)
class PublishedCoefficients:
    """One model's row of the published weights; all 0 for the baseline."""

    length: float
    difficulty: float
    ability: float


@dataclass(frozen=True, slots=True)
class PublishedRate:
    rate: float  # at equal length, in [0, 1]
    standard_error: float  # as published: of the fitted probabilities' mean, without what the fit is unsure of


def published_rate(coefficients: PublishedCoefficients, difficulties: Floats) -> PublishedRate:
    """The win rate against the baseline at equal length, over instructions of these difficulties (i,)."""
    chance = expit(coefficients.ability + coefficients.difficulty * np.asarray(difficulties))
    return PublishedRate(float(chance.mean()), float(chance.std(ddof=1) / np.sqrt(len(chance))))


def published_pair_rate(one: PublishedCoefficients, other: PublishedCoefficients, difficulties: Floats) -> float:
    """How often ``one`` would win against ``other`` at equal length; the two directions sum to 1."""
    ability, difficulty = one.ability - other.ability, one.difficulty - other.difficulty
    return float(expit(ability + difficulty * np.asarray(difficulties)).mean())


def recover_difficulties(predictions: Floats, coefficients: PublishedCoefficients) -> Floats:
    """(i,) difficulties from a model's published predictions at equal length (``glm_preference``, in (0, 1)).

    Raises StatisticsError for predictions outside (0, 1), or a model whose predictions do not depend on difficulty.
    """
    p = np.asarray(predictions, dtype=np.float64)
    if coefficients.difficulty == 0:
        raise StatisticsError("difficulties cannot be recovered from a model whose difficulty coefficient is 0")
    if not ((p > 0) & (p < 1)).all():
        raise StatisticsError("predictions must lie strictly between 0 and 1")
    recovered: Floats = (logit(p) - coefficients.ability) / coefficients.difficulty
    return recovered
