import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError
from judgebench.stats.ranks import rank_sets

RNG = np.random.default_rng


def test_wide_gaps_leave_one_rank_each():
    sets = rank_sets(np.array([1.0, 3.0, 2.0]), 1e-4 * np.eye(3), rng=RNG(0))
    assert sets.lower.tolist() == sets.upper.tolist() == [3, 1, 2]
    assert sets.tier.tolist() == [3, 1, 2]
    assert sets.best_probability.tolist() == [0, 1, 0]


def test_noise_leaves_every_rank_open():
    sets = rank_sets(np.array([0.1, 0.0, -0.1]), np.eye(3), rng=RNG(0))
    assert sets.lower.tolist() == [1, 1, 1]
    assert sets.upper.tolist() == [3, 3, 3]
    assert sets.tier.tolist() == [1, 1, 1]


def test_shared_noise_does_not_hide_a_difference():
    together = 1.0 + 1e-4 * np.eye(2)
    sets = rank_sets(np.array([0.5, 0.0]), together, rng=RNG(0))
    assert sets.lower.tolist() == sets.upper.tolist() == [1, 2]


def test_a_missing_estimate_is_left_out():
    covariance = np.full((3, 3), np.nan)
    covariance[np.ix_([0, 2], [0, 2])] = 1e-6 * np.eye(2)
    sets = rank_sets(np.array([0.0, np.nan, 1.0]), covariance, rng=RNG(0))
    assert sets.lower.tolist() == [2, 0, 1]
    assert sets.upper.tolist() == [2, 0, 1]
    assert sets.tier.tolist() == [2, 0, 1]


def test_an_estimate_without_a_variance_is_separated_from_nobody():
    covariance = np.diag([1e-6, 1e-6, np.nan])
    sets = rank_sets(np.array([0.0, 1.0, 9.0]), covariance, rng=RNG(0))
    assert sets.lower.tolist() == [2, 1, 1]
    assert sets.upper.tolist() == [3, 2, 3]
    assert np.isnan(sets.best_probability).all()


def test_differences_that_never_varied_separate_nobody():
    for covariance in (np.zeros((3, 3)), np.full((3, 3), 0.01), 1e-33 * np.eye(3)):
        sets = rank_sets(np.array([0.5, 0.2, 0.5]), covariance, rng=RNG(0))
        assert sets.lower.tolist() == [1, 1, 1]
        assert sets.upper.tolist() == [3, 3, 3]


def test_two_models_are_separated_by_students_t():
    # t(4) at .975 is 2.776: the difference over its error must exceed it.
    for gap, separated in ((2.7, False), (2.85, True)):
        told = {"degrees": np.full(2, 4.0), "draws": 40_000}
        assert rank_sets(np.array([gap, 0.0]), np.eye(2) / 2, rng=RNG(1), **told).separated[0, 1] == separated


def test_a_model_in_few_battles_does_not_blur_the_others():
    degrees = np.array([500.0, 500.0, 1.0])
    sets = rank_sets(np.array([4.0, 0.0, -4.0]), np.eye(3) / 2, degrees=degrees, rng=RNG(0))
    assert (sets.separated[0, 1], sets.separated[1, 2]) == (True, False)


def test_nobody_is_separated_against_the_order_that_is_shown():
    known = rank_sets(np.array([9.0, 0.0]), np.eye(2), shown=np.array([1.0, 2.0]), rng=RNG(0))
    assert not known.separated.any()
    assert known.tier.tolist() == [1, 1]


def test_few_degrees_of_freedom_leave_more_doubt_who_is_best():
    few, many = (
        rank_sets(np.array([1.5, 0.0]), np.eye(2) / 2, degrees=np.full(2, degrees), rng=RNG(0)).best_probability[0]
        for degrees in (2.0, 1e6)
    )
    assert 0.75 < few < many - 0.03


def test_the_critical_value_is_that_of_the_studentised_range():
    # Four equal independent estimates: max-T is the studentised range over root 2; Tukey's q(.95; 4, inf) = 3.633.
    q = 3.633 / np.sqrt(2)
    just_below, just_above = ((q + shift) * np.sqrt(2) for shift in (-0.15, 0.15))
    for gap, separated in ((just_below, False), (just_above, True)):
        estimates = np.array([gap, gap / 2, gap / 2, 0.0])
        assert rank_sets(estimates, np.eye(4), rng=RNG(1), draws=20_000).separated[0, 3] == separated


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.integers(0, 99))
def test_a_set_holds_the_observed_rank(values, seed):
    root = RNG(seed).standard_normal((len(values), len(values)))
    sets = rank_sets(np.array(values), root @ root.T, rng=RNG(0), draws=200)
    observed = [1 + sum(other > value for other in values) for value in values]
    assert (sets.lower <= observed).all()
    assert (observed <= sets.upper).all()
    assert sets.best_probability.sum() == pytest.approx(1)


@given(st.integers(0, 99))
def test_a_higher_level_never_narrows_the_sets(seed):
    rng = RNG(seed)
    estimates, covariance = rng.standard_normal(5), 0.05 * np.eye(5)
    wide, narrow = (rank_sets(estimates, covariance, level=level, rng=RNG(0), draws=500) for level in (0.99, 0.8))
    assert (wide.lower <= narrow.lower).all()
    assert (wide.upper >= narrow.upper).all()


def test_recovery_all_true_ranks_are_held_at_the_stated_rate():
    truth = np.array([0.6, 0.3, 0.3, 0.0, -0.5])
    best = np.array([1 + (truth > t).sum() for t in truth])
    worst = np.array([(truth >= t).sum() for t in truth])
    rng = RNG(4)
    root = np.linalg.cholesky(0.02 * np.eye(5) + 0.01)
    held = 0
    for _ in range(300):
        sets = rank_sets(truth + root @ rng.standard_normal(5), root @ root.T, rng=rng, draws=1000)
        held += bool(((sets.lower <= worst) & (best <= sets.upper)).all())
    assert held / 300 >= 0.92


def test_nothing_to_rank():
    assert rank_sets(np.zeros(0), np.zeros((0, 0)), rng=RNG(0)).lower.tolist() == []
    assert rank_sets(np.full(2, np.nan), np.full((2, 2), np.nan), rng=RNG(0)).upper.tolist() == [0, 0]


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="square covariance"):
        rank_sets(np.zeros(3), np.eye(2), rng=RNG(0))
    with pytest.raises(StatisticsError, match="strictly between"):
        rank_sets(np.zeros(2), np.eye(2), level=95, rng=RNG(0))


@pytest.mark.filterwarnings("error")
def test_without_a_degree_of_freedom_a_variance_says_nothing():
    ranks = rank_sets(np.array([2.0, 0.0]), np.eye(2) * 0.01, degrees=np.zeros(2), rng=np.random.default_rng(0))
    assert ranks.lower.tolist() == [1, 1]
    assert ranks.upper.tolist() == [2, 2]
    assert np.isnan(ranks.best_probability).all()
