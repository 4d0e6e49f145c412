"""Counts are written with separators of thousands, and what is one in the singular, wherever a sentence holds one."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from judgebench.counts import count
from judgebench.resources import folder

_COUNTED = frozenset({"len", "sum"})
_NO_COUNTS = frozenset(  # they say which or how large, and not how many
    ("place", "sample", "repeat", "start", "stop", "end", "level", "version", "width", "height")
)
_NAMED = frozenset({"number", "count", "calls"})  # where what is counted stands behind them, "{number} {status}"
_ABOVE = ("app", "judgebench/show", "judgebench/cli")
_BELOW = tuple(f"judgebench/{name}" for name in ("audits/rules", "bias", "engine", "leaderboard", "services", "store"))
_SAID = (*_ABOVE, *_BELOW, "judgebench/api", "judgebench/audits", "judgebench/server")  # where sentences are made
_VERBS = frozenset(("is", "was", "has", "less", "as", "its"))  # and others that end as plurals do
_PLURAL_VERB = re.compile(" (?:are|were|have) ")
_OF_NAMES = frozenset(("jobs", "scores"))  # also stand behind names: "{server} jobs show", "{template} scores"
_WORDS = re.compile(r" (?:(?!(?:of|to|on|in|by) )[a-z]+[- ])?([a-z]+s)\b")  # behind a number, perhaps with an adjective
_Read = tuple[ast.FormattedValue, str]  # a value in a sentence, and what stands behind it


@cache
def _trees(name: str) -> dict[str, ast.Module]:
    root = folder("app").parent
    files = sorted((root / name).rglob("*.py"))
    return {str(file.relative_to(root)): ast.parse(Path(file).read_text(encoding="utf-8")) for file in files}


@cache
def _numbers() -> frozenset[str]:
    """Fields and properties of our classes that are whole numbers in one of them at least, and names in none."""
    types: dict[str, set[str]] = {}
    for tree in _trees("judgebench").values():
        for owner in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            for member in owner.body:
                if isinstance(member, ast.AnnAssign):
                    types.setdefault(ast.unparse(member.target), set()).add(ast.unparse(member.annotation))
                elif isinstance(member, ast.FunctionDef) and member.returns is not None and member.decorator_list:
                    types.setdefault(member.name, set()).add(ast.unparse(member.returns))
    return frozenset(name for name, known in types.items() if "int" in known and "str" not in known) - _NO_COUNTS


@cache
def _plural() -> re.Pattern[str]:
    """Begins with the plural of a word that ``count`` counts somewhere."""
    nouns = {
        str(call.args[1].value)
        for name in _SAID
        for tree in _trees(name).values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in ("count", "counted")
        and len(call.args) == 2
        and isinstance(call.args[1], ast.Constant)
    }
    plurals = {count(2, noun).removeprefix("2 ") for noun in nouns} - _OF_NAMES
    return re.compile(rf" (?:{'|'.join(sorted(map(re.escape, plurals)))})\b")


def _read(tree: ast.AST) -> Iterator[_Read]:
    """Numbers in f-strings that no form is given for otherwise than by words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            for value, behind in pairwise([*node.values, ast.Constant("")]):
                if isinstance(value, ast.FormattedValue) and value.conversion == -1:
                    yield value, str(behind.value) if isinstance(behind, ast.Constant) else ""


def _is_constant(value: ast.expr) -> bool:
    """A limit of ours, whose number is known."""
    return isinstance(value, ast.Name) and value.id.isupper()


def _is_count(value: ast.expr, behind: str) -> bool:
    value = value.left if isinstance(value, ast.BinOp) else value
    if isinstance(value, ast.Call) and ast.unparse(value.func) in _COUNTED:
        return not _is_constant(value.args[0])
    if isinstance(value, ast.Attribute) and value.attr in _numbers():
        return True
    return (isinstance(value, ast.Name) and value.id in _NAMED and behind == " ") or (
        not _is_constant(value) and bool(_plural().match(behind))
    )


@pytest.mark.parametrize("name", [*_ABOVE, *_BELOW])
def test_counts_in_sentences_have_separators_of_thousands(name: str) -> None:
    bare = [
        f"{file}:{value.lineno}"
        for file, tree in _trees(name).items()
        for value, behind in _read(tree)
        if value.format_spec is None and _is_count(value.value, behind)
    ]
    assert bare == [], "write {number:,}, or use judgebench.show.text.count"


def _is_several(value: ast.FormattedValue, behind: str) -> bool:
    """Whether a number stands before a plural that is written whatever the number is."""
    if _is_constant(value.value):
        return False
    words = _WORDS.match(behind)
    if value.format_spec is not None and _PLURAL_VERB.match(behind):
        return True
    is_whole = value.format_spec is not None and ast.unparse(value.format_spec) == "f','"
    counts = is_whole or _is_count(value.value, behind)
    return bool(_plural().match(behind)) or (counts and words is not None and words[1] not in _VERBS)


@pytest.mark.parametrize("name", _SAID)
def test_what_is_one_is_written_in_the_singular(name: str) -> None:
    by_hand = [
        f"{file}:{value.lineno}"
        for file, tree in _trees(name).items()
        for value, behind in _read(tree)
        if _is_several(value, behind)
    ]
    assert by_hand == [], "use judgebench.counts.count, which is judgebench.show.text.count above services"
