"""Dots are links with their numbers in words; no markup of others."""

import re
from dataclasses import replace

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views.scatter import scatter
from judgebench.services.leaderboards import Beside, Tally
from judgebench.show.tradeoff import tradeoff
from tests.app import hostile
from tests.app.views.test_board import Elements
from tests.show.factories import board


def drawn(*names: str) -> str:
    shown = board([0.9 - 0.2 * at for at in range(len(names))], 0.02)
    rows = tuple(replace(row, model=name) for row, name in zip(shown.rows, names, strict=True))
    beside = Beside({name: Tally(0, None, 100.0 * (at + 1)) for at, name in enumerate(names)})
    return scatter(tradeoff(replace(shown, rows=rows), beside, "length"), lambda model: f"m?{model}")


def test_every_model_is_a_link_at_its_place() -> None:
    html = drawn("one", "two", "three")
    assert Elements(html).links == ["m?one", "m?two", "m?three"]
    assert 'aria-label="two: 70.0% [66.0%, 74.0%], 200 characters"' in html
    places = [float(place) for place in re.findall(r"(?:left|bottom):(-?[\d.]+)%", html)]
    assert all(0 <= place <= 100 for place in places)


def test_what_others_wrote_stays_text() -> None:
    assert Elements(drawn(*hostile.MODELS[:3])).tags <= {"figure", "div", "span", "a"}
