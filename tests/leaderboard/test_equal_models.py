"""Of two equal models neither is called better more often than stated, counted over all that verdicts may be.

No draws: each outcome of so many instructions weighs what its chance is. A rank range says no more than the interval
beside it, and a comparison no more than its own.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.stats import binom, multinomial

from judgebench.leaderboard import Choices
from judgebench.leaderboard.board import Leaderboard
from judgebench.leaderboard.build import build
from judgebench.stats.verdict_table import VerdictTable
from judgebench.stats.versions import against_baseline, between_versions, decide, version_change
from tests.bias.factories import table_of

MIDDLE = {"rate": 0.5, "elo": 1000.0, "logit": 0.0}
HARD = [5, 6, 8, 11, 16, 21, 50, 100]  # where few verdicts are coarsest
Outcome = tuple[int, int, int]  # won, lost and tied by "a"


def battles(outcome: Outcome) -> VerdictTable:
    """Of "a" with "b", one an instruction."""
    n = sum(outcome)
    return judged([0] * n, [1] * n, np.repeat([1.0, 0.0, 0.5], outcome), models=("a", "b"), instruction=range(n))


def judged(
    a: ArrayLike, b: ArrayLike, preference: ArrayLike, *, models: Sequence[str], instruction: ArrayLike
) -> VerdictTable:
    n = len(np.asarray(a))
    order = np.arange(n) % 2
    return table_of(a, b, np.asarray(preference), models=models, instruction=np.asarray(instruction), order=order)


def hard(n: int) -> Iterator[tuple[Outcome, float]]:
    """What a fair coin may say, but for what is rarer than one in a million."""
    for won in range(n + 1):
        if (chance := float(binom.pmf(won, n, 0.5))) > 1e-6:
            yield (won, n - won, 0), chance


def with_ties(n: int, tied: float) -> Iterator[tuple[Outcome, float]]:
    for won in range(n + 1):
        for lost in range(n + 1 - won):
            outcome = won, lost, n - won - lost
            chance = float(multinomial.pmf(outcome, n, [(1 - tied) / 2, (1 - tied) / 2, tied]))
            if chance > 1e-3:
                yield outcome, chance


@cache
def board(method: str, outcome: Outcome) -> Leaderboard:
    return build(battles(outcome), Choices(method))


def apart(found: Leaderboard) -> bool:
    return max(row.rank_lower or 0 for row in found.rows) > 1


def interval_excludes(found: Leaderboard) -> bool:
    row, middle = found.rows[0], MIDDLE[found.scale]
    return row.lower is not None and row.upper is not None and not row.lower <= middle <= row.upper


@pytest.mark.parametrize("n", HARD)
@pytest.mark.parametrize("method", ["win-rate", "bradley-terry"])
def test_ranks_of_equal_models_part_as_seldom_as_stated(method: str, n: int) -> None:
    assert sum(chance for outcome, chance in hard(n) if apart(board(method, outcome))) <= 0.05


@pytest.mark.parametrize(
    ("method", "tied"),
    [("win-rate", 0.3), ("win-rate", 0.8), ("bradley-terry", 0.3), ("bradley-terry", 0.8), ("judge-aware", 0.8)],
)
def test_ranks_of_equal_models_that_often_tie_part_as_seldom(method: str, tied: float) -> None:
    assert sum(chance for outcome, chance in with_ties(10, tied) if apart(board(method, outcome))) <= 0.05


@pytest.mark.parametrize("method", ["win-rate", "bradley-terry", "judge-aware"])
def test_ranks_say_no_more_than_the_intervals_beside_them(method: str) -> None:
    outcomes = [outcome for n in HARD[:-1] for outcome, _ in hard(n)] if method != "judge-aware" else []
    for outcome in (*outcomes, *(outcome for outcome, _ in with_ties(10, 0.4))):
        assert interval_excludes(board(method, outcome)) or not apart(board(method, outcome)), outcome


@pytest.mark.parametrize("n", [5, 7, 8, 11])
def test_a_model_stands_above_the_baseline_only_where_its_interval_does(n: int) -> None:
    for won in range(n + 1):
        parts = [won, n - won, 0], [n, 0, 0], [n // 2, n - n // 2, 0]
        preference = np.concatenate([np.repeat([1.0, 0.0, 0.5], part) for part in parts])
        models, asked = ("a", "b", "c", "base"), np.tile(np.arange(n), 3)
        table = judged(np.repeat([0, 1, 2], n), [3] * 3 * n, preference, models=models, instruction=asked)
        rows = {row.model: row for row in build(table, Choices(baseline="base")).rows}
        a, base = rows["a"], rows["base"]
        if a.rank_upper < base.rank_lower or base.rank_upper < a.rank_lower:
            assert not a.lower <= 0.5 <= a.upper


@pytest.mark.parametrize("n", [5, 8, 17, 50, 200])
def test_equal_versions_are_called_worse_as_seldom_as_stated(n: int) -> None:
    called = []
    for outcome, chance in hard(n):
        found = version_change(between_versions(battles(outcome), "a", "b"), np.arange(n)).difference
        called.append(chance * (decide(found) == "worse"))
        assert found.lower <= found.value <= found.upper
    assert sum(called) <= 0.025


@pytest.mark.parametrize("n", [5, 8])
def test_so_they_are_by_what_each_did_against_a_baseline(n: int) -> None:
    called = 0.0
    for outcome, chance in with_ties(n, 0.0):
        sides = np.repeat([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], outcome, axis=0)
        models, asked = ("a", "b", "base"), np.repeat(np.arange(n), 2)
        table = judged([0, 1] * n, [2] * 2 * n, sides.ravel(), models=models, instruction=asked)
        paired = against_baseline(table, "a", "b", "base")
        called += chance * (decide(version_change(paired, np.arange(n)).difference) == "worse")
    assert called <= 0.025
