"""Judgments by rubric: those of BiGGen Bench, and Prometheus's, whose replies end with ``[RESULT]``.

A row of BiGGen Bench holds a task, a model's response, the rubric of this one task, and a score from 1 to 5 with its
feedback; its published results have a column a judge in place of these, ``gpt4_score`` and the like. Several scores in
a row are repeats. Rows of Prometheus's collections hold one response with a score, or two with the letter of the better
one, whose models they do not name. The rubric becomes the instruction's checklist. Source: prometheus-eval, its
``BiGGen-Bench/run_response_eval.py``, and its data sets.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from judgebench.conversations import Conversation, Message, Text
from judgebench.formats import Format, Sample
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import instruction_of
from judgebench.formats.games import Recorder, models_of, numbered, of_all
from judgebench.formats.known import id_in
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.rereading import reread
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.records import Completion, Instruction, Judge, Output
from judgebench.spec.templates import load_template

PROMETHEUS_PARSER = "prometheus.v1"
_OF_JUDGE = re.compile(r"(?P<judge>.+)_score\Z")  # a column of published results
_LETTERS = {"A": 1.0, "B": 0.0}  # preference for the response shown first
_UNKNOWN = "unknown"
_RESULT = "[RESULT]"  # without which a feedback has lost its verdict, and there is nothing to read again


class _Pairs:
    """Names for responses whose models are not named: after their column, with a number from the second on."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def name(self, instruction: Instruction, column: str) -> str:
        self._counts[instruction.key, column] += 1
        number = self._counts[instruction.key, column]
        return f"{column} ({number})" if number > 1 else column


def _read(
    of_row: Callable[[FileRow, _Pairs], Iterator[RecordedVerdict]],
    template: str,
    filename: Filename,
    *,
    limits: ReadLimits | None = None,
) -> VerdictsFile:
    """The recorded verdicts. Raises InputError naming file, row and field."""
    scale, pairs = load_template(template), _Pairs()
    recorded = (verdict for row in file_rows(filename, limits=limits) for verdict in of_row(row, pairs))
    read = (
        reread(verdict, scale) if verdict.completion and _RESULT in verdict.completion.text else verdict
        for verdict in recorded
    )
    verdicts, duplicates = numbered(read)
    return VerdictsFile(str(filename), of_all(verdicts), verdicts, models_of(verdicts), duplicates=duplicates)


def _of_task(row: FileRow, _: _Pairs) -> Iterator[RecordedVerdict]:
    """Of a row of BiGGen Bench."""
    instruction = _task(row)
    column = "response_model_name" if row.values.get("response_model_name") is not None else "model_name"
    output = Output(instruction.key, row.text(column), row.text("response"))
    if row.values.get("score") is not None:
        judge = row.text("eval_model_name") if row.values.get("eval_model_name") is not None else _UNKNOWN
        yield from _scores(row, "score", judge, instruction, output, _reply(row, "feedback"))
        return
    judged = False
    for name, value in row.values.items():
        match = _OF_JUDGE.match(name)
        if match is not None and value is not None and value == value:
            judged = True
            yield from _scores(row, name, match["judge"], instruction, output, None)
    if not judged:
        raise row.error("score", "is missing, and no column such as gpt4_score holds a judge's")


def _of_response(row: FileRow, pairs: _Pairs) -> Iterator[RecordedVerdict]:
    """Of a row of the Feedback Collection."""
    instruction = _collected(row)
    output = Output(instruction.key, pairs.name(instruction, "response"), row.text("orig_response"))
    yield from _scores(row, "orig_score", _UNKNOWN, instruction, output, _reply(row, "output"))


def _of_two(row: FileRow, pairs: _Pairs) -> Iterator[RecordedVerdict]:
    """Of a row of the Preference Collection."""
    instruction = _collected(row)
    a, b = (
        Output(instruction.key, pairs.name(instruction, f"response_{side}"), row.text(f"orig_response_{side}"))
        for side in "AB"
    )
    letter = row.text("orig_preference").strip()
    if letter not in _LETTERS:
        raise row.error("orig_preference", f"expected A or B, found {letter[:40]!r}")
    reply = _reply(row, "output")
    yield _recorder(_UNKNOWN).game(row, instruction, (a, b), _LETTERS[letter], label=letter, completion=reply)


