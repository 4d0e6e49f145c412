"""What besides the models' strengths moves a judge: Bradley-Terry with effects, among them length and style.

logit P(A preferred) = theta_A - theta_B + sum over effects of beta * column, all judges sharing the strengths. A weak
prior N(0, 3**2) on every strength, and on every effect a root mean square of its column, keeps separated data finite;
an effect that only the prior holds is reported as not identified, never as a number. Standard errors are sandwiches
clustered by instruction (Liang and Zeger 1986): soft verdicts and ties are quasi-likelihood. It does not model what an
instruction adds to one model's quality, so estimates are those of the average over instructions, smaller than the
effect within one instruction (logistic coefficients are not collapsible).

Longer outputs may be better ones: a slope in length, or in another feature of style, is a bias only as far as people do
not share it, so each comes raw and, where people judged the same battles, at equal human preference. Length has two raw
forms: the share of battles that the longer output wins (AlpacaEval's probability of preferring the longer, which leaves
out differences of at most 30 characters), and the slope of log-odds in the difference of log lengths at equal strength
of the models and equal place.

Counterfactual leaderboards: one fit holds all effects. A model's win rate is the mean over its verdicts of the fitted
preference for it; without an effect, of the preference that the fit gives where the effect's column is 0 in every
verdict (as the length-controlled win rate of Dubois et al. 2024 does for length). Differences of both are on one scale,
so no logistic coefficient is compared across fits. Effects that the data do not identify are entered as such and
removed from nothing. An effect is what goes with its column at equal strengths: where length comes with quality, taking
length away takes quality away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array, hstack
from scipy.special import expit, log_expit, logit

from judgebench.coverage import Coverage
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import bounded_difference, bounded_mean, normal_estimate
from judgebench.stats.newton import maximise, solve_dense
from judgebench.stats.verdict_table import Floats, VerdictTable

_PRECISION = 1 / 9  # of the prior, whose standard deviation is 3 natural log-odds
_HELD_BY_PRIOR = 0.25  # share of a parameter's precision from the prior, above which the data say too little
_EMPTY = "no verdict has it"
_NULL = 1e-8  # eigenvalues below this share of the largest belong to directions that the design leaves open
_MARGIN = 30  # characters; AlpacaEval's
_CLIP = 1 / 20  # of human preferences: a unanimous vote is no certainty
_NO_PEOPLE = "no battle has a human preference"
_SAME = 1e-9  # win rates nearer than this share a rank


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """A column that speaks for A where positive and for B where negative; exchanging A and B flips its sign."""

    name: str
    column: Floats  # (n,)
    unit: float = 1.0  # the amount of the column that figures in points are about
    meaning: str = ""  # that amount in words, e.g. "shown first"
    impossible: str = ""  # why this table cannot tell it, where that is known beforehand


@dataclass(frozen=True, eq=False)
class Fit:
    """Strengths of k models, then e effects."""

    table: VerdictTable
    effects: tuple[Effect, ...]
    design: csr_array  # (n, k + e) 1 and -1 for the models, then the effects' columns
    beta: Floats  # (k + e,) natural log-odds; strengths sum to zero
    influence: Floats  # (g, k + e) what each instruction adds to the estimate; its squares add up to the variance
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
    def covariance(self) -> Floats:
        """(k + e, k + e)"""
        return self.influence.T @ self.influence

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
        se = float(np.sqrt(self.covariance[place, place])) if len(self.influence) > 1 else float("nan")
        return normal_estimate(float(self.beta[place]), se, level=level, n=n)

    def points(self, name: str, *, level: float = 0.95) -> Estimate:
        """What the effect's unit adds to a win rate at equal quality, in [-1/2, 1/2]."""
        unit = next((effect.unit for effect in self.effects if effect.name == name), 1.0)
        return in_points(self.log_odds(name, level=level), unit)


def in_points(log_odds: Estimate, unit: float) -> Estimate:
    """What ``unit`` of an effect with this coefficient adds to a win rate at equal quality, in [-1/2, 1/2]."""
    return log_odds.mapped(lambda beta: float(expit(unit * beta)) - 0.5)


