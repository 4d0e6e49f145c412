"""The app in a real browser: pages, permalinks, a submission, and a database that attacks its readers."""

import json
import re
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from judgebench import services, store
from judgebench.conversations import Conversation, Message, Text
from judgebench.records import Battle, Instruction, Model, Order, Output, Trial
from judgebench.store.database import Database
from tests import mixed
from tests.app import hostile
from tests.app.pages import pages
from tests.app.visit import BOARD, Visit, models
from tests.factories import JUDGE, ok, result, trial
from tests.filling import filled, judging

pytestmark = pytest.mark.browser

BIAS = ("Counterfactuals", "Board without bias", "Position", "Length and style", "Kinship", "Beside people")


@pytest.mark.slow
def test_without_a_database_pages_say_what_to_do_and_leave_no_file(visit: Visit, no_data: Path) -> None:
    for place, one in enumerate(reversed(pages())):
        is_first = place == 0  # the server's very first visitor follows a link to an inner page
        page = visit.turn(one.title) if one.in_menu and not is_first else visit.open(f"/{one.path}")
        assert page.inner_text("h1") == one.title
        page.get_by_role("link", name="Battles", exact=True).wait_for()
        assert page.locator("[data-testid=stException]").count() == 0
        assert one.screen in ("submit", "team", "glossary") or "judgebench demo" in visit.text()
    assert not no_data.exists()


def test_every_page_shows_the_demo(visit: Visit, demo: Path) -> None:
    visit.open("/")
    visit.page.wait_for_selector("table.jb a")
    shown = visit.text()
    assert "cannot be told apart" in shown
    assert "12 of 45 instructions have a verdict that counts." in shown
    assert "95% intervals" in shown
    visit.open("/battles")
    assert "72 battles" in visit.text()
    visit.open("/submit")
    assert "Nothing is stored before you confirm" in visit.text()
    assert visit.elsewhere == []


@pytest.mark.slow
def test_a_filter_gives_a_permalink_that_shows_the_same_elsewhere(visit: Visit, demo: Path, browser: Any) -> None:
    page = visit.open("/battles")
    page.get_by_role("button", name="Filters").click()
    page.get_by_text("Contradictory verdicts").click()
    page.get_by_text("Filtered: contradictory verdicts.").wait_for()
    visit.type("Escape")
    visit.settle()
    box = page.get_by_label("Text contains", exact=True)
    box.fill("the")
    box.press("Enter")
    visit.settle()
    visit.choose(page.get_by_role("combobox", name="Models"), "demo-hasty")
    visit.settle()
    page.wait_for_url("**models**")
    shown = page.get_by_text(" battles").first.inner_text()
    again = Visit(browser, visit.address)
    again.open(page.url.removeprefix(visit.address))
    assert again.page.get_by_text(" battles").first.inner_text() == shown
    again.page.get_by_text("Filtered: contradictory verdicts.").wait_for()
    assert "demo-hasty" in again.text()
    again.context.close()


@pytest.mark.slow
def test_a_battle_has_a_permalink_and_neighbours(visit: Visit, demo: Path, browser: Any) -> None:
    first, total = services.battles.battles(Database(str(demo)), "demo", store.battles.BattleFilter(), limit=2)
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
    page.get_by_role("region", name="Battles").locator("tbody th a").nth(2).click()
    page.get_by_text("Battle 3 of 72").wait_for()
    page.get_by_role("button", name="Previous Shortcut").click()
    page.get_by_text("Battle 2 of 72").wait_for()
    visit.type("n")
    page.get_by_text("Battle 3 of 72").wait_for()
    page.get_by_label("Text contains", exact=True).press_sequentially("npn")
    visit.settle()
    assert "Battle 3 of 72" in visit.text()


@pytest.mark.parametrize("width", [390, 1440])
def test_a_cell_of_the_matrix_leads_to_the_twomodels(visit: Visit, demo: Path, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 1000})
    page = visit.open("/matrix?counted=all-judges")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
    cell = page.locator("table.jb td a").first
    assert "counted=" in cell.get_attribute("href")
    first, second = cell.get_attribute("aria-label").split(":")[0].split(" against ")
    cell.click()
    page.locator("h1", has_text="Compare").wait_for()
    visit.settle()
    assert page.inner_text("h2.jb-name") == f"{first} against {second}"


