"""Commands to be copied hold any name and no password."""

import ast
import re
import shlex
from pathlib import Path

from app import commands


def test_the_command_survives_any_name_and_shows_no_password() -> None:
    command = commands.place("postgresql://me:secret@host/db", "b; rm -rf /", ["--x", "o'ther"])
    assert "secret" not in command
    assert shlex.split(command) == ["judgebench", "place", "--benchmark=b; rm -rf /", "--model=--x", "--model=o'ther"]
    assert commands.place("a.db", "b", ["m"]) == "judgebench --db=a.db place --benchmark=b --model=m"


def test_every_command_to_copy_is_quoted() -> None:
    hostile = "x; touch PWNED $(touch PWNED) `touch PWNED` '"
    assert shlex.split(commands.contamination(hostile)) == ["judgebench", "contamination", "--benchmark", hostile]
    assert shlex.split(commands.test_judge(hostile)) == ["judgebench", "judges", "test", hostile]
    words = shlex.split(commands.judge_all(hostile, "embedded"))
    assert words[words.index("--benchmark") + 1] == hostile
    assert words[-1] == "--all-pairs"


def test_no_page_writes_a_name_into_a_command_by_hand() -> None:
    """A guard for pages that are yet to be written: ``commands`` quotes what others named."""
    home = Path(commands.__file__).parent
    built = [
        (file.name, text) for file in home.rglob("*.py") for text in _built(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert built == []
    assert _built(ast.parse("f'judgebench run --benchmark {name}'"))
    assert _built(ast.parse("'judgebench run --benchmark ' + name"))


def _built(tree: ast.AST) -> list[str]:
    """Texts with a command that are put together of parts."""
    parted = (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.BinOp))
    return [text for text in parted if re.search(r"judgebench [a-z]+ .*-", text)]
