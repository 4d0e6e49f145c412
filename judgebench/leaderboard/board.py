"""What audits say about a leaderboard's judges and models, as values. Nothing is audited here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from judgebench.records import Status
from judgebench.stats.clusters import Clustering

State = Literal["passed", "failed", "stale", "missing"]


@dataclass(frozen=True, slots=True)
class JudgeGate:
    """A judge, and how its newest null-model audit on the benchmark ended."""

    judge: str
    state: State
    null_win_rate: float | None  # the worst upper bound that the audit left, in [0, 1]
    command: str  # that would settle it


@dataclass(frozen=True, slots=True)
class ModelGate:
    """A model whose newest submission audit has severe findings."""

    model: str
    rules: tuple[str, ...]
    stale: bool  # outputs were added since
    command: str


@dataclass(frozen=True, slots=True)
class BoardGate:
    """What is known about a leaderboard's judges and models."""

    passed: bool  # every judge passed, and no model on the leaderboard has a severe finding
    judges: tuple[JudgeGate, ...]
    models: tuple[ModelGate, ...]


Method = Literal[
    "win-rate", "length-controlled", "bradley-terry", "davidson", "rao-kupper", "judge-aware", "elo", "score"
]


Scale = Literal["rate", "elo", "logit", "score"]


Join = Literal["instruction", "position"]  # of a battle with the difficulty of its instruction


Jury = Literal["majority", "mean"]


IntervalMethod = Literal["analytic", "bootstrap"]


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
    p_best: float | None = None  # chance of being the best, in [0, 1], under the estimates' joint normal distribution


@dataclass(frozen=True, slots=True)
class Interval:
    """What the rows' intervals are."""

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
    gate: BoardGate | None = None  # what audits say about its judges and models; None: nobody looked


@dataclass(frozen=True, slots=True)
class Choices:
    """How to rank. ``scale`` None: rates for win rates, the Elo scale for ratings, scores for scores."""

    method: Method = "win-rate"
    baseline: str | None = None  # None: the one model that took part in every battle, else the field
    scale: Scale | None = None
    level: float = 0.95
    interval: IntervalMethod = "analytic"
    resamples: int = 1000
    seed: int = 0
    cluster: Clustering = "instruction"  # what verdicts share, for analytic intervals of Bradley-Terry ratings
    join: Join | None = (
        None  # length control; None: by position for AlpacaEval's judge and baseline, else by instruction
    )
    margin: float | None = None  # win rates and ratings from pointwise scores; a tie where they differ by this or less
    jury: Jury | None = None  # rank by what several judges amount to; None: their verdicts pooled


_WORDS = {
    "failed": "lets a null model win, so the ranks say little",
    "stale": "was audited before instructions were added",
    "missing": "has no null-model audit, so nobody knows what outputs that ignore the instruction would win",
}


def of_board(board: Leaderboard, judges: Sequence[JudgeGate], models: Sequence[ModelGate]) -> BoardGate:
    """What of ``judges`` and ``models`` concerns ``board``."""
    shown = {row.model for row in board.rows}
    concerned = tuple(each for each in models if each.model in shown)
    return BoardGate(all(each.state == "passed" for each in judges) and not concerned, tuple(judges), concerned)


def marked(board: Leaderboard, found: BoardGate) -> Leaderboard:
    """``board`` with the findings in its rows' flags, and the gate in its notes."""
    marks = {each.model: _mark(each) for each in found.models}
    flags = [", ".join(part for part in (row.flag, marks.get(row.model, "")) if part) for row in board.rows]
    rows = tuple(replace(row, flag=flag) for row, flag in zip(board.rows, flags, strict=True))
    notes = [
        f"judge {each.judge} {_WORDS[each.state]}; settle it: {each.command}"
        for each in found.judges
        if each.state != "passed"
    ]
    notes += [f"{each.model}: {_mark(each)}; see {each.command}" for each in found.models]
    return replace(board, rows=rows, notes=(*board.notes, *notes), gate=found)


def _mark(each: ModelGate) -> str:
    return f"audit: {', '.join(each.rules)}" + (" (before outputs were added)" if each.stale else "")