def test_a_page_beyond_the_end_is_the_first(visit: Visit, demo: Path) -> None:
    page = visit.open("/battles?page=4")
    assert page.locator("[aria-current=page]", has_text="4").count() == 1
    visit.open("/battles?page=40")
    assert "72 battles" in visit.text()
    page.get_by_role("region", name="Battles").wait_for()


def test_a_filter_that_leaves_fewer_pages_shows_its_battles(visit: Visit, demo: Path) -> None:
    page = visit.open("/battles?page=4")
    box = page.get_by_label("Text contains", exact=True)
    box.fill("zebra without a battle")
    box.press("Enter")
    page.get_by_text("No battle passes this filter").wait_for()
    box.fill("")
    box.press("Enter")
    page.get_by_text("72 battles").wait_for()
    page.get_by_role("region", name="Battles").wait_for()


def test_a_leaderboard_without_verdicts_says_why(visit: Visit, demo: Path) -> None:
    visit.open("/?baseline=demo-hasty&method=bradley-terry&category=writing")
    assert "judged by scripted:coin" in visit.text()
    visit.open("/battles?instruction=nonsense&a=x&b=y")
    assert "unknown battle" in visit.text()


@pytest.mark.slow
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
    page.get_by_text("name it by --map").wait_for()
    visit.choose(page.get_by_role("combobox", name="Output"), "reply")
    page.get_by_text("2 outputs read").wait_for()
    page.get_by_role("textbox", name="Model").fill("new-model")
    page.get_by_role("textbox", name="Model").press("Enter")
    page.get_by_text("of its 2 instructions none is in benchmark").wait_for()
    page.get_by_test_id("stCheckbox").get_by_text("Add instructions that the benchmark lacks").click()
    page.get_by_text("2 new instructions are added").wait_for()
    assert "new-model" not in models(demo)
    page.get_by_role("button", name="Store these outputs").click()
    page.get_by_text("2 outputs are new").wait_for()
    page.get_by_text("new-model against").wait_for()
    assert "new-model" in models(demo)


@pytest.mark.slow
def test_a_run_started_here_ends_by_itself_and_changes_the_leaderboard(visit: Visit, demo: Path) -> None:
    page = visit.open("/runs")
    page.get_by_role("radio", name="Server").click()
    page.get_by_role("textbox", name="Model").fill("scripted:always-first")
    page.get_by_role("textbox", name="Model").press("Tab")
    visit.settle()
    page.get_by_role("button", name="Estimate and start").click()
    page.get_by_role("button", name="Ask 540 questions").click()
    page.get_by_text("scripted:always-first, done: 540 of 540 trials").wait_for()
    visit.open("/?judges=scripted:always-first")
    assert "judged by scripted:always-first" in visit.text()


@pytest.mark.slow
def test_a_run_that_cannot_be_done_says_why(visit: Visit, demo: Path) -> None:
    page = visit.open("/runs")
    page.get_by_role("radio", name="Server").click()
    page.get_by_role("textbox", name="Model").fill("gpt")
    page.get_by_role("textbox", name="Model").press("Tab")
    visit.settle()
    page.get_by_role("button", name="Estimate and start").click()
    page.get_by_text("needs an address").wait_for()


def test_a_damaged_upload_names_the_row_and_stores_nothing(visit: Visit, no_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"instruction": "a", "output": "b"}\n{"instruction": "<img src=x onerror=alert(1)>"}\n')
    page = visit.open("/submit")
    page.set_input_files("input[type=file]", str(file))
    page.get_by_text("your file, line 2").wait_for()
    assert "Nothing was stored" in visit.text()
    assert not no_data.exists()


def test_a_hostile_leaderboard_is_only_read(visit: Visit, no_data: Path) -> None:
    hostile.build(no_data)
    visit.open("/").wait_for_selector("table.jb a")
    visit.nothing_happened()


