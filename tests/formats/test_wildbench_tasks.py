"""WildBench's tasks and models' results on them."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.wildbench_tasks import read_results, read_tasks
from tests.formats.writing import write_rows

TASK: dict[str, Any] = {
    **{"session_id": "s1", "checklist": ["Is it a city?"], "primary_tag": "Information seeking"},
    "conversation_input": [
        {"role": "user", "content": "Name a river.", "language": "English"},
        {"role": "assistant", "content": "The Rhine."},
        {"role": "user", "content": "Name a city on it."},
    ],
}
RESULT: dict[str, Any] = {
    **{"session_id": "s1", "chat_history": ["Name a river.", "The Rhine.", "Name a city on it."], "generator": "m"},
    **{"output": ["Bonn"], "model_input": "n/a", "primary_tag": "Information seeking"},
}


def test_a_task_and_its_result_are_about_the_same_instruction(tmp_path: Path) -> None:
    [task] = read_tasks(write_rows(tmp_path / "tasks.jsonl", [TASK])).items
    [result] = read_results(write_rows(tmp_path / "m.json", [RESULT])).outputs
    assert task.instruction.key == result.instruction.key
    assert (task.instruction.checklist, task.instruction.category) == (("Is it a city?",), "Information seeking")
    assert (task.instruction.ids, result.instruction.ids) == (("s1",), ("s1",))
    assert (result.model, result.output.text) == ("m", "Bonn")


def test_several_outputs_are_samples_and_rows_that_repeat_are_counted(tmp_path: Path) -> None:
    file = read_results(write_rows(tmp_path / "m.json", [RESULT | {"output": ["Bonn", "Basel"]}, RESULT]))
    assert [(row.output.sample, row.output.text) for row in file.outputs] == [(0, "Bonn"), (1, "Basel")]
    assert file.duplicates == 1
    assert read_tasks(write_rows(tmp_path / "tasks.jsonl", [TASK, TASK])).duplicates == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": ["Basel"]}, "another output to this task"),
        ({"output": []}, "holds no output"),
        ({"chat_history": ["Name a river.", "The Rhine."]}, "'chat_history': expected the texts"),
        ({"chat_history": "Name a river."}, "'chat_history': expected the texts"),
        ({"chat_history": [" "]}, "'chat_history': is empty"),
        ({"generator": None}, "'generator': expected text"),
    ],
)
def test_results_that_cannot_be_read_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=rf"m\.json, row 2, field .*{message}"):
        read_results(write_rows(tmp_path / "m.json", [RESULT, RESULT | changes]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conversation_input": "x"}, "a list of messages"),
        ({"conversation_input": TASK["conversation_input"][:2]}, "ends with the user's turn"),
        ({"checklist": "x"}, "a list of questions"),
        ({"checklist": ["Is it another?"]}, "the same task with another checklist"),
    ],
)
def test_tasks_that_cannot_be_read_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=rf"tasks\.jsonl, line 2, field .*{message}"):
        read_tasks(write_rows(tmp_path / "tasks.jsonl", [TASK, TASK | changes]))
