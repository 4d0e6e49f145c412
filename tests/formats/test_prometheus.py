"""BiGGen Bench and Prometheus's collections: scores and preferences by rubric."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.rereading import is_read_otherwise
from judgebench.formats.verdicts import VerdictsFile
from judgebench.records import Order, Status
from judgebench.services.imports import import_file, read
from judgebench.store.database import Database
from tests.formats.writing import write_rows

RUBRIC = {"criteria": "Is it a city?", **{f"score{n}_description": f"worth {n}" for n in range(1, 6)}}
BIGGEN: dict[str, Any] = {
    **{"id": "planning_0", "capability": "planning", "task": "travel", "instance_idx": 0, "score_rubric": RUBRIC},
    **{"system_prompt": "You plan.", "input": "Name a city.", "reference_answer": "Bonn", "response": "Paris"},
    **{"response_model_name": "m", "feedback": "Good. [RESULT] 4", "score": 4, "eval_model_name": "prometheus-7b"},
}
FEEDBACK: dict[str, Any] = {
    **{"instruction": "###Task ...", "output": "Feedback: Bad. [RESULT] 2", "orig_instruction": "Name a city."},
    **{"orig_response": "A cat", "orig_score": "2", "orig_criteria": "Is it a city?", "orig_score1_description": "no"},
}
PREFERENCE: dict[str, Any] = {
    **{"instruction": "###Task ...", "output": "Feedback: B. [RESULT] B", "orig_instruction": "Name a city."},
    **{"orig_response_A": "A cat", "orig_response_B": "Bonn", "orig_preference": "B", "orig_criteria": "Is it a city?"},
}


def contents(folder: Path, rows: list[dict[str, Any]]) -> VerdictsFile:
    file = read(write_rows(folder / "judged.json", rows)).contents
    assert isinstance(file, VerdictsFile)
    return file


def test_a_row_of_biggen_bench(tmp_path: Path) -> None:
    [row] = contents(tmp_path, [BIGGEN]).verdicts
    assert (row.verdict.score, row.judge.name, row.a.model, row.a.text) == (4, "prometheus-7b:prometheus", "m", "Paris")
    instruction = row.instruction
    assert (instruction.turns, instruction.category, instruction.reference) == (("Name a city.",), "planning", "Bonn")
    assert [message.role for message in instruction.conversation.messages] == ["system", "user"]
    assert instruction.ids == ("planning_0",)
    assert instruction.checklist == ("Is it a city?\n" + "\n".join(f"Score {n}: worth {n}" for n in range(1, 6)),)
    assert (row.reading and row.reading.score, is_read_otherwise(row)) == (4, False)


def test_without_its_result_a_feedback_is_kept_and_not_read(tmp_path: Path) -> None:
    [row] = contents(tmp_path, [BIGGEN | {"feedback": "Good."}]).verdicts
    assert (row.completion and row.completion.text, row.reading) == ("Good.", None)


def test_several_scores_are_repeats_and_columns_judges(tmp_path: Path) -> None:
    file = contents(tmp_path, [BIGGEN | {"score": [4, 3, None]}])
    assert [(row.repeat, row.verdict.score) for row in file.verdicts] == [(0, 4), (1, 3), (2, None)]
    assert file.verdicts[2].verdict.status is Status.UNPARSED
    published = {name: value for name, value in BIGGEN.items() if name not in ("score", "feedback")}
    file = contents(tmp_path, [published | {"model_name": "m", "gpt4_score": 5, "claude_score": "3"}])
    assert [(row.judge.model, row.verdict.score) for row in file.verdicts] == [("gpt4", 5), ("claude", 3)]


def test_responses_of_a_collection_are_named_after_their_column(tmp_path: Path) -> None:
    file = contents(
        tmp_path, [FEEDBACK, FEEDBACK | {"orig_response": "Bonn", "orig_score": "5", "output": "[RESULT] 4"}]
    )
    assert [(row.a.model, row.a.text, row.verdict.score) for row in file.verdicts] == [
        ("response", "A cat", 2),
        ("response (2)", "Bonn", 5),
    ]
    assert [is_read_otherwise(row) for row in file.verdicts] == [False, True]


def test_a_pair_was_shown_a_first(tmp_path: Path) -> None:
    [row] = contents(tmp_path, [PREFERENCE]).verdicts
    assert (row.a.text, row.b and row.b.text, row.order, row.verdict.preference) == ("A cat", "Bonn", Order.AB, 0.0)
    assert not is_read_otherwise(row)


def test_rows_by_their_ids_are_rows(tmp_path: Path) -> None:
    """As BiGGen Bench's ``run_response_eval.py`` writes a model's evaluation."""
    path = tmp_path / "m_evaluation.json"
    path.write_text(json.dumps({id: BIGGEN | {"id": id, "input": f"Name city {id}."} for id in ("p_0", "p_1")}))
    file = read(path).contents
    assert isinstance(file, VerdictsFile)
    assert [row.instruction.ids for row in file.verdicts] == [("p_0",), ("p_1",)]
    path.write_text(json.dumps({"p_0": BIGGEN}))  # its id is another
    with pytest.raises(InputError, match="neither rows nor a known document"):
        read(path)


def test_it_makes_a_benchmark(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "p.db"), create=True)
    report = import_file(database, write_rows(tmp_path / "evals.json", [BIGGEN]), benchmark="biggen")
    assert (report.format, report.new, report.models) == ("biggen", 1, ("m",))


@pytest.mark.parametrize(
    ("row", "changes", "message"),
    [
        (BIGGEN, {"input": " "}, "'input': is empty"),
        (BIGGEN, {"score_rubric": 3}, "'score_rubric': expected a text, or an object"),
        (BIGGEN, {"score": None}, "'score': is missing"),
        (BIGGEN, {"response": 3}, "'response': expected text"),
        (FEEDBACK, {"orig_instruction": ""}, "'orig_instruction': is empty"),
        (PREFERENCE, {"orig_preference": "C"}, "'orig_preference': expected A or B"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, row: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"judged\.json, row 2, field {message}"):
        contents(tmp_path, [row, row | changes])
