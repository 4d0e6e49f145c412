"""What is computed later is computed once, and a page shows its room until it is there."""

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.errors import DatabaseError
from judgebench.estimate import Estimate
from judgebench.records import HumanLabel
from judgebench.resources import folder
from judgebench.services.leaderboards import Beside, Tally
from judgebench.services.pages import BattleFilter
from judgebench.show.board import board_lines
from judgebench.store.database import Database
from tests.show.factories import board

testing = pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")
later = pytest.importorskip("app.later", reason="the app needs the extra app")
PATIENCE_S = 60.0


def test_it_is_made_once_and_not_before_it_is_begun() -> None:
    made: list[int] = []
    one = later.Later(lambda: made.append(1) or len(made), otherwise=0)
    assert (one.value(), made) == (None, [])
    one.begin()
    one.begin()
    assert (one.value(PATIENCE_S), made) == (1, [1])


def test_what_cannot_be_made_is_what_was_known_before() -> None:
    def away() -> int:
        raise DatabaseError("the database is away")

    one = later.Later(away, otherwise=7)
    one.begin()
    assert one.value(PATIENCE_S) == 7


@pytest.mark.parametrize("name", ["Leaderboard", "Two rankings"])  # judges' alone, and beside people's
def test_a_page_is_there_before_its_length_controlled_rates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, demo_database: Path, name: str
) -> None:
    """The table has their column from the beginning, and room for them."""
    release, whole = threading.Event(), services.leaderboards.with_controlled

    def held(*args: Any, **options: Any) -> Beside:
        release.wait(PATIENCE_S)
        return whole(*args, **options)

    monkeypatch.setattr(services.leaderboards, "with_controlled", held)
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(_voted(demo_database, tmp_path / "voted.db")))
    page = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=PATIENCE_S)
    page.query_params["baseline"] = "demo-careful"
    page.query_params["by"] = "judges" if name == "Leaderboard" else "both"

    def table() -> str:
        assert not page.run().exception
        return next(html.value for html in page.html if f'aria-label="{name}"' in html.value)

    waiting = table()
    assert "LC win rate" in waiting
    assert waiting.count('class="awaited"') == 4
    if name == "Leaderboard":
        assert any('class="jb-plot"' in html.value for html in page.html)  # what is below it is there, too
    release.set()
    for thread in threading.enumerate():
        if thread.name == later.THREAD:
            thread.join(PATIENCE_S)
    there = table()
    assert "LC win rate" in there
    assert "awaited" not in there


@pytest.mark.browser
def test_a_name_has_a_line_where_there_is_room(browser: Any) -> None:
    """A narrow column breaks names; beside bars, which take what is left, a wide window does not."""
    views = pytest.importorskip("app.views.board", reason="the app needs the extra app")
    ranked = board([0.9, 0.6, 0.3], 0.01)
    names = [f"Some-Family-{size}B-Instruct-v0.1_concise" for size in (7, 13, 70)]
    ranked = replace(ranked, rows=tuple(replace(row, model=name) for row, name in zip(ranked.rows, names, strict=True)))
    page = browser.new_page(viewport={"width": 1440, "height": 800})
    ranked = replace(ranked, baseline=names[1])  # which has a mark, whose column takes a share of the width
    beside = Beside({name: Tally(2, 0.5, 1234.4) for name in names}, awaited=True)
    page.set_content(views.style() + views.table(board_lines(ranked, beside), str))
    heights = [row.bounding_box()["height"] for row in page.locator("table.jb tbody th a").all()]
    assert max(heights) < 30, "names are broken into lines"
    page.close()


def _voted(demo: Path, path: Path) -> Path:
    """The demo with a vote on every battle."""
    path.write_bytes(demo.read_bytes())
    with closing(Database(str(path))) as database:
        battles, _ = services.battles.battles(database, "demo", BattleFilter(), limit=200)
        votes = [
            HumanLabel.of("ann", battle.instruction, first=battle.model_a, second=battle.model_b, preference=place % 2)
            for place, battle in enumerate(battles)
        ]
        services.labels.add_labels(database, "demo", votes)
    return path


@pytest.mark.browser
@pytest.mark.parametrize("width", [800, 1440])
def test_nothing_moves_when_they_come(browser: Any, width: int) -> None:
    views = pytest.importorskip("app.views.board", reason="the app needs the extra app")
    ranked = board([0.9, 0.6, 0.3], 0.01)
    before = Beside({row.model: Tally(2, 0.5, 1234.4) for row in ranked.rows}, awaited=True)
    rates = {row.model: Estimate(0.42, 0.351, 0.5, 0.95, "refits", 9) for row in ranked.rows}
    after = Beside(before.tallies, rates)
    page = browser.new_page(viewport={"width": width, "height": 800})

    def places(beside: Beside) -> list[dict[str, float]]:
        page.set_content(views.style() + views.table(board_lines(ranked, beside), str))
        return [cell.bounding_box() for cell in page.locator("table.jb th, table.jb td").all()]

    assert places(before) == places(after)
    page.close()
