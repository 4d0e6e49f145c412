"""What pages read is kept for one state of one database."""

from pathlib import Path

import pytest

from judgebench.store.database import Database
from tests.filling import filled

cached = pytest.importorskip("app.cached", reason="the app needs the extra app")


def test_a_board_of_one_database_file_is_not_shown_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(path))
    versions = []
    for models in (("alpha", "beta"), ("gamma", "delta")):
        for file in tmp_path.glob("a.db*"):
            file.rename(tmp_path / f"old-{file.name}")
        opened = Database(str(path), create=True)
        filled(opened, models=models)
        opened.close()
        versions.append(cached.source())
        assert set(cached.benchmarks(versions[-1])[0].models) == set(models)
    assert versions[0] != versions[1]
