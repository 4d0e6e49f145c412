"""Shares of goals, and lists of goals side by side: exact cases, properties, and how often intervals hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.goal_coverage import SETTINGS, Setting, held
from judgebench.errors import StatisticsError
from judgebench.stats.goals import align, chance_alignment, goal_difference, goal_share, ratio_beyond_chance

LISTS = st.lists(st.sets(st.integers(1, 6), min_size=1), min_size=1, max_size=4).map(
    lambda goals: [sorted(turns) for turns in goals]
)


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_the_share_is_of_sums_and_its_interval_wilsons_at_the_effective_number() -> None:
    known = goal_share(column(2, 0, 1, 3), column(2, 2, 1, 4), np.arange(4))
    assert (known.value, known.n) == (pytest.approx(6 / 9), 9)
    assert known.lower is not None
    assert known.upper is not None
    assert 0 <= known.lower < 6 / 9 < known.upper <= 1
    assert "Wilson" in known.method


def test_goals_of_one_dialogue_count_together() -> None:
    reached, goals = np.repeat(column(1, 1, 0, 1, 0, 1), 4), np.ones(24)
    apart = goal_share(reached, goals, np.arange(24))
    together = goal_share(reached, goals, np.repeat(np.arange(6), 4))
    as_sums = goal_share(column(4, 4, 0, 4, 0, 4), np.full(6, 4.0), np.arange(6))
    assert together == as_sums
    assert (together.upper or 0) - (together.lower or 0) > 1.8 * ((apart.upper or 0) - (apart.lower or 0))


def test_dialogues_without_goals_say_nothing() -> None:
    some = goal_share(column(1, 2, 1), column(2, 2, 3), np.arange(3))
    assert goal_share(column(1, 2, 0, 1, 0), column(2, 2, 0, 3, 0), np.arange(5)) == some
    assert goal_share(column(0, 0), column(0, 0), np.arange(2)).value is None
    alone = goal_share(column(1), column(2), np.arange(1))
    assert (alone.value, alone.lower) == (0.5, None)
    assert alone.reason


def test_numbers_that_are_none_are_refused() -> None:
    for part, whole in (((2,), (1,)), ((-1,), (1,)), ((float("nan"),), (1,))):
        with pytest.raises(StatisticsError):
            goal_share(column(*part), column(*whole), np.arange(1))
    with pytest.raises(StatisticsError, match="level"):
        goal_share(column(1, 0), column(1, 1), np.arange(2), level=1.0)


def test_versions_are_compared_on_the_same_dialogues() -> None:
    rng = np.random.default_rng(0)
    goals = rng.integers(1, 5, 60).astype(float)
    old = rng.binomial(goals.astype(int), rng.beta(2, 1, 60)).astype(float)
    same = goal_difference((old, goals), (old, goals), np.arange(60))
    assert same.value == 0
    assert same.upper == pytest.approx(-(same.lower or 0))
    assert 0.001 < (same.upper or 0) < 0.05  # not certain, and far narrower than of other dialogues
    better = goal_difference((old, goals), (np.minimum(old + 1, goals), goals), np.arange(60))
    assert better.excludes_zero
    assert goal_difference((old[:1], goals[:1]), (old[:1], goals[:1]), np.arange(1)).lower is None


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        ([[1, 2], [3]], [[3], [1, 2]], 1.0),
        ([[1, 2]], [[1], [2]], 0.25),  # split: one of the halves is matched
        ([[1], [2], [3]], [[1, 2, 3]], 1 / 9),
        ([[1, 2], [2, 3]], [[1, 2], [2, 3]], 1.0),  # a turn that two goals share
        ([[1]], [[2]], 0.0),
    ],
)
def test_lists_are_aligned_by_their_turns(one: list[list[int]], other: list[list[int]], agreement: float) -> None:
    assert align(one, other).agreement == pytest.approx(agreement)


@given(LISTS, LISTS)
def test_property_alignment_is_symmetric_and_full_for_equal_lists_alone(
    one: list[list[int]], other: list[list[int]]
) -> None:
    alike = align(one, other)
    assert 0 <= alike.agreement <= 1
    assert alike.agreement == pytest.approx(align(other, one).agreement)
    assert align(one, list(reversed(one))).agreement == pytest.approx(1)
    assert (alike.agreement == pytest.approx(1)) == (sorted(one) == sorted(other))


def test_chance_is_taken_off() -> None:
    rng = np.random.default_rng(0)
    one = [[1], [2], [3, 4]]
    chance = chance_alignment(one, one, 4, rng, draws=400)
    assert 0.3 < chance < 0.8
    observed, by_chance = column(1, 1, 0.5, chance), np.full(4, chance)
    known = ratio_beyond_chance(observed, by_chance, np.arange(4))
    assert known.value == pytest.approx(float((observed - chance).mean() / (1 - chance)))
    assert ratio_beyond_chance(column(1, 1), column(1, 1), np.arange(2)).value is None  # one turn each


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS[:7], ids=lambda setting: setting.name)
@pytest.mark.parametrize("dialogues", [10, 20, 40])
def test_intervals_hold_the_truth_in_93_to_99_percent(setting: Setting, dialogues: int) -> None:
    assert 0.93 <= held(setting, dialogues, 2000, np.random.default_rng(1)) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS[7:], ids=lambda setting: setting.name)
@pytest.mark.parametrize("dialogues", [10, 40])
def test_differences_of_versions_hold_the_truth(setting: Setting, dialogues: int) -> None:
    assert held(setting, dialogues, 1000, np.random.default_rng(1)) >= 0.93
