"""Counts are written with separators of thousands, wherever a sentence holds one."""

import ast
from collections.abc import Iterator

import pytest

from judgebench.resources import folder

_COUNTED = frozenset({"len", "sum"})
_COUNTS = frozenset(("n", "calls", "verdicts", "battles", "instructions", "outputs", "labels", "trials", "models"))
_FOLDERS = ("app", "judgebench/show", "judgebench/cli", "judgebench/audits/rules", "judgebench/services/audits")


def _bare(tree: ast.AST) -> Iterator[ast.FormattedValue]:
    """Values of f-strings that are counts by their names, and are written without a form."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and node.format_spec is None:
            value = node.value.left if isinstance(node.value, ast.BinOp) else node.value
            called = value.func if isinstance(value, ast.Call) else None
            if (isinstance(called, ast.Name) and called.id in _COUNTED) or (
                isinstance(value, ast.Attribute) and value.attr in _COUNTS
            ):
                yield node


@pytest.mark.parametrize("name", _FOLDERS)
def test_counts_in_sentences_have_separators_of_thousands(name: str) -> None:
    root = folder("app").parent
    for file in sorted((root / name).rglob("*.py")):
        found = [f"{file.name}:{node.lineno}" for node in _bare(ast.parse(file.read_text(encoding="utf-8")))]
        assert found == [], "write {number:,}, or use judgebench.show.text.count"
