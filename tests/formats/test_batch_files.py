"""Batch files: questions as servers read them, and whatever results came back."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.batch_files import BatchFile, BatchResult, digest_of, first_id, question_line, read_results
from judgebench.records import PromptMessage


def test_a_question_is_one_line_and_the_file_knows_its_size_and_digest(tmp_path: Path) -> None:
    line = question_line("jb-1", "gpt", [PromptMessage("user", "Two\nlines?")], {"temperature": 0})
    assert line.count(b"\n") == 1
    assert json.loads(line)["body"] == {
        "model": "gpt",
        "messages": [{"role": "user", "content": "Two\nlines?"}],
        "temperature": 0,
    }
    stream = BytesIO()
    file = BatchFile(stream)
    file.add(line)
    file.add(line)
    path = tmp_path / "b.jsonl"
    path.write_bytes(stream.getvalue())
    assert (file.size, file.lines, file.digest) == (2 * len(line), 2, hashlib.sha256(2 * line).hexdigest())
    assert (digest_of(path), first_id(path)) == (file.digest, "jb-1")


@pytest.mark.parametrize("content", ["", "x", "[]", "{}", "[" * 100_000])
def test_what_is_no_batch_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "b.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match="not a batch file"):
        first_id(path)
    for read in (first_id, lambda missing: list(read_results(missing))):
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("row", "result"),
    [
        ({"response": {"status_code": 200, "body": {"x": 1}}}, BatchResult("q", {"x": 1})),
        ({"response": {"body": 1}}, BatchResult("q", 1)),
        ({"error": {"code": "batch_expired", "message": "late"}}, BatchResult("q", error="late", asked=False)),
        ({"error": {"error": {"message": "a  b"}}}, BatchResult("q", error="a b")),
        ({"error": "broken"}, BatchResult("q", error="broken")),
        (
            {"response": {"status_code": 500, "body": {"message": "oops"}}},
            BatchResult("q", error="the server answered 500: oops"),
        ),
        ({"response": None}, None),
        ({"custom_id": 5}, None),
    ],
)
def test_results_in_whichever_shape(tmp_path: Path, row: dict[str, Any], result: BatchResult | None) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps({"custom_id": "q"} | row) + '\n\n{"custom_id": "cut')
    assert list(read_results(path)) == [result, None]
