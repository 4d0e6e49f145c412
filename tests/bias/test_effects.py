"""Effects beside strengths, among them length and style."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from judgebench.bias.effects import Effect, fit_effects, length, length_effect, place_effect, slopes, style_effect
from judgebench.errors import InputError, StatisticsError
from judgebench.stats.bradley_terry import fit_bradley_terry
from tests.bias.factories import BiasedWorld, both_orders, table_of
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
    with pytest.raises(StatisticsError, match="finite numbers"):
        fit_effects(table, [Effect("x", np.zeros(3))])
    with pytest.raises(StatisticsError, match="finite numbers"):
        fit_effects(table, [Effect("x", np.full(len(table), np.nan))])
    with pytest.raises(StatisticsError, match="no verdict to fit"):
        fit_effects(table.select(np.zeros(len(table), dtype=bool)), [])
    with pytest.raises(StatisticsError, match="there is no effect 'y'"):
        fit_effects(table, []).log_odds("y")


ALPACA = Path(__file__).parents[2].parent / "shared" / "data" / "alpaca_eval"


def test_shares_by_hand():
    lengths = ([100, 100, 500, 90], [300, 110, 100, 400])
    table = table_of(
        [0] * 4, [1] * 4, [0.0, 1.0, 0.5, 1.0], models=("a", "b"), instruction=[0, 1, 2, 3], order=[0, 1, 0, 1],
        lengths=lengths,
    )  # fmt: skip
    found = length(table, human=np.array([0.5, 0.5, 0.0, np.nan]))
    assert (found.prefers_longer.value, found.prefers_longer.n) == (pytest.approx((1 + 0.5 + 0) / 3), 3)
    assert found.prefers_longer_at_human_tie.value == 1.0
    assert found.excess_over_people.value == pytest.approx(((1 - 0.5) + (0.5 - 0.0)) / 2)
    assert length(table, margin=5).prefers_longer.n == 4


def test_without_people_nothing_is_said_about_them():
    found = length(BiasedWorld(instructions=20, length_slope=0.5).table(np.random.default_rng(0)))
    for figure in (found.excess_over_people, found.prefers_longer_at_human_tie, found.slope.beyond_people):
        assert (figure.value, figure.reason) == (None, "no battle has a human preference")
    assert found.slope.raw.identified


def test_calling_a_b_changes_nothing_in_length():
    table = BiasedWorld(instructions=20, length_slope=0.5).table(np.random.default_rng(1))
    human = (np.random.default_rng(2).random(len(table)) < 0.5) * 1.0
    one, other = length(table, human=human), length(swapped(table), human=1 - human)
    assert other.prefers_longer == one.prefers_longer
    assert other.excess_over_people.value == pytest.approx(one.excess_over_people.value)
    assert other.slope.beyond_people.value == pytest.approx(one.slope.beyond_people.value, abs=1e-7)


@pytest.mark.parametrize("slope", [0.0, 0.8])
def test_slope_comes_back_at_the_nominal_rate(slope):  # recovery, and false alarms with slope 0
    rng = np.random.default_rng(3)
    world = BiasedWorld(strengths=(0.8, 0.0, -0.8), slots=(0.4,), length_slope=slope, longer=(2, 1.0), instructions=60)
    figures = [length(world.table(rng)).slope.raw for _ in range(120)]
    assert np.mean([f.value for f in figures]) == pytest.approx(slope, abs=0.06)
    assert np.mean([f.lower <= slope <= f.upper for f in figures]) > 0.885


def test_what_people_like_as_well_is_no_bias():
    """People and the judge see the same quality, which grows with length: beyond people there is no slope left."""
    rng = np.random.default_rng(4)
    table = BiasedWorld(strengths=(0.0, 0.0), instructions=3000).table(rng)
    quality = 1.5 * length_effect(table).column + 0.8 * rng.standard_normal(len(table))
    table = replace(table, preference=(rng.random(len(table)) < expit(quality)) * 1.0)
    same = length(table, human=expit(quality)).slope
    assert same.raw.value == pytest.approx(same.of_people.value, abs=0.1)
    assert same.raw.lower > 1
    assert abs(same.beyond_people.value) < 0.2
    indifferent = length(table, human=np.full(len(table), 0.5)).slope
    assert indifferent.beyond_people.value == pytest.approx(same.raw.value, abs=1e-6)
    assert indifferent.of_people.value == pytest.approx(0, abs=1e-6)


def test_features_are_at_equal_others():
    rng = np.random.default_rng(5)
    table = BiasedWorld(strengths=(0.0, 0.0), length_slope=1.0, instructions=1500).table(rng)
    lists = length_effect(table).column + 0.5 * rng.standard_normal(len(table))
    found = slopes(table, [length_effect(table), Effect("lists", lists)])
    assert abs(found["lists"].raw.value) < 3 * (found["lists"].raw.upper - found["lists"].raw.value) / 1.96
    assert found["length"].raw.value == pytest.approx(1.0, abs=0.3)


def test_bad_input_is_refused():
    table = BiasedWorld(instructions=3).table(np.random.default_rng(6))
    for human in (np.zeros(2), np.full(len(table), 2.0)):
        with pytest.raises(InputError, match="human preferences must be"):
            length(table, human=human)
    with pytest.raises(InputError, match="must be finite and not negative"):
        style_effect("lists", np.array([-1.0]), np.array([0.0]))


@pytest.mark.shared
def test_gpt_4_turbo_prefers_the_longer_output(shared):
    """The share equals a direct count of the file; of a single model, so that strength is one number."""
    path = ALPACA / "claude-2" / "annotations.json.gz"
    if not path.is_file():
        pytest.skip("this model's annotations are not here")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in json.load(file) if row["preference"] is not None]
    kept = [row for row in rows if abs(len(row["output_1"]) - len(row["output_2"])) > 30]
    count = sum(
        p if len(row["output_2"]) > len(row["output_1"]) else 1 - p for row in kept for p in [row["preference"] - 1]
    )
    table = table_of(
        np.zeros(len(rows)), np.ones(len(rows)), [2 - row["preference"] for row in rows], models=("base", "model"),
        instruction=np.arange(len(rows)), order=np.full(len(rows), -1),
        lengths=([len(row["output_1"]) for row in rows], [len(row["output_2"]) for row in rows]),
    )  # fmt: skip
    found = length(table)
    assert found.prefers_longer.n == len(kept)
    assert found.prefers_longer.value == pytest.approx(count / len(kept))
    assert found.slope.raw.lower > 0