@pytest.mark.slow
def test_a_hostile_database_is_only_read(visit: Visit, no_data: Path) -> None:
    """Every page and every way to show an output: no script runs, no request leaves, nothing is a link or formula."""
    hostile.build(no_data)
    page = visit.open("/?control=length&control=style&method=bradley-terry&chart=intervals")
    page.locator("[data-testid=stVegaLiteChart]").first.hover()
    page.get_by_role("button", name="What counts").click()
    page.get_by_role("combobox", name="Baseline").click()
    page.get_by_role("option").first.wait_for()
    visit.type("Escape")
    visit.type("Escape")
    for title in ("Matrix", "Battles", "Bias", "Judges", "Audits", "Vote", "Submit", "Runs", "Glossary"):
        visit.turn(title)
        visit.nothing_happened()
    visit.turn("Bias")
    for part in BIAS[1:]:
        page.get_by_role("tab", name=part).click()
        visit.settle()
        visit.nothing_happened()
    for battle in _hostile_battles(no_data):
        visit.open(f"/battles?{battle}")
        for raw in page.get_by_text("Raw completion").all():
            raw.click()
        for view in ("As text", "Differences", "Output A rendered", "Output B rendered"):
            page.get_by_role("radio", name=view).click()
            visit.settle()
            page.get_by_text("Download all of it").first.wait_for()
            for folded in page.locator("summary:not(:has([data-testid=stIconMaterial]))").all():
                folded.click()
            page.mouse.wheel(0, 5000)
            visit.settle()
            assert "<script>" in visit.text()
            visit.nothing_happened()
    for link in _hostile_links(no_data):
        visit.open(link)
        page.locator("table.jb a, .jb-links a").first.wait_for()
        visit.nothing_happened()
    visit.turn("Audits")
    page.locator("mark").first.wait_for()
    visit.nothing_happened()


def _hostile_links(path: Path) -> list[str]:
    """To the pages of a model, of two models and of an instruction."""
    database = Database(str(path))
    rows, _ = services.battles.battles(database, hostile.BENCHMARK, store.battles.BattleFilter(), limit=1)
    database.close()
    a, b = rows[0].model_a, rows[0].model_b
    values = [("model", {"model": a}), ("compare", {"first": a, "second": b})]
    values.append(("instruction", {"instruction": rows[0].instruction}))
    return [f"/{page}?{urlencode(named)}" for page, named in values]


def test_models_are_searched_and_what_is_chosen_stands_in_the_address(visit: Visit, demo: Path, browser: Any) -> None:
    page = visit.open("/")
    box = page.get_by_label("Search models", exact=True)
    box.fill("HASTY")
    box.press("Enter")
    page.wait_for_url("**search**")
    visit.settle()
    assert page.locator(f"{BOARD} tbody tr").count() == 1
    again = Visit(browser, visit.address)
    again.open(page.url.removeprefix(visit.address))
    assert again.page.locator(f"{BOARD} tbody tr").count() == 1
    again.context.close()


