"""From a file to a place on the board in a real browser, and from an empty database to a first board."""

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.resources import folder
from judgebench.spec import JudgeSpec
from judgebench.store.database import Database
from tests.app.conftest import HeldJudge
from tests.app.doors import BY_BOTH
from tests.app.visit import BOARD, Visit, models

pytestmark = [pytest.mark.browser, BY_BOTH]

OUTPUTS = folder("demo") / "outputs"
LARGEST = 64_000_000  # bytes: what pages make of a limit of 64 MB


def outputs(path: Path, text: str = "{output}", count: int = 45) -> Path:
    """The demo's careful outputs, changed, in a file."""
    rows = json.loads((OUTPUTS / "demo-careful.json").read_text())[:count]
    written = [{"instruction": row["instruction"], "output": text.format(output=row["output"])} for row in rows]
    path.write_text(json.dumps(written))
    return path


def colour(element: Any) -> list[int]:
    """Of its background: red, green and blue, 0 to 255."""
    return [int(part) for part in re.findall(r"\d+", element.evaluate("e => getComputedStyle(e).backgroundColor"))[:3]]


@pytest.mark.slow
def test_the_largest_file_that_is_taken_arrives(visit: Visit, demo: Path, tmp_path: Path) -> None:
    """Whatever stands in front of the app lets a form with it pass."""
    file = tmp_path / "large.jsonl"
    with file.open("wb") as written:
        written.truncate(LARGEST)
    page = visit.open("/submit")
    page.set_input_files("input[type=file]", str(file))
    page.get_by_text("your file, line 1").wait_for()
    assert "Nothing was stored" in visit.text()


@pytest.mark.slow
def test_a_null_models_findings_are_shown_before_it_is_stored_and_red_on_the_board(
    visit: Visit, demo: Path, tmp_path: Path
) -> None:
    visit.page.set_viewport_size({"width": 1440, "height": 900})
    page = visit.open("/submit")
    page.set_input_files("input[type=file]", str(outputs(tmp_path / "null-model.json", "A fine answer.")))
    page.get_by_text("constant-output").first.wait_for()
    visit.settle()
    assert page.get_by_role("textbox", name="Model").input_value() == "null-model"
    assert page.locator("mark").first.inner_text() == "A fine answer."
    store = page.get_by_role("button", name="Store these outputs")
    assert store.is_disabled()
    assert "null-model" not in models(demo)
    page.get_by_text("Store them all the same").click()
    visit.settle()
    store.click()
    page.get_by_text("null-model: 45 outputs are new").wait_for()
    assert "null-model" in models(demo)
    visit.settle()
    next_step = page.get_by_role("combobox", name="New models")
    marked = page.get_by_text("null-model is marked: red on leaderboards, without a rank.")
    for place in (page.get_by_text("Stored.", exact=True), marked, next_step):  # in sight, without scrolling
        box = place.bounding_box()
        assert box["y"] > 60
        assert box["y"] + box["height"] <= 900
    assert page.get_by_role("button", name="Estimate and start").count() == 0  # it is chosen by hand alone
    visit.choose(next_step, "null-model")
    visit.type("Escape")
    page.get_by_text("null-model is flagged by an audit: judged it gets no rank.").wait_for()
    visit.settle()
    page.get_by_role("button", name="Estimate and start").click()
    page.get_by_role("button", name=re.compile("Ask .* questions")).click()
    page.get_by_text("null-model is flagged, so it has no rank").wait_for()
    page.get_by_role("link", name="null-model on the leaderboard").click()
    visit.settle()
    row = page.locator(f"{BOARD} tr.flagged.new")
    assert row.locator("a").inner_text() == "null-model"
    red, green, blue = colour(row.locator(".dot"))
    assert red > 2 * max(green, blue)
    assert "constant-output" in visit.text()


@pytest.fixture
def judge(demo: Path, held_judge: HeldJudge) -> str:
    """The name of a judge with a server and a price."""
    with closing(Database(str(demo))) as database:
        spec = JudgeSpec(model="m", name="slow", url=held_judge.url, price="1,1")
        services.judges.add_judge(database, spec)
    return "slow"


@pytest.mark.slow
def test_two_models_are_submitted_judged_and_ranked_on_one_page(
    visit: Visit, demo: Path, judge: str, held_judge: HeldJudge, tmp_path: Path
) -> None:
    files = [outputs(tmp_path / f"{name}.json", f"{{output}} {name}") for name in ("first", "second")]
    page = visit.open("/submit")
    page.set_input_files("input[type=file]", [str(file) for file in files])
    page.get_by_role("button", name="Store the outputs of 2 models").click()
    page.get_by_text("90 outputs are new").wait_for()
    assert "new=first&new=second" in page.evaluate("location.href")
    visit.open("/submit?benchmark=demo&new=first")  # the link that one sends; the other waits
    page.get_by_text("Judges, template, repeats, limit").click()
    visit.settle()
    page.get_by_role("combobox", name="Judges").fill(judge)
    page.get_by_role("option", name=judge).click()
    visit.settle()
    page.get_by_text("were judged by scripted:coin: ranks suppose").wait_for()
    visit.type("Escape")
    page.get_by_role("button", name="Estimate and start").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("of replies (at most, by the settings)").wait_for()
    dialog.get_by_role("button", name=re.compile(r"Ask \d+ questions")).click()
    page.get_by_text(re.compile(r"slow, running: \d+ of \d+ trials, .* a second, .* left")).wait_for()
    held_judge.released.set()
    page.get_by_text(re.compile("slow, done: ")).wait_for()
    page.get_by_text(re.compile(r"^first: rank .* of 5, win rate .*\[")).wait_for()
    assert page.locator(f"{BOARD} tr.new a").inner_text() == "first"
    page.get_by_role("link", name="first on the leaderboard").click()
    visit.settle()
    assert page.locator(f"{BOARD} tr.new a").inner_text() == "first"


@pytest.mark.slow
def test_a_file_of_verdicts_is_imported_into_an_empty_database_and_ranks(
    visit: Visit, no_data: Path, tmp_path: Path
) -> None:
    rows = [
        {
            "instruction": f"Question {number}?",
            "output_1": f"baseline {number}",
            "output_2": f"{model} {number}",
            "generator_1": "base",
            "generator_2": model,
            "annotator": "judge",
            "preference": 1.0 + number % 2,
        }
        for number in range(12)
        for model in ("one", "two")
    ]
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(rows))
    page = visit.open("/")
    page.get_by_text("Import files here").click()
    page.set_input_files("input[type=file]", str(file))
    page.get_by_role("button", name="Import it").click()
    page.get_by_text("24 verdicts").wait_for()
    page.get_by_role("button", name="Show it").click()
    page.locator(f"{BOARD} a", has_text="two").wait_for()
    assert "judged by judge" in visit.text()
