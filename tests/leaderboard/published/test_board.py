"""Boards of published numbers: columns, order, baselines, and why there is none."""

import pytest

from judgebench.errors import StatisticsError, UnknownName
from judgebench.estimate import Estimate
from judgebench.leaderboard.profiles import PROFILES
from judgebench.leaderboard.published.board import Measure, Numbers, baseline_notes, baseline_of, exactly, known_number
from tests.leaderboard.published.test_wildbench import compared

SCORE, COUNT = Measure("score", "score", "percent", "A score."), Measure("n", "n", "count", "A count.")


def test_rows_are_ordered_by_the_first_column_and_a_missing_number_has_a_reason() -> None:
    numbers = Numbers()
    numbers.add(SCORE, {"a": exactly(1.0, 3), "b": exactly(2.0, 3)})
    numbers.add(COUNT, {"b": exactly(3.0, 3), "c": exactly(3.0, 3)})
    board = numbers.board({}, ["one"])
    assert [row.model for row in board.rows] == ["b", "a", "c"]
    missing = board.rows[2].numbers["score"]
    assert (missing.value, missing.reason) == (None, "the model has no verdict for it")
    with pytest.raises(StatisticsError, match="no verdict gives any"):
        Numbers().board({}, [])


def test_a_number_without_a_finite_end_has_no_interval() -> None:
    known = known_number(0.5, float("nan"), 1.0, method="t", n=1, times=100)
    assert known == Estimate(50.0, None, None, 0.95, "none", 1, "too few data for an interval")
    assert known_number(0.5, 0.25, 1.0, method="t", n=2, times=100).ends == (25.0, 100.0)


def test_the_baseline_is_the_one_named_or_the_usual_or_the_one_all_met() -> None:
    table = compared([(0, "a", "x", 1.0, 1, 1), (1, "b", "x", 0.0, 1, 1)])
    assert baseline_of(table, "a", ("x",)) == "a"
    assert baseline_of(table, None, ("y", "b")) == "b"
    assert baseline_of(table, None, ("y",)) == "x"
    with pytest.raises(UnknownName, match="baseline"):
        baseline_of(table, "nobody", ())
    pair = compared([(0, "a", "x", 1.0, 1, 1)])
    with pytest.raises(StatisticsError, match="the benchmark's is y, which took no part"):
        baseline_of(pair, None, ("y",))


def test_another_baseline_than_the_benchmarks_is_said() -> None:
    profile = PROFILES["arena-hard-v2"]
    assert list(baseline_notes({"hard_prompt": ("o3-mini-2025-01-31",)}, profile)) == []
    [note] = baseline_notes({"hard_prompt": ("gemini-2.0-flash-001",)}, profile)
    assert note == ("the baseline of hard_prompt is gemini-2.0-flash-001 and not the benchmark's, o3-mini-2025-01-31")
