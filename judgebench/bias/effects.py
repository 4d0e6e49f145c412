"""What besides the models' strengths moves a judge: Bradley-Terry with effects, among them length and style.

logit P(A preferred) = theta_A - theta_B + sum over effects of beta * column, all judges sharing the strengths. A weak
prior N(0, 3**2) on every strength, and on every effect a root mean square of its column, keeps separated data finite;
an effect that only the prior holds is reported as not identified, never as a number. Standard errors are sandwiches
clustered by instruction (Liang and Zeger 1986): soft verdicts and ties are quasi-likelihood. It does not model what an
instruction adds to one model's quality, so estimates are those of the average over instructions, smaller than the
effect within one instruction (logistic coefficients are not collapsible). Intervals are by Student's t with Kish's
degrees of freedom, the instructions that would tell as much if each held as many verdicts, less one. Those of single
effects are of a second fit, with one more average instruction that went half for and half against: verdicts that all
went one way leave no residual, however few they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, log_expit

from judgebench.counts import count
from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import normal_estimate
from judgebench.stats.newton import maximise, solve_dense
from judgebench.stats.verdict_table import Floats, VerdictTable, distinct

_PRECISION = 1 / 9  # of the prior, whose standard deviation is 3 natural log-odds
_HELD_BY_PRIOR = 0.25  # share of a parameter's precision from the prior, above which the data say too little
_EMPTY = "no verdict has it"
_NULL = 1e-8  # eigenvalues below this share of the largest belong to directions that the design leaves open


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """A column that speaks for A where positive and for B where negative; exchanging A and B flips its sign."""

    name: str
    column: Floats  # (n,)
    unit: float = 1.0  # the amount of the column that figures in points are about
    meaning: str = ""  # that amount in words, e.g. "shown first"
    impossible: str = ""  # why this table cannot tell it, where that is known beforehand
    taste: bool = False  # people may have it too, or take it for quality: length and style


@dataclass(frozen=True, eq=False)
class Fit:
    """Strengths of k models, then e effects."""

    table: VerdictTable
    effects: tuple[Effect, ...]
    beta: Floats  # (k + e,) natural log-odds; strengths sum to zero
    influence: Floats  # (g, k + e) what each instruction adds to the estimate; its squares add up to the variance
    centre: Floats  # (k + e,) as ``beta``, with one more average instruction, half for and half against
    doubt: Floats  # (k + e,) variance that this instruction by itself adds
    told: NDArray[np.bool_]  # (e,) whether the data identify the effect

    @property
    def identified(self) -> tuple[Effect, ...]:
        """The effects that the data identify."""
        return tuple(effect for effect, told in zip(self.effects, self.told, strict=True) if told)

    @property
    def theta(self) -> Floats:
        """(k,) strengths at equal effects."""
        return self.beta[: len(self.table.models)]

    @cached_property
    def design(self) -> "Design":
        """Of k models, then the effects' columns."""
        return _design(self.table, self.effects)

    @cached_property
    def covariance(self) -> Floats:
        """(k + e, k + e)"""
        return self.influence.T @ self.influence

    @cached_property
    def degrees(self) -> float:
        """Of freedom, at least 1: instructions less one, fewer where they differ in verdicts (Kish)."""
        verdicts = np.bincount(self.table.instruction).astype(np.float64)
        return max(float(verdicts.sum() ** 2 / (verdicts**2).sum()) - 1, 1.0)

    def with_effects(self, effects: Sequence[Effect]) -> "Fit":
        """The fit as one of ``effects``, in this order: those that it has not are taken to be 0 and untold."""
        if self.effects == tuple(effects):
            return self
        k, places = len(self.theta), {effect.name: at for at, effect in enumerate(self.effects)}
        at = np.array([places.get(effect.name, len(places)) for effect in effects], dtype=np.intp)
        columns = np.concatenate([np.arange(k), k + at])
        return Fit(
            self.table,
            tuple(effects),
            np.append(self.beta, 0.0)[columns],
            np.column_stack([self.influence, np.zeros(len(self.influence))])[:, columns],
            np.append(self.centre, 0.0)[columns],
            np.append(self.doubt, 0.0)[columns],
            np.append(self.told, False)[at],
        )

    def estimate(self, value: float, influence: Floats, *, n: int, level: float = 0.95) -> Estimate:
        """Of a quantity with this influence (g,) of each instruction."""
        se = float(np.sqrt((influence**2).sum())) if len(influence) > 1 else float("nan")
        return normal_estimate(value, se, level=level, n=n, degrees=self.degrees)

    def log_odds(self, name: str, *, level: float = 0.95) -> Estimate:
        """The effect of one unit of its column; its n counts the verdicts in which it takes part.

        Raises StatisticsError when no such effect was fitted.
        """
        names = [effect.name for effect in self.effects]
        if name not in names:
            raise StatisticsError(f"there is no effect {name!r} in this fit; it has {', '.join(names) or 'none'}")
        at = names.index(name)
        effect, place = self.effects[at], len(self.table.models) + at
        n = int(np.count_nonzero(effect.column))
        if not self.told[at]:
            untold = "the design cannot tell it from the strengths of the models or other effects" if n else _EMPTY
            return unidentified(effect.impossible or untold, level=level, n=n)
        known = self.influence[:, place]
        if len(known) > 1:
            known = np.append(known, np.sqrt(self.doubt[place]))
        around, value = self.estimate(float(self.centre[place]), known, n=n, level=level), float(self.beta[place])
        if around.lower is None or around.upper is None:
            return replace(around, value=value)
        return replace(around, value=value, lower=min(around.lower, value), upper=max(around.upper, value))

    def points(self, name: str, *, level: float = 0.95) -> Estimate:
        """What the effect's unit adds to a win rate at equal quality, in [-1/2, 1/2]."""
        unit = next((effect.unit for effect in self.effects if effect.name == name), 1.0)
        return in_points(self.log_odds(name, level=level), unit)


