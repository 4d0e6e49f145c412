"""Whether a judge prefers a place: what its verdicts on the same battle in both orders say.

Consistency and preference fairness follow Shi et al. (2024, Judging the Judges, arXiv 2406.07791); their scaled
fairness is (recency - primacy) / n exactly. The position effect in log-odds needs no assumption on quality: in
0.5 * (logit p(first | order AB) + logit p(first | order BA)) what speaks for A cancels, and for labels the conditional
likelihood leaves 0.5 * log(both times the first / both times the second) (Cox 1958, matched pairs; ties say nothing).

Of models with several outputs to an instruction, a battle is between two of those outputs.
Battles seen in one order only are counted and left out: there a preference for a place cannot be told from quality.
Verdicts of several judges are pooled; select one judge's to judge that judge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, expit, logit

from judgebench.counts import count
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import bounded_difference, bounded_mean, critical_value, influence_estimate
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable, compared_outputs, distinct

_CLIP = 1 / 2000  # probabilities nearer to 0 or 1 count as this: log-probabilities end about there
_EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class MatchedOrders:
    """m battles that one judge saw in both orders; repeats are paired in the order of their rows."""

    instruction: Codes  # (m,)
    pair: NDArray[np.int64]  # (m,) one number a pair of models
    first_ab: Floats  # (m,) preference for the output shown first, with A first
    first_ba: Floats  # (m,) preference for the output shown first, with B first
    unmatched: int  # verdicts without a partner
    unknown: int  # verdicts that do not tell their order

    def __len__(self) -> int:
        return len(self.first_ab)

    @property
    def leaning(self) -> NDArray[np.int64]:
        """(m,) in -2..2: how often the first was named minus how often the second was; 0 where orders agree."""
        return (np.sign(self.first_ab - 0.5) + np.sign(self.first_ba - 0.5)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Position:
    """Shares are of ``matched`` battles; primacy, recency and consistency add up to 1."""

    matched: int
    unmatched: int  # verdicts seen in one order only, or in an unknown one: not in any share
    consistency: Estimate  # the two orders name the same winner, or both a tie
    primacy: Estimate  # they lean to the output shown first
    recency: Estimate  # to the one shown second
    conflict: Estimate  # they name opposite winners; a tie in one order is no conflict
    preference_fairness: Estimate  # recency - primacy, in [-1, 1]
    first_rate: Estimate  # mean preference for the output shown first; 1/2 without a position effect
    log_odds_soft: Estimate  # position effect from probabilities; above 0 favours the first
    log_odds_hard: Estimate  # position effect from labels
    points: Estimate  # sigma(effect) - 1/2: what the first place adds to a win rate at equal quality
    repeatability: Estimate  # mean share of the commonest outcome among repeats of one trial


def position(table: VerdictTable, *, level: float = 0.95, pairs: MatchedOrders | None = None) -> Position:
    """All position figures of ``table``; those that need both orders are not identified where no battle has both.

    ``pairs``: of ``match_orders``, where they are at hand.
    """
    pairs = match_orders(table) if pairs is None else pairs
    reason = _why_not(table, pairs)
    repeats = repeatability(table, level=level)
    apart = pairs.unmatched + pairs.unknown
    if reason:
        missing = unidentified(reason, level=level)
        return Position(0, apart, *(missing,) * 9, repeatability=repeats)
    lean, at = pairs.leaning, pairs.instruction
    soft, hard = soft_effect(pairs, level=level), hard_effect(pairs, level=level)

    def share(mask: NDArray[np.bool_]) -> Estimate:
        return bounded_mean(mask.astype(np.float64), at, level=level)

    return Position(
        matched=len(pairs),
        unmatched=apart,
        consistency=share(lean == 0),
        primacy=share(lean > 0),
        recency=share(lean < 0),
        conflict=share(np.abs(lean) == 2),
        preference_fairness=bounded_difference(-np.sign(lean).astype(np.float64), at, level=level),
        first_rate=bounded_mean((pairs.first_ab + pairs.first_ba) / 2, at, level=level),
        log_odds_soft=soft,
        log_odds_hard=hard,
        points=effect_at(soft if soft.identified else hard),
        repeatability=repeats,
    )


def match_orders(table: VerdictTable) -> MatchedOrders:
    """Each judge's verdicts on a battle in one order, beside its verdicts on it in the other."""
    known = table.order >= 0
    rows = table.select(known)
    swapped = rows.model_a > rows.model_b
    a_first = (rows.order == 0) != swapped  # A: the model with the smaller code
    one, other = _matched(_battle_codes(rows), a_first)
    shown_first = np.where(rows.order == 0, rows.preference, 1 - rows.preference)
    return MatchedOrders(
        instruction=rows.instruction[one],
        pair=np.minimum(rows.model_a, rows.model_b)[one].astype(np.int64) * len(rows.models)
        + np.maximum(rows.model_a, rows.model_b)[one],
        first_ab=shown_first[one],
        first_ba=shown_first[other],
        unmatched=len(rows) - 2 * len(one),
        unknown=len(table) - len(rows),
    )


