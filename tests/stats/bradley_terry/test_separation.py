import numpy as np

from judgebench.stats.bradley_terry.separation import connectivity
from judgebench.stats.verdict_table import PairCounts
from tests.stats.factories import table_of


def graph(*rows, models=None):
    counts = PairCounts.of(table_of(rows, models=models))
    return connectivity(counts.wins, counts.verdicts)


def test_a_tie_links_in_both_directions():
    assert graph(("a", "b", 0.5)).part.tolist() == [0, 0]


def test_a_cycle_is_one_part():
    found = graph(("a", "b", 1.0), ("b", "c", 1.0), ("c", "a", 1.0))
    assert found.part.tolist() == [0, 0, 0]
    assert found.core.all()
    assert found.flags == ("", "", "")


def test_a_chain_of_wins_has_no_core():
    found = graph(("a", "b", 1.0), ("b", "c", 1.0))
    assert found.component.tolist() == [0, 0, 0]
    assert sorted(found.part.tolist()) == [0, 1, 2]
    assert not found.core.any()
    assert found.flags == ("undefeated", "separated", "winless")


def test_the_larger_part_is_the_core():
    found = graph(("a", "b", 0.5), ("b", "c", 0.5), ("d", "e", 0.5), ("a", "d", 1.0))
    assert found.core.tolist() == [True, True, True, False, False]
    assert found.flags == ("", "", "", "winless", "separated") or found.flags[3:] == ("separated", "separated")


def test_a_model_without_a_battle_has_no_labels():
    found = graph(("a", "b", 0.5), models=["a", "b", "c"])
    assert found.component.tolist() == [0, 0, -1]
    assert found.flags[2] == "no battles"
    assert not found.same_part()[2].any()


def test_a_negligible_soft_win_is_no_win():
    assert graph(("a", "b", 1.0), ("a", "b", 1 - 1e-12)).flags == ("undefeated", "winless")


def test_nothing():
    found = connectivity(np.zeros((0, 0)), np.zeros((0, 0)))
    assert (found.parts, found.flags) == (0, ())
