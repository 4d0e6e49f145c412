"""judgebench db."""

from pathlib import Path

from tests.cli.conftest import Invoke


def test_a_database_is_checked_saved_and_copied(submitted: Invoke, tmp_path: Path) -> None:
    rows = submitted("db", "check", "--format", "json").json["rows"]
    assert rows["outputs"] == 12
    assert submitted("db", "check").out.splitlines()[-1] == "no problem found"
    assert submitted("db", "backup", tmp_path / "saved.db").out == f"saved as {tmp_path / 'saved.db'}\n"
    assert submitted("db", "backup", tmp_path / "saved.db").code == 2
    assert submitted("db", "copy", tmp_path / "copied.db").code == 0
    for name in ("saved.db", "copied.db"):
        assert submitted("--db", tmp_path / name, "db", "check", "--format", "json").json["rows"] == rows


def test_upgrading_makes_a_database_and_leaves_one_that_is_there(invoke: Invoke, tmp_path: Path) -> None:
    first = invoke("db", "upgrade")
    assert first.code == 0
    assert ": schema " in first.out
    assert (tmp_path / "judgebench.db").exists()
    assert invoke("db", "upgrade").out == first.out
    assert invoke("benchmarks", "--format", "json").json == []
