"""The app in a real browser: pages, permalinks, a submission, and a database that attacks its readers."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from judgebench import queries
from judgebench.store.database import Database
from tests.app import hostile

pytestmark = pytest.mark.browser

_DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PAGES = {"/": "Leaderboard", "/matrix": "Matrix", "/battles": "Battles", "/submit": "Submit", "/runs": "Runs"}


class Visit:
    """A fresh browser on the app; it knows every request, dialog and error."""

    def __init__(self, browser: Any, address: str) -> None:
        self.address = address
        self.context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
        self.page = self.context.new_page()
        self.elsewhere: list[str] = []
        self.dialogs: list[str] = []
        self.page.on("request", self._note)
        self.page.on("dialog", self._dismiss)

    def open(self, path: str) -> Any:
        self.page.goto(self.address + path)
        return self.settle()

    def settle(self) -> Any:
        """Wait until the page has run and stays so."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_selector(_DONE, timeout=20_000)
        self.page.wait_for_selector("[data-testid=stHeading]", timeout=20_000)
        self.page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=20_000)
        return self.page

    def text(self) -> str:
        return str(self.page.inner_text("[data-testid=stMain]"))

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:" + self.address)):
            self.elsewhere.append(request.url)

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def visit(browser: Any, served: tuple[str, Path]) -> Iterator[Visit]:
    visiting = Visit(browser, served[0])
    yield visiting
    visiting.context.close()


@pytest.fixture
def no_data(served: tuple[str, Path]) -> Path:
    _clear(served[1])
    return served[1]


@pytest.fixture
def demo(served: tuple[str, Path], demo_database: Path) -> Path:
    _clear(served[1])
    shutil.copy(demo_database, served[1])
    return served[1]


def _clear(path: Path) -> None:
    for leftover in path.parent.glob(path.name + "*"):
        shutil.rmtree(leftover) if leftover.is_dir() else os.remove(leftover)


def test_without_a_database_pages_say_what_to_do_and_leave_no_file(visit: Visit, no_data: Path) -> None:
    for path, title in reversed(PAGES.items()):  # the server's very first visitor follows a link to an inner page
        page = visit.open(path)
        assert page.inner_text("h1") == title
        assert page.get_by_role("link", name="Battles").is_visible()
        assert page.locator("[data-testid=stException]").count() == 0
        assert path == "/submit" or "judgebench demo" in visit.text()
    assert not no_data.exists()


