"""What audits say about a leaderboard's judges and models, as values. Nothing is audited here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from judgebench.estimate import Estimate
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
class Gate:
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
    """One model."""

    model: str
    estimate: Estimate  # its rating, on the leaderboard's scale
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

    @property
    def rating(self) -> float | None:
        """None where the data cannot tell."""
        return self.estimate.value

    @property
    def lower(self) -> float | None:
        """None where there is no interval."""
        return self.estimate.lower

    @property
    def upper(self) -> float | None:
        """None where there is no interval."""
        return self.estimate.upper

    def columns(self) -> dict[str, Any]:
        """The row as tables, frames and documents hold it, by ``COLUMNS``."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = (
    *("model", "rating", "lower", "upper", "win_rate", "standard_error", "rank", "rank_lower", "rank_upper"),
    *("tier", "battles", "ties", "flag", "outputs", "p_best"),
)


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Rows from the best to the worst, and how they came about."""

    judges: tuple[str, ...]
    method: Method
    scale: Scale
    baseline: str | None
    rows: tuple[Row, ...]  # at least one
    left_out: Mapping[Status, int]  # trials without a preference, by status
    notes: tuple[str, ...]  # what a reader must know to read the rows right
    gate: Gate | None = None  # what audits say about its judges and models; None: nobody looked

    @property
    def level(self) -> float:
        """Of the rows' intervals and rank ranges, in (0, 1)."""
        return self.rows[0].estimate.level

    @property
    def interval_method(self) -> str:
        """How the rows' intervals were made."""
        return self.rows[0].estimate.method


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
