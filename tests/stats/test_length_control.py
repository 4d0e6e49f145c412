from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import spearmanr

from judgebench.errors import StatisticsError
from judgebench.leaderboard import Choices
from judgebench.leaderboard.build import build, estimate
from judgebench.stats.length_control import (
    ALPACA_EVAL,
    controlled_rate,
    controlled_win_rates,
    empirical_prior,
    fit_controlled,
)
from judgebench.stats.length_control.fits import ControlFit
from judgebench.stats.length_control.likelihood import Comparisons, compare_to_baseline
from judgebench.stats.win_rate import win_rates
from tests.stats import alpaca
from tests.stats.factories import stacked, swapped, table_of

RNG = np.random.default_rng


def world(abilities, slope=-1.5, instructions=300, seed=0, length_bias=None):
    """Comparisons with a known truth: slope of the length term, difficulties of standard deviation 1.2."""
    rng = RNG(seed)
    m = len(abilities)
    difficulty = 1.2 * rng.standard_normal(instructions)
    shift = np.zeros(m) if length_bias is None else np.asarray(length_bias)
    control = np.tanh(rng.standard_normal((m, instructions)) + shift[:, None])
    logits = np.asarray(abilities)[:, None] + difficulty + slope * control
    preference = (rng.random((m, instructions)) < expit(logits)).astype(float)
    data = Comparisons(
        models=tuple(f"m{i}" for i in range(m)),
        baseline="base",
        instructions=tuple(f"i{i}" for i in range(instructions)),
        controls=("length",),
        preference=preference,
        weight=np.ones((m, instructions)),
        control=control[:, :, None],
    )
    return data, expit(np.asarray(abilities)[:, None] + difficulty).mean(axis=1)


def test_control_is_baseline_minus_model_over_its_own_spread():
    table = table_of([("m", "base", 1.0, f"i{i}") for i in range(3)])
    lengths = np.array([10, 40, 10])
    table = replace(table, length_b=np.array([20, 20, 50], dtype=np.int32), length_a=lengths.astype(np.int32))
    if table.models[0] != "base":
        table = swapped(swapped(table))
    data = compare_to_baseline(table, baseline="base")
    delta = np.array([10.0, -20.0, 40.0])
    np.testing.assert_allclose(data.control[0, :, 0], np.tanh(delta / delta.std(ddof=1)))
    assert data.controls == ("length",)


def test_comparisons_do_not_depend_on_sides_or_copies():
    rng = RNG(0)
    table = table_of([(f"m{i % 3}", "base", float(y), f"i{i % 7}") for i, y in enumerate(rng.random(40))])
    table = replace(
        table, length_a=rng.integers(1, 99, 40).astype(np.int32), length_b=rng.integers(1, 99, 40).astype(np.int32)
    )
    one = compare_to_baseline(table, baseline="base")
    for other in (swapped(table), stacked(table, swapped(table))):
        again = compare_to_baseline(other, baseline="base")
        np.testing.assert_allclose(one.preference, again.preference, atol=1e-14)
        np.testing.assert_allclose(one.control, again.control, atol=1e-12)
        np.testing.assert_array_equal(one.weight, again.weight)


def test_constant_length_difference_is_no_control():
    table = table_of([("m", "base", float(i % 2), f"i{i}") for i in range(4)])
    assert not compare_to_baseline(table, baseline="base").control.any()


def test_a_prior_for_other_controls_is_refused():
    data, _ = world([0.0, 1.0, -1.0])
    with pytest.raises(StatisticsError, match="prior is for 1 controls"):
        fit_controlled(replace(data, controls=("length", "bold"), control=np.zeros((3, 300, 2))), ALPACA_EVAL)


