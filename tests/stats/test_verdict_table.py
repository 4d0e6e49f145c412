"""Verdicts as columns: battles as means of their verdicts, and pair counts that add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError
from judgebench.stats.verdict_table import PairCounts, average_battles, distinct
from tests.stats.factories import World, stacked, table_of, tables


def world(seed=0, **options):
    strengths = np.array([0.9, 0.4, 0.0, -0.4, -0.9])
    return World(strengths, **{"instructions": 40, "ties": 0.2, **options}).table(np.random.default_rng(seed))


def test_outcome_counts_equal_rows():
    table = world()
    outcomes = np.zeros((5, 5, 3))
    cell = np.select([table.preference == 1, table.preference == 0], [0, 1], 2)
    np.add.at(outcomes, (table.model_a, table.model_b, cell), 1)
    one, other = PairCounts.of(table), PairCounts.of_outcomes(table.models, outcomes)
    for name in ("wins", "squares", "verdicts"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(
    "counts", [np.zeros((2, 2)), np.full((2, 2, 3), -1.0), np.ones((2, 2, 3)), np.full((2, 2, 3), np.nan)]
)
def test_impossible_counts_are_refused(counts):
    with pytest.raises(StatisticsError, match="counts"):
        PairCounts.of_outcomes(("a", "b"), counts)


@given(st.lists(st.integers(0, 9) | st.sampled_from([2**20, 2**40]), max_size=30))
def test_distinct_codes_and_their_places_are_those_of_a_sort(codes):
    present, place = np.unique(np.array(codes, dtype=np.int64), return_inverse=True)
    counted = distinct(np.array(codes, dtype=np.int64))
    assert [counted[0].tolist(), counted[1].tolist()] == [present.tolist(), place.tolist()]


@given(tables())
def test_pair_counts_hold_every_verdict_once(table):
    counts = PairCounts.of(table)
    np.testing.assert_allclose(counts.wins + counts.wins.T, counts.verdicts)
    assert counts.verdicts.sum() == 2 * len(table)


def test_a_battle_is_the_mean_of_its_verdicts_in_either_order():
    battles = average_battles(table_of([("a", "b", 1.0), ("b", "a", 1.0), ("a", "b", 1.0, "other")]))
    assert sorted(battles.preference.tolist()) == [0.5, 1.0]
    assert len(battles.preference) == 2


@given(tables())
def test_copies_of_every_verdict_leave_battles_as_they_are(table):
    np.testing.assert_allclose(average_battles(stacked(table, table)).preference, average_battles(table).preference)
