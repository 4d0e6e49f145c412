"""UltraFeedback: an instruction, completions of several models, and GPT-4's scores and critiques of each.

``overall_score`` goes with ``critique``; each aspect in ``annotations`` has a rating and its rationale.
Each is a pointwise judge of its own. Source: openbmb/UltraFeedback.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.fields import Columns
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.recorded_pairs import gather_verdicts
from judgebench.formats.sample_counts import SampleCounts
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.records import Completion, Instruction, Judge, Output, Source, Status, Verdict

PARSER = "ultrafeedback.v1"
_LLM = "gpt-4"
_ANSWERS = "lists of correct and incorrect answers"
_SYSTEM = "system prompts that models were given each its own"
_TYPES = "types of faults beside a rating"


def read_ultrafeedback(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """The outputs and the scores of each. Raises InputError naming file, row and field."""
    reader = ExchangeReader(Columns({}), limits=limits)
    unkept, samples = Counter[str](), SampleCounts()
    outputs: list[tuple[Instruction, Output]] = []
    verdicts: list[RecordedVerdict] = []
    for row in file_rows(filename, limits=limits):
        values = {"prompt": row.text("instruction"), "category": row.values.get("source")}
        instruction = reader.instruction(FileRow(row.place, values))
        unkept[_ANSWERS] += any(_is_answers(row.values.get(name)) for name in ("correct_answers", "incorrect_answers"))
        for completion in _completions(row):
            output = _output(row, instruction, completion, samples)
            outputs.append((instruction, output))
            unkept[_SYSTEM] += bool(completion.get("custom_system_prompt"))
            verdicts += _verdicts(row, instruction, output, completion, unkept)
    return gather_verdicts(filename, verdicts, reader, outputs=outputs, unkept=unkept)


def _is_answers(value: Any) -> bool:
    return isinstance(value, list) and any(item not in (None, "", "None") for item in value)


def _completions(row: FileRow) -> list[Mapping[str, Any]]:
    completions = row.values.get("completions")
    if not isinstance(completions, list) or not all(isinstance(item, Mapping) for item in completions):
        raise row.error("completions", "expected a list of objects, each with model and response")
    return completions


def _output(
    row: FileRow, instruction: Instruction, completion: Mapping[str, Any], samples: SampleCounts
) -> Output:  # fmt: skip
    """Further responses of a model to an instruction that occurs again are samples."""
    model, text = _model(row, completion), row.as_text("completions", completion.get("response"))
    return Output(instruction.key, model, text, sample=samples.number(f"{instruction.key} {model}", text))


def _model(row: FileRow, completion: Mapping[str, Any]) -> str:
    name = row.as_text("completions", completion.get("model")).strip()
    if not name:
        raise row.error("completions", "one of them names no model")
    return name


def _verdicts(
    row: FileRow, instruction: Instruction, output: Output, completion: Mapping[str, Any], unkept: Counter[str]
) -> Iterator[RecordedVerdict]:
    if completion.get("overall_score") is not None:
        yield _verdict(row, instruction, output, "overall", completion["overall_score"], completion.get("critique"))
    annotations = completion.get("annotations")
    for aspect, note in sorted(annotations.items()) if isinstance(annotations, Mapping) else ():
        if isinstance(note, list) and len(note) == 1:
            note = note[0]
        if not isinstance(note, Mapping):
            continue
        unkept[_TYPES] += note.get("Type") is not None
        rationale = note.get("Rationale For Rating", note.get("Rationale"))
        yield _verdict(row, instruction, output, str(aspect)[:60], note.get("Rating"), rationale)


def _verdict(
    row: FileRow, instruction: Instruction, output: Output, aspect: str, score: Any, reason: Any
) -> RecordedVerdict:
    judge = Judge(f"{_LLM} {aspect}", _LLM, f"recorded/ultrafeedback-{aspect}", PARSER)
    reply = Completion(row.as_text("completions", reason)) if isinstance(reason, str) and reason else None
    return RecordedVerdict(judge, instruction, output, None, None, 0, _score(row, score), reply, f"{row.place}, ")


def _score(row: FileRow, value: Any) -> Verdict:
    label = str(value) if isinstance(value, str | int | float) else None
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if number is None or number != number:
        detail = "no score recorded" if label is None else f"recorded as {label[:40]!r}, which is no number"
        return Verdict(Status.UNPARSED, Source.RECORDED, detail=detail, parser=PARSER)
    score = row.as_number("completions", number)
    return Verdict(Status.OK, Source.RECORDED, score=score, label=label, parser=PARSER)


ULTRAFEEDBACK = Format(
    name="ultrafeedback",
    holds="verdicts",
    help="UltraFeedback: completions of several models, with GPT-4's overall score and ratings of each aspect.",
    recognises=lambda sample: (
        sample.holds("instruction", "completions")
        and any(_has_scores(completion) for row in sample.rows for completion in _listed(row.get("completions")))
    ),
    read=read_ultrafeedback,
    benchmark="ultrafeedback",
)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _has_scores(completion: Any) -> bool:
    told = set(completion) if isinstance(completion, Mapping) else set()
    return {"model", "response"} <= told and not told.isdisjoint({"overall_score", "annotations"})
