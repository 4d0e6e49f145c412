"""Thresholds that bound a risk, and whether probabilities are to be believed."""

import numpy as np
import pytest
from scipy.special import expit

from judgebench.bias.confidence import calibrate, calibration, confidence_of, evaluate, one_each, risk_bound
from judgebench.errors import InputError


def test_bound_published():  # golden: 5 errors of 100 at delta .1
    assert float(risk_bound(5, 100, 0.1)) == pytest.approx(0.0907715, abs=1e-7)
    assert float(risk_bound(3, 3, 0.1)) == 1.0


def test_a_threshold_by_hand():
    """Forty sure and right, then forty unsure with every second wrong: the threshold stays with the sure."""
    confidence = np.repeat([0.9, 0.6], 40)
    wrong = np.r_[np.zeros(40, dtype=bool), np.tile([True, False], 20)]
    found = calibrate(confidence, wrong)
    assert (found.threshold, found.kept, found.wrong, found.items) == (0.9, 40, 0, 80)
    assert found.bound == pytest.approx(1 - 0.05 ** (1 / 40))
    assert found.keeps(np.array([0.95, 0.9, 0.89])).tolist() == [True, True, False]


def test_when_even_the_surest_are_wrong_it_abstains_always():
    confidence = np.linspace(0.5, 1, 100)
    found = calibrate(confidence, confidence > 0.6)  # wrong where sure
    assert (found.threshold, found.bound) == (None, None)
    assert "most confident" in found.reason
    assert not found.keeps(confidence).any()


@pytest.mark.parametrize("n", [0, 1, 29])
def test_too_few_items_abstain_always(n):
    assert calibrate(np.ones(n), np.zeros(n, dtype=bool)).reason == "fewer than 30 items"


def test_descent_stops_at_the_first_failure():
    """A lower threshold that would hold again is not reached: the sequence is fixed."""
    confidence = np.r_[np.full(40, 0.9), np.full(10, 0.8), np.full(4000, 0.7)]
    wrong = np.r_[np.zeros(40, dtype=bool), np.ones(10, dtype=bool), np.zeros(4000, dtype=bool)]
    assert calibrate(confidence, wrong).threshold == 0.9


def simulated(rng, n):
    confidence = 0.5 + 0.5 * rng.random(n)
    return confidence, rng.random(n) > confidence


def test_the_guarantee_holds_at_its_rate():  # recovery: true risk above t is 1 - (1 + t) / 2
    rng = np.random.default_rng(1)
    found = [calibrate(*simulated(rng, 300), risk=0.15, failure=0.1) for _ in range(300)]
    risks = np.array([0.0 if f.threshold is None else (1 - f.threshold) / 2 for f in found])
    assert np.mean(risks > 0.15) <= 0.13
    assert np.mean([f.threshold is not None for f in found]) > 0.75  # the first thirty hold two errors in one of six


def test_on_a_held_out_set():
    rng = np.random.default_rng(2)
    found = calibrate(*simulated(rng, 2000), risk=0.15)
    confidence, wrong = simulated(rng, 2000)
    selection = evaluate(found, confidence, wrong, np.arange(2000))
    assert selection.coverage.value == pytest.approx(np.mean(confidence >= found.threshold))
    assert selection.risk.value == pytest.approx(wrong[confidence >= found.threshold].mean())
    assert selection.risk.value < 0.16
    never = calibrate(np.ones(3), np.ones(3, dtype=bool))
    assert not evaluate(never, confidence, wrong, np.arange(2000)).risk.identified


def test_one_each():
    clusters = np.array([3, 3, 1, 3, 1, 7])
    rows = one_each(clusters, np.random.default_rng(0))
    assert sorted(clusters[rows]) == [1, 3, 7]


def test_confidence():
    assert confidence_of(np.array([0.5, 0.1, 1.0])).tolist() == [0.5, 0.9, 1.0]


def test_unaligned_marks_are_refused():
    with pytest.raises(InputError, match="true or false"):
        calibrate(np.ones(3), np.ones(3))
    with pytest.raises(InputError, match="finite"):
        calibrate(np.array([np.nan]), np.array([True]))
    with pytest.raises(InputError, match="strictly between"):
        calibrate(np.ones(1), np.array([True]), risk=1.0)


def found(preference, truth, **options):
    preference, truth = np.array(preference, dtype=float), np.array(truth, dtype=float)
    return calibration(preference, truth, np.arange(len(truth)), rng=np.random.default_rng(0), **options)


