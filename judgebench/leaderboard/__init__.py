"""From verdicts to a ranked board. Pure: tables in, one frozen leaderboard out."""

from judgebench.leaderboard.board import (
    BoardGate,
    Choices,
    Interval,
    IntervalMethod,
    JudgeGate,
    Leaderboard,
    Method,
    ModelGate,
    Row,
    Scale,
    marked,
    of_board,
)
from judgebench.leaderboard.build import build, build_from_scores, common_baseline

__all__ = [
    "BoardGate",
    "Choices",
    "Interval",
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
