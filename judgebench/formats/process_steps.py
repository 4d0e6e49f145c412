"""Solutions in steps, each of which somebody judged: PRM800K, PRMBench, ProcessBench, and stepwise data of TRL.

Kept are the problems, the solutions, where their steps end, and what is said of each step. What nobody says of a step
is not known: behind the first error of PRM800K and ProcessBench nothing is labelled. Numbers count from 1 in PRMBench
and from 0 in ProcessBench, where -1 is none. Sources: openai/prm800k; ssmisya/PRMBench, docs/data_format.md;
QwenLM/ProcessBench, code; huggingface/trl, docs/source/dataset_formats.md.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from judgebench.formats import Format, Sample
from judgebench.formats.beside import NOWHERE, STEPS_COLUMN, stepped
from judgebench.formats.documents import file_rows
from judgebench.formats.outputs import OutputsFile, gather_outputs
from judgebench.formats.reading import Filename, FileRow, ReadLimits, kind
from judgebench.formats.sample_counts import SampleCounts
from judgebench.records import Rating

_FINISHED = "judgments of a whole solution, which compare nothing"
_GOLD = "worked solutions beside the reference"
_UNSOLVED = "problems without a step of a solution"
_ALTERNATIVES = "alternative steps"
_OF_ALTERNATIVES = "labels of alternative steps"
_ANSWERS = "judgments of a final answer"
_ORIGINAL, _MODIFIED = "original", "modified"
_RATINGS: Mapping[int, Rating] = {-1: "bad", 0: "neutral", 1: "good"}  # of PRM800K
_OF: Mapping[bool, Rating] = {True: "good", False: "bad"}
_Labelled = tuple[Any, Rating | None]  # a step's text, and what is said of it
_Labels = Counter[str]


def read_prm800k(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """The solutions as their labelers chose the steps, samples of one generator; one that ends in an error ends with
    the first step that was wrong. Raises InputError naming file, line and field."""
    return _read(filename, limits, _solution, PRM800K.name)


def read_prmbench(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """Each problem with its original solution, and, as it was changed, with the modified one, whose model is named
    after the kind of the change. Raises InputError naming file, line and field."""
    return _read(filename, limits, _processes, "")


def read_processbench(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """The solutions of each generator; the part of the benchmark is the category. Raises as ``read_prm800k``."""
    return _read(filename, limits, _process, "")


def read_stepwise(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """Completions in steps, samples of one generator. Raises as ``read_prm800k``."""
    return _read(filename, limits, _completion, TRL_STEPWISE.name)


def _read(filename: Filename, limits: ReadLimits | None, solve: Any, generator: str) -> OutputsFile:
    """``solve``: makes the values of the rows that a row is, and counts what of it has no place."""
    unkept: _Labels = Counter()
    samples = SampleCounts()
    rows = (
        numbered
        for row in file_rows(filename, limits=limits)
        for numbered in _numbered(row, solve(row, unkept), samples, generator)
    )
    file = gather_outputs(rows, str(filename))
    return replace(file, unkept={name: number for name, number in unkept.items() if number})


def _numbered(
    row: FileRow, solutions: Sequence[dict[str, Any]], samples: SampleCounts, generator: str
) -> Iterator[FileRow]:
    for at, values in enumerate(solutions):
        values.setdefault("model", generator)
        question = repr((values["prompt"], values["model"]))
        source = values["output"], values[STEPS_COLUMN]
        values["sample"] = samples.number(question, source)
        yield FileRow(row.place, values, 0 if at else row.nulls)


def _solution(row: FileRow, unkept: _Labels) -> list[dict[str, Any]]:
    question, label = (_object(row, column, row.values.get(column)) for column in ("question", "label"))
    items = label.get("steps")
    listed = [_object(row, "label", step) for step in items] if isinstance(items, list) else []
    given = question.get("pre_generated_steps")
    steps = _pre_generated(row, given, listed) if isinstance(given, list) and given else _chosen_steps(row, listed)
    _count(row, label, listed, steps, unkept)
    if not steps:
        unkept[_UNSOLVED] += 1
        return []
    labeler = row.values.get("labeler")
    name = labeler if isinstance(labeler, str) and labeler.strip() else PRM800K.name
    values = stepped(row, "question", [text for text, _ in steps], [rating for _, rating in steps], name, unkept)
    values["prompt"] = row.as_text("question", question.get("problem"))
    answer = question.get("ground_truth_answer")
    if isinstance(answer, str) and answer.strip():
        values["reference"] = answer
    return [values]


def _object(row: FileRow, column: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise row.error(column, "expected an object")
    return value


def _pre_generated(row: FileRow, texts: list[Any], listed: Sequence[Mapping[str, Any]]) -> list[_Labelled]:
    """The steps that a model wrote, with the ratings of those that the labeler came to; a step that was replaced has
    another text than the one of the model, and says nothing about that."""
    ratings: list[Rating | None] = []
    for text, step in zip(texts, listed, strict=False):
        same = [item for item in _completions(row, step) if isinstance(item, Mapping) and item.get("text") == text]
        ratings.append(_rating(row, same[0]) if same else None)
    return [(text, ratings[at] if at < len(ratings) else None) for at, text in enumerate(texts)]


def _chosen_steps(row: FileRow, listed: Sequence[Mapping[str, Any]]) -> list[_Labelled]:
    """The steps that the solution went on from: the labeler's own where none was good enough. Where it ended, with
    neither, its last step is the first that was offered, which was wrong."""
    steps: list[_Labelled] = []
    for at, step in enumerate(listed):
        offered, number, human = _completions(row, step), step.get("chosen_completion"), step.get("human_completion")
        if number is None and human is None:
            if at == len(listed) - 1 and offered:
                steps.append(_offered(row, offered[0]))
        elif number is None:
            own = _object(row, "label", human) if isinstance(human, Mapping) else {"text": human}
            steps.append(_offered(row, own))
        elif isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(offered):
            raise row.error("label", f"a step has {len(offered)} completions and names another as chosen")
        else:
            steps.append(_offered(row, offered[number]))
    return steps


def _offered(row: FileRow, completion: Any) -> _Labelled:
    step = _object(row, "label", completion)
    return row.as_text("label", step.get("text")), _rating(row, step)


def _rating(row: FileRow, completion: Mapping[str, Any]) -> Rating | None:
    """Raises InputError for a number that is no rating."""
    number = completion.get("rating")
    if number is None:
        return None
    if isinstance(number, bool) or number not in _RATINGS:
        raise row.error("label", f"expected a rating of -1, 0 or 1, found {str(number)[:20]!r}")
    return _RATINGS[int(number)]


def _completions(row: FileRow, step: Mapping[str, Any]) -> list[Any]:
    """The alternatives for a step; none where there are none."""
    completions = step.get("completions")
    if completions is not None and not isinstance(completions, list):
        raise row.error("label", f"expected a list of completions in a step, found {kind(completions)}")
    return completions or []


def _count(
    row: FileRow,
    label: Mapping[str, Any],
    listed: Sequence[Mapping[str, Any]],
    steps: Sequence[_Labelled],
    unkept: _Labels,
) -> None:
    """What of a row has no place."""
    question = row.values["question"]
    alternatives = [_completions(row, step) for step in listed]
    offered = [item for items in alternatives for item in items if isinstance(item, Mapping)]
    rated = sum(item.get("rating") is not None for item in offered)
    unkept[_OF_ALTERNATIVES] += max(0, rated - sum(rating is not None for _, rating in steps))
    unkept[_ALTERNATIVES] += sum(max(0, len(items) - 1) for items in alternatives)
    unkept[_FINISHED] += label.get("finish_reason") is not None
    unkept[_GOLD] += bool(question.get("ground_truth_solution"))


def _processes(row: FileRow, unkept: _Labels) -> list[dict[str, Any]]:
    fault = row.values.get("classification")
    named = fault.strip() if isinstance(fault, str) and fault.strip() else None
    solutions = []
    for version, model in ((_ORIGINAL, _ORIGINAL), (_MODIFIED, f"{_MODIFIED}: {named}" if named else _MODIFIED)):
        texts, errors = _listed(row, f"{version}_process"), frozenset[int]()
        ratings: list[Rating | None] = ["good"] * len(texts)
        if version == _MODIFIED:
            errors = _error_steps(row)
            if not errors <= set(range(1, len(texts) + 1)):
                unkept[NOWHERE] += 1
                ratings = [None] * len(texts)
            else:
                ratings = ["bad" if number in errors else "good" for number in range(1, len(texts) + 1)]
        why = row.values.get("reason")
        reasons = {min(errors) - 1: row.as_text("reason", why)} if errors and isinstance(why, str) and why else {}
        more = {number - 1: (named, reasons.get(number - 1)) for number in errors}
        values = stepped(row, f"{version}_process", texts, ratings, PRMBENCH.name, unkept, more)
        values |= {"prompt": row.text(f"{version}_question"), "model": model}
        if row.values.get("idx") is not None:
            values["id"] = row.values["idx"]
        solutions.append(values)
    return solutions


def _error_steps(row: FileRow) -> frozenset[int]:
    numbers = row.values.get("error_steps")
    if not isinstance(numbers, list) or not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        raise row.error("error_steps", "expected a list of numbers of steps, from 1")
    return frozenset(numbers)


def _process(row: FileRow, unkept: _Labels) -> list[dict[str, Any]]:
    steps, first = _listed(row, "steps"), row.values.get("label")
    if isinstance(first, bool) or not isinstance(first, int) or not -1 <= first < len(steps):
        raise row.error("label", f"expected the first wrong one of {len(steps)} steps, from 0, or -1 for none")
    before: list[Rating | None] = ["good"] * (len(steps) if first < 0 else first)
    values = stepped(row, "steps", steps, before if first < 0 else [*before, "bad"], PROCESSBENCH.name, unkept)
    values |= {"prompt": row.text("problem"), "model": row.text("generator").strip() or PROCESSBENCH.name}
    name = row.values.get("id")
    if isinstance(name, str) and name.strip():
        values["id"] = name
        if "-" in name:
            values["category"] = name.rpartition("-")[0]
    unkept[_ANSWERS] += row.values.get("final_answer_correct") is not None
    return [values]


def _completion(row: FileRow, unkept: _Labels) -> list[dict[str, Any]]:
    steps, labels = _listed(row, "completions"), row.values.get("labels")
    if not isinstance(labels, list) or len(labels) != len(steps):
        raise row.error("labels", f"expected a label of each of {len(steps)} steps")
    if not all(isinstance(label, bool) for label in labels):
        raise row.error("labels", "expected true or false of each step")
    values = stepped(row, "completions", steps, [_OF[label] for label in labels], TRL_STEPWISE.name, unkept)
    values["prompt"] = row.values.get("prompt")
    model = row.values.get("model")
    return [values | ({"model": model} if isinstance(model, str) and model.strip() else {})]


def _listed(row: FileRow, column: str) -> list[Any]:
    steps = row.values.get(column)
    if not isinstance(steps, list) or not steps:
        raise row.error(column, "expected a list of steps, each a text")
    return steps


def _is_stepwise(sample: Sample) -> bool:
    return sample.holds("prompt", "completions", "labels") and all(
        isinstance(row.get("completions"), list)
        and isinstance(row.get("labels"), list)
        and all(isinstance(label, bool) for label in row["labels"])
        for row in sample.rows
    )


PRM800K = Format(
    name="prm800k",
    holds="outputs",
    help="PRM800K: problems and solutions in steps, with what each labeler says of the steps.",
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
    help="PRMBench: problems with an original and a modified solution in steps, and which steps are wrong.",
    recognises=lambda sample: sample.holds(
        "original_question", "modified_question", "original_process", "modified_process", "error_steps"
    ),
    read=read_prmbench,
    benchmark="prmbench",
)
PROCESSBENCH = Format(
    name="processbench",
    holds="outputs",
    help="ProcessBench: problems and solutions in steps, and which step is the first wrong one.",
    recognises=lambda sample: sample.holds("generator", "problem", "steps", "label", "final_answer_correct"),
    read=read_processbench,
    benchmark="processbench",
)
TRL_STEPWISE = Format(
    name="trl-stepwise",
    holds="outputs",
    help="Stepwise supervision of TRL: prompts, completions in steps, and whether each step is right.",
    recognises=_is_stepwise,
    read=read_stepwise,
    benchmark="stepwise",
)
