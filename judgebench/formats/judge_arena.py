"""JudgeArena's annotations: a judge's raw reply on two completions, the one of A shown first.

With both orders in a file the models are swapped in the second. The columns hold no preference in most versions; then
the reply is read as JudgeArena reads it: two scores, softened by its temperature of 0.3, or the labels of Arena-Hard or
AlpacaEval where the prompt's preset is theirs. Source: OpenEuroLLM/JudgeArena, evaluate.py and prompts/parsing.py.
"""

import math
import re
from typing import Any

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.fields import Columns
from judgebench.formats.pairs import named
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.recorded_pairs import gather_verdicts, recorded_pair
from judgebench.formats.verdicts import RecordedVerdict, VerdictsFile
from judgebench.records import Completion, Judge, Output, Source, Status, Verdict

PARSER = "judge-arena.v1"
_TEMPERATURE = 0.3
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_SCORES = tuple(re.compile(rf'score.*?{side}[": *\n]*(-?\d+)') for side in "ab")
_VERDICTS = (re.compile(r"\[\[([AB<>=]+)\]\]"), re.compile(r"\[([AB<>=]+)\]"))
_TOWARD_B = {
    **{"A>>B": 0.0, "B<<A": 0.0, "A>B": 0.25, "B<A": 0.25, "A=B": 0.5, "B=A": 0.5},
    **{"A<B": 0.75, "B>A": 0.75, "A<<B": 1.0, "B>>A": 1.0},
}
_TOKENS = {"m": 0.0, "M": 1.0}
_NEEDED = ("instruction", "completion_A", "completion_B", "judge_completion", "model_A", "model_B", "judge")


def read_judge_arena(filename: Filename, *, limits: ReadLimits | None = None) -> VerdictsFile:
    """The verdicts with their raw replies. Raises InputError naming file, row and field."""
    reader = ExchangeReader(Columns({}), limits=limits)
    return gather_verdicts(filename, (_verdict(row, reader) for row in file_rows(filename, limits=limits)), reader)


def _verdict(row: FileRow, reader: ExchangeReader) -> RecordedVerdict:
    values = {"prompt": row.values.get("instruction"), "id": row.values.get("instruction_index")}
    instruction = reader.instruction(FileRow(row.place, {name: value for name, value in values.items() if value != ""}))
    first, second = (
        Output(instruction.key, _filled(row, f"model_{side}"), row.text(f"completion_{side}")) for side in "AB"
    )
    name, preset = _filled(row, "judge"), named(row, "prompt_preset") or "unnamed"
    judge = Judge(name, name, f"recorded/judge-arena-{preset}", PARSER)
    reply = row.text("judge_completion")
    return recorded_pair(row, judge, instruction, (first, second), _read(row, reply, preset), Completion(reply))


def _filled(row: FileRow, column: str) -> str:
    name = named(row, column)
    if name is None:
        raise row.error(column, "is empty")
    return name


def _read(row: FileRow, reply: str, preset: str) -> Verdict:
    """About the completion that was shown first."""
    column = next((name for name in ("preference", "pref") if row.values.get(name) not in (None, "")), None)
    toward_b = _toward_b(reply, preset) if column is None else _number(row, column)
    source = Source.LABEL if column is None else Source.RECORDED
    if toward_b is None:
        return Verdict(Status.UNPARSED, Source.NONE, detail="no scores or label in the reply", parser=PARSER)
    return Verdict(Status.TIE if toward_b == 0.5 else Status.OK, source, 1 - toward_b, parser=PARSER)


def _number(row: FileRow, column: str) -> float | None:
    value: Any = row.values[column]
    try:
        value = float(value) if isinstance(value, str) else value
    except ValueError:
        raise row.error(column, f"expected a number from 0 (A) to 1 (B), found {str(value)[:40]!r}") from None
    return None if value != value else row.as_number(column, value, within=(0.0, 1.0))


def _toward_b(reply: str, preset: str) -> float | None:
    """How far the reply prefers B, as JudgeArena's parser for the preset reads it; None where it cannot."""
    text = _THOUGHT.sub("", reply)
    if "arena-hard" in preset:
        labels = next((labels for pattern in _VERDICTS if (labels := pattern.findall(text.upper()))), [])
        return _TOWARD_B.get(labels[-1]) if labels else None
    if "alpaca" in preset:
        return _TOKENS.get(text.strip())
    a, b = (pattern.search(text.lower()) for pattern in _SCORES)
    if a is None or b is None:
        return None
    difference = float(b[1]) - float(a[1])
    return 1 / (1 + math.exp(-_TEMPERATURE * max(-1e3, min(1e3, difference))))


JUDGE_ARENA = Format(
    name="judge-arena",
    holds="verdicts",
    help="JudgeArena's annotations: two completions, their models, the judge and its raw reply.",
    recognises=lambda sample: sample.holds(*_NEEDED),
    read=read_judge_arena,
)
