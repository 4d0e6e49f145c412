from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError
from judgebench.stats import social_choice
from judgebench.stats.social_choice import borda, condorcet_winner, kemeny, maximal_lottery

CIRCLE = 0.5 + np.array([[0, 0.2, -0.1], [-0.2, 0, 0.3], [0.1, -0.3, 0]])


def test_golden_maximal_lottery():
    # The game with margins .2, -.1 and .3 has the equilibrium (3, 1, 2) / 6.
    assert maximal_lottery(CIRCLE) == pytest.approx([0.5, 1 / 6, 1 / 3], abs=1e-9)


def test_a_condorcet_winner_takes_the_lottery():
    preference = np.array([[0.5, 0.6, 0.7], [0.4, 0.5, 0.9], [0.3, 0.1, 0.5]])
    assert condorcet_winner(preference) == 0
    assert maximal_lottery(preference) == pytest.approx([1, 0, 0], abs=1e-9)
    assert condorcet_winner(CIRCLE) is None


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_nobody_beats_the_lottery(seed, k):
    margin = np.triu(np.random.default_rng(seed).uniform(-0.5, 0.5, (k, k)), 1)
    preference = 0.5 + margin - margin.T
    lottery = maximal_lottery(preference)
    assert lottery.sum() == pytest.approx(1)
    assert (lottery @ (preference - 0.5) >= -1e-8).all()


def test_pairs_that_never_met_are_even():
    preference = np.full((2, 2), np.nan)
    assert maximal_lottery(preference).sum() == pytest.approx(1)


def test_borda_by_hand():
    assert borda([[1, 2, 3], [1, 3, 2]]) == pytest.approx([1.0, 0.25, 0.25])
    assert borda([[1.5, 1.5, 3]]) == pytest.approx([0.75, 0.75, 0.0])
    assert borda([[1, 2, np.nan], [2, 1, 3]]) == pytest.approx([0.75, 0.5, 0.0])


def brute(ranks):
    says = (ranks[:, :, None] < ranks[:, None, :]).sum(axis=0)
    return min(
        sum(says[order[j], order[i]] for i in range(len(order)) for j in range(i + 1, len(order)))
        for order in permutations(range(ranks.shape[1]))
    )


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 6))
def test_kemeny_equals_exhaustive_search(seed, k, rankings):
    rng = np.random.default_rng(seed)
    ranks = np.array([rng.permutation(k) for _ in range(rankings)], dtype=float)
    found = kemeny(ranks)
    assert found.exact
    assert sorted(found.order.tolist()) == list(range(k))
    assert found.disagreements == brute(ranks)


@given(st.integers(0, 1000))
def test_local_search_is_nearly_as_good(seed):
    rng = np.random.default_rng(seed)
    truth = np.arange(7)
    ranks = np.array([np.argsort(np.argsort(truth + rng.normal(0, 1.5, 7))) for _ in range(5)], dtype=float)
    says = (ranks[:, :, None] < ranks[:, None, :]).sum(axis=0).astype(float)
    order = social_choice._local(says, np.argsort(-borda(ranks)))
    assert kemeny(ranks).disagreements <= social_choice._cost(says, order) <= 1.15 * kemeny(ranks).disagreements + 1


def test_many_models_are_searched_locally():
    ranks = np.tile(np.arange(20.0), (3, 1))
    found = kemeny(ranks)
    assert not found.exact
    assert found.order.tolist() == list(range(20))


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="sum to 1"):
        maximal_lottery(np.array([[0.5, 0.9], [0.9, 0.5]]))
    for rule in (borda, kemeny):
        with pytest.raises(StatisticsError, match="at least one ranking"):
            rule(np.zeros((0, 3)))
