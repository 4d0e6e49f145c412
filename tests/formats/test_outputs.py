"""Submissions and benchmarks: which column is what, and what is refused."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.errors import InputError, UnknownName
from judgebench.formats.outputs import OutputsFile, read_instructions, read_outputs
from judgebench.keys import normalise_text
from judgebench.records import Instruction
from tests.formats.writing import write_file, write_rows

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no published data at {SHARED}")

ROW = {"instruction": "Name a colour.", "output": "Blue."}
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
instructions = texts.filter(lambda text: normalise_text(text) != "")


def submission(folder: Path, rows: list[dict[str, Any]], **keywords: Any) -> OutputsFile:
    return read_outputs(write_rows(folder / "answers.json", rows), **keywords)


def refusal(folder: Path, rows: list[dict[str, Any]], **keywords: Any) -> str:
    with pytest.raises(InputError) as caught:
        submission(folder, rows, **keywords)
    assert "answers.json" in str(caught.value)
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.json", "a.jsonl.gz", "a.csv", "a.parquet"])
@settings(max_examples=25, deadline=None)
@given(pairs=st.dictionaries(instructions, texts, min_size=1, max_size=6))
def test_property_outputs_come_back_as_submitted(name: str, pairs: dict[str, str]) -> None:
    by_key = {Instruction((asked,)).key: (asked, text) for asked, text in pairs.items()}
    rows = [{"instruction": asked, "output": text} for asked, text in by_key.values()]
    with tempfile.TemporaryDirectory() as folder:
        found = read_outputs(write_rows(Path(folder) / name, rows))
    cleaned = [(asked.replace("\0", "\ufffd"), text.replace("\0", "\ufffd")) for asked, text in by_key.values()]
    assert [(o.instruction.text, o.output.text) for o in found.outputs] == cleaned
    assert found.empty == sum(not text.strip() for _, text in cleaned)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["instruction", "output", "category", "turns"]), st.none() | texts))
)
def test_property_any_rows_give_a_submission_or_a_message(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_rows(Path(folder) / "answers.json", rows)
        try:
            found = read_outputs(path)
        except InputError as error:
            message, kept = str(error), None
        else:
            message, kept = "", len(found.outputs) + found.duplicates
    assert "answers.json" in message or kept == len(rows)


def test_hostile_text_is_kept_and_cleaned(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.json", '[{"instruction": "a\\u0000\\ud800", "output": "\\udfff" }]')
    output = read_outputs(path).outputs[0]
    assert (output.instruction.turns, output.output.text) == (("a\ufffd\ufffd",), "\ufffd")


@pytest.mark.parametrize("asked", ["instruction", "prompt", "question", "query", "input", "Question", " PROMPT "])
@pytest.mark.parametrize("answered", ["output", "response", "answer", "completion", "generation", "model_output"])
def test_usual_names_need_no_map(tmp_path: Path, asked: str, answered: str) -> None:
    found = submission(tmp_path, [{answered: "Blue.", asked: "Name a colour.", "Dataset": "art", "model": "m"}])
    output = found.outputs[0]
    assert (output.instruction.turns, output.output.text) == (("Name a colour.",), "Blue.")
    assert (output.instruction.category, found.generator) == ("art", "m")
    assert found.columns == {"instruction": asked, "output": answered, "category": "Dataset", "generator": "model"}


def test_the_order_of_the_table_decides_between_usual_names(tmp_path: Path) -> None:
    row = {"answer": "no", "prompt": "no", "output": "yes", "instruction": "asked", "dataset": "no", "category": "yes"}
    output = submission(tmp_path, [row]).outputs[0]
    assert (output.instruction.text, output.output.text, output.instruction.category) == ("asked", "yes", "yes")


def test_a_map_goes_before_the_usual_names(tmp_path: Path) -> None:
    rows = [{"instruction": "no", "output": "no", "frage": "asked", "antwort": "yes"}]
    output = submission(tmp_path, rows, columns={"instruction": "frage", "output": "antwort"}).outputs[0]
    assert (output.instruction.text, output.output.text) == ("asked", "yes")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_blank_optional_fields_are_absent(tmp_path: Path, value: Any) -> None:
    row = ROW | {"category": value, "reference": value, "generator": value}
    found = submission(tmp_path, [row])
    instruction = found.outputs[0].instruction
    assert (instruction.category, instruction.reference, found.generator) == (None, None, None)


def test_turns_of_text_and_of_messages_are_one_instruction(tmp_path: Path) -> None:
    spoken = [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "content": {"answer": "No."}},
    ]
    rows: list[dict[str, Any]] = [
        {"turns": ["One?", "Two?"], "output": ["Yes.", "No."]},
        {"turns": [{"content": "One?"}, {"content": "Two?"}], "output": [{"content": "Yes."}, {"content": "No."}]},
        {"messages": spoken},
    ]
    found = submission(tmp_path, rows)
    assert found.outputs[0].instruction.turns == ("One?", "Two?")
    assert (len(found.outputs), found.duplicates) == (1, 2)


def test_word_for_word_repeats_are_counted_and_kept_once(tmp_path: Path) -> None:
    found = submission(tmp_path, [ROW, ROW | {"instruction": " Name  a\ncolour. "}, ROW | {"instruction": "Other"}])
    assert (len(found.outputs), found.duplicates) == (2, 1)


def test_two_outputs_to_one_instruction_name_both_rows(tmp_path: Path) -> None:
    message = refusal(tmp_path, [ROW, {"instruction": "x", "output": "y"}, ROW | {"output": "Red."}])
    assert "row 3" in message
    assert "row 1" in message


def test_empty_outputs_are_kept_and_counted(tmp_path: Path) -> None:
    found = submission(tmp_path, [{"instruction": str(n), "output": text} for n, text in enumerate(["", " \n", "x"])])
    assert (len(found.outputs), found.empty) == (3, 2)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"output": "x"}, ["row 2", "'instruction'", "--map instruction="]),
        ({"instruction": "x"}, ["row 2", "'output'", "--map output=", "columns here: instruction"]),
        (
            {"question_id": 81, "choices": [{"index": 0, "turns": ["x"]}]},
            ["row 2", "'question_id'", "import the instructions first"],
        ),
        ({"instruction": None, "output": "x"}, ["row 2", "'instruction'", "null"]),
        ({"instruction": 5, "output": "x"}, ["row 2", "'instruction'", "expected text, found a number"]),
        ({"instruction": "", "output": "x"}, ["row 2", "'instruction'", "empty"]),
        ({"instruction": " \n", "output": "x"}, ["row 2", "'instruction'", "empty"]),
        ({"turns": ["a", ""], "output": "x"}, ["row 2", "'turns'", "empty"]),
        ({"turns": [], "output": "x"}, ["row 2", "'turns'", "no instruction"]),
        ({"turns": [1], "output": "x"}, ["row 2", "'turns'", "a number"]),
        ({"messages": [{"role": "user"}], "output": "x"}, ["row 2", "'messages'", "no instruction"]),
        ({"turns": ["a"]}, ["row 2", "'output'"]),
        ({"messages": [{"role": "user", "content": "a"}]}, ["row 2", "'output'"]),
        ({"instruction": "x", "output": None}, ["row 2", "'output'", "null"]),
        ({"instruction": "x", "output": True}, ["row 2", "'output'", "true or false"]),
        ({"instruction": "x", "output": []}, ["row 2", "'output'", "no output"]),
        ({"instruction": "x", "output": {"a": 1}}, ["row 2", "'output'", "an object"]),
        ({"instruction": "x", "output": "y", "category": ["a"]}, ["row 2", "'category'", "a list"]),
    ],
)
def test_rows_that_would_need_guessing_are_refused(tmp_path: Path, row: dict[str, Any], words: list[str]) -> None:
    message = refusal(tmp_path, [ROW | {"generator": "one"}, row])
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"instrction": "q"}, "unknown field 'instrction': did you mean 'instruction'"),
        ({"instruction": "outptu"}, "'outptu': did you mean 'output'"),
        ({"instruction": ""}, "unknown column for instruction in .*answers.json, row 1: ''"),
        ({"category": "instructoin"}, "'instructoin': did you mean 'instruction'"),
    ],
)
def test_a_map_that_leads_nowhere_offers_the_nearest_name(tmp_path: Path, columns: dict[str, str], words: str) -> None:
    with pytest.raises(UnknownName, match=words):
        submission(tmp_path, [ROW], columns=columns)


def test_a_benchmark_has_ids_references_and_checklists(tmp_path: Path) -> None:
    rows = [
        {"question_id": 81, "turns": ["a", "b"], "category": "writing"},
        {
            "question_id": 82,
            "turns": ["c", "d"],
            "reference": ["x", "y"],
            "checklist": ["Short?", "True?"],
            "extra": [1],
        },
        {"question_id": 83, "turns": ["a ", "b"], "category": "writing"},
    ]
    found = read_instructions(write_rows(tmp_path / "q.jsonl", rows))
    assert [item.instruction.ids for item in found.items] == [("81", "83"), ("82",)]
    assert found.duplicates == 1
    assert found.items[0].instruction == Instruction(("a", "b"), category="writing")
    assert found.items[1].instruction == Instruction(
        ("c", "d"), reference="Turn 1: x\n\nTurn 2: y", checklist=("Short?", "True?")
    )


def test_a_repeated_instruction_with_another_reference_is_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "q.jsonl", [{"prompt": "a", "reference": "1"}, {"prompt": "a", "reference": "2"}])
    with pytest.raises(InputError, match=r"line 2.*line 1.*reference"):
        read_instructions(path)


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize(
    ("model", "rows", "empty"),
    # Counts published with the data: models that miss instructions, and those with empty outputs.
    [
        ("gpt4_1106_preview", 805, 0),
        ("alpaca-7b_verbose", 802, 0),
        ("gemma-2b-it", 805, 22),
        ("text_davinci_003", 805, 2),
    ],
)
def test_shared_alpaca_eval_outputs(model: str, rows: int, empty: int) -> None:
    found = read_outputs(SHARED / "alpaca_eval" / model / "model_outputs.json.gz")
    assert (len(found.outputs), found.duplicates, found.empty) == (rows, 0, empty)
    assert found.generator == model
    categories = {output.instruction.category for output in found.outputs}
    assert categories == {"helpful_base", "koala", "oasst", "selfinstruct", "vicuna"}


@pytest.mark.shared
@needs_shared
def test_shared_arena_hard_answers_meet_their_questions() -> None:
    questions = read_instructions(SHARED / "arena_hard_v0.1" / "question.jsonl.gz")
    answers = read_outputs(SHARED / "arena_hard_v0.1" / "model_answer" / "gpt-4-0314.jsonl.gz")
    asked = {item.instruction.key for item in questions.items}
    assert asked == {output.instruction.key for output in answers.outputs}
    assert (len(asked), answers.generator, answers.empty) == (500, "gpt-4-0314", 0)


@pytest.mark.shared
@needs_shared
def test_shared_mt_bench_questions() -> None:
    found = read_instructions(SHARED / "mt_bench" / "question.jsonl.gz")
    assert len(found.items) == 80
    assert {len(item.instruction.turns) for item in found.items} == {2}
    assert len({item.instruction.category for item in found.items}) == 8
    assert sum(item.instruction.reference is not None for item in found.items) == 39
    assert found.items[0].instruction.ids == ("81",)


def test_outputs_of_several_models_are_told_apart(tmp_path: Path) -> None:
    rows = [ROW | {"model": model, "output": f"{model} says"} for model in ("one", "two", "two")]
    parts = submission(tmp_path, [*rows, {"instruction": "Another?", "output": "x", "model": "two"}]).by_model()
    assert {model: [row.output.text for row in part.outputs] for model, part in parts.items()} == {
        "one": ["one says"],
        "two": ["two says", "x"],
    }
    assert {model: part.duplicates for model, part in parts.items()} == {"one": 0, "two": 1}


def test_rows_without_a_model_are_those_of_the_only_one(tmp_path: Path) -> None:
    rows = [ROW | {"model": "one"}, {"instruction": "Another?", "output": "x", "model": None}]
    assert [len(part.outputs) for part in submission(tmp_path, rows).by_model().values()] == [2]
    for others in ([], [ROW | {"model": "two"}]):
        file = submission(tmp_path, [*others, *rows[1:], *(rows[:1] if others else [])])
        with pytest.raises(InputError, match="does not say which model"):
            file.by_model()


@pytest.mark.parametrize("number", [-1, "x", 10**30, 2**31, 1.5, True, [], {}, "-1", "1e3"])
def test_a_sample_is_a_whole_number(tmp_path: Path, number: Any) -> None:
    message = refusal(tmp_path, [ROW | {"sample": number}])
    assert "row 1, field 'sample': expected a whole number" in message


def test_epochs_count_from_one(tmp_path: Path) -> None:
    assert [row.output.sample for row in submission(tmp_path, [ROW | {"epoch": 2}]).outputs] == [1]
    assert "field 'epoch': epochs count from 1" in refusal(tmp_path, [ROW | {"epoch": 0}])


@pytest.mark.parametrize(
    ("number", "sample"), [(0, 0), (3, 3), ("3", 3), (3.0, 3), (None, 0), ("", 0), (2**31 - 1, 2**31 - 1)]
)
def test_a_sample_keeps_the_number_of_its_file(tmp_path: Path, number: Any, sample: int) -> None:
    assert [row.output.sample for row in submission(tmp_path, [ROW | {"sample": number}]).outputs] == [sample]


def test_requests_that_failed_are_counted_and_left_out(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": {"raw": "A?"}, "response": {"output": "a"}, "provider": {"id": "m"}},
        {"prompt": {"raw": "B?"}, "response": {"error": "API error"}, "error": "API error", "provider": {"id": "m"}},
        {"prompt": {"raw": "C?"}, "error": "no answer", "provider": {"id": "m"}},
    ]
    file = submission(tmp_path, rows)
    assert [row.output.text for row in file.outputs] == ["a"]
    assert dict(file.unkept) == {"requests that failed": 2}
    assert "all 2 of its requests failed" in refusal(tmp_path, rows[1:])


def test_samples_of_a_log_that_failed_are_counted_and_left_out(tmp_path: Path) -> None:
    asked = [{"role": "user", "content": "A?"}]
    reply = {"role": "assistant", "content": "a"}
    sample = {"id": 1, "epoch": 1, "input": "A?", "messages": [*asked, reply], "output": {"model": "m"}}
    failed = sample | {"id": 2, "input": "B?", "messages": asked, "error": {"message": "x"}}
    file = submission(tmp_path, [sample, failed | {"messages": [{"role": "user", "content": "B?"}]}])
    assert [row.output.text for row in file.outputs] == ["a"]
    assert dict(file.unkept) == {"requests that failed": 1}
