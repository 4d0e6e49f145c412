"""Cells of tables hold messages as JSON texts; texts that only look like them stay texts."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats import registry
from judgebench.formats.outputs import InstructionsFile, OutputsFile, gather_outputs, read_outputs
from judgebench.formats.reading import FRAME_NAME, FileRow, Place
from tests.formats.writing import write_rows

ASKED = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
TALK = [*ASKED, {"role": "assistant", "content": "Hello."}]
SPOKEN = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."}]
GEMINI = [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Hello."}]}]
WHOLE = [("messages", TALK), ("conversations", SPOKEN), ("contents", GEMINI), ("conversation", TALK), ("input", TALK)]
ENDINGS = ["csv", "parquet", "jsonl", "json.gz"]


def same(path: Path, rows: list[dict[str, Any]]) -> OutputsFile:
    """The file of rows with cells as JSON, which holds the same as one with lists."""
    as_texts = [{name: json.dumps(v) if isinstance(v, list) else v for name, v in row.items()} for row in rows]
    read = registry.read(write_rows(path, as_texts), registry.recognise(path))
    lists = read_outputs(write_rows(path.parent / "lists.jsonl", rows))
    assert isinstance(read, OutputsFile)
    assert [(row.instruction, row.output) for row in read.outputs] == [
        (row.instruction, row.output) for row in lists.outputs
    ]
    return read


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("column", "talk"), WHOLE)
def test_a_conversation_in_a_text_is_one(tmp_path: Path, ending: str, column: str, talk: list[Any]) -> None:
    read = same(tmp_path / f"a.{ending}", [{column: talk, "model": "m"}])
    assert (read.outputs[0].output.text, read.outputs[0].instruction.turns) == ("Hello.", ("Hi",))


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("column", ["messages", "prompt", "input", "conversation", "Prompt"])
def test_a_prompt_in_a_text_is_one(tmp_path: Path, ending: str, column: str) -> None:
    rows: list[dict[str, Any]] = [{column: ASKED, "output": "Hello.", "model": "m"}]
    assert same(tmp_path / f"a.{ending}", rows).outputs[0].instruction.full is not None
    rows[0]["output"] = [{"role": "assistant", "content": "Hello."}]
    assert same(tmp_path / f"b.{ending}", rows).outputs[0].output.text == "Hello."


def test_instructions_and_mapped_columns_too(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.csv", [{"messages": json.dumps(ASKED)}])
    read = registry.read(path, registry.recognise(path))
    assert isinstance(read, InstructionsFile)
    assert read.items[0].instruction.turns == ("Hi",)
    path = write_rows(tmp_path / "b.csv", [{"talk": json.dumps(TALK), "model": "m"}])
    assert read_outputs(path, columns={"instruction": "talk"}).outputs[0].output.text == "Hello."
    row = FileRow(Place(FRAME_NAME, "row", 1), {"messages": json.dumps(TALK), "model": "m"})
    assert gather_outputs([row], FRAME_NAME).outputs[0].output.text == "Hello."


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2]: sum?",
        "[1, 2]",
        "[]",
        '[{"role": "admin", "id": 3}]',
        '[{"from": "a", "to": "b"}]',
        '["Hi"]',
        "[{",
        "[" * 9999,
        '[{"role": "user", "content": "Hi"}, "x"]',
    ],
)
@pytest.mark.parametrize("column", ["prompt", "input", "instruction"])
def test_texts_that_begin_with_a_bracket_stay_texts(tmp_path: Path, column: str, text: str) -> None:
    path = write_rows(tmp_path / "a.csv", [{column: text, "output": json.dumps(TALK), "model": "m"}])
    [row] = read_outputs(path).outputs
    assert (row.instruction.turns, row.output.text) == ((text,), json.dumps(TALK))


@pytest.mark.parametrize("cell", ["Hi", "", "[1]", '{"messages": []}', "[{"])
@pytest.mark.parametrize("beside", [{}, {"output": "x"}])
def test_messages_that_are_none_are_refused(tmp_path: Path, cell: str, beside: dict[str, str]) -> None:
    path = write_rows(tmp_path / "a.csv", [{"messages": cell, "model": "m"} | beside])
    with pytest.raises(InputError, match=r"a\.csv, line 2, field 'messages': expected a JSON list of messages"):
        read_outputs(path)
