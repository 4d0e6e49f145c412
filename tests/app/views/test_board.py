"""The leaderboard's table in HTML: every name is a link, and nothing that others wrote becomes markup."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app.views import board as board_view
from app.views.board import Linked, plain, shown, style, table
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
        self.tags |= {tag} - {"wbr"}  # where a name may break; it holds nothing
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


def test_every_value_of_a_plain_table_has_its_heading_beside_it_on_a_phone() -> None:
    html = plain("Numbers", {"What": ["first", hostile.ATTACK], "Value": ["60% [50%, 70%]", ""], "n": [1200, 3]})
    assert Elements(html).tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "span", "small"}
    assert html.count('<td data-label="Value">') == html.count('<td class="n" data-label="n">') == 2
    assert '60%<small><span class="whole">[50%, 70%]</span></small>' in html
    assert '<td data-label="Value"></td>' in html  # which a phone hides
    assert "1,200" in html
    assert shown("[50%, 70%]") == '<span class="whole">[50%, 70%]</span>'
    assert shown("2026-11-30 14:21:41") == '<span class="whole">2026-11-30 14:21:41</span>'
    assert shown("-3 [-12.2, +5.3] n=12") == '-3<small><span class="whole">[-12.2, +5.3]</span> n=12</small>'
    assert shown("[red] text") == "[red] text"


def test_columns_of_numbers_stand_at_the_right_and_values_lead_on() -> None:
    columns = {"What": ["one", "two"], "n": [1, None], "Share": ["1.5%", "-"], "Of": ["1 of 2", ""]}
    html = plain("Numbers", columns | {"To": [Linked(hostile.ATTACK, "battles?a=1&b=2"), ""]}, marked=1)
    assert html.count('class="n" data-label="n"') == html.count('class="n" data-label="Share"') == 2
    assert '<td data-label="Of">' in html
    assert Elements(html).links == ["battles?a=1&b=2"]
    assert html.index('<tr class="here" aria-current="true"><th scope="row">two') > html.index("one")
    assert "jb-scroll tall" not in html
    assert '<div class="jb-scroll tall" tabindex="0"' in plain("Numbers", columns, is_tall=True)


def test_there_is_one_frame_for_every_table() -> None:
    views = Path(board_view.__file__).parent
    assert [file.name for file in views.glob("*.py") if 'class="jb-scroll' in file.read_text(encoding="utf-8")] == [
        "board.py"
    ]


def test_the_style_sheet_asks_for_nothing_elsewhere() -> None:
    assert "url(" not in style()
    assert "@import" not in style()
