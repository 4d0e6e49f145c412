"""When should a judge hand a battle to people? A threshold of confidence with a bound on the risk above it.

Risk is the share of kept verdicts that people would contradict. Thresholds are tried from the highest confidence down,
and the last is taken before the exact upper bound of the risk first exceeds what is allowed: fixed-sequence testing as
in Jung et al. (2024, Trust or Escalate, arXiv 2407.18370), over the confidences that occur, and abstaining always where
the first threshold fails. With probability 1 - ``failure`` over calibration sets the risk above the threshold is at
most ``risk``, for battles drawn like the calibration set, which must hold independent items: one an instruction. In a
cascade of T judges give each ``failure`` / T.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from judgebench.errors import InputError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import Clusters, bounded_mean
from judgebench.stats.verdict_table import Floats


@dataclass(frozen=True, slots=True)
class Threshold:
    """Keep verdicts of at least this confidence."""

    threshold: float | None  # None: abstain always
    bound: float | None  # upper bound of the risk of what is kept, at most ``risk``
    kept: int  # calibration items at or above the threshold
    wrong: int  # of those
    items: int  # in the calibration set
    risk: float  # allowed
    failure: float  # probability that the bound does not hold
    reason: str = ""  # why to abstain always

    def keeps(self, confidence: Floats) -> NDArray[np.bool_]:
        """(n,) which verdicts to keep; the others go to people."""
        if self.threshold is None:
            return np.zeros(len(confidence), dtype=bool)
        kept: NDArray[np.bool_] = confidence >= self.threshold
        return kept


def confidence_of(preference: Floats) -> Floats:
    """max(p, 1 - p) in [1/2, 1]; of the mean over both orders, orders that contradict each other give 1/2."""
    confidence: Floats = np.maximum(preference, 1 - preference)
    return confidence


def risk_bound(wrong: NDArray[np.integer] | int, kept: NDArray[np.integer] | int, failure: float) -> Floats:
    """Exact upper bound of a risk, at confidence 1 - ``failure``, after ``wrong`` errors in ``kept`` items."""
    errors, size = np.asarray(wrong, dtype=np.float64), np.asarray(kept, dtype=np.float64)
    bound: Floats = np.where(errors < size, betaincinv(errors + 1, np.maximum(size - errors, 1e-9), 1 - failure), 1.0)
    return bound


def calibrate(
    confidence: Floats, wrong: NDArray[np.bool_], *, risk: float = 0.1, failure: float = 0.05, least: int = 30
) -> Threshold:
    """The lowest threshold whose risk, and that of every higher one, is bounded by ``risk``.

    ``wrong`` (n,): whether people contradict the verdict. ``least``: no threshold keeps fewer items.
    Raises InputError for unaligned or non-finite input, or rates outside (0, 1).
    """
    _check(confidence, wrong)
    if not 0 < risk < 1 or not 0 < failure < 1:
        raise InputError(f"risk and failure must lie strictly between 0 and 1, not {risk!r} and {failure!r}")
    order = np.argsort(-confidence, kind="stable")
    value, errors = confidence[order], np.cumsum(wrong[order], dtype=np.int64)
    last = np.flatnonzero(np.append(value[1:] != value[:-1], True)[: len(value)])  # of each distinct confidence
    last = last[last + 1 >= max(least, 1)]
    bounds = risk_bound(errors[last], last + 1, failure)
    passed = int(np.argmax(np.append(bounds > risk, True)))
    if not passed:
        reason = "even the most confident verdicts may be wrong too often" if len(last) else f"fewer than {least} items"
        return Threshold(None, None, 0, 0, len(value), risk, failure, reason)
    at = last[passed - 1]
    kept, mistakes = int(at + 1), int(errors[at])
    return Threshold(float(value[at]), float(bounds[passed - 1]), kept, mistakes, len(value), risk, failure)


def one_each(clusters: Clusters, rng: np.random.Generator) -> NDArray[np.intp]:
    """One row of each cluster, drawn at random: a calibration set of independent items."""
    rows = rng.permutation(len(clusters))
    return np.sort(rows[np.unique(np.asarray(clusters)[rows], return_index=True)[1]])


@dataclass(frozen=True, slots=True)
class Selection:
    """A threshold on items that it was not calibrated on."""

    coverage: Estimate  # share of verdicts kept
    risk: Estimate  # share of the kept that people contradict


def evaluate(
    threshold: Threshold, confidence: Floats, wrong: NDArray[np.bool_], clusters: Clusters, *, level: float = 0.95
) -> Selection:
    """What the threshold does on a held-out set. Raises InputError for unaligned or non-finite input."""
    _check(confidence, wrong)
    kept = threshold.keeps(confidence)
    coverage = bounded_mean(kept.astype(np.float64), clusters, level=level)
    if not kept.any():
        return Selection(coverage, unidentified("no verdict is kept", level=level))
    return Selection(coverage, bounded_mean(wrong[kept].astype(np.float64), clusters[kept], level=level))


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """Risk of the most confident share of items, one point a distinct confidence."""

    coverage: Floats  # (c,) ascending, ends at 1
    risk: Floats  # (c,)
    area: float  # mean risk over coverages: the smaller, the better confidence orders errors; NaN without items


def risk_coverage(confidence: Floats, wrong: NDArray[np.bool_]) -> RiskCoverage:
    """Items of equal confidence enter together. Raises InputError for unaligned or non-finite input."""
    _check(confidence, wrong)
    order = np.argsort(-confidence, kind="stable")
    value, errors = confidence[order], np.cumsum(wrong[order], dtype=np.int64)
    last = np.flatnonzero(np.append(value[1:] != value[:-1], True)[: len(value)])
    coverage, risk = (last + 1) / max(len(value), 1), errors[last] / (last + 1)
    area = float((risk * np.diff(coverage, prepend=0)).sum()) if len(last) else float("nan")
    return RiskCoverage(coverage, risk, area)


def _check(confidence: Floats, wrong: NDArray[np.bool_]) -> None:
    if confidence.ndim != 1 or confidence.shape != wrong.shape or wrong.dtype != np.bool_:
        raise InputError(
            f"confidence {confidence.shape} needs as many true or false marks of being wrong {wrong.shape}"
        )
    if not np.isfinite(confidence).all():
        raise InputError("confidence must be finite; leave out items without a verdict or a label")
