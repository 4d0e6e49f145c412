"""Verdicts -> a leaderboard: rows with intervals and rank sets, what was left out, what a reader must know."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.leaderboard.board import Choices, Leaderboard, Row
from judgebench.leaderboard.methods import Estimates, estimate
from judgebench.records import Status
from judgebench.stats.intervals import critical_value
from judgebench.stats.ranks import rank_sets
from judgebench.stats.scores import ScoreTable, mean_scores, score_preferences
from judgebench.stats.social_choice import convene
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable
from judgebench.stats.win_rate import Counts, win_rates

_ORDER_UNKNOWN = "do not tell which output was shown first"


def build(table: VerdictTable, choices: Choices, *, left_out: Mapping[Status, int] | None = None) -> Leaderboard:
    """Rank the models of ``table`` that took part in a battle.

    Raises StatisticsError when there is no verdict, a scale does not fit the method, or a fit does not converge;
    UnknownName for an unknown baseline.
    """
    if not len(table):
        raise StatisticsError("there is no verdict to rank by: run a judge first, or choose another judge or category")
    if choices.jury is not None:
        jury = convene(table, choices.jury)
        board = build(jury.table, replace(choices, jury=None), left_out=left_out)
        apart = f"; {jury.incomplete} battles that not all of them judged are left out" if jury.incomplete else ""
        return replace(board, judges=jury.members, notes=(f"the jury's {choices.jury} a battle{apart}", *board.notes))
    baseline = choices.baseline or common_baseline(table)
    with threadpool_limits(1, "blas"):  # matrices of models are small: threads cost more than they bring
        found = estimate(table, choices, baseline=baseline, rng=np.random.default_rng(choices.seed))
    return build_from(table, choices, found, left_out=left_out)


def build_from(
    table: VerdictTable, choices: Choices, found: Estimates, *, left_out: Mapping[Status, int] | None = None
) -> Leaderboard:
    """The leaderboard of estimates that were made of ``table``, aligned to its models. Raises UnknownName."""
    baseline = choices.baseline or common_baseline(table)
    rates = found.rates or win_rates(table, baseline=baseline)
    counts = _Counts(rates.rate, rates.battles, rates.ties, np.zeros(len(table.models), dtype=np.int64))
    rng = np.random.default_rng(choices.seed)
    rows = _rows(table.models, found, counts, level=choices.level, rng=rng)
    return Leaderboard(
        judges=tuple(table.judges[code] for code in np.unique(table.judge)),
        method=choices.method,
        scale=found.scale,
        baseline=baseline,
        rows=rows,
        left_out=dict(left_out or {}),
        notes=(*found.notes, *_notes(table), *_gaps({row.model: row.battles for row in rows}, "battles")),
    )


def build_from_scores(table: ScoreTable, choices: Choices, *, left_out: Mapping[Status, int]) -> Leaderboard:
    """Rank the models of ``table`` by mean score, or with a margin by the preferences that the scores amount to.

    Raises StatisticsError as ``build`` does.
    """
    if not len(table):
        raise StatisticsError("there is no score to rank by: run a pointwise judge first, or choose another category")
    if choices.margin is not None:
        if choices.method == "score":
            raise StatisticsError("mean scores have no margin: leave it out, or choose a method for preferences")
        preferences = score_preferences(table, margin=choices.margin)
        board = build(preferences, choices, left_out=left_out)
        note = f"preferences by the order of pointwise scores, a tie where they differ by {choices.margin:g} or less"
        others = (each for each in board.notes if _ORDER_UNKNOWN not in each)  # no score has an order
        return replace(board, notes=(note, *others))
    if choices.jury is not None:
        raise StatisticsError("a jury votes on preferences: give --margin, or take the mean score, which pools judges")
    if choices.interval == "bootstrap" or choices.baseline is not None or choices.scale not in (None, "score"):
        raise StatisticsError("mean scores have analytic intervals, no baseline and no other scale: leave these out")
    found = mean_scores(table)
    half = critical_value(choices.level) * found.standard_error
    flags = [""] * len(table.models)
    method = "normal, clustered by instruction"
    estimates = Estimates(
        value=found.mean,
        lower=found.mean - half,
        upper=found.mean + half,
        covariance=found.covariance,
        flags=flags,
        method=method,
        scale="score",
    )
    none = np.zeros(len(table.models), dtype=np.int64)
    counts = _Counts(np.full(len(table.models), np.nan), none, none, found.outputs)
    rows = _rows(table.models, estimates, counts, level=choices.level, rng=np.random.default_rng(choices.seed))
    return Leaderboard(
        judges=tuple(table.judges[code] for code in np.unique(table.judge)),
        method="score",
        scale="score",
        baseline=None,
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
    models: Sequence[str], found: Estimates, counts: _Counts, *, level: float, rng: np.random.Generator
) -> tuple[Row, ...]:
    sets = rank_sets(found.value, found.covariance, level=level, rng=rng)
    order = [i for i in np.lexsort((np.arange(len(models)), -found.value)) if math.isfinite(found.value[i])]
    se = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))  # rounding may leave a variance of nought below it
    return tuple(
        Row(
            model=models[i],
            estimate=_estimate(found, i, level, int(counts.battles[i] or counts.outputs[i])),
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
            p_best=_number(sets.best_probability[i]),
        )
        for i in order
    )


def _estimate(found: Estimates, at: int, level: float, n: int) -> Estimate:
    value, lower, upper = (_number(column[at]) for column in (found.value, found.lower, found.upper))
    reason = "" if lower is not None else found.flags[at] or "too few data for an interval"
    return Estimate(value, lower, upper, level, found.method, n, reason)


def common_baseline(table: VerdictTable) -> str | None:
    """The one model that took part in every battle of three models or more; None where there is no such model."""
    if not len(table):
        return None
    candidates = {int(table.model_a[0]), int(table.model_b[0])}
    everywhere = [code for code in candidates if ((table.model_a == code) | (table.model_b == code)).all()]
    return table.models[everywhere[0]] if len(everywhere) == 1 else None


def _notes(table: VerdictTable) -> list[str]:
    """What the verdicts as a whole cannot tell."""
    notes = []
    known = table.order[table.order >= 0]
    if len(known) < len(table):
        notes.append(f"{len(table) - len(known)} of {len(table)} verdicts {_ORDER_UNKNOWN}")
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
