"""Counterfactual leaderboards: who would rise and who would fall without length, style, place or lineage.

One fit holds all effects. A model's win rate is the mean over its verdicts of the fitted preference for it; without an
effect, of the preference that the fit gives where the effect's coefficient is 0 (as the length-controlled win rate of
Dubois et al. 2024 does for length). Differences of both are on one scale, so no logistic coefficient is compared across
fits. Effects that the data do not identify are entered as such and removed from nothing.

Length and style come with quality. Where people judged, only what goes beyond their taste is taken away
(``bias.sharpness``), and nothing where that is not identified; where nobody did, all of it, quality included.

Two win rates that merely change their order need not mean anything. That one model would pass another is said only
where two intervals lie above 0: of what it gains on the other without the effect, and of its lead then (Gelman and
Stern 2006: that one of two is significant and the other not is no difference between them). Their standard errors are
those of differences, from each instruction's influence on both. Without labels this is said of no judge: a taste for
length and quality that rises with it give the same verdicts, and no rule tells one from the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from judgebench.bias.effects import Effect, Fit, Fits
from judgebench.bias.sharpness import Sharpness, beside_people
from judgebench.coverage import Coverage
from judgebench.errors import UnknownName
from judgebench.estimate import Estimate
from judgebench.stats.length_control.likelihood import extrapolated
from judgebench.stats.verdict_table import Floats, VerdictTable, distinct

_LENGTH = "length"  # the effect's name
_SAME = 1e-9  # win rates nearer than this share a place
_WITH_QUALITY = (
    "Length and style are taken away at equal strengths of the models, with the quality that comes with them: without "
    "labels nobody can tell the judge's taste from people's."
)
_BEYOND_PEOPLE = "Length and style are taken away as far as they are shown to go beyond people's taste."


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
    removed: str = ""  # what was taken away, in words
    with_quality: bool = False  # with what people may like as much: nobody labelled, so ``flips`` accuse no judge


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """What moves a board besides the strength of its models."""

    entries: tuple[WithoutEffect, ...]
    together: WithoutEffect
    verdicts: int
    notes: tuple[str, ...] = ()  # what a reader must know to read them right
    coverage: Coverage | None = None  # what of a benchmark it counts; None: it is of a table that nobody chose

    def marked(self, marks: Mapping[str, str], notes: Sequence[str] = ()) -> "Counterfactuals":
        """With the flags of models by name, and further notes."""

        def flagged(entry: WithoutEffect) -> WithoutEffect:
            rows = (replace(row, flag=", ".join(filter(None, (row.flag, marks.get(row.model))))) for row in entry.board)
            return replace(entry, board=tuple(rows))

        entries = tuple(flagged(entry) for entry in self.entries)
        return replace(self, entries=entries, together=flagged(self.together), notes=(*self.notes, *notes))


Board = tuple[tuple[CounterfactualRow, ...], tuple[Passing, ...]]


def counterfactuals(
    table: VerdictTable,
    effects: Sequence[Effect],
    *,
    human: Floats | None = None,
    baseline: str | None = None,
    level: float = 0.95,
    fits: Fits | None = None,
) -> Counterfactuals:
    """Entries for each of ``effects`` (columns aligned to ``table``), and for all that are identified at once.

    ``human`` (n,): people's preference for A in [0, 1], NaN where nobody judged. With a ``baseline``, of the verdicts
    on battles with it alone. ``fits`` to the table save those that are made already.
    Raises UnknownName for a baseline that is not in the table, StatisticsError as ``effects.fit_effects``.
    """
    people = np.full(len(table), np.nan) if human is None else human
    if baseline is not None:
        if baseline not in table.models:
            raise UnknownName("baseline", baseline, table.models)
        code = table.model_code(baseline)
        rows = (table.model_a == code) | (table.model_b == code)
        table, people, fits = table.select(rows), people[rows], None
        effects = [replace(effect, column=effect.column[rows]) for effect in effects]
    fits = fits or Fits(table)
    whole = fits.fit(effects)
    known = whole.identified
    fit = fits.fit(known)
    judged = _rates(fit, fit.beta, fit.influence, baseline)
    world = _World(fit, judged, _sharpness(table, people, known), baseline, level)
    lines = [world.entry(effect) if effect in known else _untold(whole, effect, level) for effect in effects]
    together = world.together()
    notes = [*world.notes(), *_of_length(known)]
    notes += extrapolated(fit.table, baseline).notes if any(row.flag for row in together.board) else ()
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


def _sharpness(table: VerdictTable, people: Floats, effects: Sequence[Effect]) -> Sharpness | None:
    """The judge's beside people; None where nobody judged, or no effect is one that people may share."""
    tastes = [effect for effect in effects if effect.taste]
    if not tastes or not np.isfinite(people).any():
        return None
    beside = beside_people(table, people, tastes)
    return beside.sharpness(beside.met)


