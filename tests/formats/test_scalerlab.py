"""The ScalerLab JudgeBench: keys become labels, decisions become verdicts about A whichever side was shown first."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.errors import InputError
from judgebench.formats.scalerlab import KEY, read_scalerlab
from judgebench.records import Order, Status
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

ROW: dict[str, Any] = {
    "question": "Two and two?",
    "source": "maths",
    "response_model": "m",
    "response_A": "4",
    "response_B": "5",
    "label": "A>B",
    "judge_name": "arena_hard",
    "judgments": [
        {"judgment": {"judge_model": "j", "response": "[[A>B]]"}, "decision": "A>B"},
        {"judgment": {"judge_model": "j", "response": "[[A>B]]"}, "decision": "A>B"},
    ],
}


def test_decisions_name_the_sides_as_they_were_shown(tmp_path: Path) -> None:
    file = read_scalerlab(write_rows(tmp_path / "a.jsonl", [ROW]))
    assert [(row.order, row.verdict.preference) for row in file.verdicts] == [(Order.AB, 1.0), (Order.BA, 0.0)]
    assert [row.completion and row.completion.text for row in file.verdicts] == ["[[A>B]]"] * 2
    [label] = file.labels
    assert (label.annotator, label.model_a, label.model_b, label.preference) == (KEY, "m A", "m B", 1.0)
    assert (label.source, file.verdicts[0].judge.template) == ("a.jsonl", "recorded/arena_hard")


def test_a_further_pair_on_an_instruction_has_a_number(tmp_path: Path) -> None:
    file = read_scalerlab(write_rows(tmp_path / "a.jsonl", [ROW, ROW | {"response_A": "four"}]))
    assert [output.model for _, output in file.outputs] == ["m A", "m B", "m A (2)", "m B (2)"]


def test_scores_of_a_reward_model_are_its_reply(tmp_path: Path) -> None:
    judgments = [{"judgment": {"judge_model": "j", "scores": [1.5, 0.5]}, "decision": "A>B"}, None]
    first, second = read_scalerlab(write_rows(tmp_path / "a.jsonl", [ROW | {"judgments": judgments}])).verdicts
    assert first.completion is not None
    assert json.loads(first.completion.text) == {"scores": [1.5, 0.5]}
    assert (second.verdict.status, second.completion) == (Status.UNPARSED, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "A=B"}, "the correct side"),
        ({"label": "A"}, "A>B, A=B, B>A or null"),
        ({"judgments": "x"}, "a list of at most two"),
        ({"judgments": ["x"]}, "objects with"),
        ({"response_A": None}, "response_A"),
        ({"judge_name": "another"}, "2 judges"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_scalerlab(write_rows(tmp_path / "a.jsonl", [ROW, ROW | changes]))
    assert "a.jsonl" in str(error.value)


@pytest.mark.slow
@pytest.mark.shared
def test_as_published(shared: Path, tmp_path: Path) -> None:
    database = Database(str(tmp_path / "plain.db"), create=True)
    path = shared / "data" / "scalerlab_judgebench" / "claude-3-haiku-20240307_on_claude-3-5-sonnet.jsonl.gz"
    report = import_file(database, path)
    assert (report.format, report.benchmark, len(report.judges)) == ("scalerlab", "scalerlab", 1)
    assert (report.pairs, report.new, report.without_preference, report.labels) == (270, 540, 13, 270)
    again = import_file(database, path)
    assert (again.new, again.labels) == (0, 0)
    assert len(services.benchmarks.runs(database)) == 1