def test_without_any_length_difference_the_rate_is_the_raw_one():
    data, _ = world([0.5, -0.5, 0.0, -1.5])
    flat = replace(data, control=np.zeros_like(data.control))
    fit = fit_controlled(flat, ALPACA_EVAL)
    raw = flat.preference.mean(axis=1)
    np.testing.assert_allclose(controlled_rate(fit, flat.weight), raw, atol=2e-4)  # the ability's weak prior


def test_an_always_losing_model_stays_finite_and_moves_nobody():
    data, _ = world([0.5, -0.5, 0.0, -1.5])
    lost = replace(data, preference=np.where(np.arange(4)[:, None] == 3, 0.0, data.preference))
    result = controlled_win_rates(lost, prior=ALPACA_EVAL, resamples=10, rng=RNG(0))
    assert np.isfinite(result.rate).all()
    assert 0 <= result.rate[-1] < 0.01
    assert (result.lower <= result.rate).all()
    assert (result.rate <= result.upper).all()


def test_baseline_is_a_half_and_keeps_its_place_among_the_names():
    data, _ = world([0.5, -0.5, 0.0])
    result = controlled_win_rates(data, prior=ALPACA_EVAL, resamples=5, rng=RNG(0))
    assert result.models == ("base", "m0", "m1", "m2")
    assert (result.rate[0], result.standard_error[0], result.lower[0], result.upper[0]) == (0.5, 0.0, 0.5, 0.5)


def test_few_models_leave_difficulties_out():
    data, _ = world([0.5, -0.5])
    fit = fit_controlled(data, ALPACA_EVAL)
    assert not fit.difficulty.any()
    assert not fit.sharpness.any()


def test_a_model_without_a_battle_has_no_rate():
    data, _ = world([0.5, -0.5, 0.0, 0.3])
    silent = replace(data, weight=data.weight * (np.arange(4) != 1)[:, None])
    result = controlled_win_rates(silent, prior=ALPACA_EVAL, resamples=5, rng=RNG(0))
    assert np.isnan(result.rate).tolist() == [False, False, True, False, False]
    without = replace(
        data,
        models=("m0", "m2", "m3"),
        weight=data.weight[[0, 2, 3]],
        preference=data.preference[[0, 2, 3]],
        control=data.control[[0, 2, 3]],
    )
    alone = controlled_win_rates(without, prior=ALPACA_EVAL, resamples=5, rng=RNG(0))
    np.testing.assert_allclose(result.rate[[1, 3, 4]], alone.rate[1:], atol=1e-9)


def test_same_seed_same_numbers():
    data, _ = world([0.5, -0.5, 0.0])
    one, other = (controlled_win_rates(data, prior=ALPACA_EVAL, resamples=5, rng=RNG(3)) for _ in range(2))
    np.testing.assert_array_equal(one.lower, other.lower)


@pytest.mark.parametrize("models", [1, 2, 4, 7])  # alone, half way, and shifted
@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_models_and_instructions_changes_nothing(models, random):
    data, _ = world(np.linspace(0.5, -1.5, models), instructions=60, length_bias=np.linspace(1, -0.5, models))
    rows, columns = (random.sample(range(size), size) for size in (models, 60))
    shuffled = replace(
        data,
        models=tuple(data.models[row] for row in rows),
        **{name: getattr(data, name)[rows][:, columns] for name in ("preference", "weight", "control")},
    )
    one, two = (controlled_win_rates(d, prior=ALPACA_EVAL, resamples=2, rng=RNG(0)) for d in (data, shuffled))
    np.testing.assert_allclose([one.rate[one.models.index(name)] for name in two.models], two.rate, atol=1e-8)


@pytest.mark.parametrize("models", [2, 7])
def test_every_verdict_twice_is_every_verdict_once(models):
    table = published(models)
    choices = Choices("length-controlled", baseline=alpaca.BASELINE, resamples=5)
    once, twice = (estimate(t, choices, baseline=alpaca.BASELINE) for t in (table, stacked(table, table)))
    np.testing.assert_allclose(once.value, twice.value, atol=1e-9)
    np.testing.assert_allclose(once.upper, twice.upper, atol=1e-6)


