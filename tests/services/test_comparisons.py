"""What is said of a benchmark that has nothing to rank by."""

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
        ("pointwise", {}, "compares outputs, only 36 scores: the leaderboard's method score ranks them"),
        ("pairwise", {"method": "score"}, "no score to rank by: the 72 verdicts of judge, second compare two outputs"),
        ("pairwise", {"margin": 0.1}, "no score to rank by: the 72 verdicts of judge, second compare two outputs"),
    ],
)
def test_what_there_is_instead_is_told(kind: str, choices: dict[str, object], words: str) -> None:
    database = Database(":memory:", create=True)
    KINDS[kind](database)
    with pytest.raises(JudgeBenchError, match=words):
        judgebench.rank(database, benchmark="bench", **choices)  # type: ignore[arg-type]
