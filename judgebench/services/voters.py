"""People who vote, one by one, and the leaderboard by their votes beside the one by judges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from judgebench import store
from judgebench.bias.human_agreement import labelled_battles
from judgebench.bias.voters import VotersReport, voters_report
from judgebench.errors import InputError, StatisticsError
from judgebench.leaderboard import USUAL_METHOD, Choices, Leaderboard, Method
from judgebench.records import OVERALL
from judgebench.services.bias import judged
from judgebench.services.leaderboards import leaderboard
from judgebench.services.scope import EVERYTHING, Scope
from judgebench.stats.agreement import Resampling
from judgebench.store import labels
from judgebench.store.database import Database


def voters(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    question: str = OVERALL,
    most: int = 200,
    how: Resampling | None = None,
) -> VotersReport:
    """Everybody who voted when asked ``question``, beside each other and beside ``judges``, all where none is named.

    Raises UnknownName, and StatisticsError where nobody voted.
    """
    with database.read() as connection:
        known = judged(connection, benchmark, judges=judges, style=False)
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        given = list(labels.labels(connection, benchmark_id, question=question))
        names, keys = known.table.models, known.table.instructions
        table = labels.label_table(connection, benchmark_id, models=names, instructions=keys, question=question)
    if not given:
        raise StatisticsError("nobody voted here on this: judgebench labels import FILE, or the app's page Vote")
    verdicts = known.table
    if judges:
        verdicts = verdicts.select(np.isin(verdicts.judge, [verdicts.judges.index(name) for name in judges]))
    return voters_report(labelled_battles(verdicts, table), given, most=most, how=how)


@dataclass(frozen=True, slots=True)
class PlacedTwice:
    """A model by judges and by people; ranks that the data leave open, for all models at once."""

    model: str
    by_judges: tuple[int, int] | None
    by_people: tuple[int, int] | None
    apart: bool  # no rank is left open by both


@dataclass(frozen=True, slots=True)
class TwoBoards:
    """``reason``: why places are not compared; empty where they are."""

    judges: Leaderboard
    people: Leaderboard
    models: tuple[PlacedTwice, ...]  # in the order of people
    reason: str = ""


def two_boards(
    database: Database,
    benchmark: str,
    *,
    scope: Scope = EVERYTHING,
    question: str = OVERALL,
    method: Method = USUAL_METHOD,
) -> TwoBoards:
    """The leaderboard of ``scope`` by judges beside the one by people.

    Ranks are among the models of one leaderboard: where the two differ in these, no rank is held against another.
    Raises what ``leaderboards.leaderboard`` does.
    """
    if scope.people:
        raise InputError("the scope is that of judges: people's leaderboard is put beside it")
    choices = Choices(method=method)
    by_judges = leaderboard(database, benchmark, scope=scope, choices=choices)
    votes = replace(scope, judges=(), all_judges=False, people=True, question=question)
    by_people = leaderboard(database, benchmark, scope=votes, choices=choices)
    placed = [_places(board) for board in (by_judges, by_people)]
    alike = set(placed[0]) == set(placed[1])
    rows = []
    for model in dict.fromkeys([*placed[1], *placed[0]]):
        one, other = placed[0].get(model), placed[1].get(model)
        apart = alike and one is not None and other is not None and (one[1] < other[0] or other[1] < one[0])
        rows.append(PlacedTwice(model, one, other, apart))
    reason = "" if alike else "the two leaderboards rank different models, so that their ranks are not comparable"
    return TwoBoards(by_judges, by_people, tuple(rows), reason)


def _places(board: Leaderboard) -> dict[str, tuple[int, int] | None]:
    return {
        row.model: None if row.rank_lower is None or row.rank_upper is None else (row.rank_lower, row.rank_upper)
        for row in board.ranked
    }
