import math

import pytest

from judgebench.errors import StatisticsError
from judgebench.stats.interval import critical_value, normal_interval


def test_golden_quantiles():
    # Standard tables of the normal and of Student's t distribution.
    assert critical_value(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert critical_value(0.90) == pytest.approx(1.644854, abs=1e-6)
    assert critical_value(0.95, degrees=9) == pytest.approx(2.262157, abs=1e-6)


def test_interval_states_level_and_method():
    interval = normal_interval(0.5, 0.1, 0.9)
    assert (interval.level, interval.method) == (0.9, "normal")
    assert normal_interval(0.5, 0.1, degrees=4).method == "t(4)"


def test_interval_is_clipped_to_its_bounds():
    interval = normal_interval(0.98, 0.1, bounds=(0.0, 1.0))
    assert interval.upper == 1.0
    assert interval.lower == pytest.approx(0.98 - 0.1959964, abs=1e-6)


def test_unknown_standard_error_stays_unknown():
    interval = normal_interval(0.5, math.nan)
    assert math.isnan(interval.lower)
    assert math.isnan(interval.upper)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_level_outside_its_range_is_refused(level):
    with pytest.raises(StatisticsError, match="strictly between 0 and 1"):
        critical_value(level)
