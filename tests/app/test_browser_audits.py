"""Audits and report cards in a browser: start one, read what was found, set cards beside each other."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from judgebench import engine, services
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from tests.app.visit import Visit

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_the_leaderboard_leads_to_the_start_of_the_audit_that_its_judge_lacks(visit: Visit, demo: Path) -> None:
    page = visit.open("/")
    assert "judgebench audit" not in visit.text()
    page.get_by_role("link", name="Audit by null models, judge scripted:coin").click()
    page.locator("h1", has_text="Audits").wait_for()
    about = page.locator("[data-testid=stMain] .st-key-about_null-models")
    assert about.get_by_role("button", name="Estimate").bounding_box()["y"] < 900
    about.get_by_text("--judge=scripted:coin").wait_for()


@pytest.mark.slow
def test_an_audit_is_started_from_the_page_and_its_result_shown(visit: Visit, demo: Path) -> None:
    page = visit.open("/audits")
    about = page.locator(".st-key-about_null-models")
    about.get_by_text("Not done yet.").wait_for()
    about.get_by_text("Start it").click()
    start = about.get_by_role("button", name="Start")
    assert start.is_disabled()
    about.get_by_role("button", name="Estimate").click()
    about.get_by_text("calls of scripted:coin").wait_for()
    start.click()
    page.get_by_text("done: failed").wait_for()
    about.get_by_text("scripted:coin, ").first.wait_for()
    page.get_by_role("heading", name="What was found").wait_for()
    assert "Every leaderboard by this judge says" in visit.text()
    visit.open("/")
    page.get_by_text("Null models: failed by").first.wait_for()


@pytest.mark.slow
def test_a_finding_shows_its_evidence_and_leads_to_its_battle(visit: Visit, demo: Path) -> None:
    with closing(Database(str(demo))) as database:
        services.audits.submissions.audit_stored(database, "demo", ["null-constant"])
    page = visit.open("/audits")
    first = page.locator(".jb-findings details").first
    assert first.locator("mark").first.is_visible()
    assert "null-constant" in first.inner_text()
    assert "without a rank" in first.inner_text()
    first.get_by_role("link", name="Read output 1").click()
    page.wait_for_url("**/battles?*")
    visit.settle()
    assert "null-constant" in visit.text()
    visit.open("/audits").locator("table a", has_text="null-constant").first.click()
    page.wait_for_url("**/model?*")


@pytest.mark.parametrize("width", [1440, 390])
def test_two_report_cards_stand_beside_each_other(visit: Visit, demo: Path, width: int) -> None:
    _second_judge(demo)
    visit.page.set_viewport_size({"width": width, "height": 900})
    page = visit.open("/judges?judges=scripted:coin&judges=scripted:always-first")
    row = page.locator(".jb-cards tr", has_text="names the same winner in both orders")
    one, other = (row.locator("td").nth(place).bounding_box() for place in (0, 1))
    if width > 1000:
        assert one["y"] == other["y"]
    else:
        assert other["y"] >= one["y"] + one["height"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert row.locator(".grade").nth(1).inner_text() == "D"
    assert "Overall D, by consistency" in page.locator(".jb-cards tr.overall").inner_text()
    assert "too little data" in page.locator(".jb-cards.several").inner_text()


def _second_judge(path: Path) -> None:
    """One that always names the first, on all instructions."""
    study = Study(benchmark="demo", judge=JudgeSpec(model="scripted:always-first"), all_pairs=True)
    with closing(Database(str(path))) as database, ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(engine.run.run, database, study, environment={}).result()
