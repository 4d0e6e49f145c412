"""VISCO: the question with its image, and the whole response; what is said of steps is counted."""

import base64
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.registry import recognise
from judgebench.formats.visco import read_visco
from tests.formats.writing import write_rows

IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(30)
ROW: dict[str, Any] = {
    **{
        "id": "test1||5",
        "question": "Where is the centre?",
        "image": base64.b64encode(IMAGE).decode(),
        "label": "(0, 0)",
    },
    "response": {"reasoning": ["Look.", "It is right."], "answer": "(2, 0)"},
    **{"answer_correctness": False, "reasoning_correctness": [True, False], "reasoning_critic": [[""], ["No."]]},
    "meta_data": {"model": "llava", "source": "MathVista"},
}


def test_question_image_and_response_are_kept(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "test.jsonl", [ROW])
    assert recognise(path).name == "visco"
    file = read_visco(path)
    [row] = file.outputs
    assert (row.instruction.turns, row.instruction.reference) == (("Where is the centre?",), "(0, 0)")
    assert (row.output.text, row.model) == ("Look.\nIt is right.\n(2, 0)", "llava")
    assert [blob.data for blob in file.blobs.values()] == [IMAGE]
    assert file.unkept == {
        "labels of steps": 2,
        "critiques of steps": 2,
        "judgments of an answer, which compare nothing": 1,
    }


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for changes, field in (({"image": None}, "image"), ({"response": "x"}, "response"), ({"question": 1}, "question")):
        with pytest.raises(InputError, match=f"line 1, field '{field}'"):
            read_visco(write_rows(tmp_path / "v.jsonl", [ROW | changes]))
