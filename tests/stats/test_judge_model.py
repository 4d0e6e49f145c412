from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from judgebench.errors import StatisticsError
from judgebench.stats.bradley_terry.covariates import Outcomes
from judgebench.stats.judge_model import _Likelihood, fit_judge_model
from judgebench.stats.verdict_table import VerdictTable
from tests.stats.factories import stacked, swapped, table_of

THETA = np.array([0.9, 0.3, -0.3, -0.9])
GAMMA = np.array([1.4, 1.0, 1 / 1.4])
SLOT = np.array([0.4, -0.3, 0.0])
TIES = np.array([0.2, 0.6, 0.6])


def world(instructions=250, seed=0, lineage=0.6, ties=True):
    """All pairs, both orders, three judges; judge j2 flatters model m1 by ``lineage``."""
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(4, 1)
    i, pair, order, judge = (
        g.ravel() for g in np.meshgrid(range(instructions), range(6), [0, 1], range(3), indexing="ij")
    )
    a, b = first[pair], second[pair]
    related = ((a == 1).astype(float) - (b == 1)) * (judge == 2)
    x = GAMMA[judge] * (THETA[a] - THETA[b] + lineage * related) + SLOT[judge] * (1 - 2 * order)
    weights = np.stack([np.exp(x / 2), TIES[judge] * ties, np.exp(-x / 2)])
    u = rng.random(len(x)) * weights.sum(axis=0)
    preference = np.where(u < weights[0], 1.0, np.where(u < weights[0] + weights[1], 0.5, 0.0))
    zeros = np.zeros(len(x), dtype=np.int32)
    table = VerdictTable(
        models=("m0", "m1", "m2", "m3"),
        instructions=tuple(f"i{n}" for n in range(instructions)),
        judges=("j0", "j1", "j2"),
        model_a=a.astype(np.int32),
        model_b=b.astype(np.int32),
        instruction=i.astype(np.int32),
        judge=judge.astype(np.int32),
        order=order.astype(np.int8),
        preference=preference,
        length_a=zeros,
        length_b=zeros,
    )
    return table, related


def test_recovery_of_every_term():
    table, related = world()
    fit = fit_judge_model(table, columns={"lineage": related})
    assert fit.not_identified == ()
    np.testing.assert_allclose(fit.theta, THETA, atol=0.12)
    assert fit.effects.estimate[0] == pytest.approx(0.6, abs=4 * fit.effects.standard_error[0])
    np.testing.assert_allclose(np.exp(fit.discrimination.estimate), GAMMA, rtol=0.15)
    np.testing.assert_allclose(fit.first_place.estimate, SLOT, atol=0.12)
    np.testing.assert_allclose(np.exp(fit.tie_tendency.estimate), TIES, rtol=0.2)
    assert fit.discrimination.estimate.sum() == pytest.approx(0, abs=0.01)


def test_leaving_lineage_out_flatters_the_related_model():
    table, related = world(lineage=1.5)
    assert fit_judge_model(table).theta[1] > fit_judge_model(table, columns={"lineage": related}).theta[1] + 0.1


def test_gradient_is_that_of_the_value():
    table, related = world(instructions=5)
    likelihood = _Likelihood(table, ("lineage",), related[:, None], Outcomes.of(table.preference))
    x = np.random.default_rng(0).normal(0, 0.3, likelihood.places["nu"].stop)
    numeric = approx_fprime(x, likelihood.value, 1e-6)
    np.testing.assert_allclose(likelihood.newton(x)[0], numeric, rtol=1e-3, atol=0.05)


def test_swapping_sides_changes_nothing():
    table, related = world(instructions=30)
    one = fit_judge_model(table, columns={"lineage": related})
    other = fit_judge_model(swapped(table), columns={"lineage": -related})
    np.testing.assert_allclose(one.theta, other.theta, atol=1e-7)
    np.testing.assert_allclose(one.first_place.estimate, other.first_place.estimate, atol=1e-7)
    np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-8)


def test_without_ties_there_is_no_tie_term():
    fit = fit_judge_model(world(instructions=40, ties=False)[0])
    assert np.isnan(fit.tie_tendency.estimate).all()
    assert fit.not_identified == ()


def test_one_judge_has_discrimination_one():
    table, _ = world(instructions=60)
    table = table.select(table.judge == 0)
    table = replace(table, judges=("j0",))
    fit = fit_judge_model(table)
    assert fit.discrimination.estimate == pytest.approx([0.0], abs=0.01)


def test_an_unknown_order_leaves_the_first_place_not_identified():
    table, _ = world(instructions=40)
    order = np.where(table.judge == 1, -1, table.order).astype(np.int8)
    fit = fit_judge_model(replace(table, order=order))
    assert fit.not_identified == ("first place: j1",)
    assert np.isnan(fit.first_place.estimate).tolist() == [False, True, False]


def test_a_column_that_models_explain_is_not_identified():
    table, _ = world(instructions=40)
    property_of = np.array([0.0, 1.0, 3.0, 2.0])
    fit = fit_judge_model(table, columns={"family": property_of[table.model_a] - property_of[table.model_b]})
    assert fit.not_identified == ("effect: family",)
    np.testing.assert_allclose(fit.theta, fit_judge_model(table).theta, atol=1e-9)


def test_a_model_without_a_verdict_has_no_rating():
    table, _ = world(instructions=20)
    fit = fit_judge_model(replace(table, models=(*table.models, "m4")))
    assert np.isnan(fit.theta).tolist() == [False] * 4 + [True]
    assert np.isnan(fit.covariance[4]).all()


def test_copies_of_verdicts_leave_errors_nearly_unchanged():
    table, _ = world(instructions=150)
    one, other = fit_judge_model(table), fit_judge_model(stacked(table, table))
    np.testing.assert_allclose(np.diag(one.covariance), np.diag(other.covariance), rtol=0.03)  # but for the priors


def test_bad_input_is_refused():
    table = table_of([("a", "b", 1.0)])
    with pytest.raises(StatisticsError, match="'x' must hold 1 finite"):
        fit_judge_model(table, columns={"x": np.array([np.nan])})
    with pytest.raises(StatisticsError, match="link all its models"):
        fit_judge_model(table.select(np.array([False])))
