"""Recorded verdicts: what every format of judgments is read into, and our own files, which are written and read back.

A row of ours is one verdict in force with its judge, both outputs (one where it is pointwise) and the raw reply.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from judgebench.formats import Column, Format
from judgebench.formats.fields import Columns, matched_replies, read_instruction, texts
from judgebench.formats.reading import Filename, FileRow, ReadLimits, read_rows
from judgebench.formats.writing import INSTRUCTION_COLUMNS, KEY_COLUMN, instruction_values
from judgebench.records import (
    Battle,
    Completion,
    HumanLabel,
    Instruction,
    Judge,
    Order,
    Output,
    Reading,
    Source,
    Status,
    TokenLogprob,
    TrialResult,
    Verdict,
    trial_key,
)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """One verdict with everything that it is about."""

    judge: Judge
    instruction: Instruction
    a: Output
    b: Output | None  # None: pointwise
    order: Order | None  # None: pointwise, or not recorded
    repeat: int
    verdict: Verdict  # about A
    completion: Completion | None  # None where no raw reply was kept

    @property
    def result(self) -> TrialResult:
        if self.b is None:
            key = Reading(self.judge.digest, self.instruction, self.a, self.repeat).key
        else:
            key = trial_key(self.judge.digest, Battle(self.instruction, self.a, self.b), self.order, self.repeat)
        return TrialResult(
            trial_key=key,
            instruction=self.instruction.key,
            model_a=self.a.model,
            model_b=None if self.b is None else self.b.model,
            order=self.order,
            repeat=self.repeat,
            verdict=self.verdict,
            completion=self.completion,
        )


@dataclass(frozen=True, slots=True)
class VerdictsFile:
    """What a file of recorded judgments holds."""

    file: str
    outputs: tuple[tuple[Instruction, Output], ...]  # every one, also those that no verdict is about
    verdicts: tuple[RecordedVerdict, ...]  # each trial once
    models: tuple[str, ...]  # under evaluation, by name
    labels: tuple[HumanLabel, ...] = ()
    against_itself: int = 0  # rows that compare a model with itself, which is no battle
    duplicates: int = 0  # rows left out because they repeat an earlier one


def read_verdicts(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """A file that was exported. Raises InputError naming file, row and field."""
    verdicts: dict[str, RecordedVerdict] = {}
    duplicates = 0
    for row in read_rows(filename, limits=limits):
        verdict = _recorded(row)
        earlier = verdicts.setdefault(verdict.result.trial_key, verdict)
        if earlier != verdict:
            raise row.error("preference", "an earlier row has another verdict of this judge on the same trial")
        duplicates += earlier is not verdict
    sides = [(row.instruction, side) for row in verdicts.values() for side in (row.a, row.b) if side is not None]
    outputs = {(instruction.key, output.model): (instruction, output) for instruction, output in sides}
    models = sorted({model for _, model in outputs})
    return VerdictsFile(
        str(filename), tuple(outputs.values()), tuple(verdicts.values()), tuple(models), duplicates=duplicates
    )


def _recorded(row: FileRow) -> RecordedVerdict:
    instruction = read_instruction(row, Columns({}))
    a, b = (_output(row, instruction, letter) for letter in "ab")
    if a is None or (b is not None and not a.model < b.model):
        raise row.error("model_a", "expected the model whose name sorts before model_b's")
    order, repeat = _parsed(row, "order", Order), _parsed(row, "repeat", int) or 0
    return RecordedVerdict(_judge(row), instruction, a, b, order, repeat, _verdict(row), _completion(row))


def _verdict(row: FileRow) -> Verdict:
    status, source = _parsed(row, "status", Status), _parsed(row, "source", Source)
    preference, score = _parsed(row, "preference", float), _parsed(row, "score", float)
    if status is None or source is None:
        raise row.error("status" if status is None else "source", "is missing")
    if preference is not None and not 0 <= preference <= 1:
        raise row.error("preference", f"expected a preference from 0 to 1, found {preference:g}")
    decided = preference is not None or score is not None
    if decided != (status in (Status.OK, Status.TIE)) or (preference == 0.5) != (status is Status.TIE):
        raise row.error("status", f"{str(status)!r} does not go with the preference and the score of this row")
    return Verdict(
        status,
        source,
        preference,
        score,
        label=_text(row, "label"),
        mass=_parsed(row, "mass", float),
        detail=_text(row, "detail"),
        parser=_text(row, "parser") or "",
    )


def _judge(row: FileRow) -> Judge:
    name, model, template, digest = (row.text(column) for column in _JUDGE)
    settings = _parsed(row, "settings", json.loads)
    if not isinstance(settings, dict):
        raise row.error("settings", "expected a JSON object in a text")
    return Judge(name, model, template, digest, settings)


def _output(row: FileRow, instruction: Instruction, letter: str) -> Output | None:
    model, column = _text(row, f"model_{letter}"), f"output_{letter}"
    if model is None:
        return None
    *earlier, text = matched_replies(instruction, texts(row, column, row.values.get(column), role="assistant"))
    return Output(instruction.key, model, text, tuple(earlier))


def _completion(row: FileRow) -> Completion | None:
    """None where no reply was kept, of which a CSV file tells by leaving every cell empty."""
    values = [row.values.get(column) for column in _REPLY]
    if values[0] is None or all(value == "" for value in values):
        return None
    return Completion(
        text=_text(row, "reply") or "",
        reasoning=_text(row, "reasoning"),
        finish_reason=_text(row, "finish_reason"),
        logprobs=_parsed(row, "logprobs", _tokens),
        model=_text(row, "reply_model"),
        prompt_tokens=_parsed(row, "prompt_tokens", int),
        completion_tokens=_parsed(row, "completion_tokens", int),
        cost_usd=_parsed(row, "cost_usd", float),
        latency_s=_parsed(row, "latency_s", float),
        constrained=_text(row, "constrained"),
    )


def _tokens(text: str) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(token, logprob, tuple((name, value) for name, value in top))
        for token, logprob, top in json.loads(text)
    )


def _text(row: FileRow, column: str) -> str | None:
    """None where it is missing or empty."""
    value = row.values.get(column)
    if isinstance(value, list) and len(value) == 1:  # how a cell of CSV holds a text that could be taken for a list
        [value] = value
    return row.as_text(column, value) if value not in (None, "") else None


def _parsed(row: FileRow, column: str, parse: Callable[[Any], Value]) -> Value | None:
    """None where it is missing or empty."""
    value = row.values.get(column)
    if value is None or value == "":
        return None
    try:
        return parse(_text(row, column) if isinstance(value, str | list) else value)
    except (ValueError, TypeError, RecursionError) as error:
        raise row.error(column, f"cannot be read: {str(value)[:40]!r}") from error


def _values(recorded: RecordedVerdict) -> dict[str, Any]:
    judge, verdict, reply = recorded.judge, recorded.verdict, recorded.completion
    b, logprobs = recorded.b, None if reply is None else reply.logprobs
    tokens = None if logprobs is None else [[token.token, token.logprob, token.top] for token in logprobs]
    return {
        **instruction_values(recorded.instruction),
        "model_a": recorded.a.model,
        "output_a": [*recorded.a.earlier, recorded.a.text],
        "model_b": None if b is None else b.model,
        "output_b": None if b is None else [*b.earlier, b.text],
        **dict(zip(_JUDGE, (judge.name, judge.model, judge.template, judge.template_digest), strict=True)),
        "settings": json.dumps(dict(judge.settings), sort_keys=True),
        "order": None if recorded.order is None else str(recorded.order),
        "repeat": recorded.repeat,
        **{name: getattr(verdict, name) for name in _VERDICT},
        "reply": None if reply is None else reply.text,
        "reply_model": None if reply is None else reply.model,
        "logprobs": None if tokens is None else json.dumps(tokens, separators=(",", ":")),
        **{name: getattr(reply, name, None) for name in _REPLY[3:]},
    }


_JUDGE = ("judge", "judge_model", "template", "template_digest")
_VERDICT = ("status", "source", "preference", "score", "label", "mass", "detail", "parser")
_REPLY = (
    *("reply", "reply_model", "logprobs", "reasoning", "finish_reason"),
    *("prompt_tokens", "completion_tokens", "cost_usd", "latency_s", "constrained"),
)
VERDICTS = Format(
    name="verdicts",
    holds="verdicts",
    help="Verdicts with both outputs, judge and raw reply, as judgebench export verdicts writes them.",
    recognises=lambda sample: sample.holds(KEY_COLUMN, "model_b", "status", "source", *_JUDGE),
    read=read_verdicts,
    columns=(
        *INSTRUCTION_COLUMNS,
        Column("model_a", "of two models, the one whose name sorts first; the only one of a pointwise verdict"),
        Column("output_a", "its output", "replies"),
        Column("model_b", "the other model; missing where the verdict is pointwise"),
        Column("output_b", "its output", "replies"),
        Column("judge", "its name"),
        Column("judge_model", "its LLM"),
        Column("template", "of its prompt"),
        Column("template_digest", "names the template by its content"),
        Column("settings", "its decoding settings, a JSON object"),
        Column("order", "AB where A's output was shown first, BA where B's was; missing where it is not known"),
        Column("repeat", "0 for the first time that this was asked, and so on", "integer"),
        Column("status", "ok or tie; else, without preference and score, unparsed, refused, truncated or failed"),
        Column("source", "where the verdict came from: label, logprobs, likelihood, identical, recorded, none"),
        Column("preference", "for A, from 0 to 1", "number"),
        Column("score", "of a pointwise verdict, on the template's scale", "number"),
        Column("label", "the verdict in the judge's words"),
        Column("mass", "probability on the template's labels, from 0 to 1", "number"),
        Column("detail", "why there is no verdict"),
        Column("parser", "version of the parser that read the reply"),
        Column("reply", "the judge's raw reply; missing where there was none"),
        Column("reply_model", "the LLM as the server called it"),
        Column("logprobs", "of the reply: a JSON list of [token, log-probability, [[token, log-probability], ...]]"),
        Column("reasoning", "what the server separated from the reply"),
        Column("finish_reason", "as the server said"),
        Column("prompt_tokens", "how many the question had", "integer"),
        Column("completion_tokens", "how many the reply had", "integer"),
        Column("cost_usd", "price of the reply; missing where it is not known", "number"),
        Column("latency_s", "seconds that the reply took", "number"),
        Column("constrained", "how a second question forced the form of the reply; else missing"),
    ),
    row=_values,
)
