import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from judgebench.errors import StatisticsError
from judgebench.stats.planning import (
    PlannedComparison,
    RankingWithIntervals,
    detectable_difference,
    instructions_needed,
    power,
    ranking_quality,
    separability,
    separability_by_instructions,
)


def test_golden_sample_size():
    # (1.959964 + 0.841621)^2 * 2 * 0.25 * (1 - 0.5) / 0.05^2 = 784.9, as in any textbook on paired differences; and
    # z^2 / 2 = 1.9 more for a t-test (Guenther 1981, The American Statistician 35, 243-244).
    assert instructions_needed(PlannedComparison(difference=0.05, sd=0.5, correlation=0.5)) == 787


@pytest.mark.parametrize("difference", [0.05, 0.3, 0.9])
def test_as_statsmodels_for_large_and_small_samples(difference):
    plan = PlannedComparison(difference=difference, sd=0.45, correlation=0.3)
    effect = plan.difference / (plan.sd * np.sqrt(2 * 0.7))
    theirs = TTestPower().solve_power(effect_size=effect, alpha=0.05, power=0.8)
    assert instructions_needed(plan) == np.ceil(theirs)
    assert power(7, plan) == pytest.approx(TTestPower().power(effect, 7, 0.05), abs=1e-5)


@given(st.floats(0.01, 0.5), st.floats(0.05, 0.5), st.floats(-0.9, 0.9))
def test_the_three_questions_agree(difference, sd, correlation):
    plan = PlannedComparison(difference, sd, correlation)
    n = instructions_needed(plan)
    assert power(n, plan) >= 0.8 - 1e-6
    assert detectable_difference(n, plan) <= difference * (1 + 1e-6)


def test_recovery_of_the_stated_power():
    rng = np.random.default_rng(0)
    plan = PlannedComparison(difference=0.1, sd=0.5)
    n, found = instructions_needed(plan), 0
    for _ in range(500):
        gaps = (rng.random(n) < 0.55).astype(float) - (rng.random(n) < 0.45)
        found += abs(gaps.mean()) > 1.96 * gaps.std(ddof=1) / np.sqrt(n)
    assert found / 500 == pytest.approx(0.8, abs=0.05)


def test_separability_grows_with_instructions():
    shares = separability_by_instructions(
        np.array([0.6, 0.5, 0.3]), 0.001 * np.eye(3), 300, np.array([100, 300, 1000, 100_000])
    )
    assert (np.diff(shares) > 0).all()
    assert shares[-1] == pytest.approx(1)


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="strictly between"):
        instructions_needed(PlannedComparison(difference=0.0))
    with pytest.raises(StatisticsError, match="a plan needs"):
        instructions_needed(PlannedComparison(difference=0.1, correlation=1.0))
    with pytest.raises(StatisticsError, match="two instructions"):
        detectable_difference(1, PlannedComparison(0.1))
    with pytest.raises(StatisticsError, match="two instructions"):
        power(1, PlannedComparison(0.1))
    with pytest.raises(StatisticsError, match="two or more models"):
        separability_by_instructions(np.zeros(1), np.zeros((1, 1)), 10, np.array([10]))


def ranking(estimate, half):
    estimate = np.array(estimate, dtype=float)
    return RankingWithIntervals(estimate, np.full(len(estimate), half / 1.96), estimate - half, estimate + half)


def test_a_perfect_ranking():
    board, people = ranking([3, 2, 1], 0.1), ranking([30, 20, 10], 1)
    quality = ranking_quality(board, people)
    assert (quality.separability, quality.agreement, quality.pairs) == (1.0, 1.0, 3)
    assert quality.brier == pytest.approx(0, abs=1e-9)


def test_a_reversed_ranking():
    quality = ranking_quality(ranking([1, 2, 3], 0.1), ranking([30, 20, 10], 1))
    assert quality.agreement == -1
    assert quality.brier == pytest.approx(1)


def test_a_ranking_that_separates_nothing():
    quality = ranking_quality(ranking([0, 0, 0], 5), ranking([30, 20, 10], 1))
    assert (quality.separability, quality.agreement, quality.brier) == (0.0, 0.0, 0.25)


def test_pairs_by_hand():
    # Intervals (10, 20), (15, 25), (30, 40): two of three pairs are apart.
    assert separability(np.array([10, 15, 30.0]), np.array([20, 25, 40.0])) == pytest.approx(2 / 3)


def test_nothing_confident_to_agree_with():
    assert np.isnan(ranking_quality(ranking([3, 2], 0.1), ranking([1, 1], 1)).agreement)


def test_bad_input_is_refused_of_rankings():
    with pytest.raises(StatisticsError, match="two or more models"):
        ranking_quality(ranking([1], 1), ranking([1], 1))
    with pytest.raises(StatisticsError, match="two or more models"):
        ranking_quality(ranking([1, 2], 1), ranking([1, 2, 3], 1))
    with pytest.raises(StatisticsError, match="at least two"):
        separability(np.zeros(1), np.zeros(1))
