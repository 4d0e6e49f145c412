"""Verdicts -> a leaderboard: rows with intervals and rank sets, the method in words, what was left out and why.

Methods: mean preference against a baseline or the field (``stats.win_rate``), Bradley-Terry (``stats.bradley_terry``),
and of pointwise judges the mean score (``stats.scores``), or either of the former on what their scores amount to.
Intervals are clustered by instruction, because verdicts on one instruction are not independent.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.records import Status
from judgebench.stats.bootstrap import bootstrap_ratings, bootstrap_win_rates
from judgebench.stats.bradley_terry import Ratings, fit_bradley_terry
from judgebench.stats.interval import critical_value
from judgebench.stats.ranks import rank_sets
from judgebench.stats.scores import ScoreTable, mean_scores, score_preferences
from judgebench.stats.table import Codes, Floats, VerdictTable
from judgebench.stats.win_rate import Counts, win_rates

Method = Literal["win-rate", "bradley-terry", "score"]
Scale = Literal["rate", "elo", "logit", "score"]
IntervalMethod = Literal["analytic", "bootstrap"]

ELO_PER_LOGIT = 400 / math.log(10)
ELO_ORIGIN = 1000.0


@dataclass(frozen=True, slots=True)
class Row:
    """One model. ``rating``, ``lower`` and ``upper`` share the leaderboard's scale; None where the data cannot tell."""

    model: str
    rating: float | None
    lower: float | None
    upper: float | None
    win_rate: float | None  # mean preference for the model, in [0, 1]
    standard_error: float | None  # of ``rating``
    rank: int  # by rating, equal ratings share
    rank_lower: int  # best rank that the data leave open, simultaneously for all models
    rank_upper: int  # worst
    tier: int  # 1 for the leader and all that are not separated from it, and so on
    battles: int
    ties: int
    flag: str  # "" or why the rating is not what the method usually gives
    outputs: int = 0  # scored; 0 for methods that rest on battles


