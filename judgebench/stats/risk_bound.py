"""How often a judge may disagree with people, with a guarantee, and when it should rather abstain.

Exact binomial upper bounds (Clopper and Pearson 1934) and fixed-sequence testing over confidence thresholds, from the
most to the least confident (Jung, Brahman and Choi 2024, "Trust or Escalate"). Calibration items must be a random
sample of those to come, and independent: take one battle an instruction.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from judgebench.errors import StatisticsError
from judgebench.stats.verdict_table import Floats


@dataclass(frozen=True, slots=True)
class Abstention:
    threshold: float  # verdicts with at least this confidence are kept; infinite: abstain always
    coverage: float  # share of calibration items kept
    risk: float  # share of those that people contradict; NaN where none is kept
    risk_bound: float  # upper bound for it


def risk_upper_bound(errors: int, items: int, delta: float = 0.1) -> float:
    """The largest error rate under which so few errors in ``items`` still have probability ``delta``.

    Raises StatisticsError for impossible counts or a delta outside (0, 1).
    """
    if not 0 <= errors <= items or items < 1 or not 0 < delta < 1:
        raise StatisticsError("a risk bound needs 0 <= errors <= items, items >= 1 and delta inside (0, 1)")
    return 1.0 if errors == items else float(betaincinv(errors + 1, items - errors, 1 - delta))


def abstention_threshold(
    confidence: Floats, agrees: Floats, *, risk: float = 0.1, delta: float = 0.1, fewest: int = 30
) -> Abstention:
    """The lowest threshold at which the bound still holds, coming from above; none is accepted after a failure.

    ``confidence`` (n,) and ``agrees`` (n,) 0 or 1 are of calibration items; thresholds below which fewer than
    ``fewest`` items lie above are not judged. Raises StatisticsError for different lengths or no items.
    """
    if len(confidence) != len(agrees) or not len(confidence):
        raise StatisticsError("calibration needs a confidence and an agreement for each item")
    order = np.argsort(-np.asarray(confidence), kind="stable")
    ranked, errors = np.asarray(confidence)[order], np.cumsum(1 - np.asarray(agrees)[order])
    accepted = Abstention(float("inf"), 0.0, float("nan"), float("nan"))
    for end in np.flatnonzero(np.append(ranked[:-1] != ranked[1:], True)):
        kept = int(end) + 1
        if kept < fewest:
            continue
        bound = risk_upper_bound(round(float(errors[end])), kept, delta)
        if bound > risk:
            break
        accepted = Abstention(float(ranked[end]), kept / len(ranked), float(errors[end]) / kept, bound)
    return accepted
