"""Exports for other tools: which pairs go, and what is counted as left out."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.errors import InputError, UnknownName
from judgebench.records import HumanLabel, Instruction, Order, Output
from judgebench.services.exports import export, rows
from judgebench.services.imports import import_file
from judgebench.services.parts import PairChoice
from judgebench.services.scope import Scope
from judgebench.services.submissions import add_read
from judgebench.store.database import Database
from tests.factories import failed, instruction, ok, result, trial
from tests.filling import judging, submitted

BATTLES = {0: (1.0, 0.75), 1: (0.0, 1.0), 2: (0.5, 0.5), 3: (0.25, None)}  # instruction -> for alpha, in both orders


@pytest.fixture
def judged(tmp_path: Path) -> Database:
    """Alpha against beta in both orders, and gamma against alpha once."""
    database = Database(str(tmp_path / "judgebench.db"), create=True)
    asked = [instruction(number, "c0") for number in range(4)]
    submitted(database, asked, ("alpha", "beta", "gamma"), lambda model, number: f"{model} says {number}")
    writer = judging(database)
    results = [
        result(trial(number, order), failed() if preference is None else ok(preference))
        for number, both in BATTLES.items()
        for order, preference in zip(Order, both, strict=True)
    ]
    results.append(result(trial(0, b="gamma"), ok(0.0)))
    with database.write() as connection:
        writer.add(connection, results)
    return database


def test_annotations_are_of_battles_with_the_baseline(judged: Database, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    done = export(judged, "alpaca-eval", path, benchmark="bench")  # alpha met all
    written = json.loads(path.read_text())
    assert [row["preference"] for row in written] == [1.125, 2.0, 1.5, 1.5, 1.75]
    assert {row["generator_1"] for row in written} == {"alpha"}
    assert done.left_out == {"replies where several verdicts are one row": 8}
    other = export(judged, "alpaca-eval", path, benchmark="bench", choice=PairChoice(baseline="gamma"))
    assert (other.rows, other.left_out) == (1, {"battles without the baseline": 4})
    one = export(judged, "alpaca-eval", path, benchmark="bench", models=["gamma"])
    assert (one.rows, one.left_out) == (1, {})
    assert import_file(Database(str(tmp_path / "b.db"), create=True), path, benchmark="b").new == 1


def test_a_baseline_is_one_that_was_judged(judged: Database, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'gamma'"):
        list(rows(judged, "alpaca-eval", benchmark="bench", choice=PairChoice(baseline="gama")))
    writer = judging(judged)
    with judged.write() as connection:
        writer.add(connection, [result(trial(1, a="beta", b="gamma"), ok(1.0))])
    with pytest.raises(InputError, match="name one by --baseline"):
        export(judged, "alpaca-eval", tmp_path / "a.json", benchmark="bench")
    assert not (tmp_path / "a.json").exists()


def test_battles_are_rows_with_one_of_three_words(judged: Database, tmp_path: Path) -> None:
    done = export(judged, "arena-rank", tmp_path / "a.csv", benchmark="bench")
    assert (done.rows, done.left_out) == (8, {"verdicts without a preference": 1})
    table = list(rows(judged, "arena-rank", benchmark="bench", models=["gamma"]))
    assert [(row["model_a"], row["model_b"], row["winner"]) for row in table] == [("alpha", "gamma", "model_b")]


@pytest.mark.parametrize(
    ("choice", "margins", "left_out"),
    [
        (PairChoice(), [0.75, 1.0, 0.5], {"ties": 2}),
        (PairChoice(min_margin=0.6), [0.75, 1.0], {"ties": 2, "pairs below the least margin": 1}),
        (PairChoice(both_orders=True), [0.75], {"ties": 2, "pairs without the same winner in both orders": 2}),
        (PairChoice(min_confidence=0.5), [], {"ties": 2, "pairs whose confidence is not known": 3}),
    ],
)
def test_preference_data_are_what_passes_every_filter(
    judged: Database, tmp_path: Path, choice: PairChoice, margins: list[float], left_out: dict[str, int]
) -> None:
    path = tmp_path / "p.jsonl"
    done = export(judged, "preferences", path, benchmark="bench", choice=choice)
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert ([row["margin"] for row in written], done.left_out) == (margins, left_out)
    assert not any("rationale" in row for row in written)


def test_the_reply_goes_where_it_is_asked_for(judged: Database) -> None:
    first = next(rows(judged, "preferences", benchmark="bench", choice=PairChoice(rationale=True)))
    assert first["rationale"] == "A"


def test_people_say_which_output_is_better(judged: Database) -> None:
    key = instruction(0).key
    given = [HumanLabel(f"ann {n}", key, "alpha", "beta", value, False, None, "app", "2026-01-01T00:00:00+00:00")
             for n, value in enumerate((1.0, 1.0, 0.0))]  # fmt: skip
    services.labels.add_labels(judged, "bench", given)
    choice = PairChoice(pairs_from="labels", min_confidence=0.6)
    (row,) = rows(judged, "preferences", benchmark="bench", choice=choice)
    assert (row["chosen_model"], row["judge"], row["trials"]) == ("alpha", None, 3)
    assert row["confidence"] == pytest.approx(2 / 3)
    table = list(rows(judged, "arena-rank", benchmark="bench", choice=PairChoice(pairs_from="labels")))
    assert [(row["judge"], row["winner"]) for row in table] == [
        *(("ann 0", "model_a"), ("ann 1", "model_a"), ("ann 2", "model_b"))
    ]


def test_what_has_several_turns_has_no_place_with_alpaca_eval(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "judgebench.db"), create=True)
    asked = Instruction(("q", "r"))
    submitted(database, [instruction(0)], ["alpha"], lambda model, _: model)
    with database.write() as connection:
        add_read(connection, "bench", [(asked, Output(asked.key, "alpha", "b", ("a",)))])
    done = export(database, "alpaca-eval-outputs", tmp_path / "o.json", benchmark="bench")
    assert (done.rows, list(done.left_out.values())) == (1, [1])


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("verdicts", {"choice": PairChoice(baseline="alpha")}, "--baseline is for alpaca-eval"),
        ("arena-rank", {"choice": PairChoice(min_margin=0.5)}, "--min-margin is for preferences"),
        ("alpaca-eval", {"choice": PairChoice(pairs_from="labels")}, "--from is for arena-rank and preferences"),
        ("preferences", {"choice": PairChoice(pairs_from="labels"), "scope": Scope(("judge",))}, "labels are by no"),
        ("verdicts", {"models": ["alpha"]}, "leave --model"),
    ],
)
def test_what_a_kind_cannot_take_is_refused(judged: Database, kind: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(rows(judged, kind, benchmark="bench", **more))
