"""AlpacaEval's ``annotations.json``: a judge's recorded verdicts on a model's outputs against a baseline's.

``output_1`` is the baseline's, ``output_2`` the model's, and ``preference`` runs from 1 (the first is better) to 2. Its
judge ``weighted_alpaca_eval_gpt4_turbo`` names the output shown first ``m`` and the other ``M``. Which one it was is
not recorded, and is recovered here from the log-probabilities where they tell. Verdicts keep the preference that was
recorded; that judge's replies are also read again. Source: tatsu-lab/alpaca_eval, its published files and
``logprob_parser``.
"""

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from judgebench.errors import InputError
from judgebench.formats import Format
from judgebench.formats.alpaca_eval_files import ANNOTATION_COLUMNS, annotation_row
from judgebench.formats.documents import file_rows
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.rereading import reread
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile, distinct
from judgebench.judging.templates import Label, LabelScale, Template
from judgebench.records import (
    Battle,
    Completion,
    Instruction,
    Judge,
    Order,
    Output,
    Source,
    Status,
    TokenLogprob,
    Verdict,
)
from judgebench.spec.templates import load_template

PARSER = "alpaca-eval.v1"
_TEMPLATE = "recorded/alpaca-eval"
_SHOWN_FIRST, _SHOWN_SECOND = "m", "M"
_ORDER_TOLERANCE = 1e-4  # the files round preferences to ten digits and log-probabilities to eight
_ROUNDING = 1e-6  # by which servers overstep a probability of 1
_TOKENS = (0.0, 2.0**31 - 1)  # that the store's column holds
_AMOUNT = (0.0, 1e300)  # USD or seconds
_NO_VERDICT = -1.0  # what AlpacaEval writes to its cache where its judge gave none
_LEGACY_DRAW = 0.0  # what its first versions wrote for a draw


@dataclass(frozen=True, slots=True)
class Annotation:
    """One row: two outputs to an instruction and what the judge made of them."""

    number: int  # of the row in its file, from 1
    instruction: Instruction
    baseline: Output  # ``output_1``
    output: Output  # ``output_2``, by the model under evaluation
    annotator: str  # the judge's name
    recorded: float | None  # ``preference`` digit by digit: 1 baseline, 2 model; 0 an old draw, -1 or None no verdict
    completion: Completion | None  # None where the file holds no raw reply
    baseline_first: bool | None  # which output the judge read first; None where that cannot be told
    mass: float | None  # probability on the two labels, in [0, 1]; None without log-probabilities

    @property
    def preference(self) -> float | None:
        """Degree to which the model is preferred to the baseline, in [0, 1]; 0.5 is a tie, None no verdict."""
        if self.recorded is None or self.recorded == _NO_VERDICT:
            return None
        return 0.5 if self.recorded == _LEGACY_DRAW else self.recorded - 1.0

    @property
    def against_itself(self) -> bool:
        """Whether both outputs are by one model: they are imported, but are no battle."""
        return self.baseline.model == self.output.model

    @property
    def battle(self) -> Battle:
        return Battle.of(self.instruction, self.baseline, self.output)

    @property
    def order(self) -> Order | None:
        """The order of ``battle``'s A and B; None where it cannot be told."""
        if self.baseline_first is None:
            return None
        return Order.AB if self.baseline_first == self._baseline_is_a else Order.BA

    @property
    def verdict(self) -> Verdict:
        """The recorded verdict about ``battle``'s A."""
        preference = self.preference
        if preference is None:
            detail = (
                "no preference recorded" if self.recorded is None else "recorded as -1, which stands for no verdict"
            )
            return Verdict(Status.UNPARSED, Source.RECORDED, mass=self.mass, detail=detail, parser=PARSER)
        about_a = 1.0 - preference if self._baseline_is_a else preference
        status = Status.TIE if preference == 0.5 else Status.OK
        return Verdict(status, Source.RECORDED, preference=about_a, mass=self.mass, parser=PARSER)

    @property
    def recorded_verdict(self) -> RecordedVerdict:
        judge, battle = Judge(self.annotator, self.annotator, _TEMPLATE, PARSER), self.battle
        recorded = RecordedVerdict(
            judge, self.instruction, battle.a, battle.b, self.order, 0, self.verdict, self.completion
        )
        return recorded if self.mass is None else reread(recorded, _weighted())

    @property
    def _baseline_is_a(self) -> bool:
        return self.baseline.model < self.output.model


