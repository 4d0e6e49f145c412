"""A share of positives corrected for a judge's known sensitivity and specificity, when these come from elsewhere.

Rogan and Gladen (1978); the interval and the split of a calibration budget follow Lee et al. 2025, "How to correctly
report LLM-as-a-judge evaluations". It assumes that the judge errs at the same rates on the test items as it did in
calibration and equally for every model; where labels are a random part of the test items themselves use ppi instead.
"""

from dataclasses import dataclass
from math import sqrt

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.stats.intervals import critical_value


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of a binary judge: shares of right verdicts, and on how many labelled items."""

    specificity: float  # on items that people call negative
    negatives: int
    sensitivity: float  # on items that people call positive
    positives: int


@dataclass(frozen=True, slots=True)
class CorrectedShare:
    estimate: Estimate  # in [0, 1]; its interval is built around ``centre``
    centre: float  # the adjusted estimate
    shift: float
    standard_error: float


def corrected_share(share: float, items: int, calibration: Calibration, *, level: float = 0.95) -> CorrectedShare:
    """The share of positives, given that the judge called ``share`` of ``items`` positive.

    Raises StatisticsError for shares outside [0, 1], no items or labels, or a judge no better than chance.
    """
    c = calibration
    if not all(0 <= value <= 1 for value in (share, c.specificity, c.sensitivity)):
        raise StatisticsError("a share, a sensitivity and a specificity lie in [0, 1]")
    if min(items, c.negatives, c.positives) < 1:
        raise StatisticsError("correcting needs judged items and calibration labels of both classes")
    if c.specificity + c.sensitivity <= 1:
        raise StatisticsError(
            "this judge is no better than chance (sensitivity + specificity <= 1): nothing to correct"
        )
    z = critical_value(level)
    p, n = (items * share + z**2 / 2) / (items + z**2), items + z**2
    q0, m0 = (c.negatives * c.specificity + 1) / (c.negatives + 2), c.negatives + 2
    q1, m1 = (c.positives * c.sensitivity + 1) / (c.positives + 2), c.positives + 2
    centre = (p + q0 - 1) / (q0 + q1 - 1)
    estimate = _clip((share + c.specificity - 1) / (c.specificity + c.sensitivity - 1))
    noise0, noise1 = q0 * (1 - q0) / m0, q1 * (1 - q1) / m1
    held = _clip(centre)
    shift = 2 * z**2 * (-(1 - held) * noise0 + held * noise1)
    se = sqrt(p * (1 - p) / n + (1 - held) ** 2 * noise0 + held**2 * noise1) / (q0 + q1 - 1)
    ends = (_clip(centre + shift - z * se), _clip(centre + shift + z * se))
    corrected = Estimate(estimate, *ends, level, "Rogan-Gladen, adjusted", items)
    return CorrectedShare(corrected, centre, shift, se)


def calibration_split(labels: int, share: float, pilot: Calibration) -> tuple[int, int]:
    """How many of ``labels`` to spend on (negatives, positives) for the shortest interval, from a pilot.

    Raises StatisticsError for a share that is not strictly inside (0, 1).
    """
    if not 0 < share < 1:
        raise StatisticsError(f"the expected share of positives must lie strictly between 0 and 1, not {share!r}")
    kappa = (pilot.negatives * (1 - pilot.specificity) + 1) / (pilot.positives * (1 - pilot.sensitivity) + 1)
    positives = round(labels / (1 + (1 / share - 1) * sqrt(kappa)))
    return labels - positives, positives


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
