"""What is said of a benchmark that has nothing to rank by."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench.errors import JudgeBenchError
from judgebench.store.database import Database
from tests.kinds import KINDS


@pytest.mark.parametrize(
    ("kind", "choices", "words"),
    [
        ("no verdicts", {}, "no verdict to rank by: run a judge first"),
        ("failed pairwise", {}, r"only trials without one \(36 unparsed\)"),
        ("failed pointwise", {}, r"no verdict to rank by, only trials without one \(18 unparsed\)"),
        ("failed pointwise", {"method": "score"}, r"no score to rank by, only trials without one \(18 unparsed\)"),
        ("pointwise", {}, "compares outputs, only 36 scores: the leaderboard's method score ranks them"),
        ("pairwise", {"method": "score"}, "no score to rank by: the 72 verdicts of judge, second compare two outputs"),
        ("pairwise", {"margin": 0.1}, "no score to rank by: the 72 verdicts of judge, second compare two outputs"),
    ],
)
def test_what_there_is_instead_is_told(tmp_path: Path, kind: str, choices: dict[str, Any], words: str) -> None:
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        KINDS[kind](database)
        with pytest.raises(JudgeBenchError, match=words):
            judgebench.rank(database, benchmark="bench", all_judges=True, **choices)


@pytest.mark.parametrize("more", [{}, {"baseline": "m3"}])
@pytest.mark.parametrize(
    ("kind", "words"),
    [("failed pairwise", r"trials without one \(36 unparsed\)"), ("no verdicts", "run a judge first")],
)
def test_two_models_of_which_nothing_is_said(tmp_path: Path, kind: str, words: str, more: dict[str, Any]) -> None:
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        KINDS[kind](database)
        with pytest.raises(JudgeBenchError, match=words):
            judgebench.compare(database, first="m1", second="m2", benchmark="bench", **more)
