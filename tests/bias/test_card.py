"""Grades follow from the printed rule and the worse end of the interval."""

import pytest

from judgebench.bias.card import line
from judgebench.estimate import Estimate, unidentified


def figure(value: float, lower: float | None, upper: float | None) -> Estimate:
    return Estimate(value, lower, upper, 0.95, "made up", 100)


@pytest.mark.parametrize(
    ("name", "lower", "upper", "grade"),
    [
        ("consistency", 0.91, 0.99, "A"),
        ("consistency", 0.85, 0.99, "B"),
        ("consistency", 0.30, 0.99, "D"),
        ("position", -0.01, 0.02, "A"),
        ("position", -0.07, 0.02, "C"),
        ("position", 0.2, 0.3, "D"),
        ("cost", 0.2, 0.3, "-"),
    ],
)
def test_grades(name: str, lower: float, upper: float, grade: str) -> None:
    assert line(name, "?", figure((lower + upper) / 2, lower, upper), "points", "").grade == grade


def test_what_is_not_known_has_no_grade() -> None:
    found = line("position", "?", unidentified("one order only"), "points", "")
    assert found.grade == "-"
    assert line("position", "?", figure(0.1, None, None), "points", "").grade == "-"
