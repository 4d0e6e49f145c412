"""Commands to be copied hold any name and no password."""

import shlex

from app import commands


def test_the_command_survives_any_name_and_shows_no_password() -> None:
    command = commands.judge_model("postgresql://me:secret@host/db", "b; rm -rf /", "--x", ["o'ther"])
    assert "secret" not in command
    assert "'--benchmark=b; rm -rf /'" in command
    assert commands.judge_model("a.db", "b", "m", []).endswith("--judge=embedded --all-pairs")
    assert commands.judge_model("a.db", "b", "m,n", ["o"]).endswith("--all-pairs")


def test_every_command_to_copy_is_quoted() -> None:
    hostile = "x; touch PWNED $(touch PWNED) `touch PWNED` '"
    for command in (commands.judge_all(hostile, "embedded"), commands.judge_all_by_server(hostile)):
        words = shlex.split(command)
        assert words[words.index("--benchmark") + 1] == hostile
        assert words[-1] == "--all-pairs"
