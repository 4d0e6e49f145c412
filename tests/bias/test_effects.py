"""Effects beside strengths, among them length and style, and the leaderboard as it would be without them."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from judgebench.bias.effects import Effect, Fits, fit_effects, length_effect, place_effect
from judgebench.bias.relatives import relation_effects, relation_matrix
from judgebench.errors import StatisticsError
from judgebench.stats.bradley_terry import fit_bradley_terry
from tests.bias.factories import LINEAGES, WORLD, BiasedWorld, both_orders, table_of
from tests.stats.factories import swapped


def test_without_effects_it_is_bradley_terry():
    table = BiasedWorld(instructions=100, noise=0.8).table(np.random.default_rng(1))
    fit, ratings = fit_effects(table, []), fit_bradley_terry(table)
    assert fit.theta == pytest.approx(ratings.theta, abs=5e-3)  # the prior draws a little
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(ratings.standard_error, rel=2e-2)


def test_coefficients_and_errors_are_those_of_a_logistic_regression():  # golden: statsmodels, clustered covariance
    table = BiasedWorld(strengths=(0.4, -0.4), slots=(0.5,), length_slope=0.6, instructions=400).table(
        np.random.default_rng(2)
    )
    fit = fit_effects(table, [place_effect(table), length_effect(table)])
    columns = np.column_stack([np.ones(len(table)), place_effect(table).column, length_effect(table).column])
    model = sm.GLM(table.preference, columns, family=sm.families.Binomial())
    expected = model.fit(cov_type="cluster", cov_kwds={"groups": table.instruction, "use_correction": False})
    for at, name in ((1, "position"), (2, "length")):
        figure = fit.log_odds(name)
        assert figure.value == pytest.approx(expected.params[at], rel=2e-2)
        assert (figure.upper - figure.lower) / 3.919928 == pytest.approx(expected.bse[at], rel=2e-2)


def test_calling_a_b_changes_nothing():
    table = BiasedWorld(slots=(0.5,), length_slope=0.6, instructions=30).table(np.random.default_rng(3))
    turned = swapped(table)
    one = fit_effects(table, [place_effect(table), length_effect(table)])
    other = fit_effects(turned, [place_effect(turned), length_effect(turned)])
    assert other.beta == pytest.approx(one.beta, abs=1e-7)
    assert other.covariance == pytest.approx(one.covariance, abs=1e-7)


@given(st.floats(1e-4, 1e4))
def test_the_unit_of_a_column_does_not_matter(factor):
    table = BiasedWorld(strengths=(0.5, 0.0), length_slope=0.5, instructions=30).table(np.random.default_rng(4))
    length = length_effect(table)
    one = fit_effects(table, [length])
    other = fit_effects(table, [Effect("length", length.column * factor, length.unit * factor)])
    assert other.log_odds("length").value * factor == pytest.approx(one.log_odds("length").value, rel=1e-6)
    assert other.points("length").lower == pytest.approx(one.points("length").lower, abs=1e-8)


def test_two_columns_that_say_the_same_are_not_identified():
    table = BiasedWorld(instructions=30).table(np.random.default_rng(5))
    place = place_effect(table)
    fit = fit_effects(table, [place, Effect("copy", 2 * place.column), length_effect(table)])
    assert [fit.log_odds(name).identified for name in ("position", "copy", "length")] == [False, False, True]


def test_a_column_of_the_models_is_not_identified():
    table = BiasedWorld(instructions=30).table(np.random.default_rng(6))
    column = (table.model_a == 2) * 1.0 - (table.model_b == 2)
    assert not fit_effects(table, [Effect("kin", column)]).log_odds("kin").identified


def test_an_empty_column_says_that_no_verdict_has_it():
    table = BiasedWorld(instructions=5).table(np.random.default_rng(7))
    figure = fit_effects(table, [Effect("none", np.zeros(len(table)))]).log_odds("none")
    assert (figure.n, figure.reason) == (0, "no verdict has it")


def test_a_fit_begun_at_another_ends_where_one_begun_at_nought_does():
    world = BiasedWorld(slots=(0.5, 0.3), length_slope=0.6, related=((0, 2, 0.9),), instructions=40)
    table = world.table(np.random.default_rng(10))
    place, length = place_effect(table), length_effect(table)
    relations = relation_effects(table, relation_matrix(table, ["j0", "j1"], LINEAGES))
    fits = Fits(table)
    for effects in ([place, length, *relations], [length, place], [place], [length, place]):
        one, other = fits.fit(effects), fit_effects(table, effects)
        assert one.effects == tuple(effects)
        assert one.told.tolist() == other.told.tolist()
        np.testing.assert_allclose(one.beta, other.beta, atol=1e-9)
        np.testing.assert_allclose(one.influence, other.influence, atol=1e-9)


def test_a_column_that_no_verdict_has_changes_nothing_and_asks_for_no_other_fit():
    table = BiasedWorld(slots=(0.5,), length_slope=0.6, instructions=30).table(np.random.default_rng(11))
    place, length, empty = place_effect(table), length_effect(table), Effect("none", np.zeros(len(table)))
    fits = Fits(table)
    plain, padded = fits.fit([place, length]), fits.fit([length, empty, place])
    k = len(table.models)
    assert padded.beta.tolist() == [*plain.theta, plain.beta[k + 1], 0.0, plain.beta[k]]
    assert padded.influence[:, k:].tolist() == np.insert(plain.influence[:, [k + 1, k]], 1, 0.0, axis=1).tolist()
    assert padded.told.tolist() == [True, False, True]
    assert padded.design.effects.T.tolist() == [length.column.tolist(), empty.column.tolist(), place.column.tolist()]
    assert len(fits._made) == 1


def test_separated_data_are_not_identified():
    table = both_orders([("first", "first")] * 3)
    figure = fit_effects(table, [place_effect(table)]).log_odds("position")
    assert (figure.value, figure.identified) == (None, False)


def test_one_order_only_is_not_identified():
    table = BiasedWorld(instructions=10).table(np.random.default_rng(8))
    table = table.select(table.order == 0)
    figure = fit_effects(table, [place_effect(table)]).log_odds("position")
    assert (figure.value, figure.reason) == (None, "each pair of models was shown in one order only")


def test_an_unknown_order_is_not_identified():
    table = BiasedWorld(instructions=3).table(np.random.default_rng(8))
    table = replace(table, order=np.full(len(table), -1, dtype=np.int8))
    reason = fit_effects(table, [place_effect(table)]).log_odds("position").reason
    assert reason == "the verdicts do not tell which output was shown first"


def test_bad_columns_are_refused():
    table = BiasedWorld(instructions=5).table(np.random.default_rng(9))
    with pytest.raises(StatisticsError, match="finite number for each of"):
        fit_effects(table, [Effect("x", np.zeros(3))])
    with pytest.raises(StatisticsError, match="finite number for each of"):
        fit_effects(table, [Effect("x", np.full(len(table), np.nan))])
    with pytest.raises(StatisticsError, match="no verdict to fit"):
        fit_effects(table.select(np.zeros(len(table), dtype=bool)), [])
    with pytest.raises(StatisticsError, match="there is no effect 'y'"):
        fit_effects(table, []).log_odds("y")


def effects_by_judge(table):
    place = place_effect(table)
    slots = [Effect(f"position {j}", place.column * (table.judge == j)) for j in range(3)]
    relations = relation_matrix(table, ["j0", "j1", "j2"], LINEAGES)
    return [*slots, length_effect(table), *relation_effects(table, relations)]


@pytest.mark.slow
def test_all_effects_of_the_fixture_come_back_at_the_nominal_rate():
    """Recovery with noise that an instruction and a model share, against the marginal truth of a large draw."""
    rng = np.random.default_rng(5)
    names = ["position 0", "position 1", "position 2", "length", "family"]
    large = replace(WORLD, instructions=3000).table(rng)
    marginal = fit_effects(large, effects_by_judge(large))
    truth = {name: marginal.log_odds(name).value for name in names}
    # another implementation's fit of this fixture: slots .35 / -.17 / -.02 (se .02), lineage .53 (se .04)
    slots = [truth[f"position {j}"] for j in range(3)]
    assert slots == pytest.approx([0.35, -0.17, -0.02], abs=0.04)
    assert truth["family"] == pytest.approx(0.53, abs=0.08)
    fits = [fit_effects(table, effects_by_judge(table)) for table in (WORLD.table(rng) for _ in range(60))]
    for name in names:
        figures = [fit.log_odds(name) for fit in fits]
        assert np.mean([f.lower <= truth[name] <= f.upper for f in figures]) >= 0.85
        values, of_truth = np.array([f.value for f in figures]), marginal.log_odds(name)
        spread = np.hypot(values.std() / np.sqrt(60), (of_truth.upper - of_truth.lower) / 3.92)
        assert abs(values.mean() - truth[name]) < 3.5 * spread


@pytest.mark.parametrize("instructions", [2, 5, 20, 100])
def test_an_effect_that_was_always_seen_is_no_surer_than_a_share_that_was(instructions: int) -> None:
    """Clopper and Pearson leave .025^(1/n) of a share n of n: of names that follow the place, or the longer output."""
    first, second = np.triu_indices(3, 1)
    i, pair, order = (x.ravel() for x in np.meshgrid(range(instructions), range(3), [0, 1], indexing="ij"))
    longer = np.where((i + pair) % 2, 200, 100)
    codes = {"models": ["a", "b", "c"], "instruction": i, "order": order, "lengths": (longer, 300 - longer)}
    by_place = table_of(first[pair], second[pair], 1.0 - order, **codes)
    by_length = table_of(first[pair], second[pair], np.where(longer > 150, 1.0, 0.0), **codes)
    for table, effect in ((by_place, place_effect(by_place)), (by_length, length_effect(by_length))):
        points = fit_effects(table, [effect]).points(effect.name)
        assert points.value is not None
        assert points.lower is None or points.lower <= 0.025 ** (1 / instructions) / 2 < points.value