def soft_effect(pairs: MatchedOrders, *, level: float = 0.95) -> Estimate:
    """Mean over battles of 0.5 * (logit p(first | AB) + logit p(first | BA)), probabilities clipped at 1/2000."""
    shown = np.concatenate([pairs.first_ab, pairs.first_ba])
    if np.isin(shown, (0.0, 0.5, 1.0)).all():
        return unidentified("the verdicts are labels, without probabilities", level=level, n=len(pairs))
    one, other = (logit(np.clip(p, _CLIP, 1 - _CLIP)) for p in (pairs.first_ab, pairs.first_ba))
    effect = (one + other) / 2
    value = float(effect.mean())
    return influence_estimate(value, (effect - value) / len(effect), pairs.instruction, level=level)


def hard_effect(pairs: MatchedOrders, *, level: float = 0.95) -> Estimate:
    """0.5 * log(battles won by the first in both orders / by the second in both); its n counts those battles.

    The interval is that of the first's share of them, in log-odds; open where the share's reaches 0 or 1. Where one of
    the two counts is 0 the estimate is infinite: not identified, with the one bound there is.
    """
    first, decided = pairs.leaning == 2, np.abs(pairs.leaning) == 2
    ff, n = int(first.sum()), int(decided.sum())
    if ff in (0, n):
        return _one_sided(ff, n - ff, level)
    share = bounded_mean(first[decided] * 1.0, pairs.instruction[decided], level=level)
    lower, upper = (None if end in (None, 0.0, 1.0) else float(logit(end)) / 2 for end in (share.lower, share.upper))
    reason = share.reason or ("" if lower is not None and upper is not None else "too few battles went to one place")
    return Estimate(float(logit(ff / n)) / 2, lower, upper, level, share.method, n, reason)


def effect_at(effect: Estimate, win_probability: float = 0.5) -> Estimate:
    """What a position effect in log-odds adds to a win rate when shown first, in [-1/2, 1/2].

    For a model that would win with ``win_probability`` (in (0, 1)) without the effect: half the gap between being shown
    first and being shown second. At 1/2, equal quality, it is sigma(effect) - 1/2.
    """
    gap = float(logit(win_probability))
    return effect.mapped(lambda b: float(expit(gap + b) - expit(gap - b)) / 2)


def repeatability(table: VerdictTable, *, level: float = 0.95) -> Estimate:
    """Mean over trials with repeats of the share of their commonest outcome (A, tie, B); its n counts those trials."""
    swapped = table.model_a > table.model_b
    order = np.where(swapped & (table.order >= 0), 1 - table.order, table.order)
    trial = _battle_codes(table) * 3 + order + 1
    ordered = np.sort(trial)
    if not (ordered[1:] == ordered[:-1]).any():
        return unidentified("no trial was repeated", level=level)
    trials, code = np.unique(trial, return_inverse=True)
    outcome = np.sign(table.preference - 0.5).astype(np.int64) + 1
    outcome = np.where(swapped, 2 - outcome, outcome)
    counts = np.bincount(code * 3 + outcome, minlength=3 * len(trials)).reshape(-1, 3)
    repeated = counts.sum(axis=1) > 1
    instruction = np.zeros(len(trials), dtype=np.int32)
    instruction[code] = table.instruction
    share = counts.max(axis=1)[repeated] / counts.sum(axis=1)[repeated]
    return bounded_mean(share, instruction[repeated], level=level)


