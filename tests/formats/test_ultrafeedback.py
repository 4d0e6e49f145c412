"""UltraFeedback: completions are outputs, and each kind of score a pointwise judge's."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.registry import recognise
from judgebench.formats.ultrafeedback import read_ultrafeedback
from judgebench.records import Status
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

RATED = {"Rating": "5", "Rationale": "Exact."}
ROW: dict[str, Any] = {
    **{"source": "sharegpt", "instruction": "Two?", "models": ["a", "b"], "correct_answers": ["None"]},
    "completions": [
        {
            **{"model": "a", "response": "2", "overall_score": 9.0, "critique": "Good.", "custom_system_prompt": "Be."},
            "annotations": {
                "honesty": RATED,
                "truthfulness": RATED | {"Type": "1", "Rationale For Rating": "None wrong."},
            },
        },
        {"model": "b", "response": "5", "overall_score": 1.0, "annotations": {"honesty": RATED | {"Rating": "N/A"}}},
    ],
}


def test_scores_are_pointwise_verdicts(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "u.jsonl", [ROW])
    assert recognise(path).name == "ultrafeedback"
    file = read_ultrafeedback(path)
    assert [(output.model, output.text) for _, output in file.outputs] == [("a", "2"), ("b", "5")]
    kept = [(row.judge.name, row.a.model, row.verdict.score, row.verdict.status) for row in file.verdicts]
    assert kept == [
        ("gpt-4 overall", "a", 9.0, Status.OK),
        ("gpt-4 honesty", "a", 5.0, Status.OK),
        ("gpt-4 truthfulness", "a", 5.0, Status.OK),
        ("gpt-4 overall", "b", 1.0, Status.OK),
        ("gpt-4 honesty", "b", None, Status.UNPARSED),
    ]
    replies = [row.completion and row.completion.text for row in file.verdicts]
    assert replies == ["Good.", "Exact.", "None wrong.", None, "Exact."]
    assert file.outputs[0][0].category == "sharegpt"
    assert file.unkept == {
        "system prompts that models were given each its own": 1,
        "types of faults beside a rating": 1,
    }
    database = Database(str(tmp_path / "a.db"), create=True)
    report = import_file(database, path)
    assert (report.benchmark, report.new, report.without_preference) == ("ultrafeedback", 5, 1)
    assert import_file(database, path).new == 0


def test_an_instruction_that_occurs_again_has_samples(tmp_path: Path) -> None:
    again = [ROW["completions"][0] | {"response": "two"}]
    file = read_ultrafeedback(write_rows(tmp_path / "u.json", [ROW, ROW | {"completions": again}]))
    assert [(output.model, output.sample, output.text) for _, output in file.outputs] == [
        *(("a", 0, "2"), ("b", 0, "5"), ("a", 1, "two"))
    ]


@pytest.mark.parametrize("completions", [None, ["x"], [{"model": "", "response": "x"}], [{"model": "m"}]])
def test_what_cannot_be_read_is_refused(tmp_path: Path, completions: Any) -> None:
    with pytest.raises(InputError, match=r"u\.jsonl, line 1, field 'completions'"):
        read_ultrafeedback(write_rows(tmp_path / "u.jsonl", [ROW | {"completions": completions}]))