def fit_effects(table: VerdictTable, effects: Sequence[Effect]) -> Fit:
    """Strengths and effects together.

    Raises StatisticsError when there is no verdict, a column is not finite or aligned, or the fit fails to converge.
    """
    for effect in effects:
        if effect.column.shape != (len(table),) or not np.isfinite(effect.column).all():
            raise StatisticsError(f"the effect {effect.name!r} needs {len(table)} finite numbers, one a verdict")
    if not len(table):
        raise StatisticsError("there is no verdict to fit")
    design, scale = _design(table, effects)
    likelihood = _Penalised(design, table.preference, np.full(len(scale), _PRECISION))
    optimum = maximise(likelihood, np.zeros(len(scale)), scale=float(len(table)))
    factor = cho_factor(likelihood.derivatives(optimum.x)[1], lower=True)
    whole = design.whole()
    scores = _instruction_sums(table, whole, table.preference - expit(whole @ optimum.x))
    influence = cho_solve(factor, scores.T).T / scale
    g, k = len(scores), len(table.models)
    variance = np.diag(cho_solve(factor, np.eye(len(scale))))
    told = ~_open(design)[k:] & (variance[k:] * _PRECISION < _HELD_BY_PRIOR)
    told &= np.array([not effect.impossible for effect in effects], dtype=bool)
    plain = csr_array(whole.multiply(scale[None, :]))
    return Fit(table, tuple(effects), plain, optimum.x / scale, influence * np.sqrt(g / max(g - 1, 1)), told)


def place_effect(table: VerdictTable) -> Effect:
    """Being shown first; verdicts of unknown order take no part.

    Not identified where the first place always went to the same side of each pair: quality may have chosen it.
    """
    column = np.select([table.order == 0, table.order == 1], [1.0, -1.0], 0.0)
    flipped = np.where(table.model_a > table.model_b, -column, column)
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    pair = low.astype(np.int64) * len(table.models) + high
    both = np.intersect1d(pair[flipped > 0], pair[flipped < 0])
    unknown = "the verdicts do not tell which output was shown first"
    one_way = "each pair of models was shown in one order only"
    impossible = "" if len(both) else one_way if column.any() else unknown
    return Effect("position", column, 1.0, "shown first", impossible)


def length_effect(table: VerdictTable) -> Effect:
    """Difference of the natural logarithms of 1 + characters; points are about twice the length."""
    column = np.log1p(table.length_a) - np.log1p(table.length_b)
    return Effect("length", column, float(np.log(2)), "twice as long")


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """For p = k + e parameters; its parts are kept apart, since products of sparse matrices take long."""

    models: csr_array  # (n, k) 1 for A, -1 for B
    effects: Floats  # (n, e)
    pair: NDArray[np.int64]  # (n,) k times A plus B

    def log_odds(self, x: Floats) -> Floats:
        """(n,)"""
        k = self.models.shape[1]
        total: Floats = self.models @ x[:k] + self.effects @ x[k:]
        return total

    def sums(self, residual: Floats) -> Floats:
        """(p,) each column times ``residual`` (n,)."""
        return np.concatenate([self.models.T @ residual, self.effects.T @ residual])

    def products(self, weights: Floats) -> Floats:
        """(p, p) each column times each other, weighted by ``weights`` (n,)."""
        k = self.models.shape[1]
        met = np.bincount(self.pair, weights, minlength=k * k).reshape(k, k)
        met = met + met.T
        weighted = weights[:, None] * self.effects
        across = self.models.T @ weighted
        strengths = np.diag(met.sum(axis=1)) - met
        return np.block([[strengths, across], [across.T, self.effects.T @ weighted]])

    def whole(self) -> csr_array:
        """(n, p)"""
        return csr_array(hstack([self.models, csr_array(self.effects)]))


@dataclass(frozen=True, slots=True, eq=False)
class _Penalised:
    """Log-likelihood of soft preferences minus half the prior's squares."""

    design: _Design
    preference: Floats
    precision: Floats  # (p,)

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        gradient, information = self.derivatives(x)
        return gradient, solve_dense(information, gradient)

    def value(self, x: Floats) -> float:
        eta = self.design.log_odds(x)
        likelihood = self.preference * log_expit(eta) + (1 - self.preference) * log_expit(-eta)
        return float(likelihood.sum() - (self.precision * x**2).sum() / 2)

    def derivatives(self, x: Floats) -> tuple[Floats, Floats]:
        p = expit(self.design.log_odds(x))
        gradient = self.design.sums(self.preference - p) - self.precision * x
        return gradient, self.design.products(p * (1 - p)) + np.diag(self.precision)


