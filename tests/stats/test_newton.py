import numpy as np
import pytest

from judgebench.errors import StatisticsError
from judgebench.stats.newton import maximise, solve_dense


class Parabola:
    """Steps overshoot by ``stretch``, as Newton's do far from the optimum."""

    def __init__(self, centre, stretch=1.0):
        self.centre, self.stretch = np.array(centre), stretch

    def value(self, x):
        return float(-((x - self.centre) ** 2).sum())

    def newton(self, x):
        far = np.abs(self.centre - x).max(initial=0.0) > 1
        return 2 * (self.centre - x), (self.stretch if far else 1.0) * (self.centre - x)


class Flat(Parabola):
    def newton(self, x):
        return np.ones(1), np.ones(1)


class Undefined(Parabola):
    def newton(self, x):
        return np.full(1, np.nan), np.zeros(1)


def test_one_step_finds_a_parabola():
    optimum = maximise(Parabola([3.0, -2.0]), np.zeros(2))
    np.testing.assert_allclose(optimum.x, [3.0, -2.0])
    assert optimum.iterations <= 2


def test_overshooting_steps_are_halved():
    optimum = maximise(Parabola([100.0], stretch=2.5), np.zeros(1), iterations=200)
    assert optimum.x == pytest.approx([100.0], abs=1e-6)


@pytest.mark.parametrize("kind", [Flat, Undefined])
def test_no_maximum_is_an_error_and_never_a_number(kind):
    with pytest.raises(StatisticsError, match="did not converge"):
        maximise(kind([0.0]), np.zeros(1), iterations=30)


def test_a_singular_information_is_said():
    with pytest.raises(StatisticsError, match="do not determine every parameter"):
        solve_dense(np.zeros((2, 2)), np.ones(2))


def test_no_parameters():
    assert len(maximise(Parabola([]), np.zeros(0)).x) == 0
