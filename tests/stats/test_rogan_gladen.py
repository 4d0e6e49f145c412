import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError
from judgebench.stats.rogan_gladen import Calibration, calibration_split, corrected_share

JUDGE = Calibration(specificity=0.9, negatives=50, sensitivity=0.8, positives=50)


def test_golden_interval():
    # "How to correctly report LLM-as-a-judge evaluations" (2025): share .6 of 200, specificity .9, sensitivity .8.
    found = corrected_share(0.6, 200, JUDGE)
    assert found.estimate.value == pytest.approx(0.7142857, abs=5e-8)
    assert found.centre == pytest.approx(0.7172001, abs=5e-8)
    assert found.shift == pytest.approx(0.0134091, abs=5e-8)
    assert found.standard_error == pytest.approx(0.0811867, abs=5e-8)
    assert (found.estimate.lower, found.estimate.upper) == pytest.approx((0.5714862, 0.8897321), abs=5e-8)


def test_a_perfect_judge_is_not_corrected():
    found = corrected_share(0.3, 100, Calibration(1.0, 10_000, 1.0, 10_000))
    assert found.estimate.value == pytest.approx(0.3)


@given(st.floats(0, 1), st.floats(0.6, 1), st.floats(0.6, 1))
def test_everything_stays_in_range(share, specificity, sensitivity):
    found = corrected_share(share, 40, Calibration(specificity, 20, sensitivity, 20))
    assert 0 <= found.estimate.lower <= found.estimate.upper <= 1
    assert 0 <= found.estimate.value <= 1


def test_recovery_of_the_stated_coverage():
    rng = np.random.default_rng(0)
    truth, specificity, sensitivity = 0.55, 0.85, 0.75
    covered = 0
    for _ in range(400):
        share = rng.binomial(300, truth * sensitivity + (1 - truth) * (1 - specificity)) / 300
        seen = Calibration(rng.binomial(80, specificity) / 80, 80, rng.binomial(80, sensitivity) / 80, 80)
        interval = corrected_share(share, 300, seen).estimate
        covered += interval.lower <= truth <= interval.upper
    assert 0.92 <= covered / 400 <= 0.98


def test_split_spends_every_label_and_prefers_the_noisier_class():
    negatives, positives = calibration_split(200, 0.5, Calibration(0.7, 20, 0.95, 20))
    assert negatives + positives == 200
    assert negatives > positives


@pytest.mark.parametrize(
    ("share", "items", "judge", "message"),
    [
        (1.2, 10, JUDGE, "lie in"),
        (0.5, 0, JUDGE, "both classes"),
        (0.5, 10, Calibration(0.5, 10, 0.5, 10), "no better than chance"),
    ],
)
def test_bad_input_is_refused(share, items, judge, message):
    with pytest.raises(StatisticsError, match=message):
        corrected_share(share, items, judge)


def test_split_needs_a_share_inside():
    with pytest.raises(StatisticsError, match="strictly between"):
        calibration_split(100, 0.0, JUDGE)
