"""Recorded verdicts on two outputs: about the first shown, kept about A."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.fields import Columns
from judgebench.formats.reading import FileRow, Place
from judgebench.formats.recorded_pairs import gather_verdicts, recorded_pair
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.records import Instruction, Judge, Order, Output, Source, Status, Verdict

QUESTION = Instruction(("q",))
ROW = FileRow(Place("a.csv", "line", 2), {})


def pair(first: str, second: str, preference: float = 1.0, *, is_order_known: bool = True) -> RecordedVerdict:
    sides = Output(QUESTION.key, first, first), Output(QUESTION.key, second, second)
    verdict = Verdict(Status.OK, Source.RECORDED, preference)
    return recorded_pair(ROW, Judge("j", "j", "t", "d"), QUESTION, sides, verdict, None, is_order_known=is_order_known)


def test_preferences_turn_with_the_names() -> None:
    kept = [(row.a.model, row.order, row.verdict.preference) for row in (pair("m", "n"), pair("n", "m"))]
    assert kept == [("m", Order.AB, 1.0), ("m", Order.BA, 0.0)]
    assert pair("n", "m", is_order_known=False).order is None


def test_each_trial_is_kept_once(tmp_path: Path) -> None:
    reader = ExchangeReader(Columns({}))
    file = gather_verdicts("a.csv", [pair("m", "n"), pair("m", "n"), pair("m", "m")], reader, unkept={"x": 1, "y": 0})
    assert (len(file.verdicts), file.duplicates, file.against_itself, file.unkept) == (1, 1, 1, {"x": 1})
    with pytest.raises(InputError, match=r"a\.csv, line 2, another verdict of 'j'"):
        gather_verdicts("a.csv", [pair("m", "n"), pair("m", "n", 0.0)], reader)