def test_calibration_by_hand():  # golden: one bin of .8 with half right, one of .6 all right
    result = found([0.8, 0.2, 0.6, 0.4], [1, 1, 1, 0], bins=5)
    assert [(b.confidence, b.accuracy.value) for b in result.curve] == [(0.6, 1.0), (0.8, 0.5)]
    assert result.expected_error.value == pytest.approx((2 * 0.4 + 2 * 0.3) / 4)
    assert result.brier.value == pytest.approx((0.04 + 0.64 + 0.16 + 0.16) / 4)


def test_honest_probabilities_are_calibrated():  # recovery
    rng = np.random.default_rng(1)
    p = rng.random(5000)
    result = found(p, rng.random(5000) < p, resamples=100)
    assert result.expected_error.value < 0.03
    assert np.mean([b.accuracy.lower <= b.confidence <= b.accuracy.upper for b in result.curve]) >= 0.8
    assert result.brier.value == pytest.approx(1 / 6, abs=0.01)


@pytest.mark.parametrize(("items", "boast"), [(50, 1.0), (200, 1.0), (60, 3.0), (200, 0.4)])
def test_the_interval_of_the_expected_error_holds_its_true_value(items, boast):
    """Noise alone makes a calibrated judge's error (boast 1) .13 at 50 items; the percentile bootstrap held none."""
    rng = np.random.default_rng(items)
    many = 1.5 * rng.standard_normal(100_000)
    truth = true_error(expit(boast * many), expit(many))
    held = []
    for _ in range(60):
        known = 1.5 * rng.standard_normal(items)
        error = found(expit(boast * known), rng.random(items) < expit(known), resamples=100).expected_error
        held.append(error.lower <= truth <= error.upper)
    assert np.mean(held) > 0.86


def true_error(preference, chance):
    """Of preferences and the chances that people prefer A."""
    confidence = np.maximum(preference, 1 - preference)
    gaps = confidence - np.where(preference > 0.5, chance, 1 - chance)
    return np.abs(np.bincount(np.minimum(((confidence - 0.5) * 20).astype(int), 9), gaps)).sum() / len(gaps)


def test_boasting_shows():
    rng = np.random.default_rng(2)
    p = np.where(rng.random(1000) < 0.5, 0.99, 0.01)
    result = found(p, rng.random(1000) < np.where(p > 0.5, 0.7, 0.3), resamples=100)
    assert result.expected_error.lower > 0.2


def test_calling_a_b_changes_nothing():
    rng = np.random.default_rng(3)
    p, y = rng.choice([0.0, 0.3, 0.5, 0.9], 60), rng.choice([0.0, 0.5, 1.0], 60)
    one, other = found(p, y), found(1 - p, 1 - y)
    assert [b.accuracy.value for b in one.curve] == pytest.approx([b.accuracy.value for b in other.curve])
    assert one.brier.value == pytest.approx(other.brier.value)


def test_preferences_out_of_range_are_refused():
    with pytest.raises(InputError, match="must match"):
        found([0.5], [1, 0])
    with pytest.raises(InputError, match=r"preference must lie in \[0, 1\]"):
        found([float("nan")], [1])
    with pytest.raises(InputError, match="at least one bin"):
        found([0.5], [1], bins=0)


def test_nothing_to_calibrate():
    result = found([], [])
    assert (result.curve, result.brier.identified, result.expected_error.identified) == ((), False, False)


@pytest.mark.parametrize("n", [10, 50, 200])
@pytest.mark.parametrize("shift", [0.0, -0.2])
def test_the_expected_error_is_held_also_of_a_judge_that_is_calibrated(n, shift):
    rng, held = np.random.default_rng(8), []
    for _ in range(60):
        said = rng.uniform(0.5, 1.0, n)
        truth = (rng.random(n) < said + shift) * 1.0
        found = calibration(said, truth, np.arange(n), rng=rng, resamples=60).expected_error
        held.append(found.lower <= -shift <= found.upper)
    assert np.mean(held) >= 0.9


def test_a_few_sure_and_right_verdicts_do_not_make_a_judge_calibrated():
    found = calibration(np.ones(8), np.ones(8), np.arange(8), rng=np.random.default_rng(0)).expected_error
    assert (found.value, found.lower) == (0.0, 0.0)
    assert found.upper > 0.2
