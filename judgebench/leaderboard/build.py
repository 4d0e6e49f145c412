"""Verdicts -> a leaderboard: rows with intervals and rank sets, and what a reader must know of the method."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.leaderboard.board import Leaderboard, Row
from judgebench.leaderboard.methods import METHODS, named, that
from judgebench.stats.intervals import FEWEST_RESAMPLED
from judgebench.stats.method import Choices, Estimates
from judgebench.stats.ranks import ranks_of
from judgebench.stats.scores import ScoreTable, score_preferences, scored_cells, scored_outputs
from judgebench.stats.social_choice import convene
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable, judged_outputs, occurring
from judgebench.stats.win_rate import Counts, win_rates

_ELO_PER_LOGIT = 400 / math.log(10)
_ELO_ORIGIN = 1000.0
_NOUGHT = 1e-12  # what rounding leaves of no spread
_FEW = 20  # instructions, below which a board says how little it can tell
_LOOKED_AT = 1000  # verdicts that may already be of enough
_TOO_FEW = 5  # hardly anything is told apart by so few
_ORDER_UNKNOWN = "do not tell which output was shown first"


def build(table: VerdictTable, choices: Choices, *, columns: Mapping[str, Floats] | None = None) -> Leaderboard:
    """Rank the models of ``table`` that took part in a battle; at equal ``columns`` (n,) each, A's value minus B's.

    Raises StatisticsError when there is no verdict, choices do not fit the method or each other, or a fit does not
    converge; UnknownName for an unknown method or baseline.
    """
    if not len(table):
        raise StatisticsError("there is no verdict to rank by: run a judge first, or choose another judge or category")
    if choices.jury is not None:
        jury = convene(table, choices.jury)
        board = build(jury.table, replace(choices, jury=None))
        apart = f"; {jury.incomplete:,} battles that not all of them judged are left out" if jury.incomplete else ""
        rows = board.rows if table.samples is None else tuple(replace(row, outputs=None) for row in board.rows)
        notes = (f"the jury's {choices.jury} a battle{apart}", *board.notes)
        return replace(board, judges=jury.members, rows=rows, notes=notes)
    baseline = choices.baseline or common_baseline(table)
    with threadpool_limits(1, "blas"):  # matrices of models are small: threads cost more than they bring
        return build_from(table, choices, estimate(table, choices, baseline=baseline, columns=columns))


def estimate(
    table: VerdictTable, choices: Choices, *, baseline: str | None, columns: Mapping[str, Floats] | None = None
) -> Estimates:
    """By the chosen method, on the chosen scale. Raises UnknownName and StatisticsError as ``build`` does."""
    method = named(choices.method)
    if method.needs == "scores":
        pairwise = that(lambda other: other.needs == "pairwise")
        raise StatisticsError(f"preferences have no {choices.method}: rank them by {pairwise}")
    _check(choices, controlled=columns is not None)
    if choices.interval == "bootstrap" and (few := len(np.unique(table.instruction))) < FEWEST_RESAMPLED:
        raise StatisticsError(
            f"a bootstrap of {few:,} instructions is too narrow, it takes {FEWEST_RESAMPLED}: leave --interval out"
        )
    rng = np.random.default_rng(choices.seed)
    controls = {} if columns is None else {"columns": columns}
    return on_scale(method.load()(table, choices, baseline, rng, **controls), choices)


def _check(choices: Choices, *, controlled: bool) -> None:
    """Raises StatisticsError where the method lacks what was chosen."""
    method, name = METHODS[choices.method], choices.method
    if choices.cluster != "instruction" and not method.clusters:
        raise StatisticsError(f"{name} clusters by instruction: only {that(lambda m: m.clusters)} offers others")
    if choices.scale is not None and choices.scale not in method.scales:
        raise StatisticsError(f"{name} has no {choices.scale} scale: choose {' or '.join(method.scales)}")
    if controlled and not method.controls:
        rating_models = that(lambda other: other.controls)
        raise StatisticsError(
            f"controls are columns of a rating model, and {name} is none: choose --method {rating_models}"
        )
    if choices.interval == "bootstrap" and (controlled or not method.bootstrap):
        what = "controlled ratings have" if controlled else f"{name} has"
        raise StatisticsError(f"{what} no bootstrap intervals: leave --interval out")


def on_scale(estimates: Estimates, choices: Choices) -> Estimates:
    """Ratings on the scale that was chosen; the Elo scale where none was."""
    if estimates.scale != "logit" or choices.scale not in (None, "elo"):
        return estimates
    return replace(
        estimates,
        value=to_elo(estimates.value),
        lower=to_elo(estimates.lower),
        upper=to_elo(estimates.upper),
        covariance=estimates.covariance * _ELO_PER_LOGIT**2,
        scale="elo",
    )


def to_elo(theta: Floats) -> Floats:
    """Natural log-odds on the Elo scale: 400 / ln 10 a unit, around 1000."""
    return _ELO_ORIGIN + _ELO_PER_LOGIT * theta


def build_from(table: VerdictTable, choices: Choices, estimates: Estimates) -> Leaderboard:
    """The leaderboard of estimates that were made of ``table``, aligned to its models. Raises UnknownName."""
    baseline = choices.baseline or common_baseline(table)
    rates = estimates.rates or win_rates(table, baseline=baseline)
    instructions = (rates.sums.battles > 0).sum(axis=0)
    outputs = instructions if table.samples is None else judged_outputs(table.against(baseline))
    counts = _Counts(rates.rate, rates.battles, rates.ties, outputs, instructions)
    return Leaderboard(
        judges=tuple(table.judges[code] for code in occurring(table.judge)),
        method=choices.method,
        scale=estimates.scale,
        baseline=baseline,
        rows=_rows(table.models, estimates, counts, choices),
        notes=(*estimates.notes, *_notes(table)),
    )


def build_from_scores(table: ScoreTable, choices: Choices) -> Leaderboard:
    """Rank the models of ``table`` by a method for scores, or with a margin by the preferences that they amount to.

    Raises StatisticsError and UnknownName as ``build`` does.
    """
    if not len(table):
        raise StatisticsError("there is no score to rank by: run a pointwise judge first, or choose another category")
    method = named(choices.method)
    if choices.margin is not None:
        if method.needs == "scores":
            raise StatisticsError("mean scores have no margin: leave it out, or choose a method for preferences")
        preferences = score_preferences(table, margin=choices.margin)
        board = build(preferences, choices)
        note = f"preferences by the order of pointwise scores, a tie where they differ by {choices.margin:g} or less"
        others = (other for other in board.notes if _ORDER_UNKNOWN not in other)  # no score has an order
        scored = dict(zip(table.models, scored_outputs(table).tolist(), strict=True))
        rows = tuple(replace(row, outputs=scored[row.model]) for row in board.rows)
        return replace(board, rows=rows, notes=(note, *others))
    if choices.jury is not None:
        raise StatisticsError("a jury votes on preferences: give --margin, or take the mean score, which pools judges")
    if choices.interval == "bootstrap" or choices.baseline is not None or choices.scale not in (None, *method.scales):
        raise StatisticsError("mean scores have analytic intervals, no baseline and no other scale: leave these out")
    estimates = method.load()(table, choices, None, np.random.default_rng(choices.seed))
    none = np.zeros(len(table.models), dtype=np.int64)
    nothing = np.full(len(table.models), np.nan)
    counts = _Counts(nothing, none, none, scored_outputs(table), scored_cells(table).sum(axis=0))
    return Leaderboard(
        judges=tuple(table.judges[code] for code in occurring(table.judge)),
        method=choices.method,
        scale=estimates.scale,
        baseline=None,
        rows=_rows(table.models, estimates, counts, choices),
        notes=(*estimates.notes, *_few(table.instruction)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Aligned to the table's models."""

    win_rate: Floats
    battles: Counts
    ties: Counts
    outputs: Counts
    instructions: Counts


