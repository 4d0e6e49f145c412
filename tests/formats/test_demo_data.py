"""The demo's data keep what its README promises."""

from pathlib import Path
from statistics import median

import pytest

from judgebench.formats.outputs import OutputsFile, read_instructions, read_outputs
from judgebench.resources import folder

MEDIAN_WORDS = {"demo-careful": 41, "demo-hasty": 18, "demo-rambling": 83, "null-constant": 27}
DEMO = folder("demo")


def outputs(model: str) -> OutputsFile:
    return read_outputs(DEMO / "outputs" / f"{model}.json")


def words(found: OutputsFile) -> list[int]:
    return [len(output.output.text.split()) for output in found.outputs]


def test_the_benchmark_has_nine_instructions_in_each_of_five_categories() -> None:
    found = read_instructions(DEMO / "instructions.jsonl")
    categories = [item.instruction.category for item in found.items]
    assert {category: categories.count(category) for category in categories} == dict.fromkeys(
        ["writing", "reasoning", "coding", "knowledge", "advice"], 9
    )
    assert sum(item.instruction.reference is not None for item in found.items) == 15
    assert found.duplicates == 0


def test_there_are_four_sets_of_outputs() -> None:
    assert {path.stem for path in Path(DEMO, "outputs").iterdir()} == set(MEDIAN_WORDS)


@pytest.mark.parametrize("model", MEDIAN_WORDS)
def test_each_set_answers_every_instruction_at_its_length(model: str) -> None:
    found = outputs(model)
    asked = [
        (item.instruction.key, item.instruction.category)
        for item in read_instructions(DEMO / "instructions.jsonl").items
    ]
    assert [(output.instruction.key, output.instruction.category) for output in found.outputs] == asked
    assert (found.generator, found.duplicates, found.empty) == (model, 0, 0)
    assert 15 <= min(words(found)) <= max(words(found)) <= 90
    assert median(words(found)) == MEDIAN_WORDS[model]


def test_only_the_null_model_repeats_itself() -> None:
    distinct = {model: len({output.output.text for output in outputs(model).outputs}) for model in MEDIAN_WORDS}
    assert distinct == {"demo-careful": 45, "demo-hasty": 45, "demo-rambling": 45, "null-constant": 1}