def _design(table: VerdictTable, effects: Sequence[Effect]) -> tuple[_Design, Floats]:
    """The columns of effects are divided by their root mean square; and (p,) what each parameter's was divided by."""
    n, k = len(table), len(table.models)
    rows = np.tile(np.arange(n), 2)
    signs = np.concatenate([np.ones(n), -np.ones(n)])
    models = csr_array((signs, (rows, np.concatenate([table.model_a, table.model_b]))), shape=(n, k))
    columns = np.column_stack([np.zeros((n, 0)), *(effect.column for effect in effects)])
    active = np.maximum((columns != 0).sum(axis=0), 1)
    size = np.sqrt((columns**2).sum(axis=0) / active)
    size = np.where(size > 0, size, 1.0)
    pair = table.model_a.astype(np.int64) * k + table.model_b
    return _Design(models, columns / size, pair), np.concatenate([np.ones(k), size])


def _open(design: _Design) -> NDArray[np.bool_]:
    """(p,) parameters that take part in a direction along which no row changes."""
    values, vectors = np.linalg.eigh(design.products(np.ones(len(design.pair))))
    null = vectors[:, values <= _NULL * max(float(values.max()), 1.0)]
    return (np.abs(null) > 1e-6).any(axis=1) if null.shape[1] else np.zeros(len(values), dtype=bool)


def _instruction_sums(table: VerdictTable, design: csr_array, residual: Floats) -> Floats:
    """(g, p) scores summed over the verdicts of each instruction that has one."""
    present, code = np.unique(table.instruction, return_inverse=True)
    member = csr_array((residual, (code, np.arange(len(code)))), shape=(len(present), len(code)))
    sums: Floats = (member @ design).toarray()
    return sums


@dataclass(frozen=True, slots=True)
class Slopes:
    """Of one feature, in log-odds a unit of its column, with the win rate that its ``meaning`` is worth."""

    meaning: str  # e.g. "twice as long"
    raw: Estimate  # at equal strength of the models and equal place
    points: Estimate  # raw, in points of win rate at equal quality
    of_people: Estimate  # people's own slope, on the verdicts with a human preference
    beyond_people: Estimate  # the judge's on the same verdicts, at equal human preference as well
    points_beyond_people: Estimate


@dataclass(frozen=True, slots=True)
class Length:
    """Shares count verdicts whose outputs differ by more than the margin; where both orders were asked, both count."""

    prefers_longer: Estimate  # mean preference for the longer output
    prefers_longer_at_human_tie: Estimate  # the same where people found both equally good
    excess_over_people: Estimate  # mean preference of the judge minus that of people for the longer, same battles
    slope: Slopes


def length(table: VerdictTable, *, human: Floats | None = None, margin: int = _MARGIN, level: float = 0.95) -> Length:
    """Length figures of ``table``. ``human`` (n,): people's preference for A in [0, 1], NaN where nobody judged.

    Raises InputError when ``human`` is not aligned or out of range, StatisticsError when there is no verdict.
    """
    people = _checked_human(table, human)
    gap = table.length_a.astype(np.int64) - table.length_b
    differs = np.abs(gap) > margin
    longer, theirs = (np.where(gap > 0, side, 1 - side) for side in (table.preference, people))
    judged, tied = differs & np.isfinite(people), differs & (people == 0.5)
    return Length(
        prefers_longer=bounded_mean(longer[differs], table.instruction[differs], level=level),
        prefers_longer_at_human_tie=bounded_mean(longer[tied], table.instruction[tied], level=level)
        if tied.any()
        else unidentified(_no_ties(people), level=level),
        excess_over_people=bounded_difference((longer - theirs)[judged], table.instruction[judged], level=level)
        if judged.any()
        else unidentified(_NO_PEOPLE, level=level),
        slope=slopes(table, [length_effect(table)], human=human, level=level)["length"],
    )