def published(models, *, judge=alpaca.JUDGE, instructions=60, share_longer=0.5):
    """Verdicts by AlpacaEval's judge against its baseline, whose outputs have 1000 characters."""
    rng = RNG(models)
    rows = [
        (f"m{m}", alpaca.BASELINE, float(rng.random() < 0.3), f"i{i}")
        for m in range(models)
        for i in range(instructions)
    ]
    table = replace(table_of(rows), judges=(judge,))
    longer = np.tile(np.arange(instructions) < share_longer * instructions, models)
    lengths = np.where(longer, 1000, -1000) * rng.random(len(rows)) + 1000
    known = np.where(table.model_a == table.models.index(alpaca.BASELINE), 1000, lengths).astype(np.int32)
    other = np.where(table.model_a == table.models.index(alpaca.BASELINE), lengths, 1000).astype(np.int32)
    return replace(table, length_a=known, length_b=other)


@pytest.mark.parametrize(
    ("models", "words"), [(1, "each model by itself"), (3, "half way between"), (6, "half way towards")]
)
def test_the_note_names_the_estimator_and_what_its_constants_were_measured_on(models, words):
    board = build(published(models), Choices("length-controlled", baseline=alpaca.BASELINE, resamples=2))
    assert words in board.notes[0]
    assert f"{alpaca.JUDGE} against {alpaca.BASELINE}" in board.notes[1]
    if models >= 3:
        other = published(models, judge="another")
        board = build(other, Choices("length-controlled", baseline=alpaca.BASELINE, resamples=2))
        assert "learnt from these models" in board.notes[1]


@pytest.mark.parametrize(
    ("share_longer", "marked"), [(0.0, True), (0.04, True), (0.06, False), (0.94, False), (0.96, True), (1.0, True)]
)
def test_a_model_whose_outputs_are_nearly_all_shorter_or_longer_is_marked(share_longer, marked):
    table = published(2, instructions=100, share_longer=share_longer)
    board = build(table, Choices("length-controlled", baseline=alpaca.BASELINE, resamples=2))
    flags = {row.model: row.flag for row in board.rows}
    assert flags == {"m0": "extrapolated" * marked, "m1": "extrapolated" * marked, alpaca.BASELINE: ""}
    side = "shorter" if share_longer < 0.5 else "longer"
    words = f"extrapolated: over 95% of the outputs of m0, m1 are {side} than those they met, so that"
    assert [note.startswith(words) for note in board.notes if "extrapolated" in note] == [True] * marked


@pytest.mark.parametrize("judge", [alpaca.JUDGE, "another"])
@pytest.mark.parametrize("instructions", [5, 20, 100])
def test_no_rate_is_surer_than_its_win_rate(judge, instructions):
    """Outputs are equally long here, so that both are of one thing: soft verdicts, few of which are won."""
    rng = RNG(instructions)
    rows = [
        (f"m{m}", alpaca.BASELINE, 0.01 + 0.98 * (rng.random() < 0.05), f"i{i}")
        for m in range(4)
        for i in range(instructions)
    ]
    table = replace(table_of(rows), judges=(judge,))
    plain, controlled = (
        {row.model: row for row in build(table, Choices(method, baseline=alpaca.BASELINE, resamples=20)).rows}
        for method in ("win-rate", "length-controlled")
    )
    for name, row in controlled.items():
        assert row.rating == pytest.approx(plain[name].rating, abs=0.01)
        assert row.upper - row.lower >= (plain[name].upper - plain[name].lower) * 0.9


