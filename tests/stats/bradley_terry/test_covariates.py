from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize
from scipy.special import expit

from judgebench.errors import StatisticsError
from judgebench.stats.bradley_terry import fit_bradley_terry
from judgebench.stats.bradley_terry.covariates import (
    RULES,
    Outcomes,
    coefficient_note,
    fit_with_covariates,
    shown_first,
)
from tests.stats.factories import World, stacked, swapped, table_of, tables

RNG = np.random.default_rng


def world(seed=0, ties=0.25, instructions=60):
    return World(np.array([0.8, 0.2, -0.2, -0.8]), instructions=instructions, ties=ties).table(RNG(seed))


@given(tables())
def test_without_columns_half_ties_are_bradley_terry(table):
    one, other = fit_bradley_terry(table), fit_with_covariates(table).ratings
    np.testing.assert_allclose(one.theta, other.theta, atol=1e-6)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-4, atol=1e-7)
    assert one.flags == other.flags


@pytest.mark.parametrize("rule", ["davidson", "rao_kupper"])
def test_equals_a_general_optimiser(rule):
    table = world()

    def loss(x):
        theta = np.append(x[:3], -x[:3].sum())
        gap = theta[table.model_a] - theta[table.model_b]
        return -RULES[rule](gap, x[3], Outcomes.of(table.preference)).value.sum()

    found = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-7})
    fit = fit_with_covariates(table, ties=rule)
    np.testing.assert_allclose(fit.ratings.theta[:3], found.x[:3], atol=1e-4)
    lower, upper = fit.tie_interval
    assert lower < fit.tie_parameter < upper


@pytest.mark.parametrize("rule", ["davidson", "rao_kupper"])
def test_recovery_of_strengths_and_tie_parameter(rule):
    rng = RNG(0)
    theta, parameter = np.array([0.7, 0.0, -0.7]), 1.4
    rows = []
    for i in range(1500):
        for a, b in ((0, 1), (0, 2), (1, 2)):
            win, loss, _ = probabilities(rule, theta[a] - theta[b], parameter)
            u = rng.random()
            rows.append((f"m{a}", f"m{b}", 1.0 if u < win else 0.0 if u < win + loss else 0.5, f"i{i}"))
    fit = fit_with_covariates(table_of(rows), ties=rule)
    np.testing.assert_allclose(fit.ratings.theta, theta, atol=0.1)
    lower, upper = fit.tie_interval
    assert lower < parameter < upper


def test_recovery_of_a_slot_and_a_style_effect():
    rng = RNG(1)
    table = world(ties=0.0, instructions=400)
    style = rng.standard_normal(len(table)) * 30
    theta = np.array([0.8, 0.2, -0.2, -0.8])
    slot = shown_first(table)
    logits = theta[table.model_a] - theta[table.model_b] + 0.5 * slot + 0.02 * style
    table = replace(table, preference=(rng.random(len(table)) < expit(logits)).astype(float))
    fit = fit_with_covariates(table, columns={"slot": slot, "style": style})
    assert fit.coefficients == pytest.approx([0.5, 0.02], abs=0.1)
    assert (np.abs(fit.coefficients - [0.5, 0.02]) < 4 * fit.coefficient_errors).all()
    np.testing.assert_allclose(fit.ratings.theta, theta, atol=0.15)


def test_swapping_sides_changes_nothing():
    table = world()
    style = RNG(2).standard_normal(len(table))
    one = fit_with_covariates(table, columns={"slot": shown_first(table), "style": style}, ties="davidson")
    mirrored = swapped(table)
    other = fit_with_covariates(mirrored, columns={"slot": shown_first(mirrored), "style": -style}, ties="davidson")
    np.testing.assert_allclose(one.ratings.theta, other.ratings.theta, atol=1e-8)
    np.testing.assert_allclose(one.coefficients, other.coefficients, atol=1e-8)
    np.testing.assert_allclose(one.coefficient_errors, other.coefficient_errors, atol=1e-8)


def test_duplicating_every_verdict_changes_nothing():
    table = world()
    style = RNG(2).standard_normal(len(table))
    one = fit_with_covariates(table, columns={"style": style}, ties="rao_kupper")
    other = fit_with_covariates(stacked(table, table), columns={"style": np.tile(style, 2)}, ties="rao_kupper")
    np.testing.assert_allclose(one.ratings.covariance, other.ratings.covariance, rtol=1e-6)
    np.testing.assert_allclose(one.coefficient_errors, other.coefficient_errors, rtol=1e-6)


