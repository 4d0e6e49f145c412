"""The benchmark that an audit has of its own, and a judge that is asked there."""

from contextlib import closing
from sqlite3 import connect

import pytest

from judgebench import store
from judgebench.errors import InputError
from judgebench.records import Instruction
from judgebench.services.audits.registry import Asking
from judgebench.services.audits.stage import (
    Stage,
    StageJudge,
    answered_by_all,
    choose_baseline,
    drawn,
    set_stage,
    stage_key,
)
from judgebench.spec import JudgeSpec
from judgebench.store.database import Database
from tests.audits import judges
from tests.cli.conftest import Invoke
from tests.filling import submitted
from tests.services.audits.conftest import GOOD, audit, store_outputs

QUESTIONS = [Instruction((f"What is {number}?",)) for number in range(4)]
COIN = JudgeSpec(model="scripted:coin")


def texts(text: str) -> dict[str, str]:
    return {question.key: f"{text} {number}" for number, question in enumerate(QUESTIONS)}


def entered(database: Database) -> Stage:
    return set_stage(database, "quiz", stage_key("k"), QUESTIONS, {"one": texts("one"), "two": texts("two")})


def test_a_stage_is_a_benchmark_that_no_list_shows_and_setting_it_again_adds_nothing(database: Database) -> None:
    stage = entered(database)
    assert stage == entered(database)
    assert (stage.name, stage.key) == (f"audit:quiz/{stage_key('k')}", stage_key("k"))
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, stage.name)
        assert store.benchmarks.benchmark_names(connection) == []
        assert store.benchmarks.instructions(connection, benchmark_id) == QUESTIONS
        assert store.benchmarks.model_names(connection, benchmark_id) == ["one", "two"]


def test_a_judge_is_asked_once_and_its_preferences_are_seen_from_either_side(database: Database) -> None:
    stage = entered(database)
    judge = StageJudge.of(database, COIN, 4, Asking({}))
    judge.ask(stage, pairs=[("two", "one")], limit=3)
    first = judge.preferences(stage)
    judge.ask(stage, pairs=[("two", "one")])
    preferences = judge.preferences(stage)
    assert len(first["one", "two"]) == 3
    assert preferences["one", "two"].keys() == {question.key for question in QUESTIONS}
    for key, preference in preferences["one", "two"].items():
        assert preferences["two", "one"][key] == 1.0 - preference
        assert first["one", "two"].get(key, preference) == preference
    assert judge.win_rates(stage.name, "one")["two"] == pytest.approx(
        sum(preferences["two", "one"].values()) / len(QUESTIONS)
    )


def test_a_pointwise_judge_is_refused_where_outputs_are_compared(database: Database) -> None:
    spec = JudgeSpec(model="scripted:coin", template="pointwise/mt-bench")
    with pytest.raises(InputError, match="is pointwise: take another"):
        StageJudge.of(database, spec, 1, Asking({})).check_pairwise("take another")


def test_drawing_is_the_same_for_the_same_seed() -> None:
    assert drawn(range(50), 7) == drawn(range(50), 7) != drawn(range(50), 8)
    assert drawn(range(50), 7, 5) == drawn(range(50), 7)[:5]


def test_instructions_that_all_have_answered_and_the_model_that_others_meet(database: Database) -> None:
    submitted(database, QUESTIONS[:3], ["half"], lambda model, number: f"{model} {number}", benchmark="quiz")
    submitted(database, QUESTIONS, ["whole"], lambda model, number: f"{model} {number}", benchmark="quiz")
    rows = answered_by_all(database, "quiz", ["half", "whole"])
    assert {row.instruction.key for row in rows} == {question.key for question in QUESTIONS[:3]}
    assert [row.instruction.key for row in rows] == sorted(row.instruction.key for row in rows)
    assert choose_baseline(database, "quiz")[0] == "whole"
    entered(database)
    with database.write() as connection:
        store.benchmarks.add_benchmark(connection, "bare")
    with pytest.raises(InputError, match="no outputs that null models could meet"):
        choose_baseline(database, "bare")


@pytest.mark.slow
def test_golden_names_of_stages_stay_so_that_an_audit_begun_by_an_older_version_continues(invoke: Invoke) -> None:
    """As version 0.1.0 called them."""
    store_outputs(60, {"good": GOOD, "other": "I do not know."})
    audit(invoke, judges.honest, "null-models", "--baseline", "good", "--defences", "--defence", "sandwich")
    audit(invoke, judges.attentive, "robustness", "--model", "good", "--opponent", "other", "--limit", "20")
    audit(invoke, judges.honest, "submissions", "--permuted", "20", "--baseline", "good")
    with closing(connect("judgebench.db")) as stored:
        names = {name for (name,) in stored.execute("select name from benchmarks")}
    assert names - {"quiz"} == {
        "audit:quiz/fd50f027",
        "audit:quiz/fd50f027/honest-193ad5f4",
        "audit:quiz/df944f55",
        "audit:quiz/permuted-751a318f",
    }
