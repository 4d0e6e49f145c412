"""Every picture says what it is of and what to beware of, and holds the numbers of what it draws."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.leaderboard.board import BoardGate, JudgeGate
from judgebench.services.leaderboards import Beside, Tally
from judgebench.services.part_rates import CategoryRates, PartRate
from judgebench.show import pictures
from judgebench.show.drawing import Picture, svg
from judgebench.show.heat import heat_map
from judgebench.show.tradeoff import tradeoff
from tests.show.factories import board, known

NOTHING = pictures.Caption("", "", ())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.text(max_size=40))
def test_every_picture_is_well_formed_whatever_models_are_called(values: list[float], name: str) -> None:
    shown = board(values, 0.01)
    rows = tuple(replace(row, model=name + str(place)) for place, row in enumerate(shown.rows))
    root = ElementTree.fromstring(svg(pictures.intervals(replace(shown, rows=rows), NOTHING)))
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(values)
    assert all(270 <= float(circle.attrib["cx"]) <= 930 for circle in circles)
    assert not root.findall(".//{http://www.w3.org/2000/svg}script")


def _intervals(about: pictures.Caption) -> Picture:
    return pictures.intervals(board([0.9, 0.4], 0.01), about)


def _tradeoff(about: pictures.Caption) -> Picture:
    tallies = {name: Tally(0, None, 100.0 * at) for at, name in enumerate("AB")}
    return pictures.tradeoff(tradeoff(board([0.9, 0.4], 0.01), Beside(tallies), "length"), about)


def _heat_map(about: pictures.Caption) -> Picture:
    parts = (PartRate("<b>", known(0.62), 12, 7, 1, 12),)
    return pictures.heat_map(heat_map(CategoryRates(board([0.9], 0.01), ("<b>",), {"A": parts})), about)


@pytest.mark.parametrize("drawn", [_intervals, _tradeoff, _heat_map])
def test_every_picture_says_what_it_is_and_what_to_beware_of(drawn: Callable[[pictures.Caption], Picture]) -> None:
    gate = BoardGate(False, (JudgeGate("judge", "missing", None, "judgebench audit"),), ())
    about = pictures.caption(
        *("A <title>", "bench&mark", board([0.9], 0.01, gate=gate)), date="2026-11-29", notes=["Read it so."]
    )
    text = svg(drawn(about))
    for words in ("A &lt;title&gt;", "bench&amp;mark", "judge judge", "2026-11-29", "Read it so.", "has no null-model"):
        assert words in text
    assert "<title>" not in text.replace("<title>A", "").replace("<title>B", "")