def _one_sided(ff: int, ss: int, level: float) -> Estimate:
    """From the exact binomial bound on sigma(2 b), the chance that a decided battle went to the first."""
    n = ff + ss
    if not n:
        return unidentified("no battle went to the same place in both orders", level=level)
    critical_value(level)
    tail = (1 - level) / 2
    least = float(logit(betaincinv(n, 1, tail))) / 2
    place = "first" if ff else "second"
    lower, upper = (least, None) if ff else (None, -least)
    reason = f"each of the {count(n, 'battle')} that went to one place went to the {place}: no finite estimate"
    return Estimate(None, lower, upper, level, "exact binomial", n, reason)


def _why_not(table: VerdictTable, pairs: MatchedOrders) -> str:
    if len(pairs):
        return ""
    if not len(table):
        return "there is no verdict"
    if pairs.unknown == len(table):
        return "the verdicts do not tell which output was shown first"
    return "no battle was shown in both orders, so a preference for a place cannot be told from quality"


def _battle_codes(table: VerdictTable) -> NDArray[np.int64]:
    """(n,) one number a pair of outputs and judge, whichever is called A."""
    return compared_outputs(table) * max(len(table.judges), 1) + table.judge


def _matched(battle: NDArray[np.int64], a_first: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(m,) rows with A first, and (m,) rows with B first of the same battle: the first with the first, and so on."""
    group = battle * 2 + a_first
    rows = np.argsort(group, kind="stable")
    start = np.flatnonzero(np.diff(group[rows], prepend=-1))
    groups, size = group[rows[start]], np.diff(start, append=len(rows))
    both = np.flatnonzero(np.diff(groups // 2, append=-1) == 0)  # B first, followed by the same with A first
    number = np.minimum(size[both], size[both + 1])
    turn = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    with_a, with_b = (rows[np.repeat(start[places], number) + turn] for places in (both + 1, both))
    return with_a, with_b


@dataclass(frozen=True, slots=True)
class GapBin:
    """Battles between models of about the same gap in quality."""

    gap_from: float  # win probability of the better model, in [1/2, 1]
    gap_to: float
    battles: int
    consistency: Estimate
    points: Estimate  # what the first place adds to a win rate here, in [-1/2, 1/2]


def position_curve(pairs: MatchedOrders, *, level: float = 0.95) -> tuple[GapBin, ...]:
    """Bins with a battle in both orders, the closest models first; empty where no battle was shown in both."""
    if not len(pairs):
        return ()
    gap = _gaps(pairs.pair, (pairs.first_ab + 1 - pairs.first_ba) / 2)
    bin_of = np.clip(np.searchsorted(_EDGES, gap, side="right") - 1, 0, len(_EDGES) - 2)
    return tuple(
        GapBin(
            _EDGES[number],
            _EDGES[number + 1],
            int(inside.sum()),
            bounded_mean((pairs.leaning[inside] == 0) * 1.0, pairs.instruction[inside], level=level),
            _half(
                bounded_difference(
                    (pairs.first_ab + pairs.first_ba - 1)[inside], pairs.instruction[inside], level=level
                )
            ),
        )
        for number, inside in ((number, bin_of == number) for number in np.unique(bin_of).tolist())
    )


def _gaps(pair: NDArray[np.int64], toward_a: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) of each battle's pair of models."""
    code = distinct(pair)[1]
    mean = np.bincount(code, weights=toward_a) / np.bincount(code)
    return np.asarray(np.maximum(mean, 1 - mean)[code])


def _half(figure: Estimate) -> Estimate:
    return figure.mapped(lambda value: value / 2)
