"""What a tie is: probabilities by their published formulas, and derivatives that are those of the likelihood."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from judgebench.stats.bradley_terry.ties import RULES, Outcomes


def probabilities(rule, gap, parameter):
    """Win, loss and tie under nu or eta, as the likelihood gives them."""
    u = np.log(parameter) if rule == "davidson" else np.log(parameter**2 - 1)
    pure = Outcomes.of(np.array([1.0, 0.0, 0.5]))
    return tuple(np.exp(RULES[rule](np.full(3, gap), u, pure).value).tolist())


def test_golden_davidson_probabilities():
    # Davidson (1970) with strengths .5 and 0 in log-odds and nu .6: win, loss, tie.
    win, loss, tie = probabilities("davidson", 0.5, 0.6)
    assert (win, loss, tie) == pytest.approx((0.482204, 0.292471, 0.225325), abs=1e-6)


def test_rao_kupper_probabilities_by_their_own_formula():
    one, other, eta = np.exp(0.7), 1.0, 1.5
    win, loss, tie = probabilities("rao_kupper", 0.7, eta)
    assert win == pytest.approx(one / (one + eta * other))
    assert loss == pytest.approx(other / (other + eta * one))
    assert tie == pytest.approx((eta**2 - 1) * one * other / ((one + eta * other) * (other + eta * one)))


@pytest.mark.parametrize("rule", sorted(RULES))
@given(x=st.floats(-4, 4), u=st.floats(-3, 3), preference=st.floats(0, 1))
def test_derivatives_are_those_of_the_value(rule, x, u, preference):
    y = Outcomes.of(np.array([preference]))

    def value(p):
        return float(RULES[rule](np.array([p[0]]), p[1], y).value[0])

    def slope(p):
        pieces = RULES[rule](np.array([p[0]]), p[1], y)
        return np.array([pieces.score_x[0], pieces.score_u[0]])

    pieces = RULES[rule](np.array([x]), u, y)
    np.testing.assert_allclose(slope([x, u]), approx_fprime(np.array([x, u]), value), atol=1e-5)
    numeric = -np.array([approx_fprime(np.array([x, u]), lambda p, i=i: float(slope(p)[i])) for i in range(2)])
    ours = [[pieces.info_xx[0], pieces.info_xu[0]], [pieces.info_xu[0], pieces.info_uu[0]]]
    np.testing.assert_allclose(ours, numeric, atol=1e-5)


@pytest.mark.parametrize("rule", ["davidson", "rao_kupper"])
@given(x=st.floats(-5, 5), parameter=st.floats(1.01, 4))
def test_probabilities_sum_to_one_and_mirror(rule, x, parameter):
    win, loss, tie = probabilities(rule, x, parameter)
    assert win + loss + tie == pytest.approx(1)
    assert probabilities(rule, -x, parameter) == pytest.approx((loss, win, tie))
