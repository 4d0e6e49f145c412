"""One number with its interval, whatever it is of: the only shape in which the package states an estimate."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf


@dataclass(frozen=True, slots=True)
class Estimate:
    """``value`` with its interval; ``reason`` says why either is missing, and a missing value always has one."""

    value: float | None  # None: the data cannot tell it; there is then at most a bound
    lower: float | None  # None: no interval, or open on this side
    upper: float | None
    level: float  # nominal coverage, in (0, 1)
    method: str  # of the interval; "none" where there is none
    n: int  # observations behind it
    reason: str = ""  # "" where value and interval are there

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError("an estimate without a value needs the reason why there is none")

    @property
    def identified(self) -> bool:
        """Whether the data tell its value."""
        return self.value is not None

    @property
    def ends(self) -> tuple[float, float]:
        """The interval as numbers: what is open, or missing, reaches to infinity."""
        return -inf if self.lower is None else self.lower, inf if self.upper is None else self.upper

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval, or the one bound there is, lies on one side of 0."""
        lower, upper = self.ends
        return lower > 0 or upper < 0

    def mapped(self, function: Callable[[float], float]) -> "Estimate":
        """The estimate of ``function`` of the value, for an increasing function."""
        value, lower, upper = (
            None if end is None else float(function(end)) for end in (self.value, self.lower, self.upper)
        )
        return replace(self, value=value, lower=lower, upper=upper)


def unidentified(reason: str, *, level: float = 0.95, n: int = 0) -> Estimate:
    """What the data cannot tell, and why."""
    return Estimate(None, None, None, level, "none", n, reason)
