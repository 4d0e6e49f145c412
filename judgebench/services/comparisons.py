"""Why there is nothing to rank by: what reports say of a benchmark without verdicts of their kind, and what it has."""

from collections.abc import Mapping, Sequence

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.records import Status
from judgebench.store.arrays import score_table, verdict_table
from judgebench.store.database import Connection


def check_compared(
    connection: Connection, benchmark: int, left_out: Mapping[Status, int], judges: Sequence[str], category: str | None
) -> None:
    """Of a benchmark on which no two outputs were compared. Raises StatisticsError, saying what there is instead."""
    if scores := len(score_table(connection, benchmark, judges=judges, category=category).table):
        raise StatisticsError(
            f"there is no verdict to rank by that compares outputs, only {scores} scores: the leaderboard's method "
            "score ranks them, and a judge with a pairwise template compares outputs"
        )
    if ended := ", ".join(f"{count} {status}" for status, count in sorted(left_out.items()) if count):
        raise StatisticsError(f"there is no verdict to rank by, only trials without one ({ended}): see battles --full")
    raise StatisticsError("there is no verdict to rank by: run a judge first, or choose another judge or category")


def check_scored(connection: Connection, benchmark: int, judges: Sequence[str], category: str | None) -> None:
    """Of a benchmark on which no output has a score. Raises StatisticsError where outputs were compared."""
    compared = verdict_table(connection, benchmark, judges=judges, category=category).table
    if len(compared):
        names = ", ".join(compared.judges[code] for code in np.unique(compared.judge))
        raise StatisticsError(
            f"there is no score to rank by: the {len(compared)} verdicts of {names} compare two "
            "outputs, so have neither a mean score nor a margin: leave these out, or choose a pointwise judge"
        )
