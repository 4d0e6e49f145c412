"""Recorded replies, read again by our parser on the scale of the template that they were made with.

The recorded verdict stays in force. Where our parser reads another one, the recorded verdict's detail says which, so
that both go wherever the verdict goes: they are shown, exported and imported together.
"""

import math
from dataclasses import replace

from judgebench.formats.verdicts import RecordedVerdict
from judgebench.judging.parsing import PARSER_VERSION, parse
from judgebench.judging.templates import Template
from judgebench.records import Battle, Order, Reading, Trial, Verdict

_AGAIN = "read again by parser "
_TOLERANCE = 1e-4  # of preferences and scores: files round them, and log-probabilities


def reread(recorded: RecordedVerdict, template: Template, *, by_winner: bool = False) -> RecordedVerdict:
    """With what our parser reads of the raw reply as ``reading``, and in the detail where that is something else.

    ``by_winner``: the source records who won, and not by how much. Without a reply there is nothing to read.
    """
    if recorded.completion is None:
        return recorded
    readings = [parse(recorded.completion, template, trial) for trial in _trials(recorded)]
    return with_reading(recorded, *readings, by_winner=by_winner)


def with_reading(recorded: RecordedVerdict, *readings: Verdict, by_winner: bool = False) -> RecordedVerdict:
    """As ``reread``, of what was read: at least one, several where the order is not known and either will do."""
    alike = [reading for reading in readings if _same(recorded.verdict, reading, by_winner=by_winner)]
    if alike:
        return replace(recorded, reading=alike[0])
    detail = "; ".join(part for part in (recorded.verdict.detail, _in_words(readings[0])) if part)
    return replace(recorded, reading=readings[0], verdict=replace(recorded.verdict, detail=detail))


def is_read_otherwise(recorded: RecordedVerdict) -> bool:
    """Whether our parser read another verdict than the one recorded, now or before these rows were exported."""
    return _AGAIN in (recorded.verdict.detail or "")


def _trials(recorded: RecordedVerdict) -> list[Trial | Reading]:
    """What the judge may have seen: both orders where the source does not tell."""
    if recorded.b is None:
        return [Reading("", recorded.instruction, recorded.a)]
    battle = Battle(recorded.instruction, recorded.a, recorded.b)
    return [Trial("", battle, order) for order in (Order if recorded.order is None else (recorded.order,))]


def _same(recorded: Verdict, reading: Verdict, *, by_winner: bool) -> bool:
    for one, other in ((recorded.preference, reading.preference), (recorded.score, reading.score)):
        if (one is None) != (other is None):
            return False
        if one is not None and other is not None and not _alike(one, other, by_winner=by_winner):
            return False
    return True


def _alike(one: float, other: float, *, by_winner: bool) -> bool:
    if by_winner:
        return (one > 0.5, one < 0.5) == (other > 0.5, other < 0.5)
    return math.isclose(one, other, abs_tol=_TOLERANCE)


def _in_words(reading: Verdict) -> str:
    value, what = (reading.preference, "preference for A") if reading.score is None else (reading.score, "score")
    if value is None:
        return f"{_AGAIN}{PARSER_VERSION}: {reading.status}, {reading.detail}"
    return f"{_AGAIN}{PARSER_VERSION}: {what} {value:g} ({reading.label})"
