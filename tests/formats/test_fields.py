"""Which column holds what: usual names, chosen names, and what a cell may be."""

from typing import Any

import pytest

from judgebench.errors import InputError, UnknownName
from judgebench.formats import Sample
from judgebench.formats.fields import (
    USUAL_NAMES,
    Columns,
    holds_answers,
    holds_more,
    holds_sides,
    matched_replies,
    read_instruction,
    read_label,
    read_replies,
)
from judgebench.formats.reading import FileRow, Place
from judgebench.records import Instruction

TALK = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


def row(**values: Any) -> FileRow:
    return FileRow(Place("a.json", "row", 1), values)


def sample(**values: Any) -> Sample:
    return Sample(".json", (values,), tuple(values))


def test_the_first_usual_name_counts_and_a_chosen_one_before_it() -> None:
    values = row(Prompt="no", instruction="yes", frage="chosen")
    assert Columns({}).find("instruction", values) == "instruction"
    chosen = Columns({"instruction": "frage"})
    assert (chosen.find("instruction", values), chosen.used) == ("frage", {"instruction": "frage"})
    assert Columns({}).find("output", values) is None


def test_fields_and_columns_that_are_none_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'instruction'"):
        Columns({"instrction": "frage"})
    columns = Columns({"instruction": "frgae"})
    with pytest.raises(UnknownName, match="did you mean 'frage'"):
        columns.require("instruction", row(frage="x"))
    with pytest.raises(UnknownName, match="did you mean 'frage'"):
        columns.check_chosen("a.json")
    with pytest.raises(InputError, match="--map output=COLUMN"):
        Columns({}).require("output", row(x=1))


def test_an_instruction_with_all_that_is_known_about_it() -> None:
    values = row(turns=["a", "b"], category=3, reference=["r", "s"], checklist=["c?"])
    assert read_instruction(values, Columns({})) == Instruction(("a", "b"), "3", "r\n\ns", ("c?",))
    empty = row(turns="a", category="", reference="", checklist="")
    assert read_instruction(empty, Columns({})) == Instruction(("a",))


def test_replies_stand_in_their_column_or_in_the_conversation() -> None:
    assert read_replies(row(messages=TALK, output=["x", "y"]), Columns({})) == ("x", "y")
    assert read_replies(row(messages=TALK), Columns({})) == ("a",)
    with pytest.raises(InputError, match="'output'"):
        read_replies(row(messages=TALK[:1]), Columns({}))


def test_replies_that_are_not_one_a_turn_are_one_text() -> None:
    assert matched_replies(Instruction(("a", "b")), ("x", "y")) == ("x", "y")
    assert matched_replies(Instruction(("a",)), ("x", "y")) == ["x\n\ny"]


@pytest.mark.parametrize(("value", "label"), [(5, "5"), (" x ", "x"), ("", None), (None, None)])
def test_a_label_is_text_or_absent(value: Any, label: str | None) -> None:
    assert read_label(row(id=value), "id", Columns({})) == label


def test_what_a_sample_holds() -> None:
    assert holds_answers(sample(prompt="q", response="a"))
    assert holds_answers(sample(conversation=TALK))
    assert not holds_answers(sample(conversation=TALK[:1], other=TALK))
    assert holds_sides(sample(response_a="x", response_b="y"))
    assert holds_sides(sample(model_1="x", model_2="y"))
    assert not holds_sides(sample(response_a="x", model_b="y"))
    assert holds_more(sample(instruction="q", completions=[{"text": "a"}]))
    assert not holds_more(sample(turns=["q"], checklist=["c?"], cluster="x"))
    assert {"instruction", "output"} <= USUAL_NAMES.keys()
