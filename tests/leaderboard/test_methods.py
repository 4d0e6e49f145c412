"""The table of methods is whole, light to read, and all that it takes to add one."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from judgebench.errors import UnknownName
from judgebench.leaderboard import METHODS, Choices, Method, RankingMethod
from judgebench.leaderboard.build import build
from judgebench.show.tables import board_headings
from tests.stats.factories import against_baseline

MEDIAN = '''
import numpy as np
from judgebench.stats.method import Estimates

def estimates(table, choices, baseline, rng):
    """Share of battles in which the model is clearly preferred."""
    k = len(table.models)
    won = np.bincount(table.model_a, table.preference > 0.5, k) + np.bincount(table.model_b, table.preference < 0.5, k)
    share = won / (np.bincount(table.model_a, minlength=k) + np.bincount(table.model_b, minlength=k))
    return Estimates(share, share, share, np.zeros((k, k)), [""] * k, method="none", scale="rate")
'''


def test_the_type_names_what_the_table_holds() -> None:
    assert get_args(Method) == tuple(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_every_entry_is_complete_and_loads(name: str) -> None:
    method = METHODS[name]
    assert callable(method.load())
    assert method.label[0].isupper()
    assert method.numbers[0].isupper()
    assert method.help.endswith(".")
    assert method.scales


def test_a_method_of_another_module_takes_one_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "clear_wins.py").write_text(MEDIAN)
    monkeypatch.syspath_prepend(tmp_path)
    entry = RankingMethod(
        "Clear wins", "Shares of clear wins", "How often.", "clear_wins:estimates", ("rate",), heading="clear wins"
    )
    monkeypatch.setitem(METHODS, "clear-wins", entry)
    board = build(against_baseline(), Choices(method="clear-wins"))
    assert (board.method, board.scale, board.rows[0].model) == ("clear-wins", "rate", "m1")
    assert "clear wins" in board_headings(board)


def test_an_unknown_method_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'bradley-terry'"):
        build(against_baseline(), Choices(method="bradly-terry"))


def test_naming_methods_loads_no_numeric_library() -> None:
    code = "import sys, judgebench.leaderboard; print(sorted({'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
