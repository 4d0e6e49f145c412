"""Verdicts -> a leaderboard: rows with intervals and rank sets, and what a reader must know of the method."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from judgebench.counts import count
from judgebench.errors import StatisticsError, first_names
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
_TOO_LITTLE = "too few data for an interval"
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
        left_out = f"; left out: {count(jury.incomplete, 'battle')} that not all of them judged"
        apart = left_out if jury.incomplete else ""
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
            f"a bootstrap of {count(few, 'instruction')} is too narrow, it takes {FEWEST_RESAMPLED}: leave "
            "--interval out"
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
    rows = _rows(table.models, estimates, counts, choices)
    return Leaderboard(
        judges=tuple(table.judges[code] for code in occurring(table.judge)),
        method=choices.method,
        scale=estimates.scale,
        baseline=baseline,
        rows=rows,
        notes=(*estimates.notes, *_without_interval(rows), *_notes(table)),
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
        if not len(preferences):
            raise StatisticsError(
                "scores amount to no preference here: no judge scored two models on one instruction; leave --margin out"
            )
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
    rows = _rows(table.models, estimates, counts, choices)
    return Leaderboard(
        judges=tuple(table.judges[code] for code in occurring(table.judge)),
        method=choices.method,
        scale=estimates.scale,
        baseline=None,
        rows=rows,
        notes=(*estimates.notes, *_without_interval(rows), *_few(table.instruction)),
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
    varied = se > _NOUGHT * np.maximum(1.0, np.abs(value))
    return tuple(
        Row(
            model=models[i],
            estimate=_estimate(estimates, i, choices.level, counts),
            win_rate=_number(counts.win_rate[i]),
            standard_error=_number(se[i]) if math.isfinite(estimates.lower[i]) and varied[i] else None,
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


def _estimate(estimates: Estimates, at: int, level: float, counts: _Counts) -> Estimate:
    value, lower, upper = (_number(column[at]) for column in (estimates.value, estimates.lower, estimates.upper))
    why = "fewer than two instructions" if counts.instructions[at] < 2 else estimates.flags[at] or _TOO_LITTLE
    n = int(counts.battles[at] or counts.outputs[at])
    return Estimate(value, lower, upper, level, estimates.method, n, "" if lower is not None else why)


def _without_interval(rows: Sequence[Row]) -> list[str]:
    """Whose values have no interval, and why: what a table of numbers has no room for."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if row.rating is not None and row.lower is None:
            by_reason.setdefault(row.estimate.reason, []).append(row.model)
    return [f"no interval of {first_names(names)}: {reason}" for reason, names in by_reason.items()]


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
        notes.append(f"{len(table) - len(known):,} of {count(len(table), 'verdict')} {_ORDER_UNKNOWN}")
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
    of_what = "one instruction" if number == 1 else count(number, "instruction")
    if number <= _TOO_FEW:
        return [f"{of_what} can hardly tell models apart: have at least {_FEW} judged"]
    return [f"{of_what} tell little: intervals are wide, and only large differences show; have more judged"]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
