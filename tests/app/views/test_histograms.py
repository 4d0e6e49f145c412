"""Rows of bars in HTML: every bar in words, every name a link; no markup of others."""

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views.histograms import histograms
from judgebench.services.distributions import Bin, Distributions
from judgebench.show.spread import histograms as of
from tests.app import hostile
from tests.app.views.test_board import Elements
from tests.show.factories import board


def drawn(*names: str) -> str:
    bins = (Bin(0.0, 0.05), Bin(0.95, 1.0))
    counts = {name: (3, at) for at, name in enumerate(names)}
    return histograms(of(Distributions(board([0.5], 0.1), bins, counts)), lambda model: f"m?{model}")


def test_every_bar_is_in_words() -> None:
    html = drawn("one", "two")
    assert Elements(html).links == ["m?one", "m?two"]
    assert 'aria-label="0: 3 of 4 battles"' in html
    assert "height:75.0%" in html


def test_what_others_wrote_stays_text() -> None:
    tags = {"div", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "a", "span"}
    assert Elements(drawn(*hostile.MODELS[:3])).tags <= tags
