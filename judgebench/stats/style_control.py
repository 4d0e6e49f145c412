"""Style control as Arena-Hard and Chatbot Arena publish it: Bradley-Terry with relative differences of style.

Beside it stands the project's own (``bradley_terry.covariates``), which neither centres the differences, so that
swapping the sides changes nothing, nor takes rows of one instruction to be independent. This one does both, as
published, and serves comparison with published numbers alone.

logit P(first wins) = unit (r_first - r_second) + z b, a tie half a win, with a penalty of ridge / 2 on squares.
Sources: lm-sys/FastChat ``rating_systems.py``; lmarena/arena-hard-auto ``utils_math.py`` and ``utils/math_utils.py``.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, log_expit

from judgebench.errors import StatisticsError
from judgebench.stats.newton import maximise, solve_dense
from judgebench.stats.verdict_table import Codes, Floats

_TINY = 1e-13  # on the information's diagonal alone, so that it bends steps and moves no optimum


@dataclass(frozen=True, slots=True, eq=False)
class StyledBattles:
    """n rows in columns; k models have codes from 0."""

    models: int
    first: Codes  # (n,)
    second: Codes  # (n,)
    won: Floats  # (n,) by the first, in [0, 1]
    weight: Floats  # (n,) how often the row counts
    style: Floats  # (n, f) standardised differences


@dataclass(frozen=True, slots=True, eq=False)
class StyledStrengths:
    """The optimum."""

    strength: Floats  # (k,) in units of ``unit``; the fixed model's is 0
    slopes: Floats  # (f,)

    @property
    def parameters(self) -> Floats:
        """(k + f,)"""
        return np.concatenate([self.strength, self.slopes])


def relative_difference(of_first: Floats, of_second: Floats, *, more: float) -> Floats:
    """(a - b) / (a + b + more) elementwise, and 0 where both are 0."""
    total = of_first + of_second + more
    difference: Floats = np.divide(of_first - of_second, total, out=np.zeros_like(total), where=total != 0)
    return difference


def standardised(columns: Floats, weight: Floats, *, degrees: int) -> Floats:
    """(n, f) less their weighted mean, over their standard deviation with n - ``degrees``; 0 where nothing varies."""
    total = weight.sum()
    centred = columns - (weight @ columns) / total
    spread = np.sqrt((weight @ centred**2) / max(total - degrees, 1.0))
    standard: Floats = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return standard


def fit_styled(
    battles: StyledBattles,
    *,
    unit: float = 1.0,
    ridge: float = 0.0,
    fixed: int | None = None,
    start: StyledStrengths | None = None,
) -> StyledStrengths:
    """The largest penalised likelihood; ``fixed``: the code of a model whose strength is 0.

    Raises StatisticsError where the fit does not converge.
    """
    likelihood = _Likelihood(battles, unit, ridge, fixed)
    origin = np.zeros(battles.models + battles.style.shape[1]) if start is None else start.parameters
    optimum = maximise(likelihood, origin, scale=max(float(battles.weight.sum()), 1.0))
    return StyledStrengths(optimum.x[: battles.models], optimum.x[battles.models :])


def refits(
    battles: StyledBattles,
    rounds: int,
    rng: np.random.Generator,
    *,
    unit: float = 1.0,
    ridge: float = 0.0,
    fixed: int | None = None,
) -> Floats:
    """(rounds, k) strengths of as many resamples of the rows, each row drawn as often as its whole ``weight`` says.

    Raises StatisticsError as ``fit_styled`` does.
    """
    copies = battles.weight.astype(np.int64)
    if (copies != battles.weight).any():
        raise StatisticsError("rows are drawn one by one, so each counts a whole number of times")
    owner = np.repeat(np.arange(len(copies)), copies)
    whole = fit_styled(battles, unit=unit, ridge=ridge, fixed=fixed)
    drawn = []
    for _ in range(rounds):
        rows = owner[rng.integers(0, len(owner), len(owner))]
        counts = np.bincount(rows, minlength=len(copies)).astype(np.float64)
        resample = replace(battles, weight=counts)
        drawn.append(fit_styled(resample, unit=unit, ridge=ridge, fixed=fixed, start=whole).strength)
    return np.array(drawn)


@dataclass(frozen=True, slots=True, eq=False)
class _Likelihood:
    """Of ``StyledBattles``, for ``newton.maximise``."""

    battles: StyledBattles
    unit: float
    ridge: float
    fixed: int | None

    def value(self, x: Floats) -> float:
        rows, logit = self.battles, self._logit(x)
        likelihood = rows.weight @ (rows.won * log_expit(logit) + (1 - rows.won) * log_expit(-logit))
        return float(likelihood - self.ridge / 2 * (x @ x))

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        rows, k = self.battles, self.battles.models
        chance = expit(self._logit(x))
        gradient = self._spread(rows.weight * (rows.won - chance)) - self.ridge * x
        bend = rows.weight * chance * (1 - chance)
        pairs = np.bincount(rows.first.astype(np.int64) * k + rows.second, weights=bend, minlength=k * k).reshape(k, k)
        met = pairs + pairs.T
        information = np.zeros((len(x), len(x)))
        information[:k, :k] = self.unit**2 * (np.diag(met.sum(axis=1)) - met)
        information[k:, k:] = rows.style.T @ (rows.style * bend[:, None])
        for at in range(rows.style.shape[1]):
            information[:k, k + at] = information[k + at, :k] = self._spread(bend * rows.style[:, at])[:k]
        information[np.diag_indices(len(x))] += self.ridge + _TINY
        if self.fixed is not None:
            information[self.fixed] = information[:, self.fixed] = gradient[self.fixed] = 0.0
            information[self.fixed, self.fixed] = 1.0
        return gradient, solve_dense(information, gradient)

    def _logit(self, x: Floats) -> Floats:
        rows, k = self.battles, self.battles.models
        logit: Floats = self.unit * (x[rows.first] - x[rows.second]) + rows.style @ x[k:]
        return logit

    def _spread(self, values: Floats) -> Floats:
        """(k + f,) sums over rows of ``values`` times the row's derivative by each parameter."""
        rows, k = self.battles, self.battles.models
        of_first, of_second = (
            np.bincount(side, weights=values, minlength=k).astype(np.float64) for side in (rows.first, rows.second)
        )
        return np.concatenate([self.unit * (of_first - of_second), values @ rows.style])
