"""What audits say about a leaderboard's judges and models, as values. Nothing is audited here."""

from dataclasses import dataclass
from typing import Literal

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