def test_what_models_explain_is_not_identified():
    table = world()
    of_model = np.array([1.0, 5.0, 2.0, 7.0])
    columns = {
        "model property": of_model[table.model_a] - of_model[table.model_b],
        "style": (style := RNG(2).standard_normal(len(table))),
        "style again": -2 * style,
        "nothing": np.zeros(len(table)),
    }
    fit = fit_with_covariates(table, columns=columns)
    assert fit.not_identified == ("model property", "style again", "nothing")
    assert np.isnan(fit.coefficients).tolist() == [True, False, True, True]
    alone = fit_with_covariates(table, columns={"style": style})
    np.testing.assert_allclose(fit.ratings.theta, alone.ratings.theta, atol=1e-9)


def test_an_undefeated_model_keeps_a_finite_flagged_rating():
    rows = [("a", "b", float(i % 2), f"i{i}") for i in range(20)] + [("c", "a", 1.0, f"i{i}") for i in range(20)]
    table = table_of(rows)
    fit = fit_with_covariates(table, columns={"style": RNG(0).standard_normal(40)})
    assert fit.ratings.flags == ("", "", "undefeated")
    assert np.isfinite(fit.ratings.theta).all()


def test_bad_input_is_refused():
    table = world()
    with pytest.raises(StatisticsError, match="'style' must hold 720 finite"):
        fit_with_covariates(table, columns={"style": np.zeros(3)})
    with pytest.raises(StatisticsError, match="ties must be one of"):
        fit_with_covariates(table, ties="none")
    with pytest.raises(StatisticsError, match="0% are ties"):
        fit_with_covariates(world(ties=0.0), ties="davidson")
    with pytest.raises(StatisticsError, match="100% are ties"):
        fit_with_covariates(replace(table, preference=np.full(len(table), 0.5)), ties="rao_kupper")


def test_a_coefficient_that_no_verdict_speaks_against_has_no_bound():
    table = world(ties=0.0)
    first = shown_first(table)
    always = replace(table, preference=(first > 0) * 1.0)
    fit = fit_with_covariates(always, columns={"position": first})
    coefficient = fit.coefficient("position")
    assert (fit.unbounded, coefficient.identified, coefficient.n) == (("position",), False, len(table))
    assert "no bound" in coefficient_note("position", coefficient)


def test_a_coefficient_is_an_estimate_with_its_interval():
    table = world()
    style = RNG(0).standard_normal(len(table))
    fit = fit_with_covariates(table, columns={"style": style, "none": np.zeros(len(table))})
    coefficient = fit.coefficient("style")
    assert coefficient.value == pytest.approx(fit.coefficients[0])
    assert coefficient.lower < coefficient.value < coefficient.upper
    assert coefficient_note("style", coefficient).startswith("at equal style, whose coefficient is ")
    assert fit.coefficient("none").reason == "no verdict has it"


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


@pytest.mark.parametrize("rule", ["davidson", "rao_kupper"])
def test_ties_that_nothing_contradicts_have_no_best_rating(rule):
    won_once = table_of([("a", "b", 1.0, "i0"), *(("a", "b", 0.5, f"i{i}") for i in range(1, 12))])
    in_a_row = table_of([("a", "b", 1.0, "i0"), ("b", "c", 1.0, "i0"), ("a", "b", 0.5, "i1"), ("b", "c", 0.5, "i1")])
    for table in (won_once, in_a_row):
        with pytest.raises(StatisticsError, match="contradict"):
            fit_with_covariates(table, ties=rule)
    beyond = table_of([("a", "b", 1.0, "i0"), ("b", "c", 1.0, "i0"), ("a", "c", 0.5, "i1"), ("a", "b", 0.5, "i1")])
    assert np.ptp(fit_with_covariates(beyond, ties=rule).ratings.theta) < 5


@pytest.mark.parametrize("rule", ["davidson", "rao_kupper"])
def test_ratings_with_ties_are_refused_just_where_they_would_grow_without_end(rule):
    rng, pairs = RNG(3), [("a", "b"), ("a", "c"), ("b", "c")]
    refused = 0
    for _ in range(60):
        said = rng.choice([0.0, 0.5, 1.0], (6, 3), p=[0.1, 0.8, 0.1])
        table = table_of(
            [(*pair, p, f"i{i}") for i, row in enumerate(said) for pair, p in zip(pairs, row, strict=True)]
        )
        try:
            theta = fit_with_covariates(table, ties=rule).ratings.theta
        except StatisticsError:
            refused += 1
        else:
            assert np.ptp(theta) < 12
    assert 5 < refused < 40
