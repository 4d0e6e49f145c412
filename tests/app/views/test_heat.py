"""The heat map in HTML: a number in every cell that has one, its interval in words, a link; no markup of others."""

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views import heat
from judgebench.services.part_rates import CategoryRates, PartRate
from judgebench.show.heat import heat_map
from tests.app import hostile
from tests.app.views.test_board import Elements
from tests.show.factories import board, known


def drawn(model: str, *categories: str) -> str:
    parts = tuple(PartRate(name, known(0.5), 9, 4, 1, 9 - 6 * at) for at, name in enumerate(categories))
    rates = CategoryRates(board([0.5], 0.1), (*categories, "none"), {model: parts})
    return heat.heat_map(heat_map(rates), lambda model, category: f"m?{model}&{category}")


def test_a_cell_has_number_interval_and_link() -> None:
    html = drawn("one", "code", "law")
    assert Elements(html).links == ["m?one&", "m?one&code", "m?one&law"]
    assert 'aria-label="one, code: 50.0% [40.0%, 60.0%], 9 instructions"' in html
    assert 'law: 50.0% [40.0%, 60.0%], 3 instructions: too few to tell">few</a>' in html.replace('title="', 'title="')
    assert html.count("<td></td>") == 1
    assert html.count("background:") == 1


def test_what_others_wrote_stays_text() -> None:
    tags = {"div", "table", "thead", "tbody", "tr", "th", "td", "a", "span"}
    assert Elements(drawn(hostile.MODELS[0], *hostile.MODELS[1:3])).tags <= tags
