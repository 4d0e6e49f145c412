"""People who vote, one by one, and the leaderboard by their votes beside the one by judges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from judgebench import store
from judgebench.bias.human_agreement import labelled_battles
from judgebench.bias.voters import VotersReport, voters_report
from judgebench.errors import InputError, StatisticsError
from judgebench.leaderboard import Choices, Leaderboard, Row
from judgebench.leaderboard.methods import named
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
    """A model by judges and by people; None where one of the two leaderboards does not rank it."""

    model: str
    judges: Row | None
    people: Row | None
    apart: bool  # no rank is left open by both; ranks are open for all models at once
    differs: bool  # both ratings have intervals, and these do not overlap

    @property
    def by_judges(self) -> tuple[int, int] | None:
        """The best and the worst rank left open."""
        return _open_ranks(self.judges)

    @property
    def by_people(self) -> tuple[int, int] | None:
        """The best and the worst rank left open."""
        return _open_ranks(self.people)


@dataclass(frozen=True, slots=True)
class TwoBoards:
    """``reason``: why places are not compared; empty where they are. ``ratings_reason``: the same of ratings."""

    judges: Leaderboard
    people: Leaderboard
    models: tuple[PlacedTwice, ...]  # in the order of people
    reason: str = ""
    ratings_reason: str = ""


def two_boards(
    database: Database,
    benchmark: str,
    *,
    scope: Scope = EVERYTHING,
    annotators: tuple[str, ...] = (),
    question: str = OVERALL,
    choices: Choices | None = None,
) -> TwoBoards:
    """The leaderboard of ``scope`` by judges beside the one by people: by ``annotators``, or by everybody.

    An annotator's votes count together in people's intervals where the method can tell (two-way, by instruction and by
    annotator). Ranks are among the models of one leaderboard, and ratings on its scale: where the two differ in these,
    nothing is held against each other. Raises what ``leaderboards.leaderboard`` does.
    """
    if scope.people:
        raise InputError("the scope is that of judges: people's leaderboard is put beside it")
    chosen = choices or Choices()
    by_judges = leaderboard(database, benchmark, scope=scope, choices=chosen)
    votes = replace(scope, judges=(), all_judges=False, people=True, annotators=annotators, question=question)
    by_people = leaderboard(database, benchmark, scope=votes, choices=chosen)
    if _several(by_people) and named(chosen.method).clusters and chosen.interval == "analytic":
        by_people = leaderboard(database, benchmark, scope=votes, choices=replace(chosen, cluster="both"))
    alike = {row.model for row in by_judges.ranked} == {row.model for row in by_people.ranked}
    reason = "" if alike else "the two leaderboards rank different models, so that their ranks are not comparable"
    ratings_reason = reason or _not_comparable(by_judges, by_people)
    rows = [{row.model: row for row in board.ranked} for board in (by_people, by_judges)]
    pairs = {model: (rows[1].get(model), rows[0].get(model)) for model in [*rows[0], *rows[1]]}
    placed = (
        PlacedTwice(
            *(model, judged, voted),
            apart=not reason and _disjoint(_open_ranks(judged), _open_ranks(voted)),
            differs=not ratings_reason and _disjoint(_ends(judged), _ends(voted)),
        )
        for model, (judged, voted) in pairs.items()
    )
    return TwoBoards(by_judges, by_people, tuple(placed), reason, ratings_reason)


def _several(board: Leaderboard) -> bool:
    """Whether several people voted."""
    about = None if board.coverage is None else board.coverage.people
    return about is not None and about.annotators > 1


def _not_comparable(judges: Leaderboard, people: Leaderboard) -> str:
    """Why the ratings of one say nothing of those of the other; empty where they do."""
    if judges.scale != "rate" or (judges.baseline == people.baseline and judges.baseline is not None):
        return ""
    if len(judges.ranked) == 2 and judges.baseline == people.baseline:
        return ""
    return (
        "win rates depend on whom a model met, and judges and people saw other battles: compare ratings by a baseline "
        "that all met, or by bradley-terry"
    )


def _open_ranks(row: Row | None) -> tuple[int, int] | None:
    if row is None or row.rank_lower is None or row.rank_upper is None:
        return None
    return row.rank_lower, row.rank_upper


def _ends(row: Row | None) -> tuple[float, float] | None:
    return None if row is None else row.estimate.ends


def _disjoint(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    """Whether both are there, and do not overlap."""
    return one is not None and other is not None and (one[1] < other[0] or other[1] < one[0])
