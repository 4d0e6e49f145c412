"""Counterfactual leaderboards: who would rise and who would fall without length, style, place or lineage.

One fit holds all effects. A model's win rate is the mean over its verdicts of the fitted preference for it; without an
effect, of the preference that the fit gives where the effect's column is 0 in every verdict (as the length-controlled
win rate of Dubois et al. 2024 does for length). Differences of both are on one scale, so no logistic coefficient is
compared across fits. Effects that the data do not identify are entered as such and removed from nothing.

Two win rates that merely change their order need not mean anything. That one model would pass another is said only
where two intervals lie above 0: of what it gains on the other without the effect, and of its lead then (Gelman and
Stern 2006: that one of two is significant and the other not is no difference between them). Their standard errors are
those of differences, from each instruction's influence on both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

from judgebench.bias.effects import Effect, Fit, fit_effects
from judgebench.coverage import Coverage
from judgebench.errors import UnknownName
from judgebench.estimate import Estimate
from judgebench.stats.length_control.likelihood import EXTRAPOLATED, extrapolated
from judgebench.stats.verdict_table import Floats, VerdictTable

_LENGTH = "length"  # the effect's name
_SAME = 1e-9  # win rates nearer than this share a place
_WITH_QUALITY = (
    "An effect is what goes with it at equal strengths of the models: where length or style comes with quality, taking "
    "it away takes quality away."
)


@dataclass(frozen=True, slots=True)
class CounterfactualRow:
    """A model with and without the effect; win rates in [0, 1]. A baseline stays at 1/2."""

    model: str
    win_rate: Estimate  # as judged
    without: Estimate
    change: Estimate  # without - win_rate
    flag: str = ""  # what a reader must know: that it is extrapolated, what the newest audit of its outputs found


@dataclass(frozen=True, slots=True)
class Passing:
    """One model stands below another as judged, and without the effect surely above it. Both estimates exclude 0."""

    model: str
    passes: str
    gain: Estimate  # what the change of its win rate exceeds that of the other's by
    lead: Estimate  # its win rate without the effect less the other's


@dataclass(frozen=True, slots=True)
class WithoutEffect:
    """One effect, or all together. ``board`` is empty where the effect is not identified."""

    name: str
    meaning: str  # what ``points`` are for, e.g. "shown first"
    log_odds: Estimate | None  # a unit of the effect's column; None for all together
    points: Estimate | None  # what ``meaning`` adds to a win rate at equal quality
    board: tuple[CounterfactualRow, ...]  # the best without the effect first
    flips: tuple[Passing, ...]  # the changes of places that are shown; all others are not


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """What moves a board besides the strength of its models."""

    entries: tuple[WithoutEffect, ...]
    together: WithoutEffect
    verdicts: int
    notes: tuple[str, ...] = (_WITH_QUALITY,)
    coverage: Coverage | None = None  # what of a benchmark it counts; None: it is of a table that nobody chose

    def marked(self, marks: Mapping[str, str], notes: Sequence[str] = ()) -> "Counterfactuals":
        """With the flags of models by name, and further notes."""

        def flagged(entry: WithoutEffect) -> WithoutEffect:
            rows = (replace(row, flag=", ".join(filter(None, (row.flag, marks.get(row.model))))) for row in entry.board)
            return replace(entry, board=tuple(rows))

        entries = tuple(flagged(entry) for entry in self.entries)
        return replace(self, entries=entries, together=flagged(self.together), notes=(*self.notes, *notes))


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
    lines = [_entry(fit if effect in known else whole, effect, effect in known, baseline, level) for effect in effects]
    board, flips = _board(fit, known, baseline, level)
    together = WithoutEffect("all", "all together", None, None, board, flips)
    notes = [_WITH_QUALITY, *_of_length(known)]
    notes += [EXTRAPOLATED] if any(row.flag for row in board) else []
    return Counterfactuals(tuple(lines), together, len(table), tuple(notes))


def _of_length(known: Sequence[Effect]) -> list[str]:
    """What distinguishes this "without length" from others; nothing where length is not among the effects."""
    names = [effect.name for effect in known]
    if _LENGTH not in names:
        return []
    others = ", ".join(name for name in names if name != _LENGTH)
    with_what = f"beside {others}" if others else "by itself"
    return [
        f"Length is taken away by one slope for all models, learnt from these verdicts {with_what}; beside other "
        "effects it is another. Length-controlled win rates, a method of leaderboards, have a slope a "
        "model, held by what is known of the judge, and may be far from these."
    ]


Board = tuple[tuple[CounterfactualRow, ...], tuple[Passing, ...]]


def _entry(fit: Fit, effect: Effect, known: bool, baseline: str | None, level: float) -> WithoutEffect:
    log_odds, points = fit.log_odds(effect.name, level=level), fit.points(effect.name, level=level)
    board, flips = _board(fit, [effect], baseline, level) if known else ((), ())
    return WithoutEffect(effect.name, effect.meaning, log_odds, points, board, flips)


def _board(fit: Fit, removed: Sequence[Effect], baseline: str | None, level: float) -> Board:
    """Models with a verdict, the best without the ``removed`` effects first; and who surely passes whom."""
    names, k = {effect.name for effect in removed}, len(fit.table.models)
    kept = np.array([1.0] * k + [float(effect.name not in names) for effect in fit.effects])
    judged = _rates(fit, fit.design, baseline)
    without = _rates(fit, csr_array(fit.design.multiply(kept[None, :])), baseline)
    change = without.less(judged)
    flags = extrapolated(fit.table, baseline) if _LENGTH in names else [""] * k
    order = [int(at) for at in np.argsort(-without.rate, kind="stable") if judged.count[at]]
    rows = tuple(
        CounterfactualRow(
            fit.table.models[at],
            judged.estimate(fit, at, 0.0, level),
            without.estimate(fit, at, 0.0, level),
            change.estimate(fit, at, -1.0, level),
            flags[at],
        )
        for at in order
    )
    return rows, _passings(fit, judged, without, order, level)


@dataclass(frozen=True, slots=True, eq=False)
class _Rates:
    """Mean fitted preference for each model over its verdicts, or differences of such means."""

    rate: Floats  # (k,) NaN without a verdict
    influence: Floats  # (g, k) of each instruction, through the fit and through which instructions were drawn
    count: Floats  # (k,) verdicts

    def less(self, other: "_Rates") -> "_Rates":
        return _Rates(self.rate - other.rate, self.influence - other.influence, self.count)

    def estimate(self, fit: Fit, at: int, least: float, level: float) -> Estimate:
        """Clipped to [least, 1]."""
        figure = fit.estimate(float(self.rate[at]), self.influence[:, at], n=int(self.count[at]), level=level)
        return figure.mapped(lambda end: min(max(end, least), 1.0))

    def ahead(self, fit: Fit, low: int, high: int, level: float) -> Estimate:
        """How far one lies above another."""
        apart = self.influence[:, low] - self.influence[:, high]
        n = int(min(self.count[low], self.count[high]))
        return fit.estimate(float(self.rate[low] - self.rate[high]), apart, n=n, level=level)


def _rates(fit: Fit, design: csr_array, baseline: str | None) -> _Rates:
    """Under the fitted parameters, with another ``design``. A ``baseline`` has 1/2, to which others' rates compare."""
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
    influence = drawn + fit.influence @ slope.T
    if baseline is not None:
        at = table.model_code(baseline)
        excess[at], influence[:, at] = 0.0, 0.0
    return _Rates(0.5 + excess, influence, count)


def _passings(fit: Fit, judged: _Rates, without: _Rates, order: Sequence[int], level: float) -> tuple[Passing, ...]:
    """Those below as judged that stand above without, both differences shown; the best without the effect first."""
    below = judged.rate[:, None] < judged.rate - _SAME
    over = np.argwhere((below & (without.rate[:, None] > without.rate + _SAME))[np.ix_(order, order)])
    change = without.less(judged)
    passings = (_passing(fit, change, without, order[low], order[high], level) for low, high in over)
    return tuple(passing for passing in passings if passing.gain.excludes_zero and passing.lead.excludes_zero)


def _passing(fit: Fit, change: _Rates, without: _Rates, low: int, high: int, level: float) -> Passing:
    gain, lead = (rates.ahead(fit, low, high, level) for rates in (change, without))
    return Passing(fit.table.models[low], fit.table.models[high], gain, lead)
