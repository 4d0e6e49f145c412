"""Whether a judge prefers the longer output, and other features of style, by itself and beyond what people prefer.

Longer outputs may be better ones: a slope in length is a bias only as far as people do not share it, so each figure
comes raw and, where people judged the same battles, at equal human preference. Two raw forms: the share of battles that
the longer output wins (AlpacaEval's probability of preferring the longer, which leaves out differences of at most 30
characters), and the slope of log-odds in the difference of log lengths at equal strength of the models and equal place.
It controls no ranking; ``ledger`` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from judgebench.bias.effects import Effect, Fit, fit_effects, length_effect, place_effect
from judgebench.errors import InputError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import bounded_difference, bounded_mean
from judgebench.stats.verdict_table import Floats, VerdictTable

_MARGIN = 30  # characters; AlpacaEval's
_CLIP = 1 / 20  # of human preferences: a unanimous vote is no certainty
_NO_PEOPLE = "no battle has a human preference"


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
    people = _checked(table, human)
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
    """The slope of each feature, fitted together so that each is at equal others; by name.

    At equal human preference: with the log-odds of people's preference for A, clipped at 1/20, as one more column. A
    feature that people like as much as the judge then has slope 0, if they were many; a single vote is a noisy measure
    of what people prefer, and leaves some of their taste in the slope. Compare with their own.
    Raises InputError when ``human`` is not aligned or out of range, StatisticsError as ``effects.fit_effects``.
    """
    people = _checked(table, human)
    raw = fit_effects(table, [*features, place_effect(table)])
    judged = np.isfinite(people)
    theirs, beyond = _beside_people(table.select(judged), features, people, judged) if judged.any() else (None, None)
    missing = unidentified(_NO_PEOPLE, level=level)
    return {
        each.name: Slopes(
            each.meaning,
            raw.log_odds(each.name, level=level),
            raw.points(each.name, level=level),
            theirs.log_odds(each.name, level=level) if theirs else missing,
            beyond.log_odds(each.name, level=level) if beyond else missing,
            beyond.points(each.name, level=level) if beyond else missing,
        )
        for each in features
    }


def _beside_people(
    rows: VerdictTable, features: Sequence[Effect], people: Floats, judged: NDArray[np.bool_]
) -> tuple[Fit, Fit]:
    """Fits to people's preferences, and to the judge's at equal human preference, on the ``judged`` rows."""
    known = [replace(each, column=each.column[judged]) for each in features]
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


def _checked(table: VerdictTable, human: Floats | None) -> Floats:
    if human is None:
        return np.full(len(table), np.nan)
    people = np.asarray(human, dtype=np.float64)
    known = people[np.isfinite(people)] if people.shape == (len(table),) else np.array([-1.0])
    if (known < 0).any() or (known > 1).any():
        raise InputError(f"human preferences must be {len(table)} numbers in [0, 1], one a verdict, NaN where unknown")
    return people


def _no_ties(people: Floats) -> str:
    return "people found no two outputs equally good" if np.isfinite(people).any() else _NO_PEOPLE