def in_points(log_odds: Estimate, unit: float) -> Estimate:
    """What ``unit`` of an effect with this coefficient adds to a win rate at equal quality, in [-1/2, 1/2]."""
    return log_odds.mapped(lambda beta: float(expit(unit * beta)) - 0.5)


def fit_effects(table: VerdictTable, effects: Sequence[Effect], *, near: Fit | None = None) -> Fit:
    """Strengths and effects together; where a fit to the same models is ``near``, fewer steps lead there from it.

    Raises StatisticsError when there is no verdict, a column is not finite or aligned, or the fit fails to converge.
    """
    for effect in effects:
        if effect.column.shape != (len(table),) or not np.isfinite(effect.column).all():
            raise StatisticsError(
                f"the effect {effect.name!r} needs a finite number for each of {count(len(table), 'verdict')}"
            )
    if not len(table):
        raise StatisticsError("there is no verdict to fit")
    filled = [effect for effect in effects if effect.column.any()]
    return _of_filled(table, filled, near).with_effects(effects)


def _of_filled(table: VerdictTable, effects: Sequence[Effect], near: Fit | None) -> Fit:
    """Of effects that a verdict has."""
    design, scale = _design(table, effects).scaled()
    likelihood = _Penalised(design, table.preference, np.full(len(scale), _PRECISION))
    start = np.zeros(len(scale)) if near is None else near.with_effects(effects).beta * scale
    optimum = maximise(likelihood, start, scale=float(len(table)))
    factor = cho_factor(likelihood.derivatives(optimum.x)[1], lower=True)
    present, instruction = distinct(table.instruction)
    scores = design.group_sums(instruction, table.preference - expit(design.log_odds(optimum.x)))
    influence = cho_solve(factor, scores.T).T / scale
    g, k = len(present), len(table.models)
    variance = np.diag(cho_solve(factor, np.eye(len(scale))))
    told = ~_open(design)[k:] & (variance[k:] * _PRECISION < _HELD_BY_PRIOR)
    told &= np.array([not effect.impossible for effect in effects], dtype=bool)
    centre, doubt = _with_one_more(likelihood, optimum.x, g)
    influence *= np.sqrt(g / max(g - 1, 1))
    return Fit(table, tuple(effects), optimum.x / scale, influence, centre / scale, doubt / scale**2, told)


def _with_one_more(likelihood: "_Penalised", start: Floats, instructions: int) -> tuple[Floats, Floats]:
    """(p,) the optimum with one more average instruction, half for and half against; and its squared influence."""
    design, more = likelihood.design, 1 + 1 / instructions  # as if each instruction held its share of that one
    preference = (likelihood.preference + 0.5 / instructions) / more
    with_it = _Penalised(design, preference, likelihood.precision / more)
    x = maximise(with_it, start, scale=float(len(preference))).x
    score = design.sums(0.5 - expit(design.log_odds(x))) / instructions
    influence = solve_dense(with_it.derivatives(x)[1] * more, score)
    return x, np.asarray(influence**2, dtype=np.float64)


class Fits:
    """Fits to one table, each made once; in all of them a name stands for one column."""

    def __init__(self, table: VerdictTable) -> None:
        self.table = table
        self._made: dict[frozenset[str], Fit] = {}

    def fit(self, effects: Sequence[Effect]) -> Fit:
        """As ``fit_effects``."""
        names = frozenset(effect.name for effect in effects if effect.column.any())
        if names not in self._made:
            last = next(reversed(self._made.values()), None)
            self._made[names] = fit_effects(self.table, effects, near=last)
        return self._made[names].with_effects(effects)


def place_effect(table: VerdictTable) -> Effect:
    """Being shown first; verdicts of unknown order take no part.

    Not identified where the first place always went to the same side of each pair: quality may have chosen it.
    """
    column = np.select([table.order == 0, table.order == 1], [1.0, -1.0], 0.0)
    first, second = (np.where(table.order == place, table.model_a, table.model_b) for place in (0, 1))
    met = np.zeros((len(table.models),) * 2, dtype=bool)  # the row's model was shown first
    met[first[table.order >= 0], second[table.order >= 0]] = True
    unknown = "the verdicts do not tell which output was shown first"
    one_way = "each pair of models was shown in one order only"
    impossible = "" if (met & met.T).any() else one_way if column.any() else unknown
    return Effect("position", column, 1.0, "shown first", impossible)


