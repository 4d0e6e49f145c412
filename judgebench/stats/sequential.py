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
_MEANS = np.linspace(0.0, 1.0, _GRID + 1)
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


class RunningBounds:
    """Bounds that take one value after another; a look costs nothing, and as many may be taken as one likes."""

    def __init__(self, *, lower_error: float, upper_error: float) -> None:
        self._errors = lower_error, upper_error
        self._below, self._above = _Bettor(lower_error), _Bettor(upper_error)
        self._total, self.count = 0.0, 0

    def add(self, value: float) -> None:
        """Raises ValueError for a value outside [0, 1]."""
        if not 0.0 <= value <= 1.0:
            raise ValueError("values must lie in [0, 1]")
        self._below.bet(value)
        self._above.bet(1.0 - value)
        self._total += value
        self.count += 1

    @property
    def mean(self) -> float:
        """NaN without values."""
        return self._total / self.count if self.count else float("nan")

    @property
    def lower(self) -> float:
        return self._below.refuted

    @property
    def upper(self) -> float:
        return 1.0 - self._above.refuted

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.mean, self.lower, self.upper, *self._errors, self.count)


def running_bounds(values: Sequence[float] | NDArray[np.float64], *, lower_error: float, upper_error: float) -> Bounds:
    """Bounds after ``values`` (n,), each in [0, 1]; they are exact to 1/1000.

    Raises ValueError for a value outside [0, 1].
    """
    running = RunningBounds(lower_error=lower_error, upper_error=upper_error)
    for value in np.asarray(values, dtype=np.float64).tolist():
        running.add(value)
    return running.bounds


class _Bettor:
    """Bets, against every mean on the grid at once, that the values are larger."""

    def __init__(self, error: float) -> None:
        self._enough = float(np.log(1.0 / error))
        self._wealth = np.zeros_like(_MEANS)  # logarithm
        self._rejected = np.zeros(len(_MEANS), dtype=bool)
        # One imagined value of 1/2 and variance 1/4 begins the guesses, so that the first bet knows no value.
        self._sum, self._squares, self._count = 0.5, 0.25, 1

    @property
    def refuted(self) -> float:
        """The smallest mean that no value made implausible; 0 while none did, or when all but 0 are left."""
        if not self._rejected[1]:  # a mean of 0 is refuted by one positive value, but as a bound it says nothing
            return 0.0
        return float(_MEANS[int(np.argmin(self._rejected[1:])) + 1])

    def bet(self, value: float) -> None:
        mean, variance = self._sum / self._count, self._squares / self._count
        edge = mean - _MEANS
        with np.errstate(divide="ignore", invalid="ignore"):
            bet = np.clip(edge / (variance + edge**2), 0.0, _LARGEST / _MEANS)
            won = np.where(_MEANS > 0, bet * (value - _MEANS), np.log(2.0) if value > 0 else 0.0)
            self._wealth += np.log1p(won)
        self._rejected |= self._wealth >= self._enough
        self._sum += value
        self._squares += (value - mean) ** 2
        self._count += 1