@dataclass(frozen=True, slots=True)
class Interval:
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Rows from the best to the worst, and how they came about."""

    judges: tuple[str, ...]
    method: Method
    scale: Scale
    baseline: str | None
    interval: Interval
    rows: tuple[Row, ...]
    left_out: Mapping[Status, int]  # trials without a preference, by status
    notes: tuple[str, ...]  # what a reader must know to read the rows right


@dataclass(frozen=True, slots=True)
class Choices:
    """How to rank. ``scale`` None: rates for win rates, the Elo scale for ratings."""

    method: Method = "win-rate"
    baseline: str | None = None  # None: the one model that took part in every battle, else the field
    scale: Scale | None = None
    level: float = 0.95
    interval: IntervalMethod = "analytic"
    resamples: int = 1000
    seed: int = 0
    margin: float | None = None  # win rates and ratings from pointwise scores; a tie where they differ by this or less


@dataclass(frozen=True, slots=True, eq=False)
class _Estimates:
    """Aligned to the table's models, on the leaderboard's scale."""

    value: Floats
    lower: Floats
    upper: Floats
    covariance: Floats
    flags: Sequence[str]
    method: str


def build(table: VerdictTable, choices: Choices, *, left_out: Mapping[Status, int] | None = None) -> Leaderboard:
    """Rank the models of ``table`` that took part in a battle.

    Raises StatisticsError when there is no verdict, a scale does not fit the method, or a fit does not converge;
    UnknownName for an unknown baseline.
    """
    if not len(table):
        raise StatisticsError("there is no verdict to rank by: run a judge first, or choose another judge or category")
    baseline = choices.baseline or common_baseline(table)
    scale = _scale(choices)
    rates = win_rates(table, baseline=baseline)
    rng = np.random.default_rng(choices.seed)
    if choices.method == "win-rate":
        found = _rate_estimates(table, choices, baseline, rng)
    else:
        found = _rating_estimates(table, choices, scale, rng)
    counts = _Counts(rates.rate, rates.battles, rates.ties, np.zeros(len(table.models), dtype=np.int64))
    rows = _rows(table.models, found, counts, level=choices.level, rng=rng)
    return Leaderboard(
        judges=tuple(table.judges[code] for code in np.unique(table.judge)),
        method=choices.method,
        scale=scale,
        baseline=baseline,
        interval=Interval(choices.level, found.method),
        rows=rows,
        left_out=dict(left_out or {}),
        notes=(*_notes(table), *_gaps({row.model: row.battles for row in rows}, "battles")),
    )


def build_from_scores(table: ScoreTable, choices: Choices, *, left_out: Mapping[Status, int]) -> Leaderboard:
    """Rank the models of ``table`` by mean score, or with a margin by the preferences that the scores amount to.

    Raises StatisticsError as ``build`` does.
    """
    if not len(table):
        raise StatisticsError("there is no score to rank by: run a pointwise judge first, or choose another category")
    if choices.margin is not None:
        preferences = score_preferences(table, margin=choices.margin)
        board = build(preferences, choices, left_out=left_out)
        note = f"preferences by the order of pointwise scores, a tie where they differ by {choices.margin:g} or less"
        return replace(board, notes=(note, *board.notes[1:]))  # the first would be that no order is known
    if choices.interval == "bootstrap" or choices.baseline is not None or choices.scale not in (None, "score"):
        raise StatisticsError("mean scores have analytic intervals, no baseline and no other scale: leave these out")
    found = mean_scores(table)
    half = critical_value(choices.level) * found.standard_error
    flags = [""] * len(table.models)
    method = "normal, clustered by instruction"
    estimates = _Estimates(found.mean, found.mean - half, found.mean + half, found.covariance, flags, method)
    none = np.zeros(len(table.models), dtype=np.int64)
    counts = _Counts(np.full(len(table.models), np.nan), none, none, found.outputs)
    rows = _rows(table.models, estimates, counts, level=choices.level, rng=np.random.default_rng(choices.seed))
    return Leaderboard(
        judges=tuple(table.judges[code] for code in np.unique(table.judge)),
        method="score",
        scale="score",
        baseline=None,
        interval=Interval(choices.level, method),
        rows=rows,
        left_out=dict(left_out),
        notes=(*_pooled(table.judge), *_gaps({row.model: row.outputs for row in rows}, "outputs scored")),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Aligned to the table's models."""

    win_rate: Floats
    battles: Counts
    ties: Counts
    outputs: Counts


def _rows(
    models: Sequence[str], found: _Estimates, counts: _Counts, *, level: float, rng: np.random.Generator
) -> tuple[Row, ...]:
    sets = rank_sets(found.value, found.covariance, level=level, rng=rng)
    order = [i for i in np.lexsort((np.arange(len(models)), -found.value)) if math.isfinite(found.value[i])]
    se = np.sqrt(np.diag(found.covariance))
    return tuple(
        Row(
            model=models[i],
            rating=_number(found.value[i]),
            lower=_number(found.lower[i]),
            upper=_number(found.upper[i]),
            win_rate=_number(counts.win_rate[i]),
            standard_error=_number(se[i]),
            rank=1 + sum(bool(found.value[j] > found.value[i]) for j in order),
            rank_lower=int(sets.lower[i]),
            rank_upper=int(sets.upper[i]),
            tier=int(sets.tier[i]),
            battles=int(counts.battles[i]),
            ties=int(counts.ties[i]),
            flag=found.flags[i],
            outputs=int(counts.outputs[i]),
        )
        for i in order
    )


def common_baseline(table: VerdictTable) -> str | None:
    """The one model that took part in every battle of three models or more; None where there is no such model."""
    if not len(table):
        return None
    candidates = {int(table.model_a[0]), int(table.model_b[0])}
    everywhere = [code for code in candidates if ((table.model_a == code) | (table.model_b == code)).all()]
    return table.models[everywhere[0]] if len(everywhere) == 1 else None


