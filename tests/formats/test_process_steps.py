"""Solutions in steps: what is said of each step is kept with the step that it is said of."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.process_steps import read_prm800k, read_prmbench, read_processbench, read_stepwise
from judgebench.formats.registry import recognise
from judgebench.judging.numbering import step_places
from judgebench.records import Output
from tests.formats.writing import write_rows


def step(*texts: str, chosen: int | None = 0, human: str | None = None) -> dict[str, Any]:
    completions = [{"text": text, "rating": 0 if text == "Add." else 1, "flagged": None} for text in texts]
    if texts == ("Wrong.",):
        completions[0]["rating"] = -1
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


def labels(output: Output) -> list[tuple[str, list[tuple[str, str | None, str | None, str | None]]]]:
    """Of each annotator: the text, rating, kind and reason of each span."""
    return [
        (
            marks.annotator,
            [(output.text[span.start : span.stop], span.rating, span.kind, span.reason) for span in marks.spans],
        )
        for marks in output.marks
    ]


def steps(output: Output) -> list[str]:
    return [output.text[start:stop] for start, stop in step_places(output.steps)]


def test_the_chosen_steps_are_the_solution_with_what_labelers_say_of_them(tmp_path: Path) -> None:
    rated = [step("I guess.", chosen=None)]
    rated[0]["completions"][0]["rating"] = -1
    given = ROW["question"] | {"pre_generated_steps": ["I guess.", "# Answer\n\n5"]}
    generated = ROW | {"question": given, "label": ROW["label"] | {"steps": rated}}
    path = write_rows(tmp_path / "phase.jsonl", [ROW, generated, generated | {"labeler": "m"}, ROW])
    assert recognise(path).name == "prm800k"
    file = read_prm800k(path)
    kept = [(row.model, row.output.sample, steps(row.output)) for row in file.outputs]
    assert kept == [
        ("prm800k", 0, ["Add.\n", "It is 4.\n", "Wrong."]),
        ("prm800k", 1, ["I guess.\n", "# Answer\n\n5"]),  # the labeler stopped at the first error
    ]
    first, second = (row.output for row in file.outputs)
    assert labels(first) == [("l", [("Add.\n", "neutral", None, None), ("Wrong.", "bad", None, None)])]
    assert labels(second) == [(name, [("I guess.\n", "bad", None, None)]) for name in "lm"]
    assert (file.outputs[0].instruction.reference, file.duplicates) == ("4", 2)
    assert file.unkept == {
        "labels of alternative steps": 4,
        "alternative steps": 2,
        "judgments of a whole solution, which compare nothing": 4,
        "worked solutions beside the reference": 4,
    }


def test_modified_solutions_are_another_models(tmp_path: Path) -> None:
    other = BENCH | {"classification": "deception", "modified_process": ["1. e"], "modified_question": "Two, though?"}
    path = write_rows(tmp_path / "prm.jsonl", [BENCH, other | {"error_steps": [2]}])
    assert recognise(path).name == "prmbench"
    file = read_prmbench(path)
    assert [(row.instruction.text, row.model, row.output.text) for row in file.outputs] == [
        ("Two?", "original", "1. a\n2. b"),
        ("Two?", "modified: circular", "1. a\n2. c\n3. d"),
        ("Two, though?", "modified: deception", "1. e"),
    ]
    assert [labels(row.output) for row in file.outputs] == [
        [("prmbench", [("1. a\n", "good", None, None), ("2. b", "good", None, None)])],
        [
            (
                "prmbench",
                [("1. a\n", "good", None, None), ("2. c\n", "bad", "circular", "c"), ("3. d", "good", None, None)],
            )
        ],
        [],  # names a step that there is not
    ]
    nowhere = "labels of a solution that name steps which it does not have"
    assert (file.duplicates, file.unkept) == (1, {nowhere: 1})


def test_behind_the_first_error_of_processbench_nothing_is_known(tmp_path: Path) -> None:
    row = {
        "id": "gsm8k-0",
        "generator": "Q",
        "problem": "Two?",
        "steps": ["a", "b", "c"],
        "final_answer_correct": False,
    }
    rows = [row | {"label": 1}, row | {"label": -1, "id": "math-1", "problem": "Three?"}]
    path = write_rows(tmp_path / "bench.jsonl", rows)
    assert recognise(path).name == "processbench"
    first, second = read_processbench(path).outputs
    assert (first.model, first.instruction.category, first.instruction.ids) == ("Q", "gsm8k", ("gsm8k-0",))
    assert [(rating, text) for _, spans in labels(first.output) for text, rating, *_ in spans] == [
        ("good", "a\n"),
        ("bad", "b\n"),
    ]
    assert [rating for _, spans in labels(second.output) for _, rating, *_ in spans] == ["good"] * 3
    for label in (3, -2, True, None):
        with pytest.raises(InputError, match="'label': expected the first wrong one of 3 steps, from 0"):
            read_processbench(write_rows(tmp_path / "b.jsonl", [row | {"label": label}]))


def test_each_step_of_stepwise_data_is_labelled(tmp_path: Path) -> None:
    row = {"prompt": "Two?", "completions": ["a", "b\n\nc"], "labels": [True, False]}
    path = write_rows(tmp_path / "trl.jsonl", [row])
    assert recognise(path).name == "trl-stepwise"
    (read,) = read_stepwise(path).outputs
    assert labels(read.output) == [("trl-stepwise", [("a\n", "good", None, None), ("b\n\nc", "bad", None, None)])]
    with pytest.raises(InputError, match="'labels': expected a label of each of 2 steps"):
        read_stepwise(write_rows(tmp_path / "t.jsonl", [row | {"labels": [True]}]))


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names another as chosen"):
        read_prm800k(write_rows(tmp_path / "p.jsonl", [ROW | {"label": {"steps": [step("a", chosen=3)]}}]))
    for completions in (True, {"text": "a"}):
        label = {"steps": [{"completions": completions, "chosen_completion": None}]}
        with pytest.raises(InputError, match=r"p\.jsonl, line 1, field 'label': expected a list of completions"):
            read_prm800k(write_rows(tmp_path / "p.jsonl", [ROW | {"label": label}]))
    with pytest.raises(InputError, match="'original_process': expected a list of steps"):
        read_prmbench(write_rows(tmp_path / "p.jsonl", [BENCH | {"original_process": "1. a"}]))


def test_an_empty_last_step_that_is_wrong_leaves_the_first_error_unknown(tmp_path: Path) -> None:
    row = {"generator": "m", "problem": "Two?", "steps": ["a", "b", ""], "label": 2, "final_answer_correct": False}
    counted = "labels of a solution that name steps which it does not have"
    file = read_processbench(write_rows(tmp_path / "p.jsonl", [row]))
    assert [rating for _, spans in labels(file.outputs[0].output) for _, rating, *_ in spans] == ["good"]  # b: unknown
    assert file.unkept[counted] == 1
    known = read_processbench(
        write_rows(tmp_path / "k.jsonl", [row | {"label": 1}, row | {"problem": "Three?", "label": -1}])
    )
    assert [[rating for _, spans in labels(one.output) for _, rating, *_ in spans] for one in known.outputs] == [
        *(["good", "bad"], ["good", "good"])
    ]
    assert counted not in known.unkept
    stepwise = {"prompt": "Two?", "completions": ["a", ""], "labels": [True, False]}
    assert read_stepwise(write_rows(tmp_path / "s.jsonl", [stepwise])).unkept[counted] == 1
    bench = BENCH | {"modified_process": ["1. a", ""], "error_steps": [2]}
    assert read_prmbench(write_rows(tmp_path / "b.jsonl", [bench])).unkept[counted] == 1
