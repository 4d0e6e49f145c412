"""What is read while the server starts is not read again, and what is wrong is left to pages."""

from pathlib import Path

import pytest

from judgebench import services
from tests.app.test_screens import numbers, opened

warmup = pytest.importorskip("app.warmup", reason="the app needs the extra app")


def test_reading_ahead_leaves_what_is_wrong_to_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database" * 100)
    for address in (str(tmp_path / "none.db"), str(damaged), "mysql://host/x"):
        monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", address)
        warmup.read()
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.db"]


def test_what_was_read_ahead_is_not_read_again(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(demo_database))
    warmup.read()
    for query in ("leaderboard", "tallies", "languages"):
        monkeypatch.setattr(services.leaderboards, query, None)
    assert numbers(opened("leaderboard", monkeypatch, demo_database))
