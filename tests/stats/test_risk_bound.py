import numpy as np
import pytest
from scipy.stats import binom

from judgebench.errors import StatisticsError
from judgebench.stats.risk_bound import abstention_threshold, risk_upper_bound


def test_golden_bound():
    # "Trust or Escalate" (2024): five errors of a hundred, delta .1.
    assert risk_upper_bound(5, 100) == pytest.approx(0.0907715, abs=5e-8)


def test_the_bound_is_the_rate_with_that_probability():
    bound = risk_upper_bound(3, 40, 0.05)
    assert binom.cdf(3, 40, bound) == pytest.approx(0.05)
    assert risk_upper_bound(40, 40) == 1.0


def test_threshold_stops_at_the_first_failure():
    confidence = np.repeat([0.9, 0.8, 0.7, 0.6], 100)
    agrees = np.concatenate([np.ones(100), np.ones(100), np.zeros(100), np.ones(100)])
    found = abstention_threshold(confidence, agrees, risk=0.1)
    assert (found.threshold, found.coverage, found.risk) == (0.8, 0.5, 0.0)
    assert found.risk_bound < 0.1


def test_a_hopeless_judge_abstains_always():
    found = abstention_threshold(np.linspace(0, 1, 50), np.zeros(50))
    assert found.threshold == float("inf")
    assert found.coverage == 0
    assert np.isnan(found.risk)


def test_recovery_of_the_guarantee():
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(200):
        confidence = rng.uniform(0.5, 1, 300)
        found = abstention_threshold(confidence, (rng.random(300) < confidence).astype(float), risk=0.15, delta=0.1)
        if np.isfinite(found.threshold):
            broken += 1 - (found.threshold + 1) / 2 > 0.15
    assert broken / 200 <= 0.1 + 0.05


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="a risk bound needs"):
        risk_upper_bound(5, 4)
    with pytest.raises(StatisticsError, match="calibration needs"):
        abstention_threshold(np.zeros(2), np.zeros(3))
