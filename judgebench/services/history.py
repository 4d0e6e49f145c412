"""How a leaderboard came to be what it is: the same board by the verdicts that had come in by then, at several moments.

A moment is the end of what was stored at one time. Verdicts that a later one took the place of do not count, and models
are flagged as they are now: what differs from moment to moment is how much had been judged.
"""

from dataclasses import dataclass, replace

from judgebench import services, store
from judgebench.errors import InputError, StatisticsError
from judgebench.leaderboard import Choices, Leaderboard
from judgebench.leaderboard.methods import named
from judgebench.services.scope import EVERYTHING, Scope
from judgebench.store.database import Database

MOST_MOMENTS = 12


@dataclass(frozen=True, slots=True)
class Moment:
    """The leaderboard as it was."""

    time: str  # ISO 8601, UTC
    verdicts: int  # that had come in on the benchmark, of the board's judges or people
    board: Leaderboard | None  # None: nothing could be ranked by them
    reason: str  # why not; empty where there is a board


@dataclass(frozen=True, slots=True)
class History:
    board: Leaderboard  # as it is now
    moments: tuple[Moment, ...]  # in time, the last one is now; of votes as of verdicts


def history(
    database: Database,
    benchmark: str,
    *,
    scope: Scope = EVERYTHING,
    choices: Choices | None = None,
    most: int = MOST_MOMENTS,
) -> History:
    """At ``most`` moments at which about equally many verdicts more had come in: the board is made anew for each.

    Whose verdicts count, and the baseline, are those of the leaderboard now. Raises as ``leaderboard`` does, and
    InputError for fewer than one moment.
    """
    if most < 1:
        raise InputError(f"a history has at least one moment, not {most}")
    chosen = choices or Choices()
    board = services.leaderboards.leaderboard(database, benchmark, scope=scope, choices=chosen)
    if not scope.people:
        scope = replace(scope, judges=board.judges, all_judges=False)
    if named(board.method).rates:
        chosen = replace(chosen, baseline=board.baseline)
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        arrivals = (
            store.arrays.vote_arrivals(connection, benchmark_id, question=scope.question, annotators=scope.annotators)
            if scope.people
            else store.arrays.arrivals(connection, benchmark_id, judges=board.judges)
        )
    moments = []
    for time, newest, verdicts in _chosen(arrivals, most):
        try:
            then = services.leaderboards.leaderboard(
                database, benchmark, scope=replace(scope, newest=newest), choices=chosen
            )
            moments.append(Moment(time, verdicts, then, ""))
        except (InputError, StatisticsError) as error:
            moments.append(Moment(time, verdicts, None, str(error)))
    return History(board, tuple(moments))


def _chosen(arrivals: list[tuple[str, int, int]], most: int) -> list[tuple[str, int, int]]:
    """At most so many of them, the last one among them: time, highest id, and how many had come in."""
    sums, total = [], 0
    for time, newest, number in arrivals:
        total += number
        sums.append((time, newest, total))
    kept = []
    for part in range(1, most + 1):
        reached = next((at for at in sums if at[2] >= total * part / most), None)
        if reached is not None and reached not in kept:
            kept.append(reached)
    return kept