def test_a_model_alone_whose_slope_is_the_usual_one_has_the_rate_it_would_have():
    held, errors = [], []
    for seed in range(20):
        data, _ = world([-1.2], slope=-1.0, seed=seed, length_bias=[1.0])
        plain = replace(data, preference=RNG(seed).binomial(1, expit(-1.2 - data.control[:, :, 0])).astype(float))
        result = controlled_win_rates(plain, prior=ALPACA_EVAL, resamples=40, rng=RNG(seed))
        held.append(result.lower[1] <= expit(-1.2) <= result.upper[1])
        errors.append(result.rate[1] - expit(-1.2))
    assert np.mean(held) >= 0.9
    assert abs(np.mean(errors)) < 0.015


def test_a_learnt_slope_leaves_open_how_much_of_it_is_the_judges():
    data, _ = world([0.8, 0.4, 0.0, -0.4], instructions=600, length_bias=[0.8, -0.8, 0.5, -0.5])
    prior = empirical_prior(data)
    ends = [controlled_win_rates(data, prior=p, resamples=2, rng=RNG(0)).rate for p in prior.shares()]
    result = controlled_win_rates(data, prior=prior, resamples=2, rng=RNG(0))
    np.testing.assert_allclose(result.least, np.min(ends, axis=0), atol=1e-7)
    np.testing.assert_allclose(result.most, np.max(ends, axis=0), atol=1e-7)
    assert (result.lower <= result.least).all()
    assert (result.most <= result.upper).all()


@pytest.mark.slow
@pytest.mark.shared
def test_golden_published_rates_lie_inside_whatever_the_judge_is_called():
    alpaca.needed()
    table, order = alpaca.verdicts()
    board = alpaca.official("official_leaderboard.csv")
    table = replace(table, arrival=order.astype(np.int32))
    choices = Choices("length-controlled", baseline=alpaca.BASELINE, resamples=20)
    for judges in ((alpaca.JUDGE,), ("another",)):
        rows = build(replace(table, judges=judges), choices).rows
        rates = {name: float(row["length_controlled_winrate"]) / 100 for name, row in board.items()}
        held = [row.lower <= rates[row.model] <= row.upper for row in rows if row.model in rates]
        assert np.mean(held) >= 0.95


def test_recovery_of_rates_that_length_distorts():
    abilities = [0.8, 0.4, 0.0, -0.4, -0.8, -1.2]
    data, truth = world(abilities, slope=-1.5, instructions=2000, length_bias=[0.8, -0.8, 0.5, -0.5, 0.0, 0.3])
    prior = empirical_prior(data)
    assert prior.difficulty_sd == pytest.approx(1.2, abs=0.25)
    rate = controlled_rate(fit_controlled(data, prior), data.weight)
    raw = data.preference.mean(axis=1)
    assert np.abs(rate - truth).max() < 0.035
    assert np.abs(rate - truth).max() < np.abs(raw - truth).max() / 4


def test_empirical_prior_needs_a_battle():
    data, _ = world([0.5, -0.5, 0.0])
    with pytest.raises(StatisticsError, match="no slope to learn from"):
        empirical_prior(replace(data, weight=np.zeros_like(data.weight)))


def test_order_must_name_every_instruction_once():
    data, _ = world([0.5, -0.5, 0.0], instructions=4)
    with pytest.raises(StatisticsError, match="each of the 4 instruction codes once"):
        controlled_win_rates(data, prior=ALPACA_EVAL, order=np.array([0, 1, 2, 2]), resamples=5, rng=RNG(0))


def test_order_changes_only_models_that_miss_instructions():
    data, _ = world([0.5, -0.5, 0.0], instructions=50)
    missing = data.weight.copy()
    missing[1, 3] = 0
    data = replace(data, weight=missing)
    joined = controlled_win_rates(data, prior=ALPACA_EVAL, resamples=5, rng=RNG(0))
    shifted = controlled_win_rates(data, prior=ALPACA_EVAL, order=np.arange(50), resamples=5, rng=RNG(0))
    same = joined.rate == pytest.approx(shifted.rate, abs=1e-12)
    assert not same
    np.testing.assert_allclose(joined.rate[[0, 1, 3]], shifted.rate[[0, 1, 3]], atol=1e-12)


