"""Grades follow from the printed rule and from both ends of the interval."""

import numpy as np
import pytest

from judgebench.bias.card import TrialRecord, line, record_lines
from judgebench.estimate import Estimate, unidentified


def figure(value: float, lower: float | None, upper: float | None) -> Estimate:
    return Estimate(value, lower, upper, 0.95, "made up", 100)


@pytest.mark.parametrize(
    ("name", "lower", "upper", "grade"),
    [
        ("consistency", 0.91, 0.99, "A"),
        ("consistency", 0.85, 0.99, "A-B"),
        ("consistency", 0.82, 0.88, "B"),
        ("consistency", 0.30, 0.99, "-"),
        ("consistency", 0.30, 0.89, "B-D"),
        ("position", -0.01, 0.02, "A"),
        ("position", -0.07, 0.02, "A-C"),
        ("position", -0.07, -0.06, "C"),
        ("position", 0.04, 0.07, "B-C"),
        ("position", -0.3, 0.2, "-"),
        ("position", 0.2, 0.3, "D"),
        ("cost", 0.2, 0.3, "-"),
    ],
)
def test_grades(name: str, lower: float, upper: float, grade: str) -> None:
    assert line(name, "?", figure((lower + upper) / 2, lower, upper), "points", "").grade == grade


def everyone_replied(trials: int) -> TrialRecord:
    there, nothing = np.ones(trials, dtype=bool), np.full(trials, np.nan)
    return TrialRecord(np.arange(trials), there, there, nothing, nothing, recorded=False)


@pytest.mark.parametrize(("trials", "grade"), [(1, "-"), (3, "-"), (20, "-"), (120, "A-C"), (540, "A")])
def test_who_always_answered_is_never_graded_for_having_been_asked_too_little(trials: int, grade: str) -> None:
    reached, *_ = record_lines(everyone_replied(trials), level=0.95)
    assert reached.grade == grade
    why = "fewer than two instructions" if trials == 1 else "too few data for a grade"
    assert (why in reached.evidence) == (grade == "-")


def test_what_is_not_known_has_no_grade() -> None:
    found = line("position", "?", unidentified("one order only"), "points", "")
    assert found.grade == "-"
    assert line("position", "?", figure(0.1, None, None), "points", "").grade == "-"
