"""Are a judge's probabilities to be believed? Reliability curve, calibration error and Brier score.

A preference of 0.8 should be right eight times in ten. Truth is what people, or an objective label, said: 1 for A, 0
for B, 1/2 for a tie. Expected calibration error as Naeini et al. (2015) with bins of equal width; it is biased upwards
by about the noise of a bin, so compare judges on the same items. It repairs nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import InputError
from judgebench.estimate import Estimate
from judgebench.stats.intervals import Clusters, bootstrap_estimate, bounded_mean
from judgebench.stats.verdict_table import Floats


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
    _check(preference, truth, clusters, bins)
    confidence = np.maximum(preference, 1 - preference)
    right = np.where(preference == 0.5, 0.5, np.where(preference > 0.5, truth, 1 - truth))
    bin_of = np.minimum(((confidence - 0.5) * 2 * bins).astype(np.int64), bins - 1)
    curve = tuple(
        ReliabilityBin(float(confidence[inside].mean()), bounded_mean(right[inside], clusters[inside], level=level))
        for inside in (bin_of == number for number in np.unique(bin_of))
    )
    error = bootstrap_estimate(
        lambda rows: _expected_error(confidence[rows], right[rows], bin_of[rows]),
        clusters,
        rng=rng,
        level=level,
        resamples=resamples,
    )
    return Calibration(curve, error, bounded_mean((preference - truth) ** 2, clusters, level=level))


def _expected_error(confidence: Floats, right: Floats, bin_of: NDArray[np.int64]) -> float:
    gaps = np.bincount(bin_of, weights=confidence - right)
    return float(np.abs(gaps).sum() / max(len(bin_of), 1))


def _check(preference: Floats, truth: Floats, clusters: Clusters, bins: int) -> None:
    if bins < 1:
        raise InputError(f"a reliability curve needs at least one bin, not {bins}")
    if preference.ndim != 1 or preference.shape != truth.shape or preference.shape != clusters.shape:
        raise InputError(f"preference {preference.shape}, truth {truth.shape}, clusters {clusters.shape} must match")
    for name, values in (("preference", preference), ("truth", truth)):
        if not ((values >= 0) & (values <= 1)).all():
            raise InputError(f"{name} must lie in [0, 1]; leave out items without a verdict or a label")