@pytest.mark.parametrize("width", [1440, 800, 390])
def test_the_first_screen_holds_the_leaders(visit: Visit, demo: Path, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    page = visit.open("/")
    box = page.locator(f"{BOARD} tbody tr").first.bounding_box()
    assert box["y"] + box["height"] < 900
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width


def test_the_first_screen_holds_ten_models_with_their_numbers(visit: Visit, no_data: Path) -> None:
    names = tuple(f"model-{number:02}" for number in range(12))
    with closing(Database(str(no_data), create=True)) as database:
        verdicts = filled(database, instructions=3, models=names)
        met = [result(trial(at, a=a, b=b), ok(0.9)) for at in range(3) for a, b in combinations(names, 2)]
        with database.write() as connection:
            verdicts.add(connection, met)
    visit.page.set_viewport_size({"width": 1440, "height": 900})
    page = visit.open("/")
    tenth = page.get_by_role("region", name="Leaderboard").locator("tbody tr").nth(9)
    box = tenth.bounding_box()
    assert box["y"] + box["height"] <= 900
    assert re.match(r"\d+\.\d$", tenth.locator("td.n").first.inner_text())


def test_downloads_hold_the_leaderboard_without_formulas(visit: Visit, no_data: Path) -> None:
    hostile.build(no_data)
    page = visit.open("/")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as caught:
        page.get_by_role("button", name="CSV").click()
    content = Path(caught.value.path()).read_text()
    assert "'=HYPERLINK" in content
    assert "\n=HYPERLINK" not in content


def test_the_leaderboard_as_a_picture(visit: Visit, demo: Path) -> None:
    page = visit.open("/leaderboard")
    for label, begin in (
        ("SVG", b"<svg"),
        ("PNG", b"\x89PNG"),
        ("HTML", b"<!doctype html>"),
        ("Markdown", b"- Judged by "),
        ("JSON", b"{"),
    ):
        if label == "HTML":
            page.get_by_role("button", name="Download").click()
        with page.expect_download() as caught:
            page.get_by_role("button", name=label, exact=True).click()
        assert Path(caught.value.path()).read_bytes().startswith(begin)


@pytest.mark.slow
def test_the_page_that_is_sent_to_a_colleague_opens_offline(visit: Visit, no_data: Path, tmp_path: Path) -> None:
    hostile.build(no_data)
    page = visit.open("/")
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as caught:
        page.get_by_role("button", name="HTML", exact=True).click()
    file = tmp_path / "board.html"
    caught.value.save_as(file)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(file.as_uri())
    assert requested == [file.as_uri()]
    names = page.locator("table.board tbody th")
    before = names.all_inner_texts()
    page.get_by_role("button", name="Model").click()
    assert names.all_inner_texts() == sorted(before, key=str.lower, reverse=True)
    page.get_by_label("Search", exact=True).fill(before[0][:12])
    assert page.locator("table.board tbody tr:visible").count() < len(before)
    page.locator("details.battle summary:visible").first.click()
    assert page.evaluate("window.owned") is None
    assert visit.dialogs == []


def test_a_conversation_is_read_and_voted_on_in_its_places(visit: Visit, no_data: Path) -> None:
    database = Database(str(no_data), create=True)
    mixed.filled(database)
    rows, _ = services.battles.battles(database, mixed.BENCHMARK, store.battles.BattleFilter(text="error 500"))
    database.close()
    link = urlencode({"instruction": rows[0].instruction, "a": "alpha", "b": "beta"})
    for width in (1440, 390):
        visit.page.set_viewport_size({"width": width, "height": 1000})
        page = visit.open(f"/battles?{link}")
        words = ("system", "call 1: book_leave", "result of call 1 (book_leave), an error: 500", "And my payslip?")
        battle = visit.text().partition("tools that are offered")[2]  # below the list, which tells what was said too
        places = [battle.index(each) for each in words]
        assert places == sorted(places)
        assert "secret thought" not in visit.text()
        page.get_by_text("reasoning, not shown to the judge").first.click()
        page.get_by_text("secret thought").first.wait_for()
        wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert wide <= width
    visit.open("/vote?blind=true")
    for number in range(1, 8):
        page.get_by_role("button", name="First is better").click()
        page.get_by_text(f"{number} vote{'s' if number > 1 else ''} of yours").wait_for()
    page.get_by_text("There is no pair left").wait_for()


def test_a_long_conversation_says_that_it_scrolls_and_is_read_to_its_end(visit: Visit, no_data: Path) -> None:
    full = Conversation(
        (
            Message("system", (Text("You speak French, and nothing else."),)),
            *(
                Message(role, (Text(f"{role} says {number}"),))
                for number in range(12)
                for role in ("user", "assistant")
            ),
            Message("user", (Text("The very last question."),)),
        )
    )
    asked = Instruction(full.turns, full=full)
    battle = Battle.of(asked, *(Output(asked.key, model, f"I am {model}.") for model in mixed.MODELS))
    database = Database(str(no_data), create=True)
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, [asked])
        for model in mixed.MODELS:
            store.models.add_model(connection, Model(model))
        store.models.add_outputs(connection, benchmark, [battle.a, battle.b])
    verdicts = judging(database)
    with database.write() as connection:
        verdicts.add(connection, [result(Trial(JUDGE.digest, battle, Order.AB), ok(0.3))])
    database.close()
    link = urlencode({"instruction": asked.key, "a": "alpha", "b": "beta"})
    for width in (1440, 390):
        visit.page.set_viewport_size({"width": width, "height": 1000})
        page = visit.open(f"/battles?{link}")
        page.get_by_text("26 messages: what does not fit scrolls in the box.").wait_for()
        last = page.get_by_text("The very last question.").last
        last.scroll_into_view_if_needed()
        spot = last.bounding_box()
        top = page.evaluate("([x, y]) => document.elementFromPoint(x, y).innerText", [spot["x"] + 5, spot["y"] + 5])
        assert "The very last question." in top