def _untold(fit: Fit, effect: Effect, level: float) -> WithoutEffect:
    """An effect, and no leaderboard without it."""
    figures = fit.log_odds(effect.name, level=level), fit.points(effect.name, level=level)
    return WithoutEffect(effect.name, effect.meaning, *figures, board=(), flips=())


@dataclass(frozen=True, slots=True, eq=False)
class _World:
    """As judged, and what can be taken away."""

    fit: Fit
    judged: "_Rates"  # with nothing taken away
    sharpness: Sharpness | None  # None: people say nothing
    baseline: str | None
    level: float

    def entry(self, effect: Effect) -> WithoutEffect:
        entry = _untold(self.fit, effect, self.level)
        if not self._removable(effect):
            return entry
        board, flips = self._board([effect])
        words, blurred = self._words(effect), self._with_quality(effect)
        return replace(entry, board=board, flips=flips, removed=words, with_quality=blurred)

    def together(self) -> WithoutEffect:
        removed = [effect for effect in self.fit.effects if self._removable(effect)]
        board, flips = self._board(removed)
        words = ", ".join(self._words(effect) for effect in removed)
        blurred = any(self._with_quality(effect) for effect in removed)
        return WithoutEffect("all", "all together", None, None, board, flips, words, blurred)

    def notes(self) -> tuple[str, ...]:
        tastes = [effect for effect in self.fit.effects if effect.taste]
        if not tastes:
            return ()
        if self.sharpness is None:
            return (_WITH_QUALITY,)
        left = (effect for effect in tastes if not self._removable(effect))
        return (_BEYOND_PEOPLE, *(f"{one.name} stays: {self.sharpness.effect_beyond(one.name).reason}" for one in left))

    def _removable(self, effect: Effect) -> bool:
        return self.sharpness is None or not effect.taste or self.sharpness.effect_beyond(effect.name).identified

    def _words(self, effect: Effect) -> str:
        if not effect.taste:
            return effect.name
        return f"{effect.name} {'with its quality' if self._with_quality(effect) else 'beyond people'}"

    def _with_quality(self, effect: Effect) -> bool:
        return effect.taste and self.sharpness is None

    def _taken(self, effect: Effect) -> tuple[float, Floats]:
        """Of the effect's coefficient, and its influence (g,)."""
        if self.sharpness is None or not effect.taste:
            return float(self.fit.beta[self._place(effect)]), self.fit.influence[:, self._place(effect)]
        amount, influence = self.sharpness.excess(self.sharpness.of_effect(effect.name))
        everyone, labelled = (distinct(part.table.instruction)[0] for part in (self.fit, self.sharpness.beside.judge))
        spread = np.zeros(len(everyone))
        spread[np.searchsorted(everyone, labelled)] = influence
        return amount, spread

    def _place(self, effect: Effect) -> int:
        return len(self.fit.theta) + self.fit.effects.index(effect)

    def _board(self, removed: Sequence[Effect]) -> Board:
        """Models with a verdict, the best without the ``removed`` effects first; and who surely passes whom."""
        beta, influence = self.fit.beta.copy(), self.fit.influence.copy()
        for effect in removed:
            amount, of_amount = self._taken(effect)
            beta[self._place(effect)] -= amount
            influence[:, self._place(effect)] -= of_amount
        judged = self.judged
        without = _rates(self.fit, beta, influence, self.baseline)
        order = [int(at) for at in np.argsort(-without.rate, kind="stable") if judged.count[at]]
        far = any(effect.name == _LENGTH for effect in removed)
        flags = extrapolated(self.fit.table, self.baseline).flags if far else ("",) * len(judged.rate)
        rows = tuple(self._row(judged, without, at, flags[at]) for at in order)
        return rows, _passings(self.fit, judged, without, order, self.level)

    def _row(self, judged: "_Rates", without: "_Rates", at: int, flag: str) -> CounterfactualRow:
        change = without.less(judged).estimate(self.fit, at, -1.0, self.level)
        before, after = (rates.estimate(self.fit, at, 0.0, self.level) for rates in (judged, without))
        return CounterfactualRow(self.fit.table.models[at], before, after, change, flag)


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


def _rates(fit: Fit, beta: Floats, influence: Floats, baseline: str | None) -> _Rates:
    """Under parameters beside the fit's, with their influence. A ``baseline`` has 1/2, to which others' compare."""
    design, k = fit.design, len(fit.theta)
    p = expit(design.log_odds(beta))
    present, code = distinct(fit.table.instruction)
    sums, numbers = design.group_sums(code, p - 0.5)[:, :k], design.group_sizes(code)
    g, count = len(present), numbers.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = sums.sum(axis=0) / count
        slope = design.products(p * (1 - p))[:k] / count[:, None]
        drawn = (sums - excess * numbers) / count * np.sqrt(g / max(g - 1, 1))
    of_rates = drawn + influence @ slope.T
    if baseline is not None:
        at = fit.table.model_code(baseline)
        excess[at], of_rates[:, at] = 0.0, 0.0
    return _Rates(0.5 + excess, of_rates, count)


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
