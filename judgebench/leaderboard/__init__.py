"""From verdicts to a ranked board. Pure: tables in, one frozen leaderboard out."""

from judgebench.leaderboard.board import Choices, Interval, IntervalMethod, Leaderboard, Method, Row, Scale
from judgebench.leaderboard.build import build, build_from_scores, common_baseline

__all__ = [
    "Choices",
    "Interval",
    "IntervalMethod",
    "Leaderboard",
    "Method",
    "Row",
    "Scale",
    "build",
    "build_from_scores",
    "common_baseline",
]
