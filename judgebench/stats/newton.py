"""Newton's method for smooth concave log-likelihoods, the one solver of this package.

Steps are halved until the likelihood does not fall. It does not repair likelihoods without a maximum: whoever calls
it makes sure, by structure or by a prior, that there is one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from judgebench.errors import StatisticsError
from judgebench.stats.verdict_table import Floats

_SAFE_STEP = 0.5  # natural log-odds; a logistic likelihood cannot fall under a Newton step that short
STEP_TOLERANCE = 1e-8
_GRADIENT_TOLERANCE = 1e-12  # of the scale: what rounding leaves of a gradient


class Likelihood(Protocol):
    """A concave function of a vector of parameters."""

    def value(self, x: Floats) -> float: ...

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        """Gradient (p,), and the information's inverse times it (p,): the step to the maximum of the local parabola."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """Where a likelihood is largest."""

    x: Floats  # (p,)
    iterations: int
    gradient: float  # largest absolute component before the last step


def solve_dense(information: Floats, gradient: Floats) -> Floats:
    """The Newton step for an information (p, p).

    Raises StatisticsError when it is not positive definite.
    """
    try:
        step: Floats = cho_solve(cho_factor(information, lower=True, check_finite=False), gradient, check_finite=False)
    except LinAlgError as error:
        raise StatisticsError("the data do not determine every parameter of this fit") from error
    return step


def maximise(
    likelihood: Likelihood,
    start: Floats,
    *,
    scale: float = 1.0,
    iterations: int = 100,
    tolerance: float = STEP_TOLERANCE,
) -> Optimum:
    """The maximum reached from ``start``; ``scale`` is the size of the sums inside a component of the gradient.

    ``tolerance`` of the last step, in units of the parameters: the step after it would be about its square.

    Raises StatisticsError when the information is singular or ``iterations`` steps do not converge.
    """
    x = np.array(start, dtype=np.float64)
    for iteration in range(1, iterations + 1):
        gradient, step = likelihood.newton(x)
        size = float(np.abs(gradient).max(initial=0.0))
        if not np.isfinite(size):
            break
        if size <= _GRADIENT_TOLERANCE * scale:
            return Optimum(x, iteration, size)
        x = x + _shortened(likelihood.value, x, step)
        if np.abs(step).max() <= tolerance:
            return Optimum(x, iteration, size)
    raise StatisticsError(
        f"the fit did not converge in {iterations} steps; the data may hold extreme or contradictory values"
    )


def _shortened(value: Callable[[Floats], float], x: Floats, step: Floats) -> Floats:
    if np.abs(step).max() <= _SAFE_STEP:
        return step
    before = value(x)
    for _ in range(60):
        after = value(x + step)
        if after >= before - 1e-12 * abs(before):
            break
        step = step / 2
    return step