def _scores(
    row: FileRow, column: str, judge: str, instruction: Instruction, output: Output, reply: Completion | None
) -> Iterator[RecordedVerdict]:
    """The score in a cell; of a list, the repeats, of which the first alone has the feedback that was kept."""
    if column not in row.values:
        raise row.error(column, "is missing")
    value = row.values[column]
    recorder = _recorder(judge)
    for repeat, score in enumerate(value if isinstance(value, list) else [value]):
        number = _score(score)
        why = None if number is not None else f"recorded as {str(score)[:40]!r}, which is no score"
        label = None if score is None else str(score)[:40]
        kept = None if repeat else reply
        verdict = recorder.score(row, instruction, output, number, label=label, why=why, completion=kept)
        yield replace(verdict, repeat=repeat)


def _score(value: Any) -> float | None:
    """A number above 0, also as a text; -1 stands for none."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and 0 < number < 1e300 else None


def _recorder(judge: str) -> Recorder:
    return Recorder(Judge(f"{judge}:prometheus", judge, "recorded/prometheus", PROMETHEUS_PARSER), PROMETHEUS_PARSER)


def _reply(row: FileRow, column: str) -> Completion | None:
    return None if row.values.get(column) is None else Completion(row.text(column))


def _task(row: FileRow) -> Instruction:
    """With its rubric as checklist, its reference and its id; the system prompt is a message of its own."""
    system = row.values.get("system_prompt")
    messages = [("user", row.text("input"))]
    if system is not None and row.as_text("system_prompt", system).strip():
        messages.insert(0, ("system", row.as_text("system_prompt", system)))
    if not messages[-1][1].strip():
        raise row.error("input", "is empty")
    id = id_in(row, "id")
    return replace(
        instruction_of(Conversation(tuple(Message(role, (Text(text),)) for role, text in messages))),
        category=_optional(row, "capability"),
        reference=_optional(row, "reference_answer"),
        checklist=_rubric(row, row.values.get("score_rubric")),
        ids=() if id is None else (id,),
    )


def _rubric(row: FileRow, rubric: Any) -> tuple[str, ...]:
    """One text: the criterion, and what each score means."""
    if isinstance(rubric, str):
        return (row.as_text("score_rubric", rubric),) if rubric.strip() else ()
    if not isinstance(rubric, dict) or not isinstance(rubric.get("criteria"), str):
        raise row.error("score_rubric", "expected a text, or an object with 'criteria'")
    described = [f"Score {n}: {text}" for n in range(1, 6) if (text := rubric.get(f"score{n}_description"))]
    return (row.as_text("score_rubric", "\n".join((rubric["criteria"], *described))),)


def _collected(row: FileRow) -> Instruction:
    """What a row of a collection asked, with its rubric."""
    text = row.text("orig_instruction")
    if not text.strip():
        raise row.error("orig_instruction", "is empty")
    rubric = {name.removeprefix("orig_"): value for name, value in row.values.items() if name.startswith("orig_")}
    checklist = _rubric(row, {"criteria": rubric.get("criteria"), **rubric}) if rubric.get("criteria") else ()
    return Instruction((text,), reference=_optional(row, "orig_reference_answer"), checklist=checklist)


def _optional(row: FileRow, column: str) -> str | None:
    value = row.values.get(column)
    return None if value is None else row.as_text(column, value) or None


def _is_biggen(sample: Sample) -> bool:
    scored = sample.holds("score") or any(_OF_JUDGE.match(column) for column in sample.columns)
    return scored and sample.holds("input", "response", "score_rubric")


_SINGLE, _RELATIVE = "pointwise/prometheus.v1", "pairwise/prometheus-relative.v1"
BIGGEN = Format(
    name="biggen",
    holds="verdicts",
    help="BiGGen Bench: responses with scores from 1 to 5 by the rubric of each task.",
    recognises=_is_biggen,
    read=partial(_read, _of_task, _SINGLE),
)
FEEDBACK_COLLECTION = Format(
    name="feedback-collection",
    holds="verdicts",
    help="Prometheus's responses with a score from 1 to 5 by a rubric.",
    recognises=lambda sample: sample.holds("orig_instruction", "orig_response", "orig_score"),
    read=partial(_read, _of_response, _SINGLE),
)
PREFERENCE_COLLECTION = Format(
    name="preference-collection",
    holds="verdicts",
    help="Prometheus's pairs of responses with the better one by a rubric.",
    recognises=lambda sample: sample.holds("orig_response_A", "orig_response_B", "orig_preference"),
    read=partial(_read, _of_two, _RELATIVE),
)
