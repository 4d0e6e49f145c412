"""PRM800K and PRMBench: solutions are outputs; labels of steps are counted, and made into nothing else."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.process_steps import read_prm800k, read_prmbench
from judgebench.formats.registry import recognise
from tests.formats.writing import write_rows


def step(*texts: str, chosen: int | None = 0, human: str | None = None) -> dict[str, Any]:
    completions = [{"text": text, "rating": 1, "flagged": None} for text in texts]
    return {"completions": completions, "human_completion": human and {"text": human}, "chosen_completion": chosen}


ROW: dict[str, Any] = {
    **{"labeler": "l", "timestamp": "2023", "generation": None, "is_quality_control_question": False},
    "question": {"problem": "Two and two?", "ground_truth_answer": "4", "ground_truth_solution": "2 + 2 = 4"},
    "label": {
        "steps": [step("Add.", "Guess."), step("No.", chosen=None, human="It is 4."), step("Wrong.", chosen=None)],
        **{"total_time": 1, "finish_reason": "found_error"},
    },
}
BENCH: dict[str, Any] = {
    **{"original_question": "Two?", "modified_question": "Two?", "question": "Two?", "idx": "circular_1"},
    **{"original_process": ["1. a", "2. b"], "modified_process": ["1. a", "2. c", "3. d"]},
    **{"modified_steps": [2], "error_steps": [2], "reason": "c", "classification": "circular"},
}


def test_the_chosen_steps_are_the_solution(tmp_path: Path) -> None:
    generated = ROW | {"question": ROW["question"] | {"pre_generated_steps": ["I guess.", "# Answer\n\n5"]}}
    path = write_rows(tmp_path / "phase.jsonl", [ROW, generated, ROW])
    assert recognise(path).name == "prm800k"
    file = read_prm800k(path)
    kept = [(row.model, row.output.sample, row.output.text) for row in file.outputs]
    assert kept == [("prm800k", 0, "Add.\nIt is 4."), ("prm800k", 1, "I guess.\n# Answer\n\n5")]
    assert (file.outputs[0].instruction.reference, file.duplicates) == ("4", 1)
    assert file.unkept == {
        "labels of steps": 12,
        "alternative steps": 3,
        "judgments of a whole solution, which compare nothing": 3,
        "worked solutions beside the reference": 3,
    }


def test_modified_solutions_are_another_models(tmp_path: Path) -> None:
    other = BENCH | {"classification": "deception", "modified_process": ["1. e"], "modified_question": "Two, though?"}
    path = write_rows(tmp_path / "prm.jsonl", [BENCH, other])
    assert recognise(path).name == "prmbench"
    file = read_prmbench(path)
    assert [(row.instruction.text, row.model, row.output.text) for row in file.outputs] == [
        ("Two?", "original", "1. a\n2. b"),
        ("Two?", "modified: circular", "1. a\n2. c\n3. d"),
        ("Two, though?", "modified: deception", "1. e"),
    ]
    assert (file.duplicates, file.unkept) == (1, {"labels of steps": 4, "reasons of errors": 2})


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names another as chosen"):
        read_prm800k(write_rows(tmp_path / "p.jsonl", [ROW | {"label": {"steps": [step("a", chosen=3)]}}]))
    for completions in (True, {"text": "a"}):
        label = {"steps": [{"completions": completions, "chosen_completion": None}]}
        with pytest.raises(InputError, match=r"p\.jsonl, line 1, field 'label': expected a list of completions"):
            read_prm800k(write_rows(tmp_path / "p.jsonl", [ROW | {"label": label}]))
    with pytest.raises(InputError, match="'original_process': expected a list of steps"):
        read_prmbench(write_rows(tmp_path / "p.jsonl", [BENCH | {"original_process": "1. a"}]))
