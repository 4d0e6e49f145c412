from dataclasses import replace

import numpy as np
import pytest

from judgebench.errors import StatisticsError
from judgebench.leaderboard.multiverse import Universe, many_rankings, multiverse
from tests.stats.factories import against_baseline, stacked

TABLE = against_baseline()
MODELS = ("a", "b", "c")


def universes():
    return [
        Universe({"ties": "half", "control": "none"}, [3.0, 2.0, 1.0]),
        Universe({"ties": "half", "control": "length"}, [2.0, 3.0, 1.0]),
        Universe({"ties": "davidson", "control": "none"}, [3.0, 2.0, 1.0]),
        Universe({"ties": "davidson", "control": "length"}, [2.0, 3.0, np.nan]),
    ]


def survives(found, better, worse):
    return found.above[found.models.index(better), found.models.index(worse)] == 1.0


def test_shares_ranks_and_what_survives():
    found = multiverse(MODELS, universes())
    assert found.universes == 4
    assert found.above[0, 1] == 0.5
    assert found.above[0, 2] == found.above[1, 2] == 1.0
    assert survives(found, "a", "c")
    assert not survives(found, "a", "b")
    assert found.best_rank.tolist() == [1, 1, 3]
    assert found.worst_rank.tolist() == [2, 2, 3]
    assert found.leads.tolist() == [0.5, 0.5, 0.0]


def test_influence_names_the_choice_that_matters():
    influence = multiverse(MODELS, universes()).influence
    assert influence["ties"] == 0.0
    assert influence["control"] > 0.3


def test_a_model_never_estimated():
    found = multiverse(("a", "b"), [Universe({"x": "1"}, [1.0, np.nan])])
    assert found.best_rank.tolist() == [1, 0]
    assert np.isnan(found.above[0, 1])
    assert not survives(found, "a", "b")


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="at least one universe"):
        multiverse(MODELS, [])
    with pytest.raises(StatisticsError, match="one estimate for each of the 3"):
        multiverse(MODELS, [Universe({}, [1.0])])
    with pytest.raises(StatisticsError, match="same choices"):
        multiverse(MODELS, [universes()[0], universes()[0]])


def test_every_ranking_of_clear_verdicts_is_the_same() -> None:
    many = many_rankings(TABLE)
    assert many.together.models == TABLE.models
    assert [many.together.best_rank[code] for code in (1, 2, 0, 3, 4)] == [1, 2, 3, 4, 5]
    assert (many.together.best_rank == many.together.worst_rank).all()
    assert {universe.choices["verdicts"] for universe in many.universes} == {"as said", "consistent battles only"}
    assert survives(many.together, "m1", "m4")


def test_battles_whose_orders_disagree_are_all_that_consistency_leaves_out() -> None:
    first = replace(TABLE, preference=np.where(TABLE.order == 0, 1.0, 0.0))  # the first shown, always
    many = many_rankings(first)
    assert many.impossible == 4  # no method ranks what is left: nothing
    assert set(many.together.best_rank.tolist()) == {1}


def test_samples_that_end_differently_are_consistent() -> None:
    first = TABLE.select(TABLE.order == 0)
    second = replace(first, preference=np.where(first.instruction % 2, first.preference, 1 - first.preference))
    taken_for_one = stacked(first, second)
    sample = np.repeat([0, 1], len(first)).astype(np.int32)
    apart = replace(taken_for_one, samples=np.stack([sample, sample], axis=1))
    for table, counted in ((taken_for_one, {"as said", "consistent battles only"}), (apart, {"as said"})):
        many = many_rankings(table)
        assert {universe.choices["verdicts"] for universe in many.universes} == counted
