"""Who may start which audit, and that a page and a terminal start the same."""

import shlex
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from judgebench import services
from judgebench.cli.main import app as program
from judgebench.services.access import Person, Role
from judgebench.services.audits.registry import AUDITS
from judgebench.store.database import Database
from tests.app.test_screens import button, opened, printed, unfolded

pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")


def as_role(monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    from app import auth

    monkeypatch.setattr(auth, "person", lambda: Person(f"{role}@example.org", Role[role]))


def audits(monkeypatch: pytest.MonkeyPatch, database: Path) -> Any:
    """The page with every form unfolded: what is folded is not made."""
    app = opened("audits", monkeypatch, database)
    assert not [button.key for button in app.button if str(button.key).startswith(("start_", "estimate_"))]
    return unfolded(app)


def labels(app: Any) -> set[str]:
    return {element.key for element in app.button}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "starts"),
    [
        ("VIEWER", set()),
        ("VOTER", set()),
        ("SUBMITTER", {"start_submissions", "start_integrity", "contamination"}),
        ("ADMIN", {"start_submissions", "start_integrity", "start_null-models", "start_robustness", "contamination"}),
    ],
)
def test_a_right_that_is_missing_is_said_before_work_is_put_in(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path, role: str, starts: set[str]
) -> None:
    as_role(monkeypatch, role)
    app = audits(monkeypatch, demo_database)
    assert {key for key in labels(app) if key.startswith(("start_", "contamination"))} == starts
    assert ("needs the role admin" in printed(app)) == (role != "ADMIN")
    assert ("needs the role submitter" in printed(app)) == (role in ("VIEWER", "VOTER"))


def test_an_audit_that_asks_a_judge_is_estimated_before_it_can_be_started(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path
) -> None:
    app = audits(monkeypatch, demo_database)
    assert app.button(key="start_null-models").disabled
    button(app, "Estimate").click().run()  # of null models, the first
    assert not app.exception
    assert "calls of scripted:coin" in printed(app)
    assert not app.button(key="start_null-models").disabled
    app.number_input(key="nulls_limit").set_value(7).run()
    assert app.button(key="start_null-models").disabled  # it is another audit now


def test_the_command_on_the_page_is_one_that_the_command_line_takes(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path
) -> None:
    app = audits(monkeypatch, demo_database)
    commands = [str(code.value) for code in app.code if str(code.value).startswith("judgebench audit")]
    assert len(commands) == len(AUDITS)
    for command in commands:
        dry = ["--dry-run"] if "--judge" in command or "submissions" in command else []
        words = ["--db", str(demo_database), *shlex.split(command)[1:], *dry]
        if "integrity" not in command:
            assert CliRunner().invoke(program, words).exit_code == 0, command


def test_links_name_the_page_that_they_lead_to(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    drawn = "".join(str(html.proto.body) for html in audits(monkeypatch, demo_database).get("html"))
    assert '">Bias</a>' in drawn
    assert 'href="bias?' in drawn


def test_a_person_whose_role_was_taken_away_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path
) -> None:
    app = audits(monkeypatch, demo_database)
    as_role(monkeypatch, "VIEWER")
    app.button(key="start_submissions").click().run()
    with closing(Database(str(demo_database))) as database:
        assert services.jobs.jobs(database) == []
