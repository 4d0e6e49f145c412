"""Verdicts against a baseline become arrays whose controls change sign with the sides."""

import numpy as np
import pytest
from hypothesis import given

from judgebench.errors import StatisticsError, UnknownName
from judgebench.stats.length_control.likelihood import compare_to_baseline
from tests.stats.factories import swapped, table_of, tables


@pytest.mark.parametrize("column", [np.zeros(3), np.full(2, np.nan)])
def test_a_control_that_does_not_fit_is_named(column):
    table = table_of([("m", "base", 1.0, "x"), ("m", "base", 0.0, "y")])
    with pytest.raises(StatisticsError, match="'bold' must hold 2 finite numbers"):
        compare_to_baseline(table, baseline="base", controls={"bold": column})


def test_unknown_baseline_is_named():
    with pytest.raises(UnknownName, match="nobody"):
        compare_to_baseline(table_of([("a", "b", 1.0)]), baseline="nobody")


@given(tables(min_models=3))
def test_swapping_sides_changes_nothing(table):
    baseline = table.models[0]
    one, other = (compare_to_baseline(sided, baseline=baseline) for sided in (table, swapped(table)))
    for name in ("preference", "weight", "control"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name))
    assert one.models == table.models[1:]
    assert (np.abs(one.control) < 1).all()


def test_verdicts_on_a_battle_are_averaged():
    data = compare_to_baseline(table_of([("m", "base", 1.0), ("base", "m", 0.5)]), baseline="base")
    assert data.preference.tolist() == [[0.75]]
    assert data.weight.tolist() == [[1.0]]