@pytest.mark.slow
@pytest.mark.shared
def test_golden_alpaca_eval_board_without_its_tables():
    # The published length-controlled win rates; the bar is what the board itself moves by between refits. The largest
    # error was 1.3 while the difficulties' scale was read off these very models, which made others' rates too low.
    alpaca.needed()
    table, order = alpaca.verdicts()
    board = alpaca.official("official_leaderboard.csv")
    data = compare_to_baseline(table, baseline=alpaca.BASELINE)
    for places, mean, largest in ((order, 0.4, 1.5), (None, 0.7, 2.6)):
        result = controlled_win_rates(data, prior=ALPACA_EVAL, order=places, resamples=2, rng=RNG(0))
        pairs = np.array(
            [
                (100 * rate, float(board[name]["length_controlled_winrate"]))
                for name, rate in zip(result.models, result.rate, strict=True)
                if name in board
            ]
        )
        error = np.abs(pairs[:, 0] - pairs[:, 1])
        assert len(pairs) == 23
        assert error.mean() <= mean
        assert error.max() <= largest
        assert spearmanr(*pairs.T).statistic >= 0.993


@pytest.mark.slow
@pytest.mark.shared
def test_raw_rates_beside_the_controlled_ones_are_the_win_rates():
    alpaca.needed()
    table, _ = alpaca.verdicts()
    data = compare_to_baseline(table, baseline=alpaca.BASELINE)
    result = controlled_win_rates(data, prior=ALPACA_EVAL, resamples=2, rng=RNG(0))
    np.testing.assert_allclose(result.raw, win_rates(table, baseline=alpaca.BASELINE).rate, rtol=1e-12)


@pytest.mark.shared
def test_golden_published_coefficients_give_the_published_rates():
    # Only NullModel's published rate is not what its published coefficients say.
    alpaca.needed()
    board, weights = alpaca.official("official_leaderboard.csv"), alpaca.official("official_glm_weights.csv")
    names = [name for name in board if name in weights]
    length, sharpness, ability = (
        np.array([float(weights[name][column]) for name in names])
        for column in ("length", "instruction_difficulty", "ability")
    )
    difficulty = alpaca.difficulties()
    fit = ControlFit(length[:, None], sharpness, ability, difficulty, np.zeros(0))
    judged = np.array([int(board[name]["n_total"]) for name in names])  # the r-th row has the r-th difficulty
    rate = 100 * controlled_rate(fit, (np.arange(len(difficulty)) < judged[:, None]).astype(np.float64))
    published = np.array([float(board[name]["length_controlled_winrate"]) for name in names])
    others = [name for name, error in zip(names, np.abs(rate - published), strict=True) if error > 1e-6]
    assert (len(names), others) == (23, ["NullModel"])


@pytest.mark.shared
def test_golden_alpaca_eval_board_with_its_difficulties():
    # The prior alone, against the published rates: what the gamed-baseline rows did, it does.
    alpaca.needed()
    table, order = alpaca.verdicts()
    board = alpaca.official("official_leaderboard.csv")
    difficulty = np.empty(len(order))
    difficulty[order] = alpaca.difficulties()
    data = compare_to_baseline(table, baseline=alpaca.BASELINE)
    result = controlled_win_rates(data, prior=ALPACA_EVAL, order=order, difficulty=difficulty, resamples=2, rng=RNG(0))
    error = [
        abs(100 * rate - float(board[name]["length_controlled_winrate"]))
        for name, rate in zip(result.models, result.rate, strict=True)
        if name in board
    ]
    assert np.mean(error) < 0.15
    assert max(error) < 0.7


def test_given_difficulties_must_fit():
    data, _ = world([0.5, -0.5, 0.0], instructions=4)
    with pytest.raises(StatisticsError, match="difficulties must be 4 finite"):
        fit_controlled(data, ALPACA_EVAL, difficulty=np.zeros(3))
