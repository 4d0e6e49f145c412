"""Logging in and out in a real browser, at a provider on loopback, with the gate and its headers in front."""

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")
pytest.importorskip("authlib", reason="logging in needs Authlib: pip install 'streamlit[auth]'")

from tests.app.people import ACCESS
from tests.app.provider import providing
from tests.app.serving import Door, serving
from tests.app.visit import context

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_people_log_in_do_what_their_role_allows_and_log_out(
    browser: Any, door: Door, demo_database: Path, tmp_path: Path
) -> None:
    access = tmp_path / "access.toml"
    shutil.copy(demo_database, tmp_path / "demo.db")
    with providing() as provider:
        access.write_text(ACCESS.replace("http://127.0.0.1:9", provider.address))
        with serving(tmp_path / "demo.db", access, door=door) as address:
            for name, titles in (("viewer", True), ("submitter", True), ("nobody", False)):
                provider.claims = {"email": f"{name}@example.{'org' if titles else 'com'}", "email_verified": True}
                person = context(browser)
                page, blocked = person.new_page(), []
                page.on("console", lambda said, into=blocked: into.append(said.text) if "Policy" in said.text else None)
                page.goto(address + "/submit")
                page.get_by_role("button", name="Log in").click()
                if titles:
                    page.get_by_role("heading", name="Submit").wait_for()
                    if name == "submitter":
                        file = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"instruction,output\nq,a\n"}
                        page.locator("input[type=file]").set_input_files(file)
                        page.get_by_text("1 output read").wait_for()
                    else:
                        page.get_by_text("needs the role submitter").wait_for()
                        assert page.locator("input[type=file]").count() == 0
                else:
                    page.get_by_text("no role here").wait_for()
                page.get_by_role("button", name="Log out").click()
                page.get_by_role("button", name="Log in").wait_for()
                assert blocked == []
                assert person.request.get(address + "/media/x").status == 401
                person.close()


def test_a_link_is_found_again_after_logging_in(browser: Any, door: Door, demo_database: Path, tmp_path: Path) -> None:
    access = tmp_path / "access.toml"
    shutil.copy(demo_database, tmp_path / "demo.db")
    link = "/battles?order=upsets&text=a%20b"
    with providing() as provider:
        provider.claims = {"email": "viewer@example.org", "email_verified": True}
        access.write_text(ACCESS.replace("http://127.0.0.1:9", provider.address))
        with serving(tmp_path / "demo.db", access, door=door) as address:
            person = context(browser)
            page = person.new_page()
            page.goto(address + link)
            page.get_by_role("button", name="Log in").click()
            page.get_by_role("heading", name="Battles").wait_for()
            assert page.evaluate("location.pathname + location.search") == link
            page.locator("input[value='a b']").wait_for()
            person.close()
