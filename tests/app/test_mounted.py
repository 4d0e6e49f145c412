"""The app's pages and the API at one port of one process, as they are and behind nginx."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")
pytest.importorskip("fastapi", reason="the server needs the extra server")
pytest.importorskip("httpx2", reason="the client needs the extra client")

import judgebench
from judgebench.services.access import Role
from judgebench.services.tokens import create
from judgebench.services.upkeep import events
from judgebench.store.database import Database
from tests.app.people import ask
from tests.app.visit import BOARD, Visit
from tests.server.started import NGINX, behind_nginx, started

pytestmark = pytest.mark.slow


@pytest.fixture
def copied(demo_database: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(demo_database, tmp_path / "demo.db"))


def token(database: Path, role: Role) -> str:
    with closing(Database(str(database))) as opened:
        return create(opened, role.name.lower(), role).secret


def tour(browser: Any, address: str) -> None:
    """The pages, turned to as people do, and a submission's upload reaches the page."""
    visit = Visit(browser, address)
    try:
        page = visit.open("/")
        page.wait_for_selector(f"{BOARD} a")
        for title in ("Matrix", "Battles", "Judges", "Audits", "Submit", "Vote"):
            assert visit.turn(title).inner_text("h1") == title
            assert page.locator("[data-testid=stException]").count() == 0
        visit.turn("Submit")
        file = Path(judgebench.__file__).parents[1] / "demo" / "outputs" / "demo-hasty.json"
        page.set_input_files("input[type=file]", str(file))
        page.get_by_text("outputs read").wait_for()
        visit.nothing_happened()
    finally:
        visit.context.close()


@pytest.mark.browser
def test_pages_and_api_are_served_at_one_port(browser: Any, copied: Path) -> None:
    secret = token(copied, Role.SUBMITTER)
    with started(copied) as address:
        tour(browser, address)
        server = judgebench.connect(address, token=secret)
        assert [row["name"] for row in server.benchmarks()] == ["demo"]
        assert server.leaderboard("demo")["rows"]
        assert ask(address, "GET", "/_stcore/health").body == b"ok"
        assert ask(address, "GET", "/api/v1x").status in (200, 403)  # the page's, or nobody's, and not the API's
        for path in ("/api/v1/../_stcore/metrics", "/api/v1/_stcore/metrics"):
            assert ask(address, "GET", path).status == 404


@pytest.mark.browser
def test_a_token_that_a_page_made_opens_the_api_until_a_page_revokes_it(browser: Any, copied: Path) -> None:
    with started(copied) as address:
        visit = Visit(browser, address)
        try:
            page = visit.open("/team")
            page.get_by_role("textbox", name="Name of the token").fill("ci")
            page.get_by_role("button", name="Create token").click()
            page.get_by_text("shown this once").wait_for()
            visit.settle()
            secret = page.locator("[data-testid=stCode]").inner_text().strip()
            tokens = page.get_by_role("region", name="Tokens").inner_text()
            assert secret.startswith("jb_")
            assert secret not in tokens
            assert all(word in tokens for word in ("ci", "viewer", "all", "valid", "never"))
            me = ask(address, "GET", "/api/v1/me", {"Authorization": f"Bearer {secret}"})
            assert (me.status, b"token ci" in me.body) == (200, True)
            page = visit.open("/team")
            assert secret not in page.content()
            assert "token ci" in page.get_by_role("region", name="Log").inner_text()
            visit.choose(page.get_by_role("combobox", name="Token", exact=True), "ci")
            page.get_by_role("button", name="Revoke").click()
            page.get_by_role("region", name="Tokens").get_by_role("cell", name="revoked").wait_for()
            visit.settle()
            assert page.get_by_role("button", name="Revoke").count() == 0
            page.wait_for_timeout(1100)  # a token is taken for good for a second without another look
            refused = ask(address, "GET", "/api/v1/me", {"Authorization": f"Bearer {secret}"})
            assert (refused.status, b"was revoked" in refused.body) == (401, True)
            visit.nothing_happened()
        finally:
            visit.context.close()
    with closing(Database(str(copied))) as opened:
        told = [(event.action, event.name) for event in events(opened) if event.kind == "token"]
        assert told == [("revoked", "ci"), ("added", "ci")]
        assert secret not in repr(events(opened))


@pytest.mark.browser
@pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx-light")
def test_pages_and_api_are_served_through_nginx(browser: Any, copied: Path, tmp_path: Path) -> None:
    secret = token(copied, Role.VIEWER)
    with started(copied) as upstream, behind_nginx(tmp_path, upstream) as address:
        tour(browser, address)
        with judgebench.connect(address, token=secret) as server:
            assert server.leaderboard("demo")["rows"]
