"""A benchmark's standing board on its page: admins set and remove it, others read it, and what it lacks is said."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from judgebench import services
from judgebench.services.standing import StandingBoard
from judgebench.store.database import Database
from tests.app.test_audit_start import as_role
from tests.app.test_screens import button, opened, printed

pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")
KEEP = "Hold this"


@pytest.fixture
def path(tmp_path: Path, demo_database: Path) -> Path:
    copy = tmp_path / "standing.db"
    shutil.copy(demo_database, copy)
    return copy


def held(path: Path) -> StandingBoard | None:
    with closing(Database(str(path))) as database:
        return services.standing.standing_board(database, "demo")


def field(app: Any, label: str) -> Any:
    return next(widget for widget in (*app.selectbox, *app.multiselect) if widget.label == label)


def test_an_admin_sets_it_leaves_something_open_again_and_removes_it(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    app = opened("standing", monkeypatch, path)
    assert "demo holds no standing board" in printed(app)
    field(app, "Judge").select("scripted:coin")
    field(app, "Pool").set_value(["demo-hasty", "demo-rambling"])
    field(app, "Baseline").select("demo-careful")
    field(app, "Profile").select("mt-bench")
    button(app, KEEP).click().run()
    assert not app.exception
    kept = held(path)
    assert kept is not None
    assert (kept.pool, kept.judge) == (("demo-careful", "demo-hasty", "demo-rambling"), "scripted:coin")
    assert (kept.baseline, kept.profile) == ("demo-careful", "mt-bench")
    assert "Judge 'scripted:coin' compares outputs, so there are no numbers of MT-Bench by scores." in printed(app)
    assert "judgebench benchmarks standing demo --judge=scripted:coin --baseline=demo-careful" in printed(app)
    field(app, "Profile").select("")
    field(app, "Pool").set_value(["demo-hasty"])
    button(app, KEEP).click().run()
    kept = held(path)
    assert kept is not None
    assert (kept.pool, kept.profile) == (("demo-careful", "demo-hasty"), None)
    with closing(Database(str(path))) as database:
        assert len(services.upkeep.events(database, actions=("kept",))) == 2
    button(app, "Hold none any more").click().run()
    assert not app.exception
    assert held(path) is None
    assert "demo holds no standing board" in printed(app)


def test_what_cannot_be_held_changes_nothing(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    app = opened("standing", monkeypatch, path)
    button(app, KEEP).click().run()
    assert "a standing board has a judge" in printed(app)
    assert held(path) is None


def test_others_read_it_and_may_not_set_it(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    app = opened("standing", monkeypatch, path)
    field(app, "Judge").select("scripted:coin")
    as_role(monkeypatch, "SUBMITTER")
    button(app, KEEP).click().run()  # drawn for an admin, and pressed by somebody who is none any more
    assert held(path) is None
    assert "What new models are ranked by is set by admins of this app." in printed(app)
    assert [widget.label for widget in app.button if widget.label == KEEP] == []
