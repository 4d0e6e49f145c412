"""The leaderboard as it was: the last moment is now, each is a board of what had come in, nothing later changes it."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from judgebench import services
from judgebench.errors import InputError
from judgebench.leaderboard import Choices
from judgebench.records import HumanLabel
from judgebench.services.scope import Scope
from judgebench.store.database import Database
from tests import kinds
from tests.filling import asked

history = services.history.history


@pytest.mark.parametrize(
    ("kind", "choices", "scope"),
    [
        ("pairwise", Choices(), Scope()),
        ("pairwise", Choices(baseline="m1"), Scope()),
        ("pointwise", Choices(method="score"), Scope()),
        ("both", Choices(), Scope(all_judges=True)),
    ],
)
def test_the_last_moment_is_now(tmp_path: Path, kind: str, choices: Choices, scope: Scope) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS[kind](database)
        past = history(database, "bench", scope=scope, choices=choices)
        assert past.board == services.leaderboards.leaderboard(database, "bench", scope=scope, choices=choices)
        assert past.moments[-1].board is not None
        assert [replace(row, flag="") for row in past.moments[-1].board.rows] == [
            replace(row, flag="") for row in past.board.rows
        ]
        times = [moment.time for moment in past.moments]
        assert times == sorted(times)
        assert len(times) <= services.history.MOST_MOMENTS
        assert [moment.verdicts for moment in past.moments] == sorted({moment.verdicts for moment in past.moments})
        with pytest.raises(InputError, match="at least one moment"):
            history(database, "bench", most=0)


def test_what_comes_later_does_not_change_what_was(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pairwise"](database)
        before = history(database, "bench").moments[-1]
        kinds.judged(database, "late", kinds.PAIRWISE)
        judges = before.board.judges if before.board else ()
        after = history(database, "bench", scope=Scope(judges=judges), most=50).moments
    same = next(moment for moment in after if moment.verdicts == before.verdicts)
    assert same.time == before.time
    assert before.board is not None
    assert same.board is not None
    assert [row.estimate for row in same.board.rows] == [row.estimate for row in before.board.rows]


def test_only_verdicts_of_the_boards_judges_are_counted(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pairwise"](database)
        both, one = (
            history(database, "bench", scope=scope, most=50)
            for scope in (Scope(all_judges=True), Scope(judges=("judge",)))
        )
        kinds.judged(database, "late", kinds.PAIRWISE)
        after = history(database, "bench", scope=Scope(judges=("judge",)), most=50)
    assert [(then.time, then.verdicts) for then in after.moments] == [
        (then.time, then.verdicts) for then in one.moments
    ]
    assert one.moments[-1].verdicts * 2 == both.moments[-1].verdicts
    assert one.board.coverage is not None
    assert one.moments[-1].verdicts == one.board.coverage.judges["judge"]


def test_votes_count_in_the_order_in_which_people_gave_them(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["labels alone"](database)
        before = history(database, "bench", scope=Scope(people=True), most=50)
        for number, instruction in enumerate(asked(kinds.COUNT)):
            for question, annotator in (("clearer", "ann"), ("", "cleo")):
                label = HumanLabel.of(annotator, instruction.key, first="m1", second="m3", preference=number % 2 * 1.0)
                services.labels.vote(database, "bench", replace(label, question=question))
        after = history(database, "bench", scope=Scope(people=True), most=50)
        of_ann = history(database, "bench", scope=Scope(people=True, annotators=("ann",)), most=50)
    assert before.moments[-1].verdicts == 2 * kinds.COUNT
    assert after.moments[-1].verdicts == 3 * kinds.COUNT
    assert of_ann.moments[-1].verdicts == kinds.COUNT
    boards = [then.board for then in after.moments if then.board is not None and then.verdicts == 2 * kinds.COUNT]
    assert [{row.model for row in board.rows} for board in boards] == [{"m1", "m2"}]
