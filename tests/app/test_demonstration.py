"""The demo from a page: it is the command's, and what goes wrong is said."""

from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the app needs the extra app")

from app import auth, demonstration
from judgebench import services
from judgebench.services.access import Person, Role
from judgebench.store.database import Database
from tests.app.test_screens import button, opened, printed

_LABEL = "Set up the demo here"


@pytest.mark.slow
def test_the_demo_is_in_the_database(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    assert demonstration.set_up(str(path)) == ""
    with closing(Database(str(path))) as database:
        assert [row.name for row in services.benchmarks.benchmarks(database)] == ["demo"]


@pytest.mark.slow
def test_what_went_wrong_is_returned(tmp_path: Path) -> None:
    assert "judgebench: " in demonstration.set_up(str(tmp_path / "no folder" / "new.db"))


def test_a_button_sets_it_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    addresses: list[str] = []
    monkeypatch.setattr(demonstration, "set_up", lambda address: addresses.append(address) or "no room on the disk")
    app = opened("leaderboard", monkeypatch, tmp_path / "none.db")
    button(app, _LABEL).click().run()
    assert addresses == [str(tmp_path / "none.db")]
    assert "no room on the disk" in printed(app)


def test_who_may_not_is_told_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(auth, "person", lambda: Person("viewer@example.org", Role.VIEWER))
    app = opened("leaderboard", monkeypatch, tmp_path / "none.db")
    assert [shown.label for shown in app.button] == []
    assert "for admins" in printed(app)
