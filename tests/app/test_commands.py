"""Commands to be copied hold any name and no password."""

import shlex

from app import commands


def test_the_command_survives_any_name_and_shows_no_password() -> None:
    command = commands.place("postgresql://me:secret@host/db", "b; rm -rf /", ["--x", "o'ther"])
    assert "secret" not in command
    assert shlex.split(command) == ["judgebench", "place", "--benchmark=b; rm -rf /", "--model=--x", "--model=o'ther"]
    first = commands.judge_benchmark("a.db", "b")
    assert first == "judgebench --db=a.db run --benchmark=b --judge=embedded --all-pairs"


def test_every_command_to_copy_is_quoted() -> None:
    hostile = "x; touch PWNED $(touch PWNED) `touch PWNED` '"
    for command in (commands.judge_all(hostile, "embedded"), commands.judge_all_by_server(hostile)):
        words = shlex.split(command)
        assert words[words.index("--benchmark") + 1] == hostile
        assert words[-1] == "--all-pairs"
