"""Verdicts against a baseline as dense arrays, the property to hold equal, and the likelihoods of both stages.

A control is antisymmetric: exchanging the outputs changes its sign. Each is the baseline's value minus the model's,
divided by the model's own standard deviation of it and squashed by tanh, never centred, so that 0 always means "no
difference" (AlpacaEval's length term, alpaca_eval/metrics/glm_winrate.py; Dubois et al. 2024, section 3).

Both likelihoods are concave with their priors, and both exploit their shape: the joint one is an arrow matrix whose
difficulties are eliminated from every Newton step, the other a batch of small systems.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError, UnknownName, first_names
from judgebench.stats.verdict_table import Floats, VerdictTable

_ABILITY_PRECISION = 0.01  # keeps a model that always won or always lost finite; moves nobody else by 0.01 points
_BEYOND = 0.05  # share of a model's verdicts, below which those on one side of equality hardly show what is there


@dataclass(frozen=True, slots=True, eq=False)
class SlopePrior:
    """A Gaussian a model for its slopes where difficulties are left out."""

    mean: Floats  # (f,), or (m, f) a model
    precision: Floats  # (f, f) inverse covariance


@dataclass(frozen=True, slots=True, eq=False)
class ControlPrior:
    """Independent Gaussians a model; controls come first, in the order of the data's."""

    mean: Floats  # (f + 1,), or (m, f + 1) a model: slopes of the controls, then sharpness
    precision: Floats  # (f + 1, f + 1) inverse covariance of these
    joint_mean: Floats  # (f,) slopes while the difficulties are fitted
    joint_precision: Floats  # (f,)
    difficulty_sd: float  # of the difficulties: their prior, and the scale the fitted ones are brought to
    source: str
    alone: SlopePrior | None = None  # for fits without difficulties, where that is known as well
    doubt: float = 0.0  # standard deviation of what a model's slopes may be beside these means
    of_the_judge: tuple[float, ...] = (1.0,)  # shares of the slopes' means that are left open, rising: usually all

    def shares(self) -> tuple["ControlPrior", ...]:
        """The prior with each share of its slopes ``of_the_judge``, which leaves nothing open any more."""
        f = len(self.joint_mean)
        parts = [np.append(np.full(f, share), 1.0) for share in self.of_the_judge]
        return tuple(
            replace(self, mean=part * self.mean, joint_mean=part[:f] * self.joint_mean, of_the_judge=(1.0,))
            for part in parts
        )


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """m models against one baseline on i instructions; where ``weight`` is 0 there was no battle."""

    models: tuple[str, ...]
    baseline: str
    instructions: tuple[str, ...]
    controls: tuple[str, ...]  # f names
    preference: Floats  # (m, i) for the model, in [0, 1]; several verdicts on a battle are averaged
    weight: Floats  # (m, i) 0 or 1
    control: Floats  # (m, i, f) in (-1, 1); 0 where there was no battle

    @property
    def met(self) -> NDArray[np.bool_]:
        """(m,) whether the model has a battle with the baseline."""
        return np.asarray(self.weight.sum(axis=1) > 0)


def compare_to_baseline(
    table: VerdictTable, *, baseline: str, controls: Mapping[str, Floats] | None = None
) -> Comparisons:
    """Every model but the baseline, with ``controls`` (n,): A's value minus B's on each row; by default the length.

    Raises UnknownName for a baseline that is not in the table, StatisticsError for a control that does not fit it.
    """
    if baseline not in table.models:
        raise UnknownName("baseline", baseline, table.models)
    values = _checked(controls, table) if controls is not None else {"length": _length_difference(table)}
    fixed = table.model_code(baseline)
    a_is_baseline = (table.model_a == fixed)[:]
    rows = a_is_baseline | (table.model_b == fixed)
    sign = np.where(a_is_baseline, 1.0, -1.0)[rows]
    model = np.where(a_is_baseline, table.model_b, table.model_a)[rows].astype(np.int64)
    others = np.delete(np.arange(len(table.models)), fixed)
    shape = (len(others), len(table.instructions))
    cell = np.searchsorted(others, model) * shape[1] + table.instruction[rows]
    verdicts = np.bincount(cell, minlength=shape[0] * shape[1])

    def mean(column: Floats) -> Floats:
        sums = np.bincount(cell, weights=column, minlength=shape[0] * shape[1])
        means: Floats = (sums / np.maximum(verdicts, 1)).reshape(shape)
        return means

    toward_baseline = np.where(sign > 0, table.preference[rows], 1.0 - table.preference[rows])
    played = (verdicts > 0).reshape(shape)
    return Comparisons(
        models=tuple(table.models[code] for code in others),
        baseline=baseline,
        instructions=table.instructions,
        controls=tuple(values),
        preference=np.where(played, 1.0 - mean(toward_baseline), 0.0),
        weight=played.astype(np.float64),
        control=np.stack([_squashed(mean(sign * column[rows]), played) for column in values.values()], axis=-1)
        if values
        else np.zeros((*shape, 0)),
    )


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """Which of k models' rates at equal length rest on a slope more than on verdicts."""

    flags: tuple[str, ...]  # (k,) "extrapolated", or "" for all others
    notes: tuple[str, ...]  # who, and whether their outputs are shorter or longer; none where there is nobody


