"""How sure a judge is: whether its probabilities hold, and below which it should leave a battle to people.

Calibration. A preference of 0.8 should be right eight times in ten. Truth is what people, or an objective label, said:
1 for A, 0 for B, 1/2 for a tie. Expected calibration error as Naeini et al. (2015) with bins of equal width; it is
biased upwards by about the noise of a bin, so compare judges on the same items. Its interval starts lower by what a
calibrated judge's would be on these items, and is a jackknife's with four imagined items. It repairs nothing.

Abstention. Risk is the share of kept verdicts that people would contradict. Thresholds are tried from the highest
confidence down, and the last is taken before the exact upper bound of the risk first exceeds what is allowed: fixed-
sequence testing as in Jung et al. (2024, Trust or Escalate, arXiv 2407.18370), over the confidences that occur, and
abstaining always where the first threshold fails. With probability 1 - ``failure`` over calibration sets the risk above
the threshold is at most ``risk``, for battles drawn like the calibration set, which must hold independent items: one an
instruction. In a cascade of T judges give each ``failure`` / T.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from judgebench.counts import count
from judgebench.errors import InputError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import Clusters, bounded_mean, jackknife_estimate
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
    _check_confidences(confidence, wrong)
    if not 0 < risk < 1 or not 0 < failure < 1:
        raise InputError(f"risk and failure must lie strictly between 0 and 1, not {risk!r} and {failure!r}")
    order = np.argsort(-confidence, kind="stable")
    value, errors = confidence[order], np.cumsum(wrong[order], dtype=np.int64)
    last = np.flatnonzero(np.append(value[1:] != value[:-1], True)[: len(value)])  # of each distinct confidence
    last = last[last + 1 >= max(least, 1)]
    bounds = risk_bound(errors[last], last + 1, failure)
    passed = int(np.argmax(np.append(bounds > risk, True)))
    if not passed:
        reason = (
            "even the most confident verdicts may be wrong too often"
            if len(last)
            else f"fewer than {count(least, 'item')}"
        )
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
    _check_confidences(confidence, wrong)
    kept = threshold.keeps(confidence)
    coverage = bounded_mean(kept.astype(np.float64), clusters, level=level)
    if not kept.any():
        return Selection(coverage, unidentified("no verdict is kept", level=level))
    return Selection(coverage, bounded_mean(wrong[kept].astype(np.float64), clusters[kept], level=level))


def _check_confidences(confidence: Floats, wrong: NDArray[np.bool_]) -> None:
    if confidence.ndim != 1 or confidence.shape != wrong.shape or wrong.dtype != np.bool_:
        raise InputError(
            f"confidence {confidence.shape} needs as many true or false marks of being wrong {wrong.shape}"
        )
    if not np.isfinite(confidence).all():
        raise InputError("confidence must be finite; leave out items without a verdict or a label")


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Items whose confidence lies in one range."""

    confidence: float  # mean, in [1/2, 1]: the probability of the outcome that the judge prefers
    accuracy: Estimate  # share of them that truth confirms, ties half


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins without an item are left out of the curve."""

    curve: tuple[ReliabilityBin, ...]
    expected_error: Estimate  # mean distance of confidence and accuracy, in [0, 1/2] or a little more
    brier: Estimate  # mean squared distance of preference and truth, in [0, 1]; 1/4 for always saying 1/2


def calibration(
    preference: Floats,
    truth: Floats,
    clusters: Clusters,
    *,
    rng: np.random.Generator,
    bins: int = 10,
    level: float = 0.95,
    resamples: int = 400,
) -> Calibration:
    """From preferences for A, the truth in [0, 1], and the instruction of each item, all (n,).

    Bins divide confidence, max(p, 1 - p), so that calling A B changes nothing.
    Raises InputError when they are not aligned or out of range, or for no bin.
    """
    _check_preferences(preference, truth, clusters, bins)
    confidence = np.maximum(preference, 1 - preference)
    right = np.where(preference == 0.5, 0.5, np.where(preference > 0.5, truth, 1 - truth))
    bin_of = np.minimum(((confidence - 0.5) * 2 * bins).astype(np.int64), bins - 1)
    curve = tuple(
        ReliabilityBin(float(confidence[inside].mean()), bounded_mean(right[inside], clusters[inside], level=level))
        for inside in (bin_of == number for number in np.unique(bin_of))
    )
    items = _Binned(confidence, right, bin_of)
    error = jackknife_estimate(
        items.with_imagined().expected_error, clusters, np.arange(4), rng=rng, level=level, most=resamples
    )
    if error.value is not None and error.lower is not None and error.upper is not None:
        lower = max(error.lower - items.noise(clusters), 0.0)
        error = replace(error, lower=lower, upper=min(error.upper, 1.0))
    return Calibration(curve, error, bounded_mean((preference - truth) ** 2, clusters, level=level))


@dataclass(frozen=True, slots=True, eq=False)
class _Binned:
    """Items with the bin of their confidence; (n,) each."""

    confidence: Floats
    right: Floats
    bin_of: NDArray[np.int64]

    def with_imagined(self) -> "_Binned":
        """And four more of the middle confidence, two right and two wrong."""
        middle = np.argsort(self.confidence)[len(self.confidence) // 2 :][:1].repeat(4)
        rows = np.append(np.arange(len(self.confidence)), middle)
        right = np.append(self.right, [1.0, 1.0, 0.0, 0.0][: len(middle)])
        return _Binned(self.confidence[rows], right, self.bin_of[rows])

    def expected_error(self, rows: NDArray[np.intp]) -> float:
        gaps = np.bincount(self.bin_of[rows], weights=self.confidence[rows] - self.right[rows])
        return float(np.abs(gaps).sum() / max(len(rows), 1))

    def noise(self, clusters: Clusters) -> float:
        """The expected error of a judge that is calibrated on these items; those of a cluster may go wrong together."""
        code, bins = np.unique(clusters, return_inverse=True)[1], int(self.bin_of.max(initial=0)) + 1
        spread = np.sqrt(self.confidence * (1 - self.confidence))
        sums = np.bincount(code * bins + self.bin_of, weights=spread, minlength=(code.max(initial=0) + 1) * bins)
        of_bin = np.sqrt((sums.reshape(-1, bins) ** 2).sum(axis=0))
        return float(np.sqrt(2 / np.pi) * of_bin.sum() / max(len(spread), 1))


def _check_preferences(preference: Floats, truth: Floats, clusters: Clusters, bins: int) -> None:
    if bins < 1:
        raise InputError(f"a reliability curve needs at least one bin, not {bins}")
    if preference.ndim != 1 or preference.shape != truth.shape or preference.shape != clusters.shape:
        raise InputError(f"preference {preference.shape}, truth {truth.shape}, clusters {clusters.shape} must match")
    for name, values in (("preference", preference), ("truth", truth)):
        if not ((values >= 0) & (values <= 1)).all():
            raise InputError(f"{name} must lie in [0, 1]; leave out items without a verdict or a label")
