"""The ScalerLab JudgeBench: pairs of outputs with an objective label, and a judge's recorded decisions on them.

Each row holds two outputs of one model, the key (``A>B`` or ``B>A``: which of them is correct), and the judge's
decisions in both orders; the second judgment saw the outputs swapped, and its decision names the sides as shown there.
A decision that is null is a failure. The rows of its reward models hold scores as well, which decide in the same way
and are kept in the reply. Source: ScalerLab/JudgeBench, its published outputs.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgebench.errors import InputError
from judgebench.formats import Format
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, read_rows
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.records import (
    Battle,
    Completion,
    HumanLabel,
    Instruction,
    Judge,
    Order,
    Output,
    Source,
    Status,
    Verdict,
)

SCALERLAB_PARSER = "scalerlab.v1"
KEY = "key"  # the annotator that objective labels are stored under
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


def read_scalerlab(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """The same as recorded verdicts, with the keys as labels. Raises InputError, also for decisions of several judges.

    Both outputs of a pair are by one model; they are named after it and their side, with a number from the second pair
    on an instruction.
    """
    pairs = read_keyed_pairs(filename, limits=limits)
    judges = {(pair.judge, pair.template) for pair in pairs}
    if len(judges) > 1:
        raise InputError(f"{filename}: holds decisions of {len(judges)} judges: split it into one file each")
    [(llm, template)] = judges
    judge = Judge(llm, llm, f"recorded/{template}", SCALERLAB_PARSER)
    battles = _battles(pairs)
    outputs = tuple((battle.instruction, side) for battle in battles for side in (battle.a, battle.b))
    return VerdictsFile(
        file=str(filename),
        outputs=outputs,
        verdicts=tuple(
            RecordedVerdict(
                judge, battle.instruction, battle.a, battle.b, decision.order, 0, decision.verdict, decision.completion
            )
            for pair, battle in zip(pairs, battles, strict=True)
            for decision in pair.judged
        ),
        models=tuple(sorted({output.model for _, output in outputs})),
        labels=tuple(_label(pair, battle, Path(filename).name) for pair, battle in zip(pairs, battles, strict=True)),
    )


def _battles(pairs: Sequence[KeyedPair]) -> list[Battle]:
    """Aligned to ``pairs``; A is the pair's first output."""
    counts: Counter[tuple[str, str]] = Counter()
    battles = []
    for pair in pairs:
        key = pair.instruction.key
        counts[key, pair.model] += 1
        number = counts[key, pair.model]
        end = f" ({number})" if number > 1 else ""
        a, b = f"{pair.model} A{end}", f"{pair.model} B{end}"
        battles.append(Battle(pair.instruction, Output(key, a, pair.output_a), Output(key, b, pair.output_b)))
    return battles


def _label(pair: KeyedPair, battle: Battle, source: str) -> HumanLabel:
    return HumanLabel(KEY, battle.instruction.key, battle.a.model, battle.b.model, pair.key, source=source)


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


SCALERLAB = Format(
    name="scalerlab",
    holds="verdicts",
    help="The ScalerLab JudgeBench: pairs with an objective key, and a judge's decisions in both orders.",
    recognises=lambda sample: sample.holds("question", "response_A", "response_B", "judgments", "label"),
    read=read_scalerlab,
    benchmark="scalerlab",
)
