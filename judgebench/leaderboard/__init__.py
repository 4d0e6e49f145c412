"""From verdicts to a ranked board. Pure: tables in, one frozen leaderboard out."""

from judgebench.leaderboard.board import Choices, Interval, IntervalMethod, Leaderboard, Method, Row, Scale
from judgebench.leaderboard.build import build, build_from_scores, common_baseline
from judgebench.leaderboard.gate import Gate, JudgeGate, ModelGate
from judgebench.leaderboard.marks import marked, of_board

__all__ = [
    "Choices",
    "Gate",
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
