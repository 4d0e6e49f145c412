"""What moves is said in places and points, and pictures of leaderboards are drawn from them alone."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import movement, picture
from judgebench.bias.counterfactual import BoardRow, Entry, Ledger
from judgebench.estimate import Estimate, unidentified
from tests.app.test_words import board

image = pytest.importorskip("PIL.Image", reason="the app needs the extra app")


def figure(value: float, half: float = 0.1) -> Estimate:
    return Estimate(value, value - half, value + half, 0.95, "normal", 10)


def ledger(rates: dict[str, tuple[float, float]]) -> Ledger:
    rows = tuple(
        BoardRow(model, figure(before), figure(after), figure(after - before), 0, 0)
        for model, (before, after) in rates.items()
    )
    known = Entry("length", "twice as long", figure(0.4), figure(0.1, 0.02), rows, ())
    unknown = Entry("family", "the judge's relative", None, unidentified("nothing is declared"), (), ())
    return Ledger((known, unknown), Entry("all", "all together", None, None, rows, ()), 100)


def test_places_are_counted_without_the_baseline() -> None:
    found = movement.rows(ledger({"a": (0.4, 0.7), "base": (0.84, 0.6), "b": (0.6, 0.5)}), "base")
    assert [(move.model, move.rank_before, move.rank_after) for move in found] == [("a", 2, 1), ("b", 1, 2)]
    said = "a would rise from place 2 to 1; b would fall from place 1 to 2."
    assert movement.sentence(found) == said
    assert movement.columns(found)["Change, points"] == pytest.approx([30, -10])


def test_effects_say_their_interval_or_why_there_is_none() -> None:
    assert movement.effect_lines(ledger({"a": (0.4, 0.7)})) == [
        "length: twice as long adds +10.0 [+8.0, +12.0] points of win rate at equal quality.",
        "family: not identified, nothing is declared.",
    ]


def test_nothing_known_moves_nobody() -> None:
    nothing = Ledger((Entry("x", "", None, None, (), ()),), Entry("all", "", None, None, (), ()), 5)
    assert movement.rows(nothing, None) == []
    assert movement.sentence([]) == "Nobody would change place."


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.text(max_size=40))
def test_every_picture_is_well_formed_whatever_models_are_called(values: list[float], named: str) -> None:
    names = [named + str(place) for place in range(len(values))]
    drawn = board(values, 0.01)
    rows = tuple(
        type(row)(**{field: getattr(row, field) for field in row.__slots__} | {"model": model})
        for row, model in zip(drawn.rows, names, strict=True)
    )
    root = ElementTree.fromstring(
        picture.svg(type(drawn)(**{f: getattr(drawn, f) for f in drawn.__slots__} | {"rows": rows}))
    )
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(values)
    assert all(270 <= float(circle.attrib["cx"]) <= 930 for circle in circles)
    assert not root.findall(".//{http://www.w3.org/2000/svg}script")


def test_a_png_shows_the_same() -> None:
    opened = image.open(io.BytesIO(picture.png(board([0.9, 0.5, 0.1], 0.02))))
    assert opened.size[0] == 2000
    assert len(np.unique(np.asarray(opened).reshape(-1, 3), axis=0)) > 3
