"""From nothing to a first board by a press of a button, which is then read from its top."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.app.doors import BY_APP
from tests.app.serving import listening
from tests.app.visit import BOARD, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_IN_PLACE_OF_MINUTES = """
import os, shutil, sys
if sys.orig_argv[-2:] == ["judgebench", "demo"]:
    shutil.copy({demo!r}, os.environ["JUDGEBENCH_DATABASE_URL"])
    os._exit(0)
"""  # what Python runs when it starts: the command is found there to have judged already
_LOW = {"width": 1000, "height": 450}  # in which the buttons stand below what is seen first
_FROM_TOP = "document.querySelector('[data-testid=stMain]').scrollTop"


def _is_read_from_its_top(visit: Visit) -> None:
    visit.settle()
    assert visit.page.evaluate(_FROM_TOP) == 0
    assert visit.page.locator("h1", has_text="Leaderboard").is_visible()
    assert "Welcome to JudgeBench" not in visit.text()


def test_the_demo_is_set_up_by_its_button_and_shown(browser: Any, tmp_path: Path, demo_database: Path) -> None:
    start = tmp_path / "start"
    start.mkdir()
    (start / "sitecustomize.py").write_text(_IN_PLACE_OF_MINUTES.format(demo=str(demo_database)))
    path = os.pathsep.join((str(start), os.environ.get("PYTHONPATH", "")))
    words = ["env", f"PYTHONPATH={path}", sys.executable, "-m", "judgebench", "--db", str(tmp_path / "shown.db")]
    with listening(lambda port: [*words, "app", "--headless", "--port", str(port)]) as address:
        visit = Visit(browser, address)
        page = visit.open("/")
        page.set_viewport_size(_LOW)
        button = page.get_by_role("button", name="Set up the demo here")
        page.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, 200)")
        assert page.evaluate(_FROM_TOP) > 0
        button.click()
        page.locator(f"{BOARD} a", has_text="demo-careful").wait_for()
        _is_read_from_its_top(visit)
        visit.context.close()


@BY_APP
def test_what_was_imported_is_shown_from_its_top(visit: Visit, no_data: Path, tmp_path: Path) -> None:
    sides = {"output_1": "no", "generator_1": "base", "output_2": "yes", "generator_2": "new", "annotator": "judge"}
    rows = [{"instruction": f"Question {number}?", **sides, "preference": 1.0 + number % 2} for number in range(12)]
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(rows))
    page = visit.open("/")
    page.set_viewport_size(_LOW)
    page.get_by_text("Import files here").click()
    page.set_input_files("input[type=file]", str(file))
    page.get_by_role("button", name="Import it").click()
    shown = page.get_by_role("button", name="Show it")
    shown.scroll_into_view_if_needed()
    assert page.evaluate(_FROM_TOP) > 0
    shown.click()
    page.locator(f"{BOARD} a", has_text="new").wait_for()
    _is_read_from_its_top(visit)
