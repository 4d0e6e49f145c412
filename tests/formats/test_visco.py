"""VISCO: the question with its image, and the whole response; and what is said of each step."""

import base64
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.registry import recognise
from judgebench.formats.visco import read_visco
from tests.formats.writing import write_rows
from tests.pictures import png

IMAGE = png()
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
    assert file.unkept == {}
    [marks] = row.output.marks
    assert [(row.output.text[span.start : span.stop], span.rating, span.reason) for span in marks.spans] == [
        ("Look.\n", "good", None),
        ("It is right.\n", "bad", "No."),
        ("(2, 0)", "bad", None),
    ]


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for changes, field in (({"image": None}, "image"), ({"response": "x"}, "response"), ({"question": 1}, "question")):
        with pytest.raises(InputError, match=f"line 1, field '{field}'"):
            read_visco(write_rows(tmp_path / "v.jsonl", [ROW | changes]))


@pytest.mark.parametrize("rated", [True, False, None])
def test_a_response_without_an_answer_is_its_reasoning_and_counted(tmp_path: Path, rated: bool | None) -> None:
    silent = ROW | {"response": ROW["response"] | {"answer": None}, "answer_correctness": rated, "id": "test2"}
    file = read_visco(write_rows(tmp_path / "v.jsonl", [ROW, silent]))
    assert [row.output.text for row in file.outputs] == ["Look.\nIt is right.\n(2, 0)", "Look.\nIt is right."]
    [marks] = file.outputs[1].output.marks
    assert [span.rating for span in marks.spans] == ["good", "bad"]
    assert [number for words, number in file.unkept.items() if "answers that are missing" in words] == [1]
    bare = silent | {"response": {"answer": "(2, 0)"}, "reasoning_correctness": None, "reasoning_critic": None}
    assert [row.output.text for row in read_visco(write_rows(tmp_path / "b.jsonl", [bare])).outputs] == ["(2, 0)"]
    with pytest.raises(InputError, match="line 1, field 'response': has neither reasoning nor an answer"):
        read_visco(write_rows(tmp_path / "n.jsonl", [bare | {"response": {"answer": None}}]))
