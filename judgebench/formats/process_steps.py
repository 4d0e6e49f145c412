"""Solutions in steps, each of which somebody judged: PRM800K and PRMBench.

What is kept are the problems and the solutions. Judgments of single steps have no place here yet: they are counted, and
none of them is taken for a verdict on the whole. Sources: openai/prm800k; ssmisya/PRMBench, docs/data_format.md.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.outputs import OutputsFile, gather_outputs
from judgebench.formats.reading import Filename, FileRow, ReadLimits, kind
from judgebench.formats.sample_counts import SampleCounts

STEPS = "labels of steps"
_FINISHED = "judgments of a whole solution, which compare nothing"
_GOLD = "worked solutions beside the reference"
_UNSOLVED = "problems without a step of a solution"
_ALTERNATIVES = "alternative steps"
_GENERATOR = "prm800k"
_ORIGINAL, _MODIFIED = "original", "modified"


def read_prm800k(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """The solutions as their labelers chose the steps, samples of one generator. Raises InputError naming file, line
    and field."""
    unkept: Counter[str] = Counter()
    file = gather_outputs(_solutions(filename, limits, unkept), str(filename))
    return replace(file, unkept={name: number for name, number in unkept.items() if number})


def _solutions(filename: Filename, limits: ReadLimits | None, unkept: Counter[str]) -> Iterator[FileRow]:
    samples = SampleCounts()
    for row in file_rows(filename, limits=limits):
        question, label = (_object(row, column, row.values.get(column)) for column in ("question", "label"))
        steps = label.get("steps")
        listed = [_object(row, "label", step) for step in steps] if isinstance(steps, list) else []
        texts = question.get("pre_generated_steps")
        if not isinstance(texts, list) or not texts:
            texts = [text for step in listed if (text := _chosen(row, step)) is not None]
        _count(row, label, listed, unkept)
        if not texts:
            unkept[_UNSOLVED] += 1
            continue
        solution = "\n".join(row.as_text("question", text) for text in texts)
        problem = row.as_text("question", question.get("problem"))
        values: dict[str, Any] = {"prompt": problem, "output": solution, "model": _GENERATOR}
        values["sample"] = samples.number(problem, solution)
        answer = question.get("ground_truth_answer")
        if isinstance(answer, str) and answer.strip():
            values["reference"] = answer
        yield FileRow(row.place, values, row.nulls)


def _object(row: FileRow, column: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise row.error(column, "expected an object")
    return value


def _chosen(row: FileRow, step: Mapping[str, Any]) -> str | None:
    """The step that the solution went on from: the labeler's own where none was good enough; None where it ended."""
    listed, number = _completions(row, step), step.get("chosen_completion")
    if number is None:
        human = step.get("human_completion")
        text = human.get("text") if isinstance(human, Mapping) else human
        return None if text is None else row.as_text("label", text)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(listed):
        raise row.error("label", f"a step has {len(listed)} completions and names another as chosen")
    return row.as_text("label", _object(row, "label", listed[number]).get("text"))


def _completions(row: FileRow, step: Mapping[str, Any]) -> list[Any]:
    """The alternatives for a step; none where there are none."""
    completions = step.get("completions")
    if completions is not None and not isinstance(completions, list):
        raise row.error("label", f"expected a list of completions in a step, found {kind(completions)}")
    return completions or []


def _count(row: FileRow, label: Mapping[str, Any], steps: list[Mapping[str, Any]], unkept: Counter[str]) -> None:
    """What of a row has no place."""
    question = row.values["question"]
    alternatives = [_completions(row, step) for step in steps]
    completions = [item for items in alternatives for item in items if isinstance(item, Mapping)]
    unkept[STEPS] += sum(completion.get("rating") is not None for completion in completions)
    unkept[_ALTERNATIVES] += sum(max(0, len(items) - 1) for items in alternatives)
    unkept[_FINISHED] += label.get("finish_reason") is not None
    unkept[_GOLD] += bool(question.get("ground_truth_solution"))


def read_prmbench(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """Each problem with its original solution, and, as it was changed, with the modified one, whose model is named
    after the kind of the change. Raises InputError naming file, line and field."""
    unkept: Counter[str] = Counter()
    file = gather_outputs(_processes(filename, limits, unkept), str(filename))
    return replace(file, unkept={name: number for name, number in unkept.items() if number})


def _processes(filename: Filename, limits: ReadLimits | None, unkept: Counter[str]) -> Iterator[FileRow]:
    samples = SampleCounts()
    for row in file_rows(filename, limits=limits):
        kind = row.values.get("classification")
        changed = f"{_MODIFIED}: {kind}" if isinstance(kind, str) and kind.strip() else _MODIFIED
        for version, model in ((_ORIGINAL, _ORIGINAL), (_MODIFIED, changed)):
            question, steps = f"{version}_question", f"{version}_process"
            problem, solution = row.text(question), _joined(row, steps)
            values: dict[str, Any] = {"prompt": problem, "output": solution, "model": model}
            values["sample"] = samples.number(f"{problem}\n{model}", solution)
            if row.values.get("idx") is not None:
                values["id"] = row.values["idx"]
            yield FileRow(row.place, values, row.nulls if version == _ORIGINAL else 0)
        unkept[STEPS] += len(_listed(row, f"{_MODIFIED}_process"))
        unkept["reasons of errors"] += bool(row.values.get("reason"))


def _joined(row: FileRow, column: str) -> str:
    return "\n".join(row.as_text(column, step) for step in _listed(row, column))


def _listed(row: FileRow, column: str) -> list[Any]:
    steps = row.values.get(column)
    if not isinstance(steps, list) or not steps:
        raise row.error(column, "expected a list of steps, each a text")
    return steps


PRM800K = Format(
    name="prm800k",
    holds="outputs",
    help="PRM800K: problems and solutions in steps; the labels of steps are counted and left out.",
    recognises=lambda sample: (
        sample.holds("labeler", "question", "label")
        and all(isinstance(row.get("question"), dict) and isinstance(row.get("label"), dict) for row in sample.rows)
    ),
    read=read_prm800k,
    benchmark="prm800k",
)
PRMBENCH = Format(
    name="prmbench",
    holds="outputs",
    help="PRMBench: problems with an original and a modified solution; the labels of steps are counted and left out.",
    recognises=lambda sample: sample.holds(
        "original_question", "modified_question", "original_process", "modified_process", "error_steps"
    ),
    read=read_prmbench,
    benchmark="prmbench",
)
