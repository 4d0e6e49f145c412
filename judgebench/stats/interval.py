"""Intervals with their level and method, and the ones that follow from a standard error.

It does not choose the standard error; whoever computes an estimate says where its uncertainty comes from.
"""

from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt

from scipy.special import ndtri, stdtrit  # scipy.stats would triple the time to start

from judgebench.errors import StatisticsError


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval estimate; both ends are NaN where it is not defined."""

    lower: float
    upper: float
    level: float  # nominal coverage, in (0, 1)
    method: str  # e.g. "normal", "percentile bootstrap"


def critical_value(level: float, degrees: float = inf) -> float:
    """Two-sided quantile of the normal, or with finite ``degrees`` of Student's t, distribution.

    Raises StatisticsError when the level is not strictly between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise StatisticsError(f"the level of an interval must lie strictly between 0 and 1, not {level!r}")
    upper_tail = 0.5 + level / 2
    return float(stdtrit(degrees, upper_tail) if isfinite(degrees) else ndtri(upper_tail))


def normal_interval(
    value: float,
    se: float,
    level: float = 0.95,
    *,
    degrees: float = inf,
    bounds: tuple[float, float] = (-inf, inf),
    method: str | None = None,
) -> Interval:
    """``value`` plus and minus the critical value times ``se``, clipped to ``bounds``.

    Finite ``degrees`` (clusters minus one) widen it by Student's t; worth it below about 40 clusters.
    """
    half = critical_value(level, degrees) * se
    lower, upper = (min(max(end, bounds[0]), bounds[1]) for end in (value - half, value + half))
    return Interval(lower, upper, level, method or ("normal" if degrees == inf else f"t({degrees:g})"))


def rate_interval(rate: float, se: float, units: int, level: float = 0.95) -> Interval:
    """Wilson's interval for a rate in [0, 1] with standard error ``se`` from ``units`` independent units.

    Inside it takes the sample size that would give a proportion this standard error; at 0 or 1, where the observed
    spread vanishes and a normal interval would be a point, it takes the units themselves (Wilson 1927; Kish's design
    effect). NaN where the rate or its error is.
    """
    z = critical_value(level)
    method = "Wilson, clustered"
    if not (isfinite(rate) and isfinite(se)) or units < 1:
        return Interval(nan, nan, level, method)
    spread = rate * (1 - rate)
    if se == 0 and spread > 0:
        return Interval(rate, rate, level, method)
    size = spread / se**2 if spread > 0 and se > 0 else float(units)
    centre = (rate + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * sqrt(spread / size + z**2 / (4 * size**2))
    return Interval(max(centre - half, 0.0), min(centre + half, 1.0), level, method)