@cache
def _weighted() -> Template:
    """How replies of the weighted judge are read, with its labels."""
    labels = (Label(_SHOWN_FIRST, 1.0), Label(_SHOWN_SECOND, 0.0))
    return replace(load_template("pairwise/two-way.v1"), scale=LabelScale(labels, case_sensitive=True))


def read_alpaca_eval(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """The recorded verdicts, each annotator a judge. Raises InputError as ``read_annotations`` does."""
    rows, duplicates = read_annotations(filename, limits=limits)
    battles = [row for row in rows if not row.against_itself]
    rows = [*battles, *(row for row in rows if row.against_itself)]
    return VerdictsFile(
        file=str(filename),
        outputs=distinct((row.instruction, output) for row in rows for output in (row.baseline, row.output)),
        verdicts=tuple(row.recorded_verdict for row in battles),
        models=tuple(sorted({row.output.model for row in rows})),
        against_itself=len(rows) - len(battles),
        duplicates=duplicates,
    )


def read_annotations(filename: Filename, *, limits: ReadLimits | None = None) -> tuple[list[Annotation], int]:
    """The rows, each battle once under one annotator, and how many were left out because they repeat an earlier one.

    Raises InputError, naming file, row and field: a missing or non-text field, an empty instruction, a preference
    outside {-1, 0} and [1, 2], one model with two different outputs to one instruction, or one battle with two
    different preferences by one annotator.
    """
    rows: dict[tuple[str, ...], Annotation] = {}
    texts: dict[tuple[str, str], tuple[str, int]] = {}  # instruction and model -> text and row
    duplicates = 0
    for row in file_rows(filename, limits=limits):
        new = _annotation(row)
        for column, output in (("output_1", new.baseline), ("output_2", new.output)):
            text, number = texts.setdefault((output.instruction, output.model), (output.text, new.number))
            if text != output.text:
                raise row.error(column, f"row {number} has another output of {output.model!r} to this instruction")
        earlier = rows.setdefault((new.instruction.key, new.baseline.model, new.output.model, new.annotator), new)
        if earlier.recorded != new.recorded:
            raise row.error(
                "preference", f"row {earlier.number} has another preference for the same battle and annotator"
            )
        duplicates += earlier is not new
    return list(rows.values()), duplicates


def _annotation(row: FileRow) -> Annotation:
    instruction = Instruction((_filled(row, "instruction"),), category=_category(row))
    recorded = _recorded(row)
    completion = _completion(row)
    labels = _label_probabilities(completion)
    return Annotation(
        number=row.place.number,
        instruction=instruction,
        baseline=Output(instruction.key, _filled(row, "generator_1"), row.text("output_1")),
        output=Output(instruction.key, _filled(row, "generator_2"), row.text("output_2")),
        annotator=_filled(row, "annotator"),
        recorded=recorded,
        completion=completion,
        baseline_first=_baseline_first(labels, recorded),
        mass=None if labels is None else min(sum(labels), 1.0),
    )


def _filled(row: FileRow, column: str) -> str:
    text = row.text(column)
    if not text.strip():
        raise row.error(column, "is empty")
    return text


def _category(row: FileRow) -> str | None:
    return None if row.values.get("dataset") is None else row.text("dataset") or None


def _recorded(row: FileRow) -> float | None:
    if "preference" not in row.values:
        raise row.error("preference", "is missing; are these annotations, and not outputs?")
    value = row.number("preference")
    if value is None or value in (_NO_VERDICT, _LEGACY_DRAW) or 1.0 <= value <= 2.0:
        return value
    raise row.error("preference", f"expected a number from 1 to 2, 0 for a draw or -1 for no verdict, found {value:g}")


def _completion(row: FileRow) -> Completion | None:
    """The judge's reply; its columns carry the prefix ``preference_`` in newer files."""
    column = _prefixed(row, "raw_completion")
    raw = row.values.get(column)
    if raw is None or (row.texts_only and raw == ""):
        return None
    if isinstance(raw, str) and raw.startswith("{"):
        raw = row.held(column)
    if not isinstance(raw, dict):
        raw = {"text": raw}
    message = raw.get("message")
    text = raw["text"] if "text" in raw else message.get("content") if isinstance(message, dict) else None
    logprobs = _logprobs(row, column, raw.get("logprobs"))
    total = raw.get("total_tokens")
    counted = logprobs is not None and total is not None
    answered = len(logprobs or ())
    return Completion(
        text="" if text is None else row.as_text(column, text),
        finish_reason=None if raw.get("finish_reason") is None else row.as_text(column, raw["finish_reason"]),
        logprobs=logprobs,
        prompt_tokens=int(row.as_number(column, total, within=_TOKENS)) - answered if counted else None,
        completion_tokens=answered if counted else None,
        cost_usd=row.number(_prefixed(row, "price_per_example"), within=_AMOUNT),
        latency_s=row.number(_prefixed(row, "time_per_example"), within=_AMOUNT),
    )


def _prefixed(row: FileRow, column: str) -> str:
    return column if column in row.values else f"preference_{column}"


def _logprobs(row: FileRow, column: str, raw: Any) -> tuple[TokenLogprob, ...] | None:
    """Log-probabilities as chat completions give them; None for their absence and for older layouts."""
    content = raw.get("content") if isinstance(raw, dict) else None
    if content is None:
        return None
    return tuple(
        TokenLogprob(
            *_token(row, column, token),
            top=tuple(_token(row, column, other) for other in _items(row, column, token.get("top_logprobs") or [])),
        )
        for token in _items(row, column, content)
    )


def _items(row: FileRow, column: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise row.error(column, "expected its log-probabilities as a list of tokens")
    return value


def _token(row: FileRow, column: str, token: dict[str, Any]) -> tuple[str, float]:
    logprob = row.as_number(column, token.get("logprob"))
    if logprob > _ROUNDING:
        raise row.error(column, f"a log-probability is at most 0, found {logprob:g}")
    return row.as_text(column, token.get("token")), logprob


def _label_probabilities(completion: Completion | None) -> tuple[float, float] | None:
    """The probabilities of the two labels as the first token; a label that is not among its alternatives has 0."""
    if completion is None or not completion.logprobs:
        return None
    top = dict(completion.logprobs[0].top)
    return math.exp(top.get(_SHOWN_FIRST, -math.inf)), math.exp(top.get(_SHOWN_SECOND, -math.inf))


def _baseline_first(labels: tuple[float, float] | None, recorded: float | None) -> bool | None:
    """Which order explains the preference. With p = P(m) / (P(m) + P(M)) it is 2 - p unswapped and 1 + p swapped."""
    if labels is None or recorded is None or not sum(labels):
        return None
    p = labels[0] / sum(labels)
    unswapped = abs(recorded - (2.0 - p)) < _ORDER_TOLERANCE
    swapped = abs(recorded - (1.0 + p)) < _ORDER_TOLERANCE
    return unswapped if unswapped != swapped else None


ALPACA_EVAL = Format(
    name="alpaca-eval",
    holds="verdicts",
    help="AlpacaEval's annotations.json: both outputs, and the preferences that its judge recorded.",
    recognises=lambda sample: sample.holds(
        "instruction", "output_1", "output_2", "generator_1", "generator_2", "annotator", "preference"
    ),
    read=read_alpaca_eval,
    benchmark="alpaca_eval",
    columns=ANNOTATION_COLUMNS,
    row=annotation_row,
)
_RESULTS = ("win_rate", "standard_error", "n_wins", "n_wins_base", "n_total", "avg_length")


def refuse_leaderboard(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """Raises InputError: nothing can be taken from it that would not be another's result."""
    raise InputError(
        f"{filename}: is a leaderboard of AlpacaEval, results and no data: import the annotations that it was computed "
        "from, results/MODEL/ANNOTATOR/annotations.json, and 'judgebench leaderboard' computes it again"
    )


ALPACA_EVAL_LEADERBOARD = Format(
    name="alpaca-eval-leaderboard",
    holds="leaderboard",
    help="AlpacaEval's leaderboard.csv: results without data, which are refused with a word on what to import.",
    recognises=lambda sample: sample.holds(*_RESULTS),
    read=refuse_leaderboard,
)
