"""The page Team in a browser, for people who have logged in: who may do what, and what was done."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from tests.app.people import ACCESS, login
from tests.app.serving import Door, serving
from tests.app.visit import Visit

pytestmark = pytest.mark.browser


@contextmanager
def visiting(browser: Any, address: str, name: str) -> Iterator[Visit]:
    """As somebody who has logged in: the cookie is what a login leaves behind."""
    visit = Visit(browser, address)
    cookie = login(address, f"{name}@example.org", email_verified=True)
    visit.context.add_cookies([{"name": "_streamlit_user", "value": cookie, "url": address}])
    yield visit
    visit.context.close()
    assert visit.blocked == []


@pytest.mark.slow
def test_the_team_page_shows_roles_and_what_people_did_to_those_who_may_know(
    browser: Any, door: Door, demo_database: Path, tmp_path: Path
) -> None:
    shutil.copy(demo_database, tmp_path / "demo.db")
    (tmp_path / "access.toml").write_text(ACCESS)
    with serving(tmp_path / "demo.db", tmp_path / "access.toml", door=door) as address:
        with visiting(browser, address, "voter") as visit:
            visit.open("/vote").get_by_role("button", name="Tie").click()
            visit.page.get_by_text("1 vote of yours").wait_for()
            words = visit.open("/team").locator("[data-testid=stMain]").inner_text()
            assert "You are voter@example.org, voter: you may read every page; vote." in words
            assert "admin@example.org" not in words
            assert visit.page.get_by_role("region", name="Log").count() == 0
            assert "Token" not in words
            assert visit.page.get_by_role("button", name="Create token").count() == 0
        with visiting(browser, address, "admin") as visit:
            page = visit.open("/team")
            roles = page.get_by_role("region", name="Roles").inner_text()
            assert all(f"{role}@example.org" in roles for role in ("voter", "submitter", "admin"))
            vote = page.get_by_role("region", name="Log").locator("tbody tr").first.inner_text()
            assert "voter@example.org" in vote
            assert "voted" in vote
            page = visit.open("/team?action=submitted")
            assert "voted" not in page.get_by_role("region", name="Log").inner_text()
            assert page.get_by_role("region", name="Log").locator("tbody tr").count() == 4
