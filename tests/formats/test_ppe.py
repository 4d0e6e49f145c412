"""PPE: of K responses of a model the pairs that conflict count, with the correct one preferred."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.ppe import read_ppe
from judgebench.formats.registry import recognise
from tests.formats.writing import write_rows

ROW: dict[str, Any] = {
    **{"question_id": "q7", "prompt": "Two?", "ground_truth": "2", "model_name": "m", "domain": "maths"},
    **{"response_1": "5", "response_2": "2", "response_3": "It is 2.", "response_4": "6"},
    **{"scores": [False, True, True, False], "sampled_conflict_pairs": [[0, 1], [2, 0], [0, 1]]},
}


@pytest.mark.parametrize("name", ["p.jsonl", "p.parquet"])
def test_the_correct_response_of_a_conflict_is_preferred(tmp_path: Path, name: str) -> None:
    path = write_rows(tmp_path / name, [ROW])
    assert recognise(path).name == "ppe"
    file = read_ppe(path)
    texts = [
        (row.first.output and row.first.output.text, row.second.output and row.second.output.text) for row in file.rows
    ]
    assert texts == [("5", "2"), ("It is 2.", "5")]
    assert [(row.first.model, row.second.model, row.preference) for row in file.rows] == [
        ("m", "m (2)", 0.0),
        ("m (3)", "m", 1.0),
    ]
    assert (file.rows[0].instruction.reference, file.unread) == ("2", ("domain",))
    assert file.unkept == {"responses in no pair": 1}


def test_human_preferences_have_the_columns_of_labels(tmp_path: Path) -> None:
    row = {"question_id": "1", "prompt": "q", "response_1": "x", "response_2": "y", "model_a": "m", "model_b": "n"}
    assert recognise(write_rows(tmp_path / "h.json", [row | {"winner": "model_a"}])).name == "labels"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampled_conflict_pairs": [[0, 4]]}, "from 0 to 3"),
        ({"sampled_conflict_pairs": [[0, 3]]}, "have the same score"),
        ({"sampled_conflict_pairs": "x"}, "expected pairs"),
        ({"scores": ["a"]}, "expected a list"),
        ({"response_4": None}, "response_4"),
        ({"response_6": "x"}, "without a gap"),
        ({"response_2": "5"}, "is one text, correct and not"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    row = ROW | {"sampled_conflict_pairs": [[0, 1], [1, 3]]} | changes
    with pytest.raises(InputError, match=message):
        read_ppe(write_rows(tmp_path / "p.jsonl", [row]))
