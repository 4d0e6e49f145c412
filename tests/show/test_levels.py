"""No level of an interval is written where it is shown: what stands there comes from the result."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from judgebench.show import charts, tables
from tests.show.factories import ledger

ROOT = Path(__file__).parents[2]
FILES = sorted(file for place in ("app", "judgebench/show") for file in (ROOT / place).rglob("*.py"))
LEVEL = re.compile(r"\b9\d(?:\.\d+)? ?%|\b0\.9[059]\b")


def words(file: Path) -> Iterator[str]:
    """The texts of a file that are shown: all but the first of what documents itself."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_page_writes_a_level_of_its_own(file: Path) -> None:
    assert [text for text in words(file) if LEVEL.search(text)] == []


def test_a_chart_of_moves_names_the_level_of_its_intervals() -> None:
    moves = tables.moves(ledger({"a": (0.4, 0.6), "b": (0.6, 0.5)}))
    at_90 = [replace(move, without=replace(move.without, level=0.9)) for move in moves]
    assert "90% lower" in str(charts.moves(at_90))
    assert "95% lower" in str(charts.moves(moves))