def length_effect(table: VerdictTable) -> Effect:
    """Difference of the natural logarithms of 1 + characters; points are about twice the length."""
    column = np.log1p(table.length_a) - np.log1p(table.length_b)
    return Effect("length", column, float(np.log(2)), "twice as long", taste=True)


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """n rows for p = k + e parameters: 1 for A and -1 for B, then the columns of the effects.

    The two parts are kept apart, and that of the models as codes: sums by code are much faster than products of sparse
    matrices.
    """

    model_a: NDArray[np.int32]  # (n,) in [0, k)
    model_b: NDArray[np.int32]  # (n,) in [0, k)
    k: int
    effects: Floats  # (n, e)

    def scaled(self) -> tuple["Design", Floats]:
        """The columns of effects divided by their root mean square; and (p,) what each parameter's was divided by."""
        active = np.maximum((self.effects != 0).sum(axis=0), 1)
        size = np.sqrt((self.effects**2).sum(axis=0) / active)
        size = np.where(size > 0, size, 1.0)
        return replace(self, effects=self.effects / size), np.concatenate([np.ones(self.k), size])

    def log_odds(self, x: Floats) -> Floats:
        """(n,)"""
        theta = x[: self.k]
        total: Floats = theta[self.model_a] - theta[self.model_b] + self.effects @ x[self.k :]
        return total

    def of_models(self, values: Floats) -> Floats:
        """(k,) ``values`` (n,) summed for A less those for B."""
        of_a, of_b = (np.bincount(side, values, self.k) for side in (self.model_a, self.model_b))
        return np.asarray(of_a - of_b, dtype=np.float64)

    def sums(self, residual: Floats) -> Floats:
        """(p,) each column times ``residual`` (n,)."""
        return np.concatenate([self.of_models(residual), self.effects.T @ residual])

    def products(self, weights: Floats) -> Floats:
        """(p, p) each column times each other, weighted by ``weights`` (n,)."""
        pair = self.model_a.astype(np.int64) * self.k + self.model_b
        met = np.bincount(pair, weights, minlength=self.k**2).reshape(self.k, self.k)
        met = met + met.T
        weighted = weights[:, None] * self.effects
        across = np.zeros((self.k, self.effects.shape[1]))
        for at, column in enumerate(weighted.T):
            across[:, at] = self.of_models(column)
        strengths = np.diag(met.sum(axis=1)) - met
        return np.block([[strengths, across], [across.T, self.effects.T @ weighted]])

    def group_sums(self, group: NDArray[np.int64], residual: Floats) -> Floats:
        """(g, p) as ``sums``, of each group of rows; ``group`` (n,) in [0, g)."""
        of_a, of_b = self._cells(group, residual)
        return np.column_stack([of_a - of_b, *(np.bincount(group, residual * column) for column in self.effects.T)])

    def group_sizes(self, group: NDArray[np.int64]) -> Floats:
        """(g, k) in how many rows of each group each model takes part."""
        of_a, of_b = self._cells(group, np.ones(len(group)))
        return of_a + of_b

    def _cells(self, group: NDArray[np.int64], values: Floats) -> tuple[Floats, Floats]:
        """(g, k) sums by group and model, of A and of B."""
        shape = int(group.max(initial=-1)) + 1, self.k
        cells = (group * self.k + side for side in (self.model_a, self.model_b))
        sums = (np.bincount(cell, values, shape[0] * shape[1]).reshape(shape) for cell in cells)
        of_a, of_b = (np.asarray(side, dtype=np.float64) for side in sums)
        return of_a, of_b


@dataclass(frozen=True, slots=True, eq=False)
class _Penalised:
    """Log-likelihood of soft preferences minus half the prior's squares."""

    design: Design
    preference: Floats
    precision: Floats  # (p,)

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        gradient, information = self.derivatives(x)
        return gradient, solve_dense(information, gradient)

    def value(self, x: Floats) -> float:
        eta = self.design.log_odds(x)
        likelihood = log_expit(eta) - (1 - self.preference) * eta
        return float(likelihood.sum() - (self.precision * x**2).sum() / 2)

    def derivatives(self, x: Floats) -> tuple[Floats, Floats]:
        p = expit(self.design.log_odds(x))
        gradient = self.design.sums(self.preference - p) - self.precision * x
        return gradient, self.design.products(p * (1 - p)) + np.diag(self.precision)


def _design(table: VerdictTable, effects: Sequence[Effect]) -> Design:
    columns = np.column_stack([np.zeros((len(table), 0)), *(effect.column for effect in effects)])
    return Design(table.model_a, table.model_b, len(table.models), columns)


def _open(design: Design) -> NDArray[np.bool_]:
    """(p,) parameters that take part in a direction along which no row changes."""
    values, vectors = np.linalg.eigh(design.products(np.ones(len(design.model_a))))
    null = vectors[:, values <= _NULL * max(float(values.max()), 1.0)]
    return (np.abs(null) > 1e-6).any(axis=1) if null.shape[1] else np.zeros(len(values), dtype=bool)
