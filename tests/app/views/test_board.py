"""The leaderboard's table in HTML: every name is a link, and nothing that others wrote becomes markup."""

from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views.board import style, table
from judgebench.services.leaderboards import Beside, Tally
from judgebench.show.board import BoardLines, board_lines
from tests.app import hostile
from tests.show.factories import board


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def lines(*models: str) -> BoardLines:
    ranked = board([0.9 - 0.1 * number for number in range(len(models))], 0.01)
    rows = tuple(replace(row, model=model, flag=model) for row, model in zip(ranked.rows, models, strict=True))
    tallies = {model: Tally(0, None, 10.0) for model in models}
    return board_lines(replace(ranked, rows=rows), Beside(tallies))


def test_every_name_is_a_link_and_every_interval_has_words() -> None:
    html = table(lines("one", "two & three"), lambda model: f"model?model={quote(model)}")
    shown = Elements(html)
    assert shown.links == ["model?model=one", "model?model=two%20%26%20three"]
    assert html.count('role="img" aria-label="[') == 2
    assert "two & three" in shown.text


def test_what_others_wrote_stays_text() -> None:
    names = [*hostile.MODELS, hostile.ATTACK]
    shown = Elements(table(lines(*names), lambda model: f"model?model={quote(model)}"))
    assert shown.tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "span", "a"}
    assert len(shown.links) == len(names)


def test_the_style_sheet_asks_for_nothing_elsewhere() -> None:
    assert "url(" not in style()
    assert "@import" not in style()