def _rows(models: Sequence[str], estimates: Estimates, counts: _Counts, choices: Choices) -> tuple[Row, ...]:
    value = estimates.value
    rng = np.random.default_rng(choices.seed)
    sets = ranks_of(estimates, level=choices.level, rng=rng)
    order = [i for i in np.lexsort((np.arange(len(models)), -value)) if math.isfinite(value[i])]
    if not order:
        raise StatisticsError("no model has a finite estimate: audit the judges' verdicts, or choose another method")
    se = np.sqrt(np.maximum(np.diag(estimates.covariance), 0.0))  # rounding may leave a variance of nought below it
    return tuple(
        Row(
            model=models[i],
            estimate=_estimate(estimates, i, choices.level, int(counts.battles[i] or counts.outputs[i])),
            win_rate=_number(counts.win_rate[i]),
            standard_error=_number(se[i] if se[i] > _NOUGHT * max(1.0, abs(value[i])) else np.nan),
            rank=1 + sum(bool(value[j] > value[i]) for j in order),
            rank_lower=int(sets.lower[i]),
            rank_upper=int(sets.upper[i]),
            tier=int(sets.tier[i]),
            battles=int(counts.battles[i]),
            ties=int(counts.ties[i]),
            flag=estimates.flags[i],
            outputs=int(counts.outputs[i]),
            instructions=int(counts.instructions[i]),
            p_best=_number(sets.best_probability[i]),
        )
        for i in order
    )


def _estimate(estimates: Estimates, at: int, level: float, n: int) -> Estimate:
    value, lower, upper = (_number(column[at]) for column in (estimates.value, estimates.lower, estimates.upper))
    reason = "" if lower is not None else estimates.flags[at] or "too few data for an interval"
    return Estimate(value, lower, upper, level, estimates.method, n, reason)


def common_baseline(table: VerdictTable) -> str | None:
    """The one model that took part in every battle of three models or more; None where there is no such model."""
    if not len(table):
        return None
    candidates = {int(table.model_a[0]), int(table.model_b[0])}
    everywhere = [
        code for code in candidates if all(((p.model_a == code) | (p.model_b == code)).all() for p in table.parts())
    ]
    return table.models[everywhere[0]] if len(everywhere) == 1 else None


def _notes(table: VerdictTable) -> list[str]:
    """What the verdicts as a whole cannot tell."""
    notes = _few(table.instruction)
    known = table.order[table.order >= 0]
    if len(known) < len(table):
        notes.append(f"{len(table) - len(known):,} of {len(table):,} verdicts {_ORDER_UNKNOWN}")
    first = int((known == 0).sum())
    if len(known) and first in (0, len(known)):
        notes.append("every battle was shown in one order only: position bias cannot be told from quality")
    return notes


def _few(instruction: Codes) -> list[str]:
    """What a handful of instructions cannot tell."""
    number = len(occurring(instruction[:: len(instruction) // _LOOKED_AT + 1]))
    number = number if number >= _FEW else len(occurring(instruction))
    if number >= _FEW:
        return []
    of_what = "one instruction" if number == 1 else f"{number:,} instructions"
    if number <= _TOO_FEW:
        return [f"{of_what} can hardly tell models apart: have at least {_FEW} judged"]
    return [f"{of_what} tell little: intervals are wide, and only large differences show; have more judged"]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
