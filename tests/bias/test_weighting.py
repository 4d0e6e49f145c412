"""Related judges lose their say: their verdicts go, or make room for those of unrelated judges."""

import numpy as np
import pytest

from judgebench.bias.relatives import without_related
from judgebench.errors import InputError
from judgebench.stats.win_rate import win_rates
from tests.bias.factories import BiasedWorld, table_of


def table():
    """Judge 0 is related to a, judge 1 to nobody; judge 1 did not see instruction 1."""
    return table_of(
        [0, 0, 0], [1, 1, 1], [1.0, 0.0, 1.0], models=("a", "b"), instruction=[0, 0, 1], order=[0, 0, 0],
        judge=[0, 1, 0], judges=("own", "other"),
    )  # fmt: skip


RELATED = np.array([[True, False], [False, False]])


def test_left_out():
    found = without_related(table(), RELATED)
    assert (found.related, found.removed, found.words) == (2, 2, "2 left out")
    assert found.table.preference.tolist() == [0.0]


def test_down_weighted():
    found = without_related(table(), RELATED, weight=0.25)
    assert (found.related, found.removed) == (2, 1)
    assert found.table.preference.tolist() == [0.25, 0.0]
    assert without_related(table(), RELATED, weight=1.0).table.preference.tolist() == [1.0, 0.0]


def test_a_favour_disappears_from_the_board():
    world = BiasedWorld(strengths=(0.0,) * 4, slots=(0.0, 0.0), related=((0, 0, 2.0),), instructions=300)
    judged = world.table(np.random.default_rng(0))
    related = np.array([[True, False, False, False], [False] * 4])
    assert win_rates(judged).rate[0] > 0.58
    for weight in (0.0, 0.01):
        assert win_rates(without_related(judged, related, weight=weight).table).rate[0] == pytest.approx(0.5, abs=0.04)


def test_a_weight_lies_between_nought_and_one():
    with pytest.raises(InputError, match="weight"):
        without_related(table(), RELATED, weight=1.5)
