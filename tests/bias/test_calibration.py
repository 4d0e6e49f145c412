import numpy as np
import pytest

from judgebench.bias.confidence import calibration
from judgebench.errors import InputError


def found(preference, truth, **options):
    preference, truth = np.array(preference, dtype=float), np.array(truth, dtype=float)
    return calibration(preference, truth, np.arange(len(truth)), rng=np.random.default_rng(0), **options)


def test_by_hand():  # golden: one bin of .8 with half right, one of .6 all right
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


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="must match"):
        found([0.5], [1, 0])
    with pytest.raises(InputError, match=r"preference must lie in \[0, 1\]"):
        found([float("nan")], [1])
    with pytest.raises(InputError, match="at least one bin"):
        found([0.5], [1], bins=0)


def test_nothing_to_calibrate():
    result = found([], [])
    assert (result.curve, result.brier.identified, result.expected_error.identified) == ((), False, False)