def slopes(
    table: VerdictTable, features: Sequence[Effect], *, human: Floats | None = None, level: float = 0.95
) -> Mapping[str, Slopes]:
    """The slope of feature feature, fitted together so that feature is at equal others; by name.

    At equal human preference: with the log-odds of people's preference for A, clipped at 1/20, as one more column. A
    feature that people like as much as the judge then has slope 0, if they were many; a single vote is a noisy measure
    of what people prefer, and leaves some of their taste in the slope. Compare with their own.
    Raises InputError when ``human`` is not aligned or out of range, StatisticsError as ``effects.fit_effects``.
    """
    people = _checked_human(table, human)
    raw = fit_effects(table, [*features, place_effect(table)])
    judged = np.isfinite(people)
    theirs, beyond = _beside_people(table.select(judged), features, people, judged) if judged.any() else (None, None)
    missing = unidentified(_NO_PEOPLE, level=level)
    return {
        feature.name: Slopes(
            feature.meaning,
            raw.log_odds(feature.name, level=level),
            raw.points(feature.name, level=level),
            theirs.log_odds(feature.name, level=level) if theirs else missing,
            beyond.log_odds(feature.name, level=level) if beyond else missing,
            beyond.points(feature.name, level=level) if beyond else missing,
        )
        for feature in features
    }


def _beside_people(
    rows: VerdictTable, features: Sequence[Effect], people: Floats, judged: NDArray[np.bool_]
) -> tuple[Fit, Fit]:
    """Fits to people's preferences, and to the judge's at equal human preference, on the ``judged`` rows."""
    known = [replace(feature, column=feature.column[judged]) for feature in features]
    column = Effect("human preference", logit(np.clip(people[judged], _CLIP, 1 - _CLIP)))
    theirs = fit_effects(replace(rows, preference=people[judged]), known)
    return theirs, fit_effects(rows, [*known, place_effect(rows), column])


def style_effect(name: str, of_a: Floats, of_b: Floats) -> Effect:
    """A feature of style, such as the number of list items, as the difference of log(1 + feature).

    ``of_a`` and ``of_b`` (n,) must not be negative. Points are about one standard deviation of the difference, taken
    about 0. Raises InputError for negative or non-finite values.
    """
    sides = np.asarray(of_a, dtype=np.float64), np.asarray(of_b, dtype=np.float64)
    if any(not np.isfinite(side).all() or (side < 0).any() for side in sides):
        raise InputError(f"the feature {name!r} must be finite and not negative")
    column = np.log1p(sides[0]) - np.log1p(sides[1])
    unit = float(np.sqrt((column**2).mean())) if column.any() else 1.0
    return Effect(name, column, unit, f"one standard deviation more {name}")


def _checked_human(table: VerdictTable, human: Floats | None) -> Floats:
    if human is None:
        return np.full(len(table), np.nan)
    people = np.asarray(human, dtype=np.float64)
    known = people[np.isfinite(people)] if people.shape == (len(table),) else np.array([-1.0])
    if (known < 0).any() or (known > 1).any():
        raise InputError(f"human preferences must be {len(table)} numbers in [0, 1], one a verdict, NaN where unknown")
    return people


def _no_ties(people: Floats) -> str:
    return "people found no two outputs equally good" if np.isfinite(people).any() else _NO_PEOPLE


@dataclass(frozen=True, slots=True)
class CounterfactualRow:
    """A model with and without the effect; win rates in [0, 1]."""

    model: str
    win_rate: Estimate  # as judged
    without: Estimate
    change: Estimate  # without - win_rate
    rank: int  # as judged; equal win rates share
    rank_without: int


@dataclass(frozen=True, slots=True)
class WithoutEffect:
    """One effect, or all together. ``board`` is empty where the effect is not identified."""

    name: str
    meaning: str  # what ``points`` are for, e.g. "shown first"
    log_odds: Estimate | None  # a unit of the effect's column; None for all together
    points: Estimate | None  # what ``meaning`` adds to a win rate at equal quality
    board: tuple[CounterfactualRow, ...]  # the best without the effect first
    flips: tuple[str, ...]  # in words: who would pass whom


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """What moves a board besides the strength of its models."""

    entries: tuple[WithoutEffect, ...]
    together: WithoutEffect
    verdicts: int
    coverage: Coverage | None = None  # what of a benchmark it counts; None: it is of a table that nobody chose