def test_every_page_shows_the_demo(visit: Visit, demo: Path) -> None:
    visit.open("/")
    visit.page.wait_for_selector("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
    shown = visit.text()
    assert "cannot be told apart" in shown
    assert "Left out: nothing." in shown
    assert "95% intervals" in shown
    visit.open("/battles")
    assert "72 battles" in visit.text()
    visit.open("/submit")
    assert "Nothing is stored before you confirm" in visit.text()
    assert visit.elsewhere == []


def test_a_filter_gives_a_permalink_that_shows_the_same_elsewhere(visit: Visit, demo: Path, browser: Any) -> None:
    page = visit.open("/battles")
    page.get_by_text("Contradictory verdicts").click()
    visit.settle()
    box = page.get_by_label("Text contains")
    box.fill("the")
    box.press("Enter")
    visit.settle()
    page.get_by_role("combobox", name="Models").click()
    page.get_by_role("option", name="demo-hasty").click()
    visit.settle()
    page.wait_for_function("location.search.includes('models')")
    shown = page.locator("[data-testid=stText]").first.inner_text()
    again = Visit(browser, visit.address)
    again.open(page.url.removeprefix(visit.address))
    assert again.page.locator("[data-testid=stText]").first.inner_text() == shown
    assert "demo-hasty" in again.text()
    again.context.close()


def test_a_battle_has_a_permalink_and_neighbours(visit: Visit, demo: Path, browser: Any) -> None:
    first, total = queries.battles(Database(str(demo)), "demo", queries.BattleFilter(), limit=2)
    link = f"/battles?instruction={first[0].instruction}&a={first[0].model_a}&b={first[0].model_b}"
    page = visit.open(link)
    assert f"Battle 1 of {total}" in visit.text()
    assert "2 verdicts, on average" in visit.text()
    page.get_by_role("button", name="Next Shortcut").click()
    page.get_by_text(f"Battle 2 of {total}").wait_for()
    again = Visit(browser, visit.address)
    again.open(page.url.removeprefix(visit.address))
    again.page.get_by_text(f"Battle 2 of {total}").wait_for()
    assert f"{first[1].model_b} (" in again.text()
    again.context.close()


def test_a_row_of_the_list_opens_its_battle(visit: Visit, demo: Path) -> None:
    page = visit.open("/battles")
    page.locator("[data-testid=stDataFrame] .dvn-scroller").first.click(position={"x": 15, "y": 35 + 35 * 2 + 17})
    page.get_by_text("Battle 3 of 72").wait_for()
    page.get_by_role("button", name="Previous Shortcut").click()
    page.get_by_text("Battle 2 of 72").wait_for()
    page.keyboard.press("n")
    page.get_by_text("Battle 3 of 72").wait_for()
    page.get_by_label("Text contains").press_sequentially("npn")
    visit.settle()
    assert "Battle 3 of 72" in visit.text()


def test_a_cell_of_the_matrix_leads_to_its_battles(visit: Visit, demo: Path) -> None:
    page = visit.open("/matrix")
    page.locator("[data-testid=stVegaLiteChart] [role=graphics-symbol]").nth(1).click()
    page.get_by_role("link", name="Read these battles").click()
    page.get_by_text("12 battles").wait_for()
    assert page.url.count("models=") == 2


def test_a_page_beyond_the_end_is_the_first(visit: Visit, demo: Path) -> None:
    page = visit.open("/battles?page=4")
    assert page.locator("[aria-current=page]", has_text="4").count() == 1
    visit.open("/battles?page=40")
    assert "72 battles" in visit.text()
    page.locator("[data-testid=stDataFrame]").first.wait_for()


def test_a_filter_that_leaves_fewer_pages_shows_its_battles(visit: Visit, demo: Path) -> None:
    page = visit.open("/battles?page=4")
    box = page.get_by_label("Text contains")
    box.fill("zebra without a battle")
    box.press("Enter")
    page.get_by_text("No battle passes this filter").wait_for()
    box.fill("")
    box.press("Enter")
    page.get_by_text("72 battles").wait_for()
    page.locator("[data-testid=stDataFrame]").first.wait_for()


def test_a_leaderboard_without_verdicts_says_why(visit: Visit, demo: Path) -> None:
    visit.open("/?baseline=demo-hasty&method=bradley-terry&category=writing")
    assert "judged by scripted:coin" in visit.text()
    visit.open("/battles?instruction=nonsense&a=x&b=y")
    assert "unknown battle" in visit.text()


def test_a_submission_changes_the_database_and_the_leaderboards_choices(
    visit: Visit, demo: Path, tmp_path: Path
) -> None:
    answers = [
        {"question": "List three uses of a paper clip.", "reply": "=SUM(1)"},
        {"question": "And three of a brick?", "reply": ""},
    ]
    file = tmp_path / "../../etc/answers.json".replace("/", "_")
    file.write_text(json.dumps(answers))
    page = visit.open("/submit")
    page.set_input_files("input[type=file]", str(file))
    visit.settle()
    assert "name it with --map" in visit.text()
    page.get_by_role("combobox", name="Output").click()
    page.get_by_role("option", name="reply").click()
    page.get_by_text("2 outputs read").wait_for()
    page.get_by_role("textbox", name="Model").fill("new-model")
    page.get_by_role("textbox", name="Model").press("Enter")
    page.get_by_text("none of its 2 instructions is in benchmark").wait_for()
    page.get_by_text("Add instructions that the benchmark lacks").click()
    page.get_by_text("2 new instructions are added").wait_for()
    assert "new-model" not in _models(demo)
    page.get_by_role("button", name="Store these outputs").click()
    page.get_by_text("2 outputs are new").wait_for()
    assert "judgebench" in visit.text()
    assert "--models=new-model" in visit.text()
    assert "new-model" in _models(demo)


def test_a_run_started_here_ends_by_itself_and_changes_the_leaderboard(visit: Visit, demo: Path) -> None:
    page = visit.open("/runs")
    page.get_by_role("radio", name="Server").click()
    page.get_by_role("textbox", name="Model").fill("scripted:always-first")
    page.get_by_role("textbox", name="Model").press("Tab")
    visit.settle()
    page.get_by_role("button", name="Start").click()
    page.get_by_text("scripted:always-first, done: 540 of 540 trials").wait_for()
    visit.open("/?judges=scripted:always-first")
    assert "judged by scripted:always-first" in visit.text()


def test_a_run_that_cannot_be_done_says_why(visit: Visit, demo: Path) -> None:
    page = visit.open("/runs")
    page.get_by_role("radio", name="Server").click()
    page.get_by_role("textbox", name="Model").fill("gpt")
    page.get_by_role("textbox", name="Model").press("Tab")
    visit.settle()
    page.get_by_role("button", name="Estimate").click()
    page.get_by_text("needs an address").wait_for()


def test_a_damaged_upload_names_the_row_and_stores_nothing(visit: Visit, no_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"instruction": "a", "output": "b"}\n{"instruction": "<img src=x onerror=alert(1)>"}\n')
    page = visit.open("/submit")
    page.set_input_files("input[type=file]", str(file))
    page.get_by_text("your file, line 2").wait_for()
    assert "Nothing was stored" in visit.text()
    assert not no_data.exists()


def test_a_hostile_database_is_only_read(visit: Visit, no_data: Path) -> None:
    hostile.build(no_data)
    page = visit.open("/")
    page.wait_for_selector("[data-testid=stVegaLiteChart]")
    page.locator("[data-testid=stVegaLiteChart]").hover()
    page.get_by_role("combobox", name="Baseline").click()
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Escape")
    visit.open("/battles")
    found = _hostile_battle(no_data)
    page.goto(f"{visit.address}/battles?" + found)
    visit.settle()
    page.get_by_text("Download all of it").first.wait_for()
    for raw in page.get_by_text("Raw completion").all():
        raw.click()
    page.mouse.wheel(0, 5000)
    visit.settle()
    page.wait_for_timeout(300)
    assert "<script>" in visit.text()
    assert page.evaluate("window.owned") is None
    assert visit.dialogs == []
    assert visit.elsewhere == []
    assert page.locator("[data-testid=stMain] a[href^=javascript], [data-testid=stMain] iframe").count() == 0
    assert page.locator("[data-testid=stMain] .katex").count() == 0


def test_downloads_hold_the_leaderboard_without_formulas(visit: Visit, no_data: Path) -> None:
    hostile.build(no_data)
    page = visit.open("/")
    with page.expect_download() as caught:
        page.get_by_role("button", name="CSV").click()
    content = Path(caught.value.path()).read_text()
    assert "'=HYPERLINK" in content
    assert "\n=HYPERLINK" not in content


def _models(path: Path) -> tuple[str, ...]:
    opened = Database(str(path))
    found = queries.benchmark(opened, "demo").models
    opened.close()
    return found


def _hostile_battle(path: Path) -> str:
    opened = Database(str(path))
    rows, _ = queries.battles(opened, hostile.BENCHMARK, queries.BattleFilter())
    opened.close()
    huge = next(row for row in rows if hostile.MODELS[1] in (row.model_a, row.model_b))
    return urlencode({"instruction": huge.instruction, "a": huge.model_a, "b": huge.model_b})
