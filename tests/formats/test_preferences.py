"""Preference data: what both conversations share was asked, wherever the prompt stands."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.errors import InputError
from judgebench.formats.human_labels import LabelRow
from judgebench.formats.preferences import read_preferences
from judgebench.formats.registry import recognise
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows


def said(*texts: str, first: str = "user") -> list[dict[str, str]]:
    roles = ("user", "assistant") if first == "user" else ("assistant", "user")
    return [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]


def read_one(tmp_path: Path, row: dict[str, Any], name: str = "p.jsonl") -> LabelRow:
    path = write_rows(tmp_path / name, [row])
    assert recognise(path).name == "preferences"
    [label] = read_preferences(path).rows
    assert label.preference == 1.0
    return label


def told(label: LabelRow) -> tuple[tuple[str, ...], str, str]:
    assert label.first.output is not None
    assert label.second.output is not None
    return label.instruction.turns, label.first.output.text, label.second.output.text


WHOLE = {"chosen": said("Two?", "2"), "rejected": said("Two?", "5")}
REPLIES = {"chosen": said("2", first="assistant"), "rejected": said("5", first="assistant")}


@pytest.mark.slow
@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Two?", "chosen": "2", "rejected": "5"},
        {"prompt": said("Two?"), **REPLIES},
        {"prompt": "Two?", **REPLIES},
        WHOLE,
        {"prompt": "Two?", **WHOLE, "score_chosen": 9.0, "score_rejected": 1.0},
        {"chosen": "\n\nHuman: Two?\n\nAssistant: 2", "rejected": "\n\nHuman: Two?\n\nAssistant: 5"},
    ],
)
def test_the_same_pair_in_every_layout(tmp_path: Path, row: dict[str, Any]) -> None:
    label = read_one(tmp_path, row)
    assert told(label) == (("Two?",), "2", "5")
    assert (
        label.instruction.key == read_one(tmp_path, {"prompt": "Two?", "chosen": "2", "rejected": "5"}).instruction.key
    )
    cells = {name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()}
    assert told(read_one(tmp_path, cells, "p.csv")) == (("Two?",), "2", "5")
    assert told(read_one(tmp_path, row, "p.parquet")) == (("Two?",), "2", "5")


def test_replies_that_both_share_were_given(tmp_path: Path) -> None:
    label = read_one(tmp_path, {"chosen": said("a", "b", "c", "d"), "rejected": said("a", "b", "c", "e")})
    assert told(label) == (("a", "c"), "d", "e")
    assert [message.text for message in label.instruction.conversation.messages] == ["a", "b", "c"]


def test_a_system_message_beside_the_question_is_asked(tmp_path: Path) -> None:
    label = read_one(tmp_path, {"system": "Be brief.", "question": "Two?", "chosen": "2", "rejected": "5"})
    assert told(label) == (("Two?",), "2", "5")
    assert [message.text for message in label.instruction.conversation.messages] == ["Be brief.", "Two?"]
    whole = read_one(tmp_path, {"system": "Be brief.", **WHOLE})
    assert whole.instruction.key == label.instruction.key
    empty = read_one(tmp_path, {"system": "", "question": "Two?", "chosen": "2", "rejected": "5"})
    assert empty.instruction.plain


def test_pairs_whose_sides_were_asked_different_things_are_counted(tmp_path: Path) -> None:
    apart = [
        {"chosen": said("a", "b"), "rejected": said("a", "x", "c", "e")},
        {"chosen": said("Two?", "2"), "rejected": said("Three?", "5")},
        {"chosen": said("a"), "rejected": said("a")},
    ]
    file = read_preferences(write_rows(tmp_path / "p.jsonl", [WHOLE, *apart]))
    assert (len(file.rows), file.unkept) == (1, {"pairs whose sides were asked different things": 3})
    with pytest.raises(InputError, match="holds no pair to compare: pairs whose sides were asked different things"):
        read_preferences(write_rows(tmp_path / "p.jsonl", apart))


def test_margins_are_named_as_not_read_and_names_of_models_are_kept(tmp_path: Path) -> None:
    row = {"prompt": "q", "chosen": "x", "rejected": "y", "margin": 2.0, "chosen_model": "m", "rejected_model": "n"}
    path = write_rows(tmp_path / "p.jsonl", [row])
    file = read_preferences(path)
    assert (file.unread, file.rows[0].first.model, file.rows[0].second.model) == (("margin",), "m", "n")
    database = Database(str(tmp_path / "a.db"), create=True)
    report = import_file(database, path, benchmark="b")
    assert (report.format, report.new, report.annotators, report.unread) == ("preferences", 1, ("p",), ("margin",))
    [label] = services.labels.human_labels(database, "b")
    assert (label.model_a, label.preference) == ("m", 1.0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "q", "chosen": ["x", "y"], "rejected": "z"}, "holds a list of 2 texts"),
        ({"prompt": "other", **WHOLE}, "is none of the messages"),
        ({"chosen": "2", "rejected": "5"}, "'prompt': is missing"),
        ({"prompt": "q", "chosen": None, "rejected": "5"}, "'chosen'"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_preferences(write_rows(tmp_path / "p.json", [row]))
    assert "p.json, row 1" in str(error.value)


@pytest.mark.parametrize(("name", "turns"), [("instruction", ("Translate.\nHallo",)), ("prompt", ("Translate.",))])
def test_what_alpaca_puts_beside_an_instruction_belongs_to_it(
    tmp_path: Path, name: str, turns: tuple[str, ...]
) -> None:
    row = {name: "Translate.", "input": "Hallo", "chosen": "Hello", "rejected": "Bye"}
    file = read_preferences(write_rows(tmp_path / "p.jsonl", [row, row | {"input": "Welt", "chosen": "World"}]))
    assert told(next(iter(file.rows))) == (turns, "Hello", "Bye")
    assert len({label.instruction.key for label in file.rows}) == (2 if name == "instruction" else 1)
    assert file.unread == (() if name == "instruction" else ("input",))


def test_a_system_message_and_earlier_turns_stand_before_an_instruction(tmp_path: Path) -> None:
    label = read_one(
        tmp_path,
        {"instruction": "And?", "system": "Be brief.", "history": [["A?", "B."]], "chosen": "C", "rejected": "D"},
    )
    messages = label.instruction.conversation.messages
    assert [(message.role, message.text) for message in messages] == [
        ("system", "Be brief."),
        ("user", "A?"),
        ("assistant", "B."),
        ("user", "And?"),
    ]