def counterfactuals(
    table: VerdictTable, effects: Sequence[Effect], *, baseline: str | None = None, level: float = 0.95
) -> Counterfactuals:
    """Entries for each of ``effects`` (columns aligned to ``table``), and for all that are identified at once.

    With a ``baseline``, of the verdicts on battles with it alone.
    Raises UnknownName for a baseline that is not in the table, StatisticsError as ``effects.fit_effects``.
    """
    if baseline is not None:
        if baseline not in table.models:
            raise UnknownName("baseline", baseline, table.models)
        code = table.model_code(baseline)
        rows = (table.model_a == code) | (table.model_b == code)
        table = table.select(rows)
        effects = [replace(effect, column=effect.column[rows]) for effect in effects]
    whole = fit_effects(table, effects)
    known = whole.identified
    fit = whole if len(known) == len(effects) else fit_effects(table, known)
    lines = [_entry(fit if effect in known else whole, effect, effect in known, level) for effect in effects]
    board = _board(fit, known, level)
    together = WithoutEffect("all", "all together", None, None, board, _flips(board, "all of them"))
    return Counterfactuals(tuple(lines), together, len(table))


def _entry(fit: Fit, effect: Effect, known: bool, level: float) -> WithoutEffect:
    board = _board(fit, [effect], level) if known else ()
    return WithoutEffect(
        effect.name,
        effect.meaning,
        fit.log_odds(effect.name, level=level),
        fit.points(effect.name, level=level),
        board,
        _flips(board, effect.name),
    )


def _board(fit: Fit, removed: Sequence[Effect], level: float) -> tuple[CounterfactualRow, ...]:
    """Models with a verdict, the best without the ``removed`` effects first."""
    names, k = {effect.name for effect in removed}, len(fit.table.models)
    kept = np.array([1.0] * k + [float(effect.name not in names) for effect in fit.effects])
    judged, without = _rates(fit, fit.design), _rates(fit, csr_array(fit.design.multiply(kept[None, :])))
    change, moved = without.rate - judged.rate, without.influence - judged.influence
    judged_errors, errors, change_errors = (_errors(part) for part in (judged.influence, without.influence, moved))
    met = [int(at) for at in np.argsort(-without.rate, kind="stable") if judged.count[at]]

    def figure(value: float, se: float, at: int, least: float) -> Estimate:
        return normal_estimate(float(value), float(se), level=level, n=int(judged.count[at]), bounds=(least, 1.0))

    return tuple(
        CounterfactualRow(
            fit.table.models[at],
            figure(judged.rate[at], judged_errors[at], at, 0.0),
            figure(without.rate[at], errors[at], at, 0.0),
            figure(change[at], change_errors[at], at, -1.0),
            1 + sum(bool(judged.rate[other] > judged.rate[at] + _SAME) for other in met),
            1 + sum(bool(without.rate[other] > without.rate[at] + _SAME) for other in met),
        )
        for at in met
    )


def _errors(influence: Floats) -> Floats:
    """(k,) from each instruction's influence (g, k); NaN where one instruction tells nothing of another."""
    errors: Floats = np.sqrt((influence**2).sum(axis=0))
    return errors if len(influence) > 1 else np.full_like(errors, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class _Rates:
    """Mean fitted preference for each model over its verdicts."""

    rate: Floats  # (k,) NaN without a verdict
    influence: Floats  # (g, k) of each instruction, through the fit and through which instructions were drawn
    count: Floats  # (k,) verdicts


def _rates(fit: Fit, design: csr_array) -> _Rates:
    """Under the fitted parameters, with another ``design``."""
    table = fit.table
    sign = csr_array(fit.design[:, : len(table.models)])
    count = np.asarray(abs(sign).sum(axis=0))
    p = expit(design @ fit.beta)
    present, code = np.unique(table.instruction, return_inverse=True)
    member = csr_array((np.ones(len(code)), (code, np.arange(len(code)))), shape=(len(present), len(code)))
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = sign.T @ (p - 0.5) / count
        slope = (sign.T @ design.multiply((p * (1 - p))[:, None])).toarray() / count[:, None]
    sums, numbers = (member @ sign.multiply((p - 0.5)[:, None])).toarray(), (member @ abs(sign)).toarray()
    g = len(present)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (sums - excess * numbers) / count * np.sqrt(g / max(g - 1, 1))
    return _Rates(0.5 + excess, drawn + fit.influence @ slope.T, count)


def _flips(board: Sequence[CounterfactualRow], what: str) -> tuple[str, ...]:
    return tuple(
        f"without {what}, {low.model} would pass {high.model}: {low.win_rate.value:.1%} to {low.without.value:.1%} "
        f"against {high.win_rate.value:.1%} to {high.without.value:.1%}"
        for low in board
        for high in board
        if low.rank > high.rank and low.rank_without < high.rank_without
    )
