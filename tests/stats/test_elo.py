import evalica
import numpy as np
import pytest

from judgebench.errors import StatisticsError
from judgebench.stats.elo import EloRule, shuffled_elo
from tests.stats.factories import World, swapped, table_of


class InOrder:
    """A generator that leaves every order as it is."""

    permutation = staticmethod(np.arange)


def in_order(table, **rule):
    return shuffled_elo(table, orders=1, rng=InOrder(), **rule)


def test_golden_one_win_between_equals():
    # FastChat's rule: 1000 against 1000, K = 4, a win.
    assert in_order(table_of([("a", "b", 1.0)])).rating.tolist() == [1002.0, 998.0]


def test_equals_evalica():
    table = World(np.array([0.8, 0.0, -0.8]), instructions=30, ties=0.2).table(np.random.default_rng(0))
    names = np.array(table.models)
    outcome = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    peer = evalica.elo(
        names[table.model_a].tolist(), names[table.model_b].tolist(), [outcome[y] for y in table.preference], k=30
    )
    ours = in_order(table, rule=EloRule(k=30)).rating
    np.testing.assert_allclose(ours, peer.scores[list(names)].to_numpy(), atol=1e-6)


def test_swapping_sides_changes_nothing_and_points_are_conserved():
    table = World(np.array([0.8, 0.0, -0.8]), instructions=10).table(np.random.default_rng(0))
    one, other = in_order(table), in_order(swapped(table))
    np.testing.assert_allclose(one.rating, other.rating)
    assert one.rating.sum() == pytest.approx(3000)


def test_shuffled_median_is_seeded_and_inside_its_range():
    table = World(np.array([0.8, 0.0, -0.8]), instructions=20).table(np.random.default_rng(0))
    one, other = (shuffled_elo(table, orders=9, rng=np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(one.rating, other.rating)
    assert (one.lower <= one.rating).all()
    assert (one.rating <= one.upper).all()
    assert (one.lower < one.upper).any()


def test_no_orders_is_refused():
    with pytest.raises(StatisticsError, match="at least one"):
        shuffled_elo(table_of([("a", "b", 1.0)]), orders=0, rng=np.random.default_rng(0))
