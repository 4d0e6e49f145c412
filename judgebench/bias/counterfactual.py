"""Counterfactual leaderboards: each effect in points of win rate, and the ranking as it would be without it.

One fit holds all effects. A model's win rate is the mean over its verdicts of the fitted preference for it; without an
effect, of the preference that the fit gives where the effect's column is 0 in every verdict (as the length-controlled
win rate of Dubois et al. 2024 does for length). Differences of both are on one scale, so no logistic coefficient is
compared across fits. Effects that the data do not identify are entered as such and removed from nothing. An effect is
what goes with its column at equal strengths: where length comes with quality, taking length away takes quality away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

from judgebench.bias.effects import Effect, Fit, fit_effects
from judgebench.errors import UnknownName
from judgebench.estimate import Estimate
from judgebench.stats.intervals import normal_estimate
from judgebench.stats.verdict_table import Floats, VerdictTable

_SAME = 1e-9  # win rates nearer than this share a rank


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
