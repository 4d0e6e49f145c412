"""What commands print with."""

import io
from pathlib import Path

import pytest

from judgebench.cli import session
from judgebench.errors import InputError
from judgebench.estimate import Estimate


def test_numbers_stand_right_and_text_left(capsys: pytest.CaptureFixture[str]) -> None:
    session.print_table(("model", "battles"), [("a\x1b[31m", 5), ("longer", 12)], text=("model",))
    assert capsys.readouterr().out.splitlines() == [
        "model   battles",
        "a\ufffd[31m        5".ljust(15),
        "longer       12",
    ]


def test_a_table_without_numbers_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    session.print_table(("a", "b"), [("1", None)])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["a  b", "1"]


def test_estimates_under_a_title(capsys: pytest.CaptureFixture[str]) -> None:
    known = Estimate(0.5, 0.25, None, 0.95, "Wilson", 4)
    missing = Estimate(None, None, None, 0.95, "none", 0, reason="nobody asked")
    session.print_estimates(
        "title", [("known", known, "share"), ("missing", missing, "share"), ("none", None, "share")]
    )
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == ["title", "known 50.0% [25.0%, inf] n = 4", "missing not identified nobody asked", "none -"]


def test_what_something_costs() -> None:
    assert session.expected(None) == "cost not known (give --price)"
    assert session.expected(0.0) == "free"
    assert session.expected(0.126) == "cost about 0.126 USD"


def test_a_password_is_not_printed() -> None:
    shown = session.Session("postgresql://me:secret@host/name", {}).shown_address
    assert "secret" not in shown
    assert session.Session("a.db", {}).shown_address == "a.db"


def test_messages_leave_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    session.complain("a\rb")
    session.say("result")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("result\n", "judgebench: a\ufffdb\n")


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    session.write_file(tmp_path / "a", "\ud800")
    assert (tmp_path / "a").read_text() == "?"
    for path in (tmp_path, tmp_path / "none" / "a", Path("a\0b")):
        with pytest.raises(InputError, match="cannot be written"):
            session.write_file(path, "")


def test_numbers_that_are_not_finite_are_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    with pytest.raises(ValueError, match="JSON"):
        session.print_json(float("nan"))


def test_progress_that_never_began_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with session.progress_line():
        pass
    assert capsys.readouterr() == ("", "")
