"""A judge's taste for length and style, beside people's.

Longer outputs may be better ones: the share of battles that the longer output wins (AlpacaEval's probability of
preferring the longer, which leaves out differences of at most 30 characters), and the slope of log-odds in a feature at
equal strength of the models and equal place, both hold quality that comes with length. Neither is a bias by itself.
A bias is only what people do not share: where they judged the same battles, the judge's slope there less theirs times
its sharpness (``bias.sharpness``). Differences of shares from people's are no bias: a judge that is merely sharper than
people prefers what both prefer more often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judgebench.bias.effects import Effect, Fit, Fits, in_points, length_effect, place_effect
from judgebench.bias.sharpness import BesidePeople, beside_people
from judgebench.counts import count
from judgebench.errors import InputError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import bounded_difference, bounded_mean
from judgebench.stats.verdict_table import Floats, VerdictTable

_MARGIN = 30  # characters; AlpacaEval's
_NO_PEOPLE = "no battle has a human preference"


@dataclass(frozen=True, slots=True)
class Slopes:
    """Of one feature, in log-odds a unit of its column, with the win rate that its ``meaning`` is worth.

    All but the first two are on the verdicts with a human preference.
    """

    meaning: str  # e.g. "twice as long"
    raw: Estimate  # at equal strength of the models and equal place: the feature and the quality that comes with it
    points: Estimate  # raw, in points of win rate at equal quality
    beside_people: Estimate  # the judge's own slope there
    of_people: Estimate
    sharpness: Estimate  # how far the judge's strengths of models lie apart where people's lie apart by 1
    beyond_people: Estimate  # at least: beside_people less sharpness times of_people
    points_of_people: Estimate
    points_beyond_people: Estimate


@dataclass(frozen=True, slots=True)
class Length:
    """Shares count verdicts whose outputs differ by more than the margin; where both orders were asked, both count.

    They hold the quality that comes with length, and the noise of people's votes; none of them is a bias.
    """

    prefers_longer: Estimate  # mean preference for the longer output
    prefers_longer_at_human_tie: Estimate  # the same where people found both equally good
    less_peoples_share: Estimate  # mean preference of the judge minus that of people for the longer, same battles
    slope: Slopes


def length(
    table: VerdictTable,
    *,
    human: Floats | None = None,
    margin: int = _MARGIN,
    level: float = 0.95,
    fits: Fits | None = None,
) -> Length:
    """Length figures of ``table``. ``human`` (n,): people's preference for A in [0, 1], NaN where nobody judged.
    ``fits`` to the table save those that are made already.

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
        less_peoples_share=bounded_difference((longer - theirs)[judged], table.instruction[judged], level=level)
        if judged.any()
        else unidentified(_NO_PEOPLE, level=level),
        slope=slopes(table, [length_effect(table)], human=human, level=level, fits=fits)["length"],
    )


def slopes(
    table: VerdictTable,
    features: Sequence[Effect],
    *,
    human: Floats | None = None,
    level: float = 0.95,
    fits: Fits | None = None,
) -> Mapping[str, Slopes]:
    """The slope of each feature, fitted together so that each is at equal others; by name. ``fits`` as of ``length``.

    Raises InputError when ``human`` is not aligned or out of range, StatisticsError as ``effects.fit_effects``.
    """
    people = _checked_human(table, human)
    raw = (fits or Fits(table)).fit([*features, place_effect(table)])
    beside = beside_people(table, people, features) if np.isfinite(people).any() else None
    return {feature.name: _slopes(feature, raw, beside, level) for feature in features}


def _slopes(feature: Effect, raw: Fit, beside: BesidePeople | None, level: float) -> Slopes:
    name, unit = feature.name, feature.unit
    mine = theirs = s = beyond = unidentified(_NO_PEOPLE, level=level)
    if beside is not None:
        sharpness = beside.sharpness(beside.met)
        mine, theirs = (fit.log_odds(name, level=level) for fit in (beside.judge, beside.people))
        s, beyond = sharpness.estimate(level=level), sharpness.effect_beyond(name, level=level)
    return Slopes(
        meaning=feature.meaning,
        raw=raw.log_odds(name, level=level),
        points=raw.points(name, level=level),
        beside_people=mine,
        of_people=theirs,
        sharpness=s,
        beyond_people=beyond,
        points_of_people=in_points(theirs, unit),
        points_beyond_people=in_points(beyond, unit),
    )


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
    return Effect(name, column, unit, f"one standard deviation more {name}", taste=True)


def _checked_human(table: VerdictTable, human: Floats | None) -> Floats:
    if human is None:
        return np.full(len(table), np.nan)
    people = np.asarray(human, dtype=np.float64)
    known = people[np.isfinite(people)] if people.shape == (len(table),) else np.array([-1.0])
    if (known < 0).any() or (known > 1).any():
        raise InputError(
            f"human preferences must be of {count(len(table), 'verdict')}, one each, in [0, 1], NaN where unknown"
        )
    return people


def _no_ties(people: Floats) -> str:
    return "people found no two outputs equally good" if np.isfinite(people).any() else _NO_PEOPLE