def to_elo(theta: Floats) -> Floats:
    """Natural log-odds on the Elo scale: 400 / ln 10 a unit, around 1000."""
    return ELO_ORIGIN + ELO_PER_LOGIT * theta


def _scale(choices: Choices) -> Scale:
    if choices.method == "score":
        raise StatisticsError("preferences have no mean score: rank them by win-rate or bradley-terry")
    if choices.method == "win-rate":
        if choices.scale not in (None, "rate"):
            raise StatisticsError(f"win rates have no {choices.scale} scale: use --method bradley-terry for it")
        return "rate"
    if choices.scale in ("rate", "score"):
        raise StatisticsError(f"Bradley-Terry ratings have no {choices.scale} scale: choose elo or logit")
    return choices.scale or "elo"


def _rate_estimates(
    table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator
) -> _Estimates:
    rates = win_rates(table, baseline=baseline)
    flags = [""] * len(table.models)
    if choices.interval == "bootstrap":
        drawn = bootstrap_win_rates(table, baseline=baseline, level=choices.level, resamples=choices.resamples, rng=rng)
        return _Estimates(rates.rate, drawn.lower, drawn.upper, rates.covariance, flags, drawn.method)
    half = critical_value(choices.level) * rates.standard_error
    lower, upper = np.clip(rates.rate - half, 0, 1), np.clip(rates.rate + half, 0, 1)
    return _Estimates(rates.rate, lower, upper, rates.covariance, flags, "normal, clustered by instruction")


def _rating_estimates(table: VerdictTable, choices: Choices, scale: Scale, rng: np.random.Generator) -> _Estimates:
    ratings = fit_bradley_terry(table)
    half = critical_value(choices.level) * ratings.standard_error
    lower, upper = ratings.theta - half, ratings.theta + half
    method = "sandwich, clustered by instruction"
    if choices.interval == "bootstrap":
        drawn = bootstrap_ratings(table, level=choices.level, resamples=choices.resamples, rng=rng)
        lower, upper, method = drawn.lower, drawn.upper, drawn.method
    flags = _rating_flags(ratings)
    if scale == "logit":
        return _Estimates(ratings.theta, lower, upper, ratings.covariance, flags, method)
    covariance = ratings.covariance * ELO_PER_LOGIT**2
    return _Estimates(to_elo(ratings.theta), to_elo(lower), to_elo(upper), covariance, flags, method)


def _rating_flags(ratings: Ratings) -> list[str]:
    scales = len(set(ratings.component[ratings.component >= 0].tolist()))
    return [
        ", ".join(part for part in (flag, f"scale {component + 1} of {scales}" if scales > 1 else "") if part)
        for flag, component in zip(ratings.flags, ratings.component.tolist(), strict=True)
    ]


def _notes(table: VerdictTable) -> list[str]:
    """What the verdicts as a whole cannot tell."""
    notes = []
    known = table.order[table.order >= 0]
    if len(known) < len(table):
        notes.append(f"{len(table) - len(known)} of {len(table)} verdicts do not tell which output was shown first")
    first = int((known == 0).sum())
    if len(known) and first in (0, len(known)):
        notes.append("every battle was shown in one order only: position bias cannot be told from quality")
    return notes + _pooled(table.judge)


def _pooled(judge: Codes) -> list[str]:
    judges = len(np.unique(judge))
    return [f"verdicts of {judges} judges are pooled; choose one by --judge to see it alone"] if judges > 1 else []


def _gaps(counts: Mapping[str, int], what: str) -> list[str]:
    """Models that have fewer than the others, so that numbers are not over the same instructions."""
    most = max(counts.values())
    others = [model for model in counts if counts[model] < most]
    if not others or len(counts) < 3 or len(others) > len(counts) / 2:
        return []
    return [f"{model} has {counts[model]} {what}, others up to {most}" for model in others[:10]]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
