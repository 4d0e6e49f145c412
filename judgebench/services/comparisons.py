"""Why there is nothing to rank by: what reports say of a benchmark without verdicts of their kind, and what it has."""

import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from judgebench.counts import count
from judgebench.errors import StatisticsError, UnknownName
from judgebench.records import Status
from judgebench.store.arrays import score_table, verdict_table
from judgebench.store.database import Connection
from judgebench.store.labels import annotators


def check_compared(
    connection: Connection, benchmark: int, left_out: Mapping[Status, int], judges: Sequence[str], category: str | None
) -> None:
    """Of a benchmark on which no two outputs were compared. Raises StatisticsError, saying what there is instead."""
    scored = score_table(connection, benchmark, judges=judges, category=category)
    if scores := len(scored.table):
        raise StatisticsError(
            f"there is no verdict to rank by that compares outputs, only {count(scores, 'score')}: the leaderboard's "
            "method score ranks them, and a judge with a pairwise template compares outputs"
        )
    if ended := _ended(Counter(left_out) + Counter(scored.left_out)):
        raise StatisticsError(f"there is no verdict to rank by, only trials without one ({ended}): see battles --full")
    if votes := sum(annotators(connection, benchmark).values()):
        raise StatisticsError(
            f"there is no verdict to rank by, only {count(votes, 'vote')} of people: leaderboard --by people ranks by "
            "them, and a judge that is run on the benchmark gives verdicts"
        )
    raise StatisticsError("there is no verdict to rank by: run a judge first, or choose another judge or category")


def _ended(trials: Counter[Status]) -> str:
    return ", ".join(f"{number:,} {status}" for status, number in sorted(trials.items()) if number)


def check_asked(known: Collection[str], question: str) -> None:
    """Of a benchmark with labels on the questions ``known``. Raises UnknownName and StatisticsError for another one."""
    if question in known or not known:
        return
    if question:
        raise UnknownName("question", question, sorted(known))
    raise StatisticsError(
        f"people were asked about {', '.join(sorted(known))} here, and not which output is better: add --question"
    )


def check_voted(benchmark: str, known: Collection[str], chosen: Sequence[str]) -> None:
    """Of a benchmark with labels by the annotators ``known``.

    Raises StatisticsError where there are none, and UnknownName for one of those ``chosen`` who gave none.
    """
    if not known:
        raise StatisticsError(
            f"nobody voted on {benchmark!r}, so people rank nothing there: judgebench labels import FILE --benchmark "
            f"{shlex.quote(benchmark)} stores votes, and the app's page Vote takes them"
        )
    for name in chosen:
        if name not in known:
            raise UnknownName("annotator", name, known)


def check_scored(connection: Connection, benchmark: int, judges: Sequence[str], category: str | None) -> None:
    """Of a benchmark on which no output has a score. Raises StatisticsError where outputs were compared, or all trials
    that asked for a score have none."""
    compared = verdict_table(connection, benchmark, judges=judges, category=category).table
    if len(compared):
        names = ", ".join(compared.judges[code] for code in np.unique(compared.judge))
        raise StatisticsError(
            f"there is no score to rank by: the {count(len(compared), 'verdict')} of {names} compare two "
            "outputs, so have neither a mean score nor a margin: leave these out, or choose a pointwise judge"
        )
    scored = score_table(connection, benchmark, judges=judges, category=category)
    if ended := _ended(Counter(scored.left_out)):
        raise StatisticsError(f"there is no score to rank by, only trials without one ({ended}): see battles --full")
