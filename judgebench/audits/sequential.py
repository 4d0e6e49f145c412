"""Bounds on a mean in [0, 1] that hold at every number of observations at once, so that one may stop at any time.

A bettor who doubts the mean m pays into a capital that cannot be expected to grow if m is right; when it exceeds
1 / error, m is rejected (Ville's inequality). The capital is the mean of three bettors': one adapts its bets
(Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting", appendix B.3), two always
stake the same share of what could be lost, one of them nearly all. Each bet knows earlier values only. Values drawn
from a finite population without replacement (their section 5) say ever more about what is left, and everything once all
are seen.
The values must come in an order that does not depend on them, as a shuffled list of instructions does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judgebench.stats.table import Floats

_GRID = 1000  # candidate means, evenly in [0, 1]
_LARGEST = 0.95  # of the bet that could lose everything at once
_STAKES = (0.3, _LARGEST)  # of the same, by the bettors that do not adapt
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Bounds:
    """One-sided each: the mean is above ``lower`` and below ``upper``, but for the chance of error beside it."""

    mean: float  # NaN without values
    lower: float
    upper: float
    lower_error: float
    upper_error: float
    count: int


def running_bounds(
    values: Sequence[float] | Floats, *, lower_error: float, upper_error: float, population: int | None = None
) -> Bounds:
    """Bounds after ``values`` (n,), each in [0, 1]; they are exact to 1/1000.

    ``population``: how many values there are to draw from, at least n; None for so many that it does not matter.

    Raises ValueError for a value outside [0, 1], and for more values than there are.
    """
    seen = np.asarray(values, dtype=np.float64)
    if len(seen) and not ((seen >= 0) & (seen <= 1)).all():
        raise ValueError("values must lie in [0, 1]")
    if population is not None and len(seen) > population:
        raise ValueError(f"{len(seen)} values of a population of {population}")
    lower = _lowest_not_rejected(seen, lower_error, population)
    upper = 1.0 - _lowest_not_rejected(1.0 - seen, upper_error, population)
    mean = float(seen.mean()) if len(seen) else float("nan")
    return Bounds(mean, lower, upper, lower_error, upper_error, len(seen))


def _lowest_not_rejected(values: Floats, error: float, population: int | None) -> float:
    """The largest mean on the grid below which betting on larger values has made all implausible."""
    grid = np.linspace(0.0, 1.0, _GRID + 1)
    wealth = np.zeros((1 + len(_STAKES), len(grid)))  # logarithm, one row a bettor
    best = np.zeros_like(grid)
    total = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        for count, (value, (mean, variance)) in enumerate(zip(values, _guesses(values), strict=True)):
            left = grid if population is None else (population * grid - total) / (population - count)
            possible = left > _TOLERANCE
            edge = mean - left
            adapted = np.clip(edge / (variance + edge**2), 0.0, _LARGEST / left)
            bets = np.stack([adapted, *(stake / left for stake in _STAKES)])
            wealth += np.where(possible, np.log1p(bets * (value - left)), 0.0)
            best = np.maximum(best, np.logaddexp.reduce(wealth) - np.log(len(wealth)))
            total += value
    rejected = best >= np.log(1.0 / error)
    if population is not None:
        rejected |= population * grid < total - _TOLERANCE  # what was seen alone amounts to more
    rejected[0] = False  # a mean of 0 is refuted by one positive value, but as a bound it says nothing
    return float(grid[int(np.argmin(rejected[1:]))]) if rejected[1] else 0.0


def _guesses(values: Floats) -> list[tuple[float, float]]:
    """Mean and variance before each value, begun with one imagined value of 1/2 and variance 1/4."""
    guesses, total, squares = [], 0.5, 0.25
    for count, value in enumerate(values, 1):
        mean = total / count
        guesses.append((mean, squares / count))
        total += value
        squares += (value - mean) ** 2
    return guesses
