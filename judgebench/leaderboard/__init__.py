"""From verdicts to a ranked board. Pure: tables in, one frozen leaderboard out."""

from judgebench.leaderboard.audit_flags import marked, of_board
from judgebench.leaderboard.board import (
    COLUMNS,
    Choices,
    Gate,
    IntervalMethod,
    JudgeGate,
    Leaderboard,
    Method,
    ModelGate,
    Row,
    Scale,
)
from judgebench.leaderboard.build import build, build_from_scores, common_baseline

__all__ = [
    "COLUMNS",
    "Choices",
    "Gate",
    "IntervalMethod",
    "JudgeGate",
    "Leaderboard",
    "Method",
    "ModelGate",
    "Row",
    "Scale",
    "build",
    "build_from_scores",
    "common_baseline",
    "marked",
    "of_board",
]