def extrapolated(table: VerdictTable, baseline: str | None = None) -> Extrapolation:
    """The models nearly all of whose outputs are longer, or nearly all shorter, than those they met.

    Never a ``baseline``, whose rate is given; where there is one, its battles alone count.
    """
    fixed = None if baseline is None else table.model_code(baseline)
    if fixed is not None:
        table = table.select((table.model_a == fixed) | (table.model_b == fixed))
    k, gap = len(table.models), table.length_a.astype(np.int64) - table.length_b

    def verdicts(as_a: NDArray[np.bool_], as_b: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(table.model_a[as_a], minlength=k) + np.bincount(table.model_b[as_b], minlength=k)

    everything = np.ones(len(table), dtype=bool)
    few = _BEYOND * verdicts(everything, everything)
    shorter, longer = verdicts(gap >= 0, gap <= 0) < few, verdicts(gap <= 0, gap >= 0) < few
    if fixed is not None:
        shorter[fixed] = longer[fixed] = False
    sides = {"shorter": shorter, "longer": longer}
    parts = [
        f"over {1 - _BEYOND:.0%} of the outputs of {first_names([table.models[code] for code in np.flatnonzero(far)])} "
        f"are {side} than those they met"
        for side, far in sides.items()
        if far.any()
    ]
    why = "rates with equally long ones rest on a slope more than on verdicts"
    notes = (f"extrapolated: {'; '.join(parts)}, so that {why}",) if parts else ()
    return Extrapolation(tuple("extrapolated" if far else "" for far in shorter | longer), notes)


def _length_difference(table: VerdictTable) -> Floats:
    return table.length_a.astype(np.float64) - table.length_b


def _checked(controls: Mapping[str, Floats], table: VerdictTable) -> dict[str, Floats]:
    for name, column in controls.items():
        if np.shape(column) != (len(table),) or not np.isfinite(column).all():
            raise StatisticsError(
                f"the control {name!r} must hold {len(table)} finite numbers, one a verdict: A's value minus B's"
            )
    return {name: np.asarray(column, dtype=np.float64) for name, column in controls.items()}


def _squashed(difference: Floats, played: np.ndarray) -> Floats:
    """tanh of each row over its own sample standard deviation; 0 for a model whose difference never varies."""
    count = played.sum(axis=1)
    mean = (difference * played).sum(axis=1) / np.maximum(count, 1)
    squares = (played * (difference - mean[:, None]) ** 2).sum(axis=1)
    sd = np.sqrt(squares / np.maximum(count - 1, 1))[:, None]
    scaled: Floats = np.tanh(np.divide(difference, sd, out=np.zeros_like(difference), where=sd > 0)) * played
    return scaled


def columns_of(data: Comparisons, *further: Floats) -> Floats:
    """(m, f + ... + 1, i) controls, ``further`` columns (i,) or (m, i), such as difficulties, and 1.

    Sums over instructions, of which fits consist, run along the last axis.
    """
    m, i = data.weight.shape
    f = len(data.controls)
    columns = np.ones((m, f + len(further) + 1, i))
    columns[:, :f] = data.control.transpose(0, 2, 1)
    for place, column in enumerate(further, start=f):
        columns[:, place] = column
    return columns


def chance(logits: Floats) -> Floats:
    """The logistic function, by numpy's exponential, which takes a third of the time of scipy's."""
    with np.errstate(over="ignore"):  # of what is next to impossible
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))


