import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from judgebench.errors import StatisticsError
from judgebench.stats.intervals import critical_value, normal_estimate, rate_estimate


def test_golden_quantiles():
    # Standard tables of the normal and of Student's t distribution.
    assert critical_value(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert critical_value(0.90) == pytest.approx(1.644854, abs=1e-6)
    assert critical_value(0.95, degrees=9) == pytest.approx(2.262157, abs=1e-6)


def test_interval_states_level_and_method():
    interval = normal_estimate(0.5, 0.1, level=0.9)
    assert (interval.level, interval.method) == (0.9, "normal, clustered by instruction")
    assert normal_estimate(0.5, 0.1, degrees=4).method == "t(4), clustered by instruction"


def test_interval_is_clipped_to_its_bounds():
    interval = normal_estimate(0.98, 0.1, bounds=(0.0, 1.0))
    assert interval.upper == 1.0
    assert interval.lower == pytest.approx(0.98 - 0.1959964, abs=1e-6)


def test_unknown_standard_error_stays_unknown():
    interval = normal_estimate(0.5, math.nan)
    assert (interval.value, interval.lower, interval.upper) == (0.5, None, None)
    assert interval.reason == "fewer than two instructions"


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_level_outside_its_range_is_refused(level):
    with pytest.raises(StatisticsError, match="strictly between 0 and 1"):
        critical_value(level)


@given(st.integers(0, 50))
def test_rate_estimate_equals_wilson_for_proportions(successes):
    rate = successes / 50
    found = rate_estimate(rate, math.sqrt(rate * (1 - rate) / 50), 50)
    lower, upper = proportion_confint(successes, 50, method="wilson")
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=1e-12)


def test_a_model_that_never_won_has_an_upper_end():
    found = rate_estimate(0.0, 0.0, 300)
    assert found.lower == pytest.approx(0, abs=1e-15)
    assert 0.005 < found.upper < 0.02


def test_rate_estimate_without_a_spread_or_a_rate():
    assert not rate_estimate(math.nan, math.nan, 3).identified
    assert rate_estimate(0.4, math.nan, 1).upper is None
    assert rate_estimate(0.4, 0.0, 9).upper == 0.4


def test_recovery_of_coverage_near_the_edge():
    rng, held = np.random.default_rng(0), 0
    for _ in range(1000):
        wins = rng.random(200) < 0.02
        found = rate_estimate(wins.mean(), wins.std(ddof=1) / math.sqrt(200), 200)
        held += found.lower <= 0.02 <= found.upper
    assert 0.92 <= held / 1000 <= 0.985
