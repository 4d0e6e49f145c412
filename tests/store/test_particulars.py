"""What verdicts consist of: stored with them, read of those in force, and taken along wherever verdicts go."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import services, store
from judgebench.errors import InputError
from judgebench.records import (
    Completion,
    Goal,
    Instruction,
    Judge,
    Output,
    Reading,
    Source,
    Span,
    Status,
    TrialResult,
    Verdict,
)
from judgebench.store import schema as t
from judgebench.store.database import Database
from judgebench.store.verdicts import add_reparsed
from tests.filling import judging, submitted

JUDGE = Judge("goals", "gpt", "pointwise/goals.v1", "0" * 32)
ASKED = [Instruction((f"Book {number}.", "And rain?"), goals=("a room",)) for number in range(3)]
GOALS = (
    Goal("a room", (1,), "yes", declared=0, reason="booked"),
    Goal("rain \u2603", (1, 2), "no", "not-found", 2),
    Goal("a joke", (2,), "out-of-scope"),
)
SPANS = (Span(0, 2, "good", reason="r"), Span(2, 4, "bad", "arithmetic"))


def verdict(*goals: Goal, score: float = 0.5, **fields: object) -> Verdict:
    return Verdict(Status.OK, Source.LABEL, score=score, parser="1", goals=goals, **fields)  # type: ignore[arg-type]  # fields of any type


def result(output: Output, instruction: Instruction, verdict: Verdict) -> TrialResult:
    key = Reading(JUDGE.digest, instruction, output).key
    return TrialResult(key, instruction.key, output.model, None, None, 0, verdict, Completion("{}"))


def filled(database: Database, benchmark: str = "bench") -> None:
    outputs = submitted(database, ASKED, ["m"], lambda _, number: f"text {number}", benchmark=benchmark)
    writer = judging(database, JUDGE, benchmark=benchmark)
    said = (verdict(*GOALS), verdict(spans=SPANS), verdict(GOALS[0], score=1.0))
    rows = [result(outputs[one.key, "m"], one, what) for one, what in zip(ASKED, said, strict=True)]
    with database.write() as connection:
        writer.add(connection, rows)


def stored(database: Database, benchmark: str = "bench") -> list[Verdict]:
    with database.read() as connection:
        place = store.benchmarks.benchmark_id(connection, benchmark)
        return [trial.verdict for trial in store.battles.judged_trials(connection, place)]


def test_they_come_back_as_they_were_with_the_goals_that_were_declared(database: Database) -> None:
    filled(database)
    assert [(one.goals, one.spans) for one in stored(database)] == [(GOALS, ()), ((), SPANS), (GOALS[:1], ())]
    with database.read() as connection:
        place = store.benchmarks.benchmark_id(connection, "bench")
        assert [one.goals for one in store.benchmarks.instructions(connection, place)] == [("a room",)] * 3


def test_a_later_revision_has_its_own(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        add_reparsed(connection, {1: verdict(GOALS[2], GOALS[0], score=1.0), 2: verdict()})
    assert {one.goals for one in stored(database)} == {(GOALS[2], GOALS[0]), (), GOALS[:1]}
    assert all(one.spans == () for one in stored(database))


def test_a_benchmark_that_takes_verdicts_over_has_them_too(database: Database) -> None:
    filled(database)
    submitted(database, ASKED, ["m"], lambda _, number: f"text {number}", benchmark="other")
    writer = judging(database, JUDGE, benchmark="other")
    with database.write() as connection:
        keys = list(connection.scalars(sa.select(t.verdicts.c.trial_key)))
        writer.take_over(connection, keys)
    assert [(one.goals, one.spans) for one in stored(database, "other")] == [(GOALS, ()), ((), SPANS), (GOALS[:1], ())]


def test_they_are_copied_deleted_and_merged_with_their_verdicts(tmp_path: Path) -> None:
    one, other = (Database(str(tmp_path / name), create=True) for name in ("one.db", "other.db"))
    filled(one)
    services.upkeep.copy(one, str(tmp_path / "copy.db"))
    assert stored(Database(str(tmp_path / "copy.db"))) == stored(one)
    submitted(other, ASKED, ["m"], lambda _, number: f"text {number}")
    services.merging.merge(other, str(tmp_path / "one.db"))
    assert sorted(stored(other), key=str) == sorted(stored(one), key=str)
    services.upkeep.delete(one, "judge", "goals", yes=True)
    with one.read() as connection:
        assert not connection.execute(sa.select(t.verdict_goals)).all()
        assert not connection.execute(sa.select(t.verdict_spans)).all()


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_files_of_verdicts_carry_them(database: Database, tmp_path: Path, ending: str) -> None:
    filled(database)
    path = tmp_path / f"verdicts.{ending}"
    services.exports.export(database, "verdicts", path, benchmark="bench")
    other = Database(str(tmp_path / "other.db"), create=True)
    services.imports.import_file(other, path, benchmark="bench")
    assert stored(other) == stored(database)


@pytest.mark.parametrize(
    ("goals", "message"),
    [
        ('[{"goal":"x","turns":[1],"reached":"no"}]', "exactly where a goal was not reached"),
        ('[{"goal":"x","turns":[3],"reached":"yes"}]', "of 2 turns"),
        ('[{"goal":"x","turns":[1],"reached":"yes","declared":1}]', "declared goal"),
        ('[{"goal":"x","turns":["1"],"reached":"yes"}]', "turns"),
        ('[{"goal":"x","turns":[1],"reached":"maybe"}]', "reached"),
        ("3", "expected a list"),
    ],
)
def test_a_file_with_impossible_goals_is_refused(tmp_path: Path, goals: str, message: str) -> None:
    database = Database(str(tmp_path / "one.db"), create=True)
    filled(database)
    path = tmp_path / "verdicts.jsonl"
    services.exports.export(database, "verdicts", path, benchmark="bench")
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join((json.dumps(json.loads(first) | {"verdict_goals": goals}), *rest)))
    other = Database(str(tmp_path / "other.db"), create=True)
    with pytest.raises(InputError, match=message):
        services.imports.import_file(other, path, benchmark="bench")