@pytest.mark.slow
def test_what_is_held_equal_has_a_permalink(visit: Visit, demo: Path, browser: Any) -> None:
    page = visit.open("/")
    page.get_by_role("button", name="Length").click()
    page.get_by_text("At equal length").wait_for()
    page.get_by_text("of win rate at equal quality").first.wait_for()
    page.wait_for_url("**control**")
    again = Visit(browser, visit.address)
    for link in (page.url.removeprefix(visit.address), "/leaderboard?control=length"):
        again.open(link)
        again.page.get_by_text("At equal length").wait_for()
    again.context.close()


@pytest.mark.slow
def test_differences_and_a_rendered_output_have_permalinks(visit: Visit, demo: Path, browser: Any) -> None:
    opened = Database(str(demo))
    first, _ = services.battles.battles(opened, "demo", store.battles.BattleFilter(), limit=1)
    opened.close()
    link = f"/battles?instruction={first[0].instruction}&a={first[0].model_a}&b={first[0].model_b}"
    page = visit.open(link)
    page.get_by_role("radio", name="Differences").click()
    page.locator("mark").first.wait_for()
    page.wait_for_url("**view**")
    again = Visit(browser, visit.address)
    again.open(page.url.removeprefix(visit.address))
    again.page.locator("mark").first.wait_for()
    again.context.close()


@pytest.mark.slow
def test_a_judge_that_is_not_listed_is_not_asked(visit: Visit, demo: Path) -> None:
    page = visit.open("/runs")
    page.get_by_role("radio", name="Server").click()
    page.get_by_role("textbox", name="Model").fill("gpt")
    page.get_by_role("textbox", name="Address").fill("http://169.254.169.254/v1")
    page.get_by_role("textbox", name="Address").press("Tab")
    visit.settle()
    page.get_by_role("button", name="Estimate and start").click()
    page.get_by_text("not on the list of servers").wait_for()
    with closing(Database(str(demo))) as database:
        assert services.jobs.jobs(database) == []


@pytest.mark.slow
def test_what_is_not_known_comes_with_a_command(visit: Visit, demo: Path) -> None:
    page = visit.open("/audits")
    for audit in ("null-models", "submissions"):
        page.locator(f".st-key-about_{audit}").get_by_text("Start it").click()
        page.get_by_text(f"judgebench audit {audit} --benchmark=demo").first.wait_for()
    visit.open("/judges")
    page.get_by_text("Report card").first.wait_for()
    visit.open("/bias?part=Beside+people")
    page.get_by_role("tabpanel").get_by_text("scripted:coin: 0 labelled battles").wait_for()


@pytest.mark.slow
def test_each_part_of_bias_has_a_permalink(visit: Visit, demo: Path, browser: Any) -> None:
    page = visit.open("/bias")
    again = Visit(browser, visit.address)
    for part in BIAS:
        page.get_by_role("tab", name=part).click()
        visit.settle()
        again.open(page.url.removeprefix(visit.address))
        for each in (page, again.page):
            assert each.get_by_role("tab", selected=True).inner_text() == part
            each.get_by_role("tabpanel").locator("table.jb, [data-testid=stText]").first.wait_for()
    again.context.close()


def _hostile_battles(path: Path) -> list[str]:
    """One of plain texts and one of messages, both too long to be shown."""
    opened = Database(str(path))
    rows, _ = services.battles.battles(opened, hostile.BENCHMARK, store.battles.BattleFilter())
    opened.close()
    huge = [row for row in rows if hostile.MODELS[1] in (row.model_a, row.model_b)]
    return [
        urlencode({"instruction": row.instruction, "a": row.model_a, "b": row.model_b})
        for row in huge[:: len(huge) - 1]
    ]
