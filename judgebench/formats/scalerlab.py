"""The ScalerLab JudgeBench: pairs of outputs with an objective label, and a judge's recorded decisions on them.

Each row holds two outputs of one model, the key (``A>B`` or ``B>A``: which of them is correct), and the judge's
decisions in both orders; the second judgment saw the outputs swapped, and its decision names the sides as shown there.
A decision that is null is a failure. The rows of its reward models hold scores as well, which decide in the same way
and are kept in the reply. Replies to a template of a scale that is here are also read again. Source:
ScalerLab/JudgeBench, its published outputs.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from judgebench.errors import InputError
from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.rereading import reread, with_reading
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
from judgebench.spec.templates import load_template

SCALERLAB_PARSER = "scalerlab.v1"
KEY = "key"  # the annotator that objective labels are stored under
_FIRST_WINS = {"A>B": 1.0, "A=B": 0.5, "B>A": 0.0}
_ORDERS = (Order.AB, Order.BA)
_TEMPLATES = {"arena_hard": "pairwise/arena-hard.v1", "prometheus_2": "pairwise/prometheus-relative.v1"}
_REWARDS = "reward_model"  # a judge without words


def read_scalerlab(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """The recorded verdicts, with the keys as labels.

    Both outputs of a pair are by one model; they are named after it and their side, with a number from the second pair
    on an instruction. Raises InputError naming file, row and field, also for decisions of several judges.
    """
    rows = list(file_rows(filename, limits=limits))
    judges = {(_judge_model(row), row.text("judge_name")) for row in rows}
    if len(judges) > 1:
        raise InputError(f"{filename}: holds decisions of {len(judges)} judges: split it into one file each")
    [(llm, template)] = judges
    judge = Judge(llm, llm, f"recorded/{template}", SCALERLAB_PARSER)
    counts: Counter[tuple[str, str]] = Counter()
    battles = [_battle(row, counts) for row in rows]
    outputs = tuple((battle.instruction, side) for battle in battles for side in (battle.a, battle.b))
    verdicts = [verdict for row, battle in zip(rows, battles, strict=True) for verdict in _verdicts(row, battle, judge)]
    verdicts = [_reread(verdict, template) for verdict in verdicts]
    return VerdictsFile(
        file=str(filename),
        outputs=outputs,
        verdicts=tuple(verdicts),
        models=tuple(sorted({output.model for _, output in outputs})),
        labels=tuple(_label(row, battle, Path(filename).name) for row, battle in zip(rows, battles, strict=True)),
    )


def _reread(recorded: RecordedVerdict, template: str) -> RecordedVerdict:
    if template in _TEMPLATES:
        return reread(recorded, load_template(_TEMPLATES[template]), by_winner=True)
    if template != _REWARDS or recorded.completion is None:
        return recorded
    try:
        one, other = map(float, json.loads(recorded.completion.text)["scores"])
    except (ValueError, TypeError, KeyError):
        return recorded
    first = 0.5 if one == other else float(one > other)
    preference = first if recorded.order is Order.AB else 1 - first
    status = Status.TIE if first == 0.5 else Status.OK
    return with_reading(recorded, Verdict(status, Source.LABEL, preference, label=f"{one:g}, {other:g}"))


def _battle(row: FileRow, counts: Counter[tuple[str, str]]) -> Battle:
    """A is the pair's first output. ``counts``: pairs so far, by instruction and model."""
    instruction, model = Instruction((row.text("question"),), row.text("source")), row.text("response_model")
    counts[instruction.key, model] += 1
    number = counts[instruction.key, model]
    end = f" ({number})" if number > 1 else ""
    a, b = (Output(instruction.key, f"{model} {side}{end}", row.text(f"response_{side}")) for side in "AB")
    return Battle(instruction, a, b)


def _label(row: FileRow, battle: Battle, source: str) -> HumanLabel:
    preference = _decision(row, "label", row.values.get("label"))
    if preference is None or preference == 0.5:
        raise row.error("label", "expected the correct side, A>B or B>A")
    return HumanLabel(KEY, battle.instruction.key, battle.a.model, battle.b.model, preference, source=source)


def _judgments(row: FileRow) -> list[Any]:
    judgments = row.held("judgments")
    if not isinstance(judgments, list) or len(judgments) > len(_ORDERS):
        raise row.error("judgments", "expected a list of at most two judgments, one an order")
    if not all(judgment is None or isinstance(judgment, dict) for judgment in judgments):
        raise row.error("judgments", "expected objects with 'judgment' and 'decision'")
    return judgments


def _reply(judgment: Any) -> dict[str, Any] | None:
    reply = judgment.get("judgment") if isinstance(judgment, dict) else None
    return reply if isinstance(reply, dict) else None


def _judge_model(row: FileRow) -> str:
    names = [(_reply(judgment) or {}).get("judge_model") for judgment in _judgments(row)]
    return next((name for name in names if isinstance(name, str)), "unknown")


def _verdicts(row: FileRow, battle: Battle, judge: Judge) -> list[RecordedVerdict]:
    return [
        RecordedVerdict(
            *(judge, battle.instruction, battle.a, battle.b, order, 0),
            _verdict(row, order, None if judgment is None else judgment.get("decision")),
            _completion(row, _reply(judgment)),
        )
        for order, judgment in zip(_ORDERS, _judgments(row), strict=False)
    ]


def _verdict(row: FileRow, order: Order, label: Any) -> Verdict:
    first = _decision(row, "judgments", label)
    if first is None:
        detail = "the file records no decision"
        return Verdict(Status.UNPARSED, Source.NONE, detail=detail, parser=SCALERLAB_PARSER)
    preference = first if order is Order.AB else 1 - first
    status = Status.TIE if preference == 0.5 else Status.OK
    return Verdict(status, Source.RECORDED, preference, label=label, parser=SCALERLAB_PARSER)


def _completion(row: FileRow, reply: dict[str, Any] | None) -> Completion | None:
    """A reward model has scores in place of a reply."""
    if reply is None:
        return None
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
        raise row.error(column, f"expected A>B, A=B, B>A or null, found {str(value)[:40]!r}")
    return _FIRST_WINS[value]


SCALERLAB = Format(
    name="scalerlab",
    holds="verdicts",
    help="The ScalerLab JudgeBench: pairs with an objective key, and a judge's decisions in both orders.",
    recognises=lambda sample: sample.holds("question", "response_A", "response_B", "judgments", "label"),
    read=read_scalerlab,
    benchmark="scalerlab",
)
