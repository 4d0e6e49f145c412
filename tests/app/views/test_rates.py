"""Rates in tables: a bar and its words in every row, links where there is a page, and no markup of others."""

from dataclasses import replace

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views import rates
from judgebench.services.part_rates import PartRate
from judgebench.services.profiles import BattleOfTwo, OnInstruction
from tests.app import hostile
from tests.app.views.test_board import Elements
from tests.show.factories import known


def test_a_part_has_its_rate_its_interval_and_its_link() -> None:
    html = rates.parts(
        "Category",
        [PartRate("one", known(0.6), 10, 6, 1, 10), PartRate("", known(0.5), 4, 2, 0, 4)],
        _link,
        unit="rate",
    )
    shown = Elements(html)
    assert shown.links == ["model?category=one"]
    assert "60.0" in shown.text
    assert "6, 3, 1" in shown.text
    assert "no category" in shown.text
    assert html.count('role="img" aria-label="[') == 2


def test_the_heading_names_the_level_of_the_intervals() -> None:
    at_90 = replace(known(0.6), level=0.9)
    assert (
        "90% interval"
        in Elements(rates.parts("Category", [PartRate("one", at_90, 10, 6, 1, 10)], _link, unit="rate")).text
    )


def test_a_score_has_no_bar() -> None:
    html = rates.parts("Category", [PartRate("one", known(6.2, 1.0), 10, 0, 0, 10)], _link, unit="score")
    assert "6.200" in html
    assert "track" not in html


def test_what_others_wrote_stays_text() -> None:
    listed = rates.listed([OnInstruction("k", hostile.ATTACK, hostile.ATTACK, 0.25, None)], _link, unit="rate")
    battle = BattleOfTwo("k", hostile.ATTACK, None, 0.75, None, 0.5)
    of_two = rates.of_two([battle], _link, names=(hostile.MODELS[1], hostile.MODELS[2]))
    for html in (listed, of_two):
        assert Elements(html).tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "span", "a"}
    assert "25.0" in listed
    assert ["75.0" in of_two, "50.0" in of_two] == [True, True]


def _link(name: str) -> str | None:
    return f"model?category={name}" if name else None


def test_on_a_phone_every_number_of_a_long_text_has_its_heading_beside_it() -> None:
    listed = rates.listed([OnInstruction("k", "what", "c", 0.25, None)], _link, unit="rate")
    battle = BattleOfTwo("k", "what", "c", 0.75, None, 0.5)
    of_two = rates.of_two([battle], _link, names=("one", "two"))
    for html, labels in ((listed, ("Category", "Preferred, %")), (of_two, ("one preferred, %", "two shown first"))):
        assert "jb-stack" in html
        assert all(f'data-label="{label}"' in html for label in labels)


def test_of_two_that_never_met_nothing_is_preferred_or_shown_first() -> None:
    battle = BattleOfTwo("k", "what", "c", 1.0, None, None)
    html = rates.of_two([battle], _link, names=("one", "two"), met=False)
    assert 'data-label="one did better, %"' in html
    assert "preferred" not in html
    assert "shown first" not in html
