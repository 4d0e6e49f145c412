"""Recorded verdicts: what every format of judgments is read into, and our own files, which are written and read back.

A row of ours is one verdict in force with its judge, both outputs (one where it is pointwise) and the raw reply.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from judgebench.conversations import Blob
from judgebench.formats import ColumnType, Format
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.fields import Columns
from judgebench.formats.particulars import read_goals, read_spans, written_particulars
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.writing import INSTRUCTION_COLUMNS, KEY_COLUMN, instruction_values, output_values
from judgebench.judging.numbering import step_ends
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

_MAX_INTEGER = 2**31 - 1  # of the store's columns
_MAX_MASS = 1.000001  # a sum of probabilities, rounded
_JUDGE = ("judge", "judge_model", "template", "template_digest")
_TYPES: Mapping[Any, ColumnType] = {float: "number", int: "integer"}


@dataclass(frozen=True, slots=True)
class _Number:
    """Reads a number of a range; in CSV it is a text."""

    kind: type[int | float]
    lowest: float = -1e300
    highest: float = 1e300

    def __call__(self, value: Any) -> int | float:
        number = self.kind(value)
        changed = isinstance(value, bool) or (isinstance(value, float) and number != value)
        if changed or not self.lowest <= number <= self.highest:
            raise ValueError(f"expected a number from {self.lowest:,} to {self.highest:,}")
        return number


_CUT = "output_a_steps"  # of a pointwise verdict: where each step of A ends
_FINITE, _AMOUNT = _Number(float), _Number(float, 0)


_COUNT = _Number(int, 0, _MAX_INTEGER)


_VERDICT: Mapping[str, Callable[[Any], Any]] = {  # field -> how it is read
    **{"status": Status, "source": Source, "preference": _FINITE, "score": _FINITE},
    **{"label": str, "mass": _Number(float, 0, _MAX_MASS), "detail": str, "parser": str},
}
_PARTICULARS: Mapping[str, tuple[str, Callable[[str], Any]]] = {  # field of a pointwise verdict -> as for a reply
    **{"goals": ("verdict_goals", read_goals), "spans": ("verdict_spans", read_spans)}
}


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
    place: str = field(default="", compare=False)  # where it stands, for errors: "f.csv, line 2, "
    cut: tuple[int, ...] | None = None  # where each step of A ended when it was judged; None: the file does not say
    reading: Verdict | None = field(default=None, compare=False)  # by our parser; None: its reply was not read again

    @property
    def result(self) -> TrialResult:
        """Its key as of a judge that is shown neither reference nor checklist."""
        return self.result_shown("")

    def result_shown(self, shown: str) -> TrialResult:
        """``shown``: as of a ``Trial``."""
        return TrialResult(
            trial_key=self._key(shown),
            instruction=self.instruction.key,
            model_a=self.a.model,
            model_b=None if self.b is None else self.b.model,
            order=self.order,
            repeat=self.repeat,
            verdict=self.verdict,
            completion=self.completion,
            samples=(self.a.sample, 0 if self.b is None else self.b.sample),
        )

    def _key(self, shown: str) -> str:
        if self.b is None:
            return Reading(self.judge.digest, self.instruction, self.a, self.repeat, shown).key
        sides = Battle(self.instruction, self.a, self.b)
        return trial_key(self.judge.digest, sides, self.order, self.repeat, shown)


@dataclass(frozen=True, slots=True)
class VerdictsFile:
    """What a file of recorded judgments holds."""

    file: str
    outputs: tuple[tuple[Instruction, Output], ...]  # each once, also those that no verdict is about
    verdicts: tuple[RecordedVerdict, ...]  # each trial once
    models: tuple[str, ...]  # under evaluation, by name
    labels: tuple[HumanLabel, ...] = ()
    against_itself: int = 0  # rows that compare a model with itself, which is no battle
    duplicates: int = 0  # rows left out because they repeat an earlier one
    blobs: Mapping[str, Blob] = field(default_factory=dict)  # files that messages hold, by digest
    unkept: Mapping[str, int] = field(default_factory=dict)  # what has no place here: how many, by what they are
    by_id_alone: int = 0  # instructions of which it holds an id alone, which stands in for them


def read_verdicts(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """A file that was exported. Raises InputError naming file, row and field."""
    verdicts: dict[str, RecordedVerdict] = {}
    digests: dict[tuple[str, str, int], str] = {}
    cuts: dict[tuple[str, str, int], tuple[int, ...]] = {}
    duplicates, reader = 0, ExchangeReader(Columns({}), limits=limits)
    for row in file_rows(filename, limits=limits):
        verdict = _recorded(row, reader)
        _check_outputs(row, verdict, digests)
        _check_cut(row, verdict, cuts)
        earlier = verdicts.setdefault(verdict.result.trial_key, verdict)
        if earlier != verdict:
            raise row.error("preference", "an earlier row has another verdict of this judge on the same trial")
        duplicates += earlier is not verdict
    steps = {_place_of(row): row.a.steps for row in verdicts.values() if row.a.steps}
    sides = distinct(
        (row.instruction, replace(side, steps=steps.get((row.instruction.key, side.model, side.sample), ())))
        for row in verdicts.values()
        for side in (row.a, row.b)
        if side is not None
    )
    models = tuple(sorted({output.model for _, output in sides}))
    read = tuple(verdicts.values())
    return VerdictsFile(str(filename), sides, read, models, duplicates=duplicates, blobs=reader.blobs)


def _place_of(recorded: RecordedVerdict) -> tuple[str, str, int]:
    return recorded.instruction.key, recorded.a.model, recorded.a.sample


def _check_cut(row: FileRow, recorded: RecordedVerdict, cuts: dict[tuple[str, str, int], tuple[int, ...]]) -> None:
    """``cuts``: of the outputs in earlier rows. Raises InputError where A is cut otherwise here."""
    if recorded.cut is not None and cuts.setdefault(_place_of(recorded), recorded.cut) != recorded.cut:
        raise row.error(_CUT, f"an earlier row has the output of {recorded.a.model!r} cut into other steps")


def _check_outputs(row: FileRow, recorded: RecordedVerdict, digests: dict[tuple[str, str, int], str]) -> None:
    """``digests``: of the outputs in earlier rows. Raises InputError where one of these is another here."""
    for letter, output in (("a", recorded.a), ("b", recorded.b)):
        if output is None:
            continue
        place = (recorded.instruction.key, output.model, output.sample)
        if digests.setdefault(place, output.digest) != output.digest:
            raise row.error(f"output_{letter}", f"an earlier row has another output of {output.model!r} to it")


def distinct(outputs: Iterable[tuple[Instruction, Output]]) -> tuple[tuple[Instruction, Output], ...]:
    """The last of each model and sample on each instruction, in the order in which these come."""
    by_place = {(question.key, output.model, output.sample): (question, output) for question, output in outputs}
    return tuple(by_place.values())


def _recorded(row: FileRow, reader: ExchangeReader) -> RecordedVerdict:
    instruction = reader.instruction(row)
    a, b = (_output(row, instruction, letter, reader) for letter in "ab")
    if a is None or (b is not None and not a.model < b.model):
        raise row.error("model_a", "expected the model whose name sorts before model_b's")
    settings = _parsed(row, "settings", _settings)
    if not isinstance(settings, dict):
        raise row.error("settings", "expected a JSON object in a text")
    name, model, template, digest = (row.text(column) for column in _JUDGE)
    judge = Judge(name, model, template, digest, settings)
    order, repeat = _parsed(row, "order", Order), _parsed(row, "repeat", _COUNT) or 0
    fields = {field: _parsed(row, field, parse) for field, parse in _VERDICT.items()}
    fields |= {field: _parsed(row, column, parse) or () for field, (column, parse) in _PARTICULARS.items()}
    verdict = Verdict(**fields | {"parser": fields["parser"] or ""})
    _check(row, verdict)
    if b is None and (order is not None or verdict.preference is not None):
        raise row.error("model_b", "is empty: a verdict on one output has a score, no preference and no order")
    _check_particulars(row, verdict, instruction, a, b)
    if b is not None and verdict.score is not None:
        raise row.error("score", "a verdict on two outputs has a preference and no score")
    cut = None if b is not None else _cut(row, a)
    if cut is not None and cut != step_ends(a.text):
        a = replace(a, steps=cut)
    return RecordedVerdict(judge, instruction, a, b, order, repeat, verdict, _completion(row), f"{row.place}, ", cut)


def _cut(row: FileRow, output: Output) -> tuple[int, ...] | None:
    ends = _parsed(row, _CUT, json.loads)
    if ends is None:
        return None
    if not isinstance(ends, list) or not all(type(end) is int for end in ends):
        raise row.error(_CUT, "expected a JSON list of whole numbers: where each step ends, in characters")
    if not ends or sorted({*ends}) != ends or ends[0] < 1 or ends[-1] != len(output.text):
        raise row.error(_CUT, f"expected numbers that rise from 1 to the output's {len(output.text)} characters")
    return tuple(ends)


def _check(row: FileRow, verdict: Verdict) -> None:
    preference = verdict.preference
    if preference is not None and not 0 <= preference <= 1:
        raise row.error("preference", f"expected a preference from 0 to 1, found {preference:g}")
    decided = preference is not None or verdict.score is not None
    is_tie, has_ended = verdict.status is Status.TIE, verdict.status in (Status.OK, Status.TIE)
    if verdict.source is None or decided != has_ended or (preference == 0.5) != is_tie:
        raise row.error("status", f"{verdict.status} does not go with the source, preference and score of this row")


def _check_particulars(row: FileRow, verdict: Verdict, instruction: Instruction, a: Output, b: Output | None) -> None:
    """Raises InputError for goals or spans that the conversation has no place for."""
    if b is not None and (verdict.goals or verdict.spans):
        raise row.error("verdict_goals" if verdict.goals else "verdict_spans", "belong to a verdict on one output")
    turns = len(instruction.turns)
    for goal in verdict.goals:
        if max(*goal.turns, goal.failed_at or 1) > turns or (goal.declared or 0) >= max(len(instruction.goals), 1):
            raise row.error(
                "verdict_goals", f"name a turn or a declared goal that the instruction, of {turns} turns, lacks"
            )
    if any(span.stop > len(a.text) for span in verdict.spans):
        raise row.error("verdict_spans", f"reach beyond the output's {len(a.text)} characters")


def _output(row: FileRow, instruction: Instruction, letter: str, reader: ExchangeReader) -> Output | None:
    model, column = _parsed(row, f"model_{letter}", str), f"output_{letter}"
    if model is None:
        return None
    if column not in row.values:
        raise row.error(column, "is missing")
    (output,) = reader.outputs(row, column, instruction)
    return replace(output, model=model, sample=_parsed(row, f"sample_{letter}", _COUNT) or 0)


def _completion(row: FileRow) -> Completion | None:
    """None where no reply was kept, of which a CSV file tells by leaving every cell empty."""
    if row.values.get("reply") is None or all(row.values.get(column) == "" for column, _ in _REPLY.values()):
        return None
    fields = {name: _parsed(row, column, parse) for name, (column, parse) in _REPLY.items()}
    return Completion(**fields | {"text": fields["text"] or ""})


def _parsed(row: FileRow, column: str, parse: Callable[[Any], Any]) -> Any:
    """None where it is missing or empty."""
    value = row.values.get(column)
    if value is None or value == "":
        return None
    if parse is str:
        return row.as_text(column, value)
    try:
        return parse(value)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise row.error(column, f"cannot be read: {str(value)[:40]!r} ({str(error)[:80]})") from error


def _settings(text: str) -> Any:
    settings = json.loads(text)
    json.dumps(settings, allow_nan=False)  # raises ValueError
    return settings


def _tokens(text: str) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(*_token(token, logprob), tuple(_token(*pair) for pair in top))
        for token, logprob, top in json.loads(text)
    )


def _token(text: Any, logprob: Any) -> tuple[str, float]:
    """-Infinity, as some servers say it, stays."""
    if not isinstance(text, str) or isinstance(logprob, bool | str) or not float(logprob) < math.inf:
        raise ValueError("expected a token and its log-probability")
    return text, float(logprob)


def _values(recorded: RecordedVerdict) -> dict[str, Any]:
    judge, b, reply = recorded.judge, recorded.b, recorded.completion
    replied = {column: getattr(reply, name, None) for name, (column, _) in _REPLY.items()}
    if replied["logprobs"] is not None:
        tokens = [[token.token, token.logprob, token.top] for token in replied["logprobs"]]
        replied["logprobs"] = json.dumps(tokens, separators=(",", ":"))
    return {
        **instruction_values(recorded.instruction),
        "model_a": recorded.a.model,
        **output_values("output_a", recorded.a),
        "sample_a": recorded.a.sample,
        "model_b": None if b is None else b.model,
        **output_values("output_b", b),
        "sample_b": None if b is None else b.sample,
        **dict(zip(_JUDGE, (judge.name, judge.model, judge.template, judge.template_digest), strict=True)),
        "settings": json.dumps(dict(judge.settings), sort_keys=True),
        "order": recorded.order,
        "repeat": recorded.repeat,
        **{name: getattr(recorded.verdict, name) for name in _VERDICT},
        **{column: written_particulars(getattr(recorded.verdict, name)) for name, (column, _) in _PARTICULARS.items()},
        _CUT: _written_cut(recorded),
        **replied,
    }


def _written_cut(recorded: RecordedVerdict) -> str | None:
    """Of an output that was judged in steps, by its places, or that its source cut."""
    if recorded.b is not None or not (recorded.verdict.spans or recorded.a.steps):
        return None
    return json.dumps(step_ends(recorded.a.text, recorded.a.steps))


_REPLY: Mapping[str, tuple[str, Callable[[Any], Any]]] = {  # field -> its column, and how it is read
    **{"text": ("reply", str), "model": ("reply_model", str), "logprobs": ("logprobs", _tokens)},
    **{name: (name, str) for name in ("reasoning", "finish_reason", "constrained")},
    **{"prompt_tokens": ("prompt_tokens", _COUNT), "completion_tokens": ("completion_tokens", _COUNT)},
    **{"cost_usd": ("cost_usd", _AMOUNT), "latency_s": ("latency_s", _AMOUNT)},
}


VERDICTS = Format(
    name="verdicts",
    holds="verdicts",
    help="Verdicts with both outputs, judge and raw reply, as judgebench export verdicts writes them.",
    recognises=lambda sample: sample.holds(KEY_COLUMN, "model_b", "status", "source", *_JUDGE),
    read=read_verdicts,
    columns={
        **INSTRUCTION_COLUMNS,
        **{"model_a": "text", "output_a": "replies", "output_a_messages": "messages", "sample_a": "integer"},
        **{"model_b": "text", "output_b": "replies", "output_b_messages": "messages", "sample_b": "integer"},
        **dict.fromkeys((*_JUDGE, "settings", "order"), "text"),
        "repeat": "integer",
        **{
            name: _TYPES.get(getattr(parse, "kind", None), "text")
            for name, parse in (*_VERDICT.items(), *_REPLY.values())
        },
        **dict.fromkeys((*(column for column, _ in _PARTICULARS.values()), _CUT), "text"),
    },
    row=_values,
)
