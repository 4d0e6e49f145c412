"""Commands to be copied hold any name and no password."""

from app import commands


def test_the_command_survives_any_name_and_shows_no_password() -> None:
    command = commands.judge_model("postgresql://me:secret@host/db", "b; rm -rf /", "--x", ["o'ther"])
    assert "secret" not in command
    assert "'--benchmark=b; rm -rf /'" in command
    assert commands.judge_model("a.db", "b", "m", []).endswith("--judge=embedded --all-pairs")
    assert commands.judge_model("a.db", "b", "m,n", ["o"]).endswith("--all-pairs")
