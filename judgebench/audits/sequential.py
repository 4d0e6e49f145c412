"""Bounds on a mean in [0, 1] that hold at every number of observations at once, so that one may stop at any time.

A bettor who doubts the mean m pays into a capital that cannot be expected to grow if m is right; when it exceeds
1 / error, m is rejected (Ville's inequality). Bets follow Waudby-Smith and Ramdas 2024, "Estimating means of bounded
random variables by betting", appendix B.3 (approximate growth-rate adaptive bets); each bet knows earlier values only.
The values must come in an order that does not depend on them, as a shuffled list of instructions does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_GRID = 1000  # candidate means, evenly in [0, 1]
_LARGEST = 0.95  # of the bet that could lose everything at once


@dataclass(frozen=True, slots=True)
class Bounds:
    """One-sided each: the mean is above ``lower`` and below ``upper``, but for the chance of error beside it."""

    mean: float  # NaN without values
    lower: float
    upper: float
    lower_error: float
    upper_error: float
    count: int


def running_bounds(values: Sequence[float] | NDArray[np.float64], *, lower_error: float, upper_error: float) -> Bounds:
    """Bounds after ``values`` (n,), each in [0, 1]; they are exact to 1/1000.

    Raises ValueError for a value outside [0, 1].
    """
    seen = np.asarray(values, dtype=np.float64)
    if len(seen) and not ((seen >= 0) & (seen <= 1)).all():
        raise ValueError("values must lie in [0, 1]")
    lower = _lowest_not_rejected(seen, lower_error)
    upper = 1.0 - _lowest_not_rejected(1.0 - seen, upper_error)
    mean = float(seen.mean()) if len(seen) else float("nan")
    return Bounds(mean, lower, upper, lower_error, upper_error, len(seen))


def _lowest_not_rejected(values: NDArray[np.float64], error: float) -> float:
    """The smallest mean on the grid that betting on larger values has never made implausible."""
    grid = np.linspace(0.0, 1.0, _GRID + 1)
    wealth = np.zeros_like(grid)  # logarithm
    best = np.zeros_like(grid)
    with np.errstate(divide="ignore", invalid="ignore"):
        for value, (mean, variance) in zip(values, _guesses(values), strict=True):
            edge = mean - grid
            bet = np.clip(edge / (variance + edge**2), 0.0, _LARGEST / grid)
            wealth += np.log1p(np.where(grid > 0, bet * (value - grid), np.log(2.0) if value > 0 else 0.0))
            best = np.maximum(best, wealth)
    rejected = best >= np.log(1.0 / error)
    rejected[0] = False  # a mean of 0 is refuted by one positive value, but as a bound it says nothing
    return float(grid[int(np.argmin(rejected[1:])) + 1]) if rejected[1] else 0.0


def _guesses(values: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Mean and variance before each value, begun with one imagined value of 1/2 and variance 1/4."""
    guesses, total, squares = [], 0.5, 0.25
    for count, value in enumerate(values, 1):
        mean = total / count
        guesses.append((mean, squares / count))
        total += value
        squares += (value - mean) ** 2
    return guesses
