"""What a judge adds to people's taste, whatever its sharpness: recovery, false alarms, and what must not matter."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from judgebench.bias.effects import Effect, fit_effects, length_effect, place_effect
from judgebench.bias.self_preference import favour_beyond_people
from judgebench.bias.sharpness import beside_people
from judgebench.bias.taste import length, slopes
from tests.bias.factories import JudgedWorld
from tests.stats.factories import swapped

JUDGES = (1.0, 1.6, 3.0, 0.6)


def beyond(world, rng):
    table, human = world.board(rng)
    return length(table, human=human).slope.beyond_people


@pytest.mark.slow
@pytest.mark.parametrize("votes", [1, 10])
def test_a_judge_that_goes_by_peoples_quality_has_no_taste_however_sharp_it_is(votes):
    rng = np.random.default_rng(votes)
    figures = [beyond(JudgedWorld(votes=votes, sharpness=s, instructions=60), rng) for s in JUDGES for _ in range(25)]
    known = [figure for figure in figures if figure.identified]
    assert len(known) > 80
    assert np.mean([figure.excludes_zero for figure in known]) < 0.12
    assert np.mean([figure.value for figure in known]) == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("taste", [0.6, -0.6])
def test_a_taste_of_its_own_is_found_and_not_overstated(taste):
    rng = np.random.default_rng(2)
    figures = [beyond(JudgedWorld(votes=3, taste=taste), rng) for _ in range(25)]
    shown = [figure for figure in figures if figure.excludes_zero]
    assert len(shown) > 17
    assert {np.sign(figure.value) for figure in shown} == {np.sign(taste)}
    assert 0.5 * abs(taste) < abs(np.mean([f.value for f in figures if f.identified])) < 1.05 * abs(taste)


def test_a_strong_model_of_its_own_is_no_favour_and_a_favour_is_found():
    rng = np.random.default_rng(3)
    strong = JudgedWorld(own_strength=1.5, instructions=60)
    fair = [favour_beyond_people(*own(replace(strong, sharpness=s), rng)) for s in JUDGES for _ in range(20)]
    biased = [favour_beyond_people(*own(replace(strong, favour=1.0), rng)) for _ in range(20)]
    assert np.mean([figure.ends[0] > 0 for figure in fair if figure.identified]) < 0.1
    assert np.mean([figure.ends[0] > 0 for figure in biased if figure.identified]) > 0.6


def own(world, rng):
    table, human = world.board(rng)
    return table, "m0", human


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.floats(0.4, 3.0), st.sampled_from([-0.5, 0.5]))
def test_scaling_a_judge_leaves_the_sign_of_its_taste(seed, scale, taste):
    """People's log-odds without noise; the judge's are the same, with a taste, times any factor."""
    table, _ = JudgedWorld(instructions=60).board(np.random.default_rng(seed))
    column = length_effect(table).column
    quality = np.linspace(1, -1, 5)[table.model_a] - np.linspace(1, -1, 5)[table.model_b] + 0.8 * column
    noise = 0.1 * np.random.default_rng(seed).standard_normal(len(table))
    judge = replace(table, preference=expit(scale * (quality + taste * column) + noise))
    slope = length(judge, human=expit(quality)).slope
    assert slope.sharpness.value == pytest.approx(scale, rel=0.1)
    assert slope.beyond_people.value == pytest.approx(scale * taste, rel=0.15)
    assert slope.beyond_people.excludes_zero


def test_neither_the_names_of_models_nor_which_is_called_a_matter():
    table, human = JudgedWorld(instructions=40, votes=3).board(np.random.default_rng(4))
    one = length(table, human=human).slope.beyond_people
    renamed = replace(table, model_a=4 - table.model_a, model_b=4 - table.model_b)
    for other, theirs in ((renamed, human), (swapped(table), 1 - human)):
        figure = length(other, human=theirs).slope.beyond_people
        assert (figure.value, *figure.ends) == pytest.approx((one.value, *one.ends), abs=1e-7)


def test_it_is_the_judges_slope_less_its_sharpness_times_peoples():
    table, human = JudgedWorld(votes=3).board(np.random.default_rng(5))
    human = np.where(table.instruction < 70, human, np.nan)
    labelled = table.select(np.isfinite(human))
    slope = length(table, human=human).slope
    on_labelled = fit_effects(labelled, [length_effect(labelled), place_effect(labelled)]).log_odds("length")
    assert slope.beside_people.value == pytest.approx(on_labelled.value)
    by_hand = slope.beside_people.value - slope.sharpness.value * slope.of_people.value
    assert slope.beyond_people.value == pytest.approx(by_hand)
    assert slope.beyond_people.n == np.count_nonzero(length_effect(labelled).column)


def test_the_interval_is_that_of_the_delete_one_instruction_jackknife():
    table, human = JudgedWorld(instructions=80, votes=3).board(np.random.default_rng(6))
    whole = length(table, human=human).slope.beyond_people
    kept = [table.instruction != number for number in range(80)]
    left = np.array([length(table.select(k), human=human[k]).slope.beyond_people.value for k in kept])
    error = np.sqrt(79 / 80 * ((left - left.mean()) ** 2).sum())
    assert (whole.upper - whole.lower) / 2 == pytest.approx(1.99 * error, rel=0.12)


def test_every_feature_of_style_is_beside_peoples():
    rng = np.random.default_rng(7)
    table, human = JudgedWorld(votes=3, instructions=300).board(rng)
    lists = length_effect(table).column + 0.5 * rng.standard_normal(len(table))
    figures = slopes(table, [length_effect(table), Effect("lists", lists)], human=human)
    assert figures["length"].sharpness == figures["lists"].sharpness
    assert not figures["lists"].beyond_people.excludes_zero


def test_models_that_people_do_not_tell_apart_tell_no_sharpness():
    table, _ = JudgedWorld(instructions=30).board(np.random.default_rng(8))
    slope = length(table, human=np.full(len(table), 0.5)).slope
    assert "people do not tell these models apart enough" in slope.sharpness.reason
    assert slope.beyond_people.reason == slope.points_beyond_people.reason == slope.sharpness.reason
    assert slope.of_people.identified
    chance = np.random.default_rng(9).random(len(table)) < 0.5
    assert not length(table, human=chance * 1.0).slope.beyond_people.identified


def test_one_instruction_has_no_interval():
    table, human = JudgedWorld(instructions=1, models=6, spread=3.0).board(np.random.default_rng(10))
    assert length(table, human=human).slope.beyond_people.lower is None


def test_only_models_with_a_label_take_part():
    table, human = JudgedWorld(models=6).board(np.random.default_rng(11))
    few = np.where((table.model_a < 4) & (table.model_b < 4), human, np.nan)
    met = beside_people(table, few, [length_effect(table)]).met
    assert met.tolist() == [True] * 4 + [False] * 2
    apart = beside_people(table, np.where((table.model_a < 2) == (table.model_b < 2), human, np.nan), [])
    assert apart.connected(0).tolist() == [False, True, False, False, False, False]
