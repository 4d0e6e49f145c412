"""Coefficients of the same raters with their intervals."""

import numpy as np
import pytest

from judgebench.stats.agreement import Resampling, coefficients


def test_a_rare_outcome_counts_in_every_resample():
    """Chance agreement depends on how many outcomes there are, and a resample may draw the one tie or not."""
    rng = np.random.default_rng(0)
    preference = (rng.random((300, 2)) < 0.5) * 1.0
    preference[0] = 0.5
    found = coefficients(preference, np.arange(300), Resampling())
    assert found.ac1.value == pytest.approx(0.25, abs=0.08)
    assert found.ac1.upper - found.ac1.lower < 0.25


def test_an_outcome_that_never_occurs_is_none():
    preference = np.tile([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0]], (20, 1))
    assert coefficients(preference, np.arange(80), Resampling(resamples=50)).ac1.value == pytest.approx(0.0)
