"""Logs of OpenAI evals: events of sampling are exchanges, matches tell what was expected."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.openai_evals import read_openai_evals
from judgebench.formats.registry import recognise
from tests.formats.writing import write_rows

SPEC: dict[str, Any] = {"spec": {"completion_fns": ["gpt-4"], "eval_name": "x", "run_id": "1"}}
HI = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}]


def event(kind: str, sample: str = "s.0", **data: Any) -> dict[str, Any]:
    return {"run_id": "1", "event_id": 0, "sample_id": sample, "type": kind, "data": data, "created_by": ""}


SAMPLED = event("sampling", prompt=HI, sampled=["hello"])
MATCH = event("match", correct=True, expected="hello", picked="hello")


def test_sampled_texts_are_outputs(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "log.jsonl", [SPEC, SAMPLED, MATCH, {"final_report": {"accuracy": 1}}])
    assert recognise(path).name == "openai-evals"
    file = read_openai_evals(path)
    [row] = file.outputs
    assert (row.instruction.turns, row.output.text, row.model) == (("hi",), "hello", "gpt-4")
    assert (row.instruction.reference, len(row.instruction.conversation.messages)) == ("hello", 2)
    assert file.unkept == {"events of the type match": 1, "final reports": 1}


def test_several_sampled_texts_are_samples_and_expected_alternatives_no_reference(tmp_path: Path) -> None:
    rows = [SPEC, event("sampling", prompt="hi", sampled=["a", "b"]), event("match", expected=["a", "b"])]
    file = read_openai_evals(write_rows(tmp_path / "log.jsonl", rows))
    assert [(row.output.sample, row.output.text) for row in file.outputs] == [(0, "a"), (1, "b")]
    assert file.outputs[0].instruction.reference is None
    assert file.unkept["expected answers that are several alternatives"] == 1


def test_a_graders_replies_are_not_the_models(tmp_path: Path) -> None:
    spec = {"spec": {"completion_fns": ["gpt-3.5-turbo", "gpt-4"]}}
    rows = [spec, SAMPLED, event("sampling", prompt="Grade: hello", sampled=["Yes"])]
    file = read_openai_evals(write_rows(tmp_path / "log.jsonl", rows))
    assert [(row.output.text, row.model) for row in file.outputs] == [("hello", "gpt-3.5-turbo")]
    assert file.unkept == {"later replies to a sample, which may be a grader's": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (event("sampling", prompt=["hi", "ho"], sampled="x"), "which may be alternatives"),
        (event("sampling", prompt="hi", sampled=[]), "expected the replies as sampled"),
        (event("sampling", sampled="x"), "expected an event with prompt"),
        (MATCH, "holds no event of the type sampling"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_openai_evals(write_rows(tmp_path / "log.jsonl", [SPEC, row]))
