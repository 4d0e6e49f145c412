"""From verdicts to a ranked board. Pure: tables in, one frozen leaderboard out.

Records and the table of methods are imported here; what computes is in ``build``, ``anchored`` and ``multiverse``, so
that naming a leaderboard loads no numeric library.
"""

from judgebench.leaderboard.board import (
    BY_SYNONYMS,
    COLUMNS,
    DATA_COLUMNS,
    Anchor,
    BoardGate,
    By,
    Control,
    Controls,
    JudgeGate,
    Leaderboard,
    ModelGate,
    Robustness,
    Row,
)  # fmt: skip
from judgebench.leaderboard.methods import METHODS, Method, RankingMethod
from judgebench.stats.method import LEVELS, USUAL_METHOD, Choices, Cluster, IntervalMethod, Join, Jury, Scale

__all__ = [
    "BY_SYNONYMS", "COLUMNS", "DATA_COLUMNS", "LEVELS", "METHODS", "USUAL_METHOD", "Anchor", "BoardGate", "By",
    "Choices", "Cluster", "Control", "Controls", "IntervalMethod", "Join", "JudgeGate", "Jury", "Leaderboard",
    "Method", "ModelGate", "RankingMethod", "Robustness", "Row", "Scale",
]  # fmt: skip
