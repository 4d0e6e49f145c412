"""The matrix in HTML: every cell is a number that can be read, and a link; no markup of others."""

import numpy as np
import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views import pairs
from judgebench.services.pages import PairRates
from tests.app import hostile
from tests.app.views.test_board import Elements

NAN = np.nan


def rates(*names: str) -> PairRates:
    """Of three models, of which the last met nobody."""
    rate = np.array([[NAN, 0.75, NAN], [0.25, NAN, NAN], [NAN] * 3])
    return PairRates(names, rate, rate, rate, np.array([[0, 4, 0], [4, 0, 0], [0, 0, 0]]), 0.95, "Wilson")


def drawn(*names: str) -> str:
    return pairs.matrix(rates(*names), names, lambda model: f"m?{model}", lambda a, b: f"c?{a}&{b}")


def test_a_cell_says_its_number_and_leads_to_the_two() -> None:
    html = drawn("one", "two", "three")
    shown = Elements(html)
    assert [link for link in shown.links if link.startswith("c?")] == ["c?one&two", "c?two&one"]
    assert [shown.links.count(f"m?{name}") for name in ("one", "two", "three")] == [2, 2, 2]
    assert 'aria-label="one against two: 75.0 percent of 4 battles"' in html
    assert html.count("<td></td>") == 7


def test_what_others_wrote_stays_text() -> None:
    tags = Elements(drawn(*hostile.MODELS[:3])).tags
    assert tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "a", "span"}
