"""Pairs with a key: names that tell a model's several outputs apart, and what of a file was not read."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.pairs import PairReader, named
from judgebench.formats.reading import FileRow, Place


def row(**values: Any) -> FileRow:
    return FileRow(Place("a.jsonl", "line", 1), values)


def test_a_models_further_outputs_to_an_instruction_have_numbers() -> None:
    pairs, at = PairReader("a.jsonl"), row()
    question = pairs.instruction(at, "q", {"id": "7"})
    texts = ["x", "y", "x", "z"]
    sides = [pairs.side("m", pairs.text(at, "chosen", text, question), "chosen") for text in texts]
    assert [side.model for side in sides] == ["m", "m (2)", "m", "m (3)"]
    beside = pairs.side("m", pairs.text(at, "rejected", "x", question), "rejected", beside=sides[0])
    assert beside.model == "m (4)"
    other = pairs.instruction(at, "another")
    assert pairs.side("m", pairs.text(at, "chosen", "w", other), "chosen").model == "m"
    assert pairs.side(None, pairs.text(at, "chosen", "w", other), "chosen").model is None


def test_what_was_not_read_is_told() -> None:
    pairs = PairReader("a.jsonl", "ann")
    at = pairs.note(row(prompt="q", chosen="x", margin=1))
    first = pairs.instruction(at, "q", {"category": "c"})
    pairs.instruction(at, "q", {"category": "d"})
    one, two = (pairs.side(None, pairs.text(at, name, name, first), name) for name in ("chosen", "rejected"))
    pairs.add(at, first, one, two)
    file = pairs.file({}, ("prompt", "chosen"), {"step labels": 2, "images": 0})
    assert (file.unread, file.rows[0].annotator, file.rows[0].preference) == (("margin",), "ann", 1.0)
    assert file.unkept == {"rows with another category of their instruction": 1, "step labels": 2}


@pytest.mark.parametrize("value", [["x", "y"], ["x"], [["x"], ["y"]], 3, None])
def test_lists_of_alternatives_are_never_one_output(value: Any) -> None:
    pairs, at = PairReader("a.jsonl"), row()
    with pytest.raises(InputError, match=r"a\.jsonl, line 1, field 'chosen'"):
        pairs.output(at, "chosen", value, pairs.instruction(at, "q"))


def test_names_may_be_numbers_or_missing(tmp_path: Path) -> None:
    assert [named(row(id=value), "id") for value in (7, " a ", "", None)] == ["7", "a", None, None]
    with pytest.raises(InputError, match="expected text, found a list"):
        named(row(id=["a"]), "id")
