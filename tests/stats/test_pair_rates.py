import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from judgebench.errors import StatisticsError
from judgebench.stats.win_rate import pair_rates
from tests.stats.factories import table_of


def duel(preferences, a="a", b="b"):
    """One verdict an instruction between two of three models."""
    rows = [(a, b, preference, f"i{n:04d}") for n, preference in enumerate(preferences)]
    return table_of(rows, models=("a", "b", "c"))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_rates_mirror_and_lie_inside_their_intervals(preferences):
    found = pair_rates(duel(preferences))
    assert found.rate[0, 1] == pytest.approx(np.mean(preferences))
    assert found.rate[0, 1] + found.rate[1, 0] == pytest.approx(1)
    assert found.lower[0, 1] == pytest.approx(1 - found.upper[1, 0])
    assert found.lower[0, 1] - 1e-12 <= found.rate[0, 1] <= found.upper[0, 1] + 1e-12
    n = len(preferences)
    assert found.battles.tolist() == [[0, n, 0], [n, 0, 0], [0, 0, 0]]
    assert np.isnan([found.rate[0, 0], found.rate[0, 2], found.lower[0, 2]]).all()


@given(st.integers(0, 12), st.integers(1, 12))
def test_for_wins_and_losses_it_is_wilsons_interval(won, lost):
    """Oracle: statsmodels."""
    found = pair_rates(duel([1.0] * won + [0.0] * lost))
    oracle = proportion_confint(won, won + lost, method="wilson")
    assert (found.lower[0, 1], found.upper[0, 1]) == pytest.approx(oracle, abs=1e-9)


def test_both_orders_of_a_battle_are_one_battle():
    found = pair_rates(table_of([("a", "b", 1.0), ("a", "b", 0.0)]))
    assert found.battles[0, 1] == 1
    assert found.rate[0, 1] == 0.5


def test_which_model_is_called_a_makes_no_difference():
    one, other = pair_rates(duel([0.9, 0.4])), pair_rates(duel([0.1, 0.6], a="b", b="a"))
    np.testing.assert_allclose(one.rate, other.rate)


def test_an_impossible_level_is_refused():
    with pytest.raises(StatisticsError):
        pair_rates(duel([1.0]), level=1.0)