@dataclass(frozen=True, eq=False)
class OwnCoefficients:
    """The models' likelihoods side by side: independent, so solved as a batch of small systems."""

    data: Comparisons
    columns: Floats  # (m, p, i) controls, difficulty where there is one, 1
    mean: Floats  # (p - 1,), or (m, p - 1) a model
    prior_precision: Floats  # (p - 1, p - 1)

    @cached_property
    def centre(self) -> Floats:
        return np.append(self.mean, np.zeros((*self.mean.shape[:-1], 1)), axis=-1)

    @cached_property
    def precision(self) -> Floats:
        p = self.columns.shape[1]
        full = np.diag(np.full(p, _ABILITY_PRECISION))
        full[: p - 1, : p - 1] = self.prior_precision
        return full

    def value(self, x: Floats) -> float:
        own = x.reshape(len(self.data.models), -1)
        gap = own - self.centre
        return _log_likelihood(self.data, self._logits(own)) - 0.5 * float(((gap @ self.precision) * gap).sum())

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        own = x.reshape(len(self.data.models), -1)
        p = chance(self._logits(own))
        residual = self.data.weight * (self.data.preference - p)
        gradient = np.matmul(self.columns, residual[:, :, None])[:, :, 0] - (own - self.centre) @ self.precision
        return gradient.ravel(), np.linalg.solve(self._information(p), gradient[:, :, None]).ravel()

    def spread(self, own: Floats) -> Floats:
        """(m, p, p) covariance of each model's coefficients around ``own``, by Laplace's approximation."""
        spread: Floats = np.linalg.inv(self._information(chance(self._logits(own)))).astype(np.float64)
        return spread

    def _information(self, p: Floats) -> Floats:
        turned = self.columns * (self.data.weight * p * (1 - p))[:, None, :]
        information: Floats = np.matmul(turned, self.columns.transpose(0, 2, 1)) + self.precision
        return information

    def _logits(self, own: Floats) -> Floats:
        logits: Floats = np.matmul(own[:, None, :], self.columns)[:, 0]
        return logits


@dataclass(frozen=True, eq=False)
class JointDifficulty:
    """All models and difficulties at once, sharpness 1; the difficulties are eliminated from each Newton step."""

    data: Comparisons
    prior: ControlPrior

    @cached_property
    def columns(self) -> Floats:
        return columns_of(self.data)

    @cached_property
    def centre(self) -> Floats:
        return np.append(self.prior.joint_mean, 0.0)

    @cached_property
    def precision(self) -> Floats:
        return np.append(self.prior.joint_precision, _ABILITY_PRECISION)

    @cached_property
    def ridge(self) -> float:
        return 1.0 / self.prior.difficulty_sd**2

    def value(self, x: Floats) -> float:
        own, d = self._split(x)
        penalty = (self.precision * (own - self.centre) ** 2).sum() + self.ridge * (d**2).sum()
        return _log_likelihood(self.data, self._logits(own, d)) - 0.5 * float(penalty)

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        own, d = self._split(x)
        p = chance(self._logits(own, d))
        residual, curvature = self.data.weight * (self.data.preference - p), self.data.weight * p * (1 - p)
        mine = np.matmul(self.columns, residual[:, :, None])[:, :, 0] - self.precision * (own - self.centre)
        theirs = residual.sum(axis=0) - self.ridge * d
        step, shift = self._eliminate(curvature, mine, theirs)
        return np.concatenate([mine.ravel(), theirs]), np.concatenate([step, shift])

    def difficulty_moments(self, x: Floats) -> tuple[Floats, Floats]:
        """(i,) difficulties at ``x``, and their variances given everything else."""
        own, d = self._split(x)
        p = chance(self._logits(own, d))
        return d, 1 / ((self.data.weight * p * (1 - p)).sum(axis=0) + self.ridge)

    def _eliminate(self, curvature: Floats, mine: Floats, theirs: Floats) -> tuple[Floats, Floats]:
        """Solve the arrow-shaped system: a block a model, a diagonal for the difficulties, and what couples them."""
        m, f = mine.shape
        turned = self.columns * curvature[:, None, :]
        coupling = turned.reshape(m * f, -1)
        diagonal = curvature.sum(axis=0) + self.ridge
        scaled = coupling / np.sqrt(diagonal)
        system = -(scaled @ scaled.T)  # symmetric by its form, of which half is computed
        blocks = system.reshape(m, f, m, f)
        model = np.arange(m)
        blocks[model, :, model, :] += np.matmul(turned, self.columns.transpose(0, 2, 1)) + np.diag(self.precision)
        step = np.linalg.solve(system, mine.ravel() - coupling @ (theirs / diagonal))
        return step, (theirs - step @ coupling) / diagonal

    def _split(self, x: Floats) -> tuple[Floats, Floats]:
        size = self.columns.shape[0] * self.columns.shape[1]
        return x[:size].reshape(self.columns.shape[0], -1), x[size:]

    def _logits(self, own: Floats, d: Floats) -> Floats:
        logits: Floats = np.matmul(own[:, None, :], self.columns)[:, 0] + d
        return logits


def _log_likelihood(data: Comparisons, logits: Floats) -> float:
    """Of preferences y: the log of chance to the power of y, and of its opposite to that of 1 - y."""
    opposite = np.maximum(logits, 0.0) + np.log1p(np.exp(-np.abs(logits)))  # minus its log
    return float((data.weight * (data.preference * logits - opposite)).sum())
