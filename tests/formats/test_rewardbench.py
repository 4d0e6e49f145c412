"""RewardBench: the chosen completion is preferred; lists are best of n, and never one text."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.errors import InputError
from judgebench.formats.registry import recognise
from judgebench.formats.rewardbench import read_rewardbench, read_rewardbench_2
from judgebench.services.imports import import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

ONE: dict[str, Any] = {
    **{"prompt": "Two?", "chosen": "2", "chosen_model": "gpt", "rejected": "5", "rejected_model": "llama"},
    **{"subset": "math", "id": 1},
}
TWO: dict[str, Any] = {
    **{"id": "t", "prompt": "Name a colour.", "chosen": ["red", "blue"], "rejected": ["seven", "eight", "nine"]},
    **{"num_correct": 2, "num_incorrect": 3, "total_completions": 5, "models": ["a", "b", "a", "c", "d"]},
    **{"subset": "Ties", "additional_metadata": None},
}


def test_a_pair_is_stored_with_its_models_and_its_subset(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    path = write_rows(tmp_path / "r.jsonl", [ONE, ONE | {"id": 2, "subset": "code"}])
    report = import_file(database, path)
    assert (report.format, report.benchmark, report.new, report.duplicate) == ("rewardbench", "rewardbench", 1, 1)
    assert (report.annotators, report.unread) == (("rewardbench",), ())
    assert report.unkept == {"rows with another category of their instruction": 1}
    [label] = services.labels.human_labels(database, "rewardbench", category="math")
    assert (label.model_a, label.model_b, label.preference, label.order) == ("gpt", "llama", 1.0, None)
    assert import_file(database, path).new == 0


def test_both_sides_may_be_of_one_model(tmp_path: Path) -> None:
    row = ONE | {"chosen_model": "human", "rejected_model": "human"}
    [label] = read_rewardbench(write_rows(tmp_path / "r.json", [row])).rows
    assert (label.first.model, label.second.model, label.preference) == ("human", "human (2)", 1.0)


def test_best_of_n_is_each_chosen_beside_each_rejected(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "r.jsonl", [TWO])
    assert recognise(path).name == "rewardbench-2"
    file = read_rewardbench_2(path)
    assert [(row.first.model, row.second.model) for row in file.rows] == [
        *(("a", "a (2)"), ("a", "c"), ("a", "d")),
        *(("b", "a (2)"), ("b", "c"), ("b", "d")),
    ]
    texts = {side.model: side.output.text for row in file.rows for side in (row.first, row.second) if side.output}
    assert texts == {"a": "red", "b": "blue", "a (2)": "seven", "c": "eight", "d": "nine"}
    assert {row.preference for row in file.rows} == {1.0}
    assert (file.rows[0].instruction.category, file.unread) == ("Ties", ("additional_metadata",))


def test_lists_stand_in_tables_as_json(tmp_path: Path) -> None:
    cells = {name: json.dumps(value) if isinstance(value, list) else value for name, value in TWO.items()}
    for file, row in (("r.csv", cells), ("r.parquet", TWO)):
        path = write_rows(tmp_path / file, [row])
        assert recognise(path).name == "rewardbench-2"
        assert len(read_rewardbench_2(path).rows) == 6
    bare = {name: TWO[name] for name in ("prompt", "chosen", "rejected")}
    path = write_rows(tmp_path / "bare.json", [bare])
    assert recognise(path).name == "rewardbench-2"
    assert {row.second.model for row in read_rewardbench_2(path).rows} == {
        "completion 3",
        "completion 4",
        "completion 5",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chosen": "red"}, "expected a list of completions"),
        ({"chosen": []}, "found an empty list"),
        ({"rejected": [1, "x", "y"]}, "expected text, found a number"),
        ({"models": ["a", "b"]}, "names 2 models of 5 completions"),
        ({"prompt": None}, "prompt"),
        ({"chosen": ["a"] * 400, "rejected": ["b"] * 400}, "makes more than 100,000 pairs"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_rewardbench_2(write_rows(tmp_path / "r.jsonl", [TWO, TWO | changes]))
    assert "r.jsonl, line 2" in str(error.value)
