import numpy as np
import pytest

from judgebench.errors import StatisticsError
from judgebench.stats.planning import RankingWithIntervals, ranking_quality, separability


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


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="two or more models"):
        ranking_quality(ranking([1], 1), ranking([1], 1))
    with pytest.raises(StatisticsError, match="two or more models"):
        ranking_quality(ranking([1, 2], 1), ranking([1, 2, 3], 1))
    with pytest.raises(StatisticsError, match="at least two"):
        separability(np.zeros(1), np.zeros(1))
