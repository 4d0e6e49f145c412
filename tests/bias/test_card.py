"""Grades follow from the printed rule and from both ends of the interval."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.bias.card import (
    FEWEST,
    NEEDED,
    NOT_GRADED,
    TOO_LITTLE,
    CardLine,
    TrialRecord,
    line,
    overall,
    record_lines,
    transitivity_line,
)
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.verdict_table import PairCounts
from tests.bias.factories import BiasedWorld


def figure(value: float, lower: float | None, upper: float | None) -> Estimate:
    return Estimate(value, lower, upper, 0.95, "made up", 100)


@pytest.mark.parametrize(
    ("name", "lower", "upper", "grade"),
    [
        ("consistency", 0.91, 0.99, "A"),
        ("consistency", 0.85, 0.99, "A-B"),
        ("consistency", 0.82, 0.88, "B"),
        ("consistency", 0.30, 0.99, TOO_LITTLE),
        ("consistency", 0.30, 0.89, TOO_LITTLE),
        ("position", -0.01, 0.02, "A"),
        ("position", -0.07, 0.02, TOO_LITTLE),
        ("position", -0.07, -0.06, "C"),
        ("position", 0.04, 0.07, "B-C"),
        ("position", -0.3, 0.2, TOO_LITTLE),
        ("position", 0.2, 0.3, "D"),
        ("cost", 0.2, 0.3, NOT_GRADED),
    ],
)
def test_grades(name: str, lower: float, upper: float, grade: str) -> None:
    assert line(name, "?", figure((lower + upper) / 2, lower, upper), "points", "").grade == grade


def everyone_replied(trials: int) -> TrialRecord:
    there, nothing = np.ones(trials, dtype=bool), np.full(trials, np.nan)
    return TrialRecord(np.arange(trials), there, there, nothing, nothing, recorded=False)


@pytest.mark.parametrize(
    ("trials", "grade"), [(1, TOO_LITTLE), (3, TOO_LITTLE), (20, TOO_LITTLE), (120, TOO_LITTLE), (540, "A")]
)
def test_who_always_answered_is_never_graded_for_having_been_asked_too_little(trials: int, grade: str) -> None:
    reached, *_ = record_lines(everyone_replied(trials), level=0.95)
    assert reached.grade == grade
    assert (reached.needed is None) == (trials in (1, 540))  # of one there is no interval


def test_what_is_not_known_has_no_grade() -> None:
    unknown = line("position", "?", unidentified("one order only"), "points", "")
    assert (unknown.grade, unknown.needed) == (TOO_LITTLE, None)
    assert line("position", "?", figure(0.1, None, None), "points", "").grade == TOO_LITTLE


GRADED = ("reached", "consistency", "position", "length", "null models", "people", "calibration")
ENDS = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(st.sampled_from(GRADED), ENDS, st.integers(0, 1000))
def test_no_grade_goes_beyond_what_the_interval_supports(name: str, ends: list[float], n: int) -> None:
    lower, value, upper = ends
    graded = line(name, "?", Estimate(value, lower, upper, 0.95, "made up", n), "share", "")
    if graded.grade == TOO_LITTLE:
        return
    assert n >= FEWEST
    for inside in (lower, value, upper):  # whatever the truth in the interval is, its own letter is among those given
        letter = line(name, "?", Estimate(inside, inside, inside, 0.95, "made up", n), "share", "").grade
        assert letter in graded.grade.split("-")


@given(st.sampled_from(GRADED), ENDS, st.integers(0, 1000))
def test_as_many_observations_as_are_said_to_be_needed_are_enough_for_a_grade(
    name: str, ends: list[float], n: int
) -> None:
    lower, value, upper = ends
    graded = line(name, "?", Estimate(value, lower, upper, 0.95, "made up", n), "share", "")
    assert (graded.grade == TOO_LITTLE) == (graded.needed is not None)
    if graded.needed is not None:
        assert graded.needed >= n
        width = (max(n, 1) / graded.needed) ** (1.0 if value in (lower, upper) else 0.5)
        narrow = Estimate(
            value, value - (value - lower) * width, value + (upper - value) * width, 0.95, "made up", graded.needed
        )
        assert line(name, "?", narrow, "share", "").grade != TOO_LITTLE


@pytest.mark.parametrize("labels", [1, 3, 9])
def test_a_few_labels_give_no_grade_however_narrow_an_interval_claims_to_be(labels: int) -> None:
    claimed = Estimate(0.0, 0.0, 0.01, 0.95, "made up", labels)
    assert line("people", "?", claimed, "share", "").grade == TOO_LITTLE


def test_circles_are_those_of_battles_drawn_with_their_instructions() -> None:
    world = BiasedWorld(strengths=(0.3, 0.1, 0.0, -0.1, -0.3), slots=(0.2,), instructions=120, noise=0.5)
    table = world.table(np.random.default_rng(0))
    table = table.select(np.random.default_rng(1).random(len(table)) < 0.1)
    rows_of = [np.flatnonzero(table.instruction == code) for code in np.unique(table.instruction)]

    def share(rows: np.ndarray) -> float:
        wins = PairCounts.of(table.select(rows)).wins
        ahead = wins > wins.T
        met = ahead | ahead.T
        triples = [three for three in combinations(range(5), 3) if all(met[side] for side in combinations(three, 2))]
        circles = [three for three in triples if len({sum(ahead[i, j] for j in three) for i in three}) == 1]
        return len(circles) / len(triples)

    rng, g = np.random.default_rng(0), len(rows_of)
    drawn = [share(np.concatenate([rows_of[at] for at in rng.integers(g, size=g)])) for _ in range(50)]
    circular = transitivity_line(table, level=0.9, resamples=50).figure
    assert circular.value == pytest.approx(share(np.arange(len(table))), abs=1e-12)
    assert [circular.lower, circular.upper] == pytest.approx(np.quantile(drawn, [0.05, 0.95]).tolist(), abs=1e-12)
    assert circular.upper > 0


def graded(**grades: tuple[float, float]) -> list[CardLine]:
    return [
        line(name.replace("_", " "), "?", figure((lower + upper) / 2, lower, upper), "share", "")
        for name, (lower, upper) in grades.items()
    ]


SOUND = {"parsed": (0.995, 1.0), "consistency": (0.91, 0.99), "null_models": (0.0, 0.04), "people": (0.86, 0.9)}


def test_the_overall_grade_is_the_worst_line_and_needs_those_that_matter() -> None:
    assert overall(graded(**SOUND)).grade == "A"
    assert overall(graded(**SOUND | {"people": (0.7, 0.74)})).grade == "C"
    assert overall(graded(**SOUND | {"position": (0.2, 0.3)})).decided_by == ("position",)
    assert overall(graded(**SOUND | {"length": (0.0, 0.9)})).grade == "A"  # it has no grade, and is not needed
    for name in NEEDED:
        less = {other: ends for other, ends in SOUND.items() if other != name.replace(" ", "_")}
        without = overall(graded(**less))
        assert (without.grade, without.lacking) == (TOO_LITTLE, (name,))
        assert overall(graded(**less | {"position": (0.2, 0.3)})).grade == "D"  # nothing could make it better
    assert overall([]).grade == TOO_LITTLE
