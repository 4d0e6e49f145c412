"""Charts in a real browser: dots and cells lead to models, downloads say what they are of, hostile names stay text."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.app import hostile
from tests.app.visit import Visit

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_dots_and_cells_lead_to_models_and_downloads_say_what_they_are_of(visit: Visit, demo: Path) -> None:
    page = visit.open("/?baseline=demo-careful")
    dot = page.locator(".jb-plot a.point").first
    assert "characters" in dot.get_attribute("aria-label")
    with page.expect_download() as caught:
        page.get_by_role("button", name="SVG").click()
    drawn = Path(caught.value.path()).read_text()
    for words in (
        "Win rate and mean length",
        "Benchmark demo; judge scripted:coin",
        "made on",
        "No submission here was",
    ):
        assert words in drawn
    page.get_by_role("radio", name="Categories").click()
    page.locator("table.jb-heat").wait_for()
    cell = page.locator("table.jb-heat td a").first
    assert "instructions" in cell.get_attribute("aria-label")
    assert "baseline=demo-careful" in cell.get_attribute("href")
    cell.click()
    page.locator("h1", has_text="Model").wait_for()


@pytest.mark.slow
def test_charts_of_hostile_names_are_only_text(visit: Visit, no_data: Path) -> None:
    hostile.build(no_data)
    for chart in ("length", "categories", "distributions", "history"):
        visit.open(f"/?chart={chart}").wait_for_selector(".jb-plot, .jb-heat, .jb-bars, [data-testid=stVegaLiteChart]")
        visit.nothing_happened()


@pytest.mark.slow
def test_every_part_of_a_hostile_models_page_is_only_text(visit: Visit, no_data: Path) -> None:
    hostile.build(no_data)
    page = visit.open("/model?" + urlencode({"model": hostile.MODELS[0]}))
    for part in ("Outputs", "Length and style", "Distribution", "Findings", "Lineage and history"):
        page.get_by_role("radio", name=part).click()
        visit.settle()
        visit.nothing_happened()
