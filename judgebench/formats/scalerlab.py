"""The ScalerLab JudgeBench: pairs of outputs with an objective label, and a judge's recorded decisions on them.

Each row holds two outputs of one model, the key (``A>B`` or ``B>A``: which of them is correct), and the judge's
decisions in both orders; the second judgment saw the outputs swapped, and its decision names the sides as shown there.
A decision that is null is a failure. The rows of its reward models hold scores as well, which decide in the same way
and are kept in the reply. Source: ScalerLab/JudgeBench, its published outputs.
"""

import json
from dataclasses import dataclass
from typing import Any

from judgebench.errors import InputError
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, read_rows
from judgebench.records import Completion, Instruction, Order, Source, Status, Verdict

SCALERLAB_PARSER = "scalerlab.v1"
_FIRST_WINS = {"A>B": 1.0, "A=B": 0.5, "B>A": 0.0}
_ORDERS = (Order.AB, Order.BA)


@dataclass(frozen=True, slots=True)
class PairDecision:
    """One recorded decision."""

    order: Order
    verdict: Verdict  # about A
    completion: Completion | None


@dataclass(frozen=True, slots=True)
class KeyedPair:
    """A pair with the objective key and what the judge made of it."""

    place: Place
    instruction: Instruction
    model: str  # that wrote both
    output_a: str
    output_b: str
    key: float  # 1.0: A is the correct one; 0.0: B
    judge: str  # the LLM
    template: str  # as the file calls it
    judged: tuple[PairDecision, ...]


def read_keyed_pairs(filename: Filename, *, limits: ReadLimits | None = None) -> list[KeyedPair]:
    """The file's pairs. Raises InputError naming file, row and field."""
    return [_pair(row) for row in read_rows(filename, limits=limits)]


def _pair(row: FileRow) -> KeyedPair:
    key = _decision(row, "label", row.values.get("label"))
    if key is None or key == 0.5:
        raise row.error("label", "expected the correct side, A>B or B>A")
    judgments = row.values.get("judgments")
    if not isinstance(judgments, list) or len(judgments) > len(_ORDERS):
        raise row.error("judgments", "expected a list of at most two judgments, one an order")
    decisions = [_pair_decision(row, order, judgment) for order, judgment in zip(_ORDERS, judgments, strict=False)]
    return KeyedPair(
        place=row.place,
        instruction=Instruction((row.text("question"),), row.text("source")),
        model=row.text("response_model"),
        output_a=row.text("response_A"),
        output_b=row.text("response_B"),
        key=key,
        judge=next((model for model in (_model(judgment) for judgment in judgments) if model), "unknown"),
        template=row.text("judge_name"),
        judged=tuple(decisions),
    )


def _model(judgment: Any) -> str | None:
    reply = judgment.get("judgment") if isinstance(judgment, dict) else None
    name = reply.get("judge_model") if isinstance(reply, dict) else None
    return name if isinstance(name, str) else None


def _pair_decision(row: FileRow, order: Order, judgment: Any) -> PairDecision:
    if judgment is None:
        return PairDecision(order, _failed(), None)
    if not isinstance(judgment, dict):
        raise row.error("judgments", "expected objects with 'judgment' and 'decision'")
    reply = judgment.get("judgment")
    completion = _completion(row, reply) if isinstance(reply, dict) else None
    label = judgment.get("decision")
    first = _decision(row, "judgments", label)
    if first is None:
        return PairDecision(order, _failed(), completion)
    preference = first if order is Order.AB else 1 - first
    status = Status.TIE if preference == 0.5 else Status.OK
    return PairDecision(
        order, Verdict(status, Source.RECORDED, preference, label=label, parser=SCALERLAB_PARSER), completion
    )


def _failed() -> Verdict:
    return Verdict(Status.UNPARSED, Source.NONE, detail="the file records no decision", parser=SCALERLAB_PARSER)


def _completion(row: FileRow, reply: dict[str, Any]) -> Completion:
    """A reward model has scores in place of a reply."""
    scores, model = reply.get("scores"), reply.get("judge_model")
    text = row.as_text("judgments", reply.get("response", ""))
    return Completion(
        text=json.dumps({"scores": scores}) if scores is not None else text,
        model=model if isinstance(model, str) else None,
    )


def _decision(row: FileRow, column: str, value: Any) -> float | None:
    """1.0 where A wins as shown, 0.0 where B does, 0.5 a tie, None no decision."""
    if value is None:
        return None
    if not isinstance(value, str) or value not in _FIRST_WINS:
        raise InputError(f"{row.place}, field {column!r}: expected A>B, A=B, B>A or null, found {str(value)[:40]!r}")
    return _FIRST_WINS[value]
