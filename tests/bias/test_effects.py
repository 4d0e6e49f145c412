"""Effects beside strengths, among them length and style, and the leaderboard as it would be without them."""

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

from judgebench.bias.effects import (
    Effect,
    counterfactuals,
    fit_effects,
    length,
    length_effect,
    place_effect,
    slopes,
    style_effect,
)
from judgebench.bias.relatives import relation_effects, relation_matrix
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.records import Lineage
from judgebench.stats.bradley_terry import fit_bradley_terry
from judgebench.stats.win_rate import win_rates
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


# the fourth of six models is longer by 1, and one judge has a relative
WORLD = BiasedWorld(
    strengths=(1.2, 0.72, 0.24, -0.24, -0.72, -1.2),
    slots=(0.4, -0.2, 0.0),
    length_slope=0.8,
    longer=(3, 1.0),
    related=((2, 2, 0.7),),
    instructions=120,
    noise=0.8,
)
LINEAGES = {f"m{m}": Lineage(family=f"f{m}") for m in range(6)} | {
    f"j{j}": Lineage(family=f"f{2 if j == 2 else j + 9}") for j in range(3)
}


def effects_of(table):
    relations = relation_matrix(table, ["j0", "j1", "j2"], LINEAGES)
    return [place_effect(table), length_effect(table), *relation_effects(table, relations)]


@pytest.fixture(scope="module")
def book():
    table = WORLD.table(np.random.default_rng(1))
    return table, counterfactuals(table, effects_of(table))


def by_name(found):
    return {entry.name: entry for entry in found.entries}


def test_as_judged_are_the_win_rates(book):
    table, found = book
    rates = dict(zip(table.models, win_rates(table).rate, strict=True))
    for row in found.together.board:
        assert row.win_rate.value == pytest.approx(rates[row.model], abs=2e-3)


def test_the_verbose_model_loses_its_place(book):
    _, found = book
    length = by_name(found)["length"]
    rows = {row.model: row for row in length.board}
    assert rows["m3"].change.upper < 0
    assert rows["m2"].change.lower > 0
    assert [row.model for row in found.together.board] == [f"m{m}" for m in range(6)]
    assert any(flip.startswith("without length, m2 would pass m3") for flip in length.flips) or rows["m3"].rank == 4


def test_effects_that_are_not_there_are_entered_and_remove_nothing(book):
    _, found = book
    same = by_name(found)["same"]
    assert (same.points.identified, same.board, same.flips) == (False, (), ())
    assert by_name(found)["family"].points.lower > 0


def test_win_rates_of_a_board_add_up(book):
    """All pairs meet equally often, so that the mean is one half with and without an effect."""
    for entry in (*book[1].entries, book[1].together):
        if entry.board:
            assert np.mean([row.without.value for row in entry.board]) == pytest.approx(0.5)
            assert sum(row.change.value for row in entry.board) == pytest.approx(0, abs=1e-9)


def test_calling_a_b_changes_no_leaderboard(book):
    table, found = book
    turned = swapped(table)
    other = counterfactuals(turned, effects_of(turned))
    for one, two in zip(found.entries, other.entries, strict=True):
        assert [r.model for r in one.board] == [r.model for r in two.board]
        assert [r.change.value for r in one.board] == pytest.approx([r.change.value for r in two.board], abs=1e-6)


def test_change_comes_back_at_the_nominal_rate():
    """Recovery: without length, win rates are those of the same world where the judge has no eye for length."""
    rng = np.random.default_rng(2)
    biased = BiasedWorld(strengths=(0.5, 0.0, -0.5), length_slope=0.8, longer=(1, 1.0), instructions=60)
    fair = replace(biased, length_slope=0.0)
    truth = win_rates(replace(fair, instructions=20_000).table(rng)).rate
    found = [counterfactuals(table, [length_effect(table)]) for table in (biased.table(rng) for _ in range(80))]
    for m in range(3):
        rows = [next(row for row in f.together.board if row.model == f"m{m}") for f in found]
        assert np.mean([row.without.value for row in rows]) == pytest.approx(truth[m], abs=0.012)
        assert np.mean([row.without.lower <= truth[m] <= row.without.upper for row in rows]) > 0.87


def test_false_alarms_are_nominal():
    rng = np.random.default_rng(3)
    world = BiasedWorld(strengths=(0.5, 0.0, -0.5), longer=(1, 1.0), instructions=60, noise=0.8)
    found = [counterfactuals(table, [length_effect(table)]) for table in (world.table(rng) for _ in range(200))]
    alarms = [row.change.excludes_zero for f in found for row in f.together.board if row.model == "m1"]
    assert 0.01 < np.mean(alarms) < 0.095


def test_a_judge_that_always_says_first_promotes_nobody():
    table = both_orders([("first", "first")] * 50)
    found = counterfactuals(table, [place_effect(table)])
    assert [row.win_rate.value for row in found.together.board] == pytest.approx([0.5, 0.5])
    assert [row.rank for row in found.together.board] == [1, 1]
    assert found.together.flips == ()


def test_against_a_baseline_only_its_battles_count():
    table = WORLD.table(np.random.default_rng(4))
    found = counterfactuals(table, [length_effect(table)], baseline="m5")
    rates = win_rates(table, baseline="m5")
    rows = {row.model: row for row in found.together.board}
    assert rows["m0"].win_rate.value == pytest.approx(rates.rate[0], abs=3e-3)
    assert found.verdicts == 5 * 120 * 3 * 2
    with pytest.raises(UnknownName, match="baseline"):
        counterfactuals(table, [], baseline="nobody")


def test_no_effect_and_one_instruction():
    table = both_orders([("first", "second"), ("tie", "tie")])
    found = counterfactuals(table, [])
    assert (found.entries, [row.change.value for row in found.together.board]) == ((), [0.0, 0.0])
    alone = counterfactuals(table.select(np.arange(2)), [Effect("x", np.array([1.0, 1.0]))])
    assert not alone.entries[0].points.identified
    assert alone.together.board[0].change.lower is None


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


def test_win_rates_as_judged_have_their_interval(book):
    table, found = book
    rates = win_rates(table)
    errors = dict(zip(table.models, rates.standard_error, strict=True))
    for row in found.together.board:
        half = 1.96 * errors[row.model]
        assert row.win_rate.upper - row.win_rate.lower == pytest.approx(2 * half, rel=0.1)
