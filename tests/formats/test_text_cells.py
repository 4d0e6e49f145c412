"""JSON in the cells of tables is read as what it is, or refused; nothing is glued."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.human_labels import read_label_file
from judgebench.formats.outputs import read_instructions, read_outputs
from judgebench.formats.reading import FileRow, Place
from judgebench.formats.text_cells import with_lists
from tests.formats.writing import write_rows


def row(*, texts_only: bool = True, **values: Any) -> FileRow:
    return FileRow(Place("a.csv", "line", 2), values, texts_only=texts_only)


def lists(given: FileRow) -> dict[str, Any]:
    return with_lists(given, "q", [name for name in given.values if name.startswith("o")], ["c"]).values


def test_turns_and_replies_are_lists_together() -> None:
    assert lists(row(q='["a", "b"]', o='["x", "y"]', c='["d?"]')) == {"q": ["a", "b"], "o": ["x", "y"], "c": ["d?"]}
    assert lists(row(q='["a"]', o1='["x"]', o2="", c="e?")) == {"q": ["a"], "o1": ["x"], "o2": "", "c": "e?"}


@pytest.mark.parametrize(
    "values", [{"q": "a list", "o": '["x", "y"]'}, {"q": "[1]", "o": "x"}, {"q": "[x]", "o": "['y']"}]
)
def test_a_text_that_begins_with_a_bracket_stays_one(values: dict[str, str]) -> None:
    assert lists(row(**values, c="")) == {**values, "c": ""}


def test_where_texts_are_texts_only_lists_on_both_sides_are_turns() -> None:
    assert lists(row(texts_only=False, q='["a"]', o="x", c='["d?"]')) == {"q": '["a"]', "o": "x", "c": '["d?"]'}
    assert lists(row(texts_only=False, q='["a"]', o='["x"]', c=None)) == {"q": ["a"], "o": ["x"], "c": None}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"q": '["a", "b"]', "o": "x"}, "field 'o': expected a JSON list of 2 texts, one a turn, as 'q' holds one"),
        ({"q": '["a", "b"]', "o": '["x"]'}, "field 'o': expected a JSON list of 2"),
        ({"q": "['a', 'b']", "o": "x"}, "field 'q': holds a list as Python prints it"),
        ({"q": "[{'role': 'user'}]", "o": "x"}, "field 'q': holds a list as Python prints it"),
        ({"q": "a", "o": "[{'role': 'assistant'}]"}, "field 'o': holds a list as Python prints it"),
    ],
)
def test_what_cannot_be_told_is_refused(values: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=f"a.csv, line 2, {words}"):
        lists(row(**values, c=""))


def test_every_reader_reads_turns_in_cells(tmp_path: Path) -> None:
    asked = {"prompt": '["q", "r"]'}
    path = write_rows(
        tmp_path / "a.csv", [{**asked, "response_a": '["x", "y"]', "response_b": '["s", "t"]', "winner": "A"}]
    )
    (label,) = read_label_file(path).rows
    assert label.instruction.turns == ("q", "r")
    assert label.first.output is not None
    assert (*label.first.output.earlier, label.first.output.text) == ("x", "y")
    path = write_rows(tmp_path / "b.tsv", [{**asked, "output": '["x", "y"]', "model": "m"}])
    assert read_outputs(path).outputs[0].output.earlier == ("x",)
    path = write_rows(tmp_path / "c.csv", [{**asked, "checklist": '["d?"]', "reference": "z"}])
    instruction = read_instructions(path).items[0].instruction
    assert (instruction.turns, instruction.checklist, instruction.reference) == (("q", "r"), ("d?",), "z")


def test_lists_of_alternatives_are_no_text(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"prompt": "q", "chosen": ["4"], "rejected": ["5", "6"]}])
    with pytest.raises(InputError, match="field 'rejected': holds 2 outputs"):
        read_label_file(path)
    path = write_rows(tmp_path / "b.jsonl", [{"prompt": "q", "reference": ["4", "four"]}])
    reference = read_instructions(path).items[0].instruction.reference
    assert reference == "Each of these 2 answers is right by itself.\n\n(1) 4\n\n(2) four"
