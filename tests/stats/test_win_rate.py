from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError, UnknownName
from judgebench.stats.intervals import ClusterSums, bounded_ends, bounded_mean
from judgebench.stats.ranks import rank_sets
from judgebench.stats.verdict_table import average_battles
from judgebench.stats.win_rate import InstructionSums, pair_rates, win_rates
from tests.stats import alpaca
from tests.stats.factories import World, renamed, stacked, swapped, table_of, tables


def test_one_verdict_an_instruction_gives_the_plain_standard_error():
    y = np.random.default_rng(1).random(50)
    table = table_of([("m", "base", p, f"i{i}") for i, p in enumerate(y)])
    rates = win_rates(table, baseline="base")
    m = rates.models.index("m")
    assert rates.rate[m] == pytest.approx(y.mean(), rel=1e-14)
    assert rates.standard_error[m] == pytest.approx(y.std(ddof=1) / np.sqrt(50), rel=1e-13)


def test_baseline_is_a_half_by_definition():
    rates = win_rates(table_of([("a", "base", 1.0), ("a", "base", 0.0, "i1"), ("a", "c", 0.0)]), baseline="base")
    b = rates.models.index("base")
    assert (rates.rate[b], rates.standard_error[b], rates.battles[b]) == (0.5, 0.0, 2)


def test_battles_with_others_do_not_enter_the_rate_against_a_baseline():
    with_others = table_of([("a", "base", 1.0), ("c", "base", 0.5), ("a", "c", 0.0)])
    rates = win_rates(with_others, baseline="base")
    assert dict(zip(rates.models, rates.rate.tolist(), strict=True)) == {"a": 1.0, "base": 0.5, "c": 0.5}


def losses(rates):
    return rates.battles - rates.wins - rates.ties


def discrete_rate(rates):
    """As AlpacaEval counts it: ties half, however clear each battle was."""
    return (rates.wins + 0.5 * rates.ties) / rates.battles


def test_counts_and_discrete_rate():
    rows = [("a", "b", 1.0, "i0"), ("a", "b", 0.0, "i0"), ("a", "b", 0.8, "i1"), ("a", "b", 0.1, "i2")]
    rates = win_rates(table_of(rows))
    assert rates.battles.tolist() == [3, 3]
    assert rates.wins.tolist() == [1, 1]
    assert rates.ties.tolist() == [1, 1]  # the two orders of i0 disagree
    assert losses(rates).tolist() == [1, 1]
    assert discrete_rate(rates).tolist() == [0.5, 0.5]
    assert rates.rate == pytest.approx([(0.5 + 0.8 + 0.1) / 3, 1 - 1.4 / 3])


def test_a_model_without_a_battle_has_no_rate():
    rates = win_rates(table_of([("a", "b", 1.0)], models=["a", "b", "c"]))
    assert np.isnan(rates.rate[2])
    assert np.isnan(rates.standard_error[2])
    assert rates.battles.tolist() == [1, 1, 0]
    assert np.isnan(rates.standard_error[0])  # one instruction says nothing about its spread


def test_empty_table():
    empty = table_of([("a", "b", 1.0)]).select(np.array([False]))
    assert np.isnan(win_rates(empty).rate).all()


def test_unknown_baseline_is_named():
    with pytest.raises(UnknownName, match="gpt4"):
        win_rates(table_of([("a", "b", 1.0)]), baseline="gpt4")


@given(tables())
def test_duplicating_every_verdict_changes_nothing(table):
    once, twice = win_rates(table), win_rates(stacked(table, table))
    np.testing.assert_allclose(once.rate, twice.rate, rtol=1e-13)
    np.testing.assert_allclose(once.covariance, twice.covariance, rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(once.battles, twice.battles)


@given(tables(), st.randoms())
def test_swapping_sides_and_reordering_rows_change_nothing(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    one, other = win_rates(table), win_rates(swapped(table.select(np.array(order))))
    np.testing.assert_allclose(one.rate, other.rate, rtol=1e-13)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-9, atol=1e-15)


@pytest.mark.slow
@given(tables(), st.data())
def test_renaming_permutes_the_result(table, data):
    permutation = data.draw(st.permutations(range(len(table.models))))
    one, other = win_rates(table), win_rates(renamed(table, permutation))
    np.testing.assert_allclose(one.rate, other.rate[list(permutation)], rtol=1e-13)


@given(tables())
def test_wins_of_one_side_are_losses_of_the_other(table):
    rates = win_rates(table)
    assert rates.wins.sum() == losses(rates).sum()
    assert rates.battles.sum() == 2 * len(average_battles(table))


def test_recovery_of_the_spread_over_draws():
    world = World(np.array([0.6, 0.0, -0.6]), instructions=60, quality_noise=1.0)
    rng = np.random.default_rng(5)
    fits = [win_rates(world.table(rng)) for _ in range(200)]
    spread = np.std([f.rate for f in fits], axis=0, ddof=1)
    stated = np.mean([f.standard_error for f in fits], axis=0)
    np.testing.assert_allclose(stated, spread, rtol=0.15)


@pytest.mark.shared
def test_golden_alpaca_eval_win_rates_and_standard_errors():
    # alpaca_eval's published leaderboard, alpaca_eval_gpt4_turbo_fn_leaderboard.csv.
    alpaca.needed()
    table, _ = alpaca.verdicts()
    rates = win_rates(table, baseline=alpaca.BASELINE)
    board = alpaca.official("official_leaderboard.csv")
    for m, name in enumerate(rates.models):
        if name in board and name != alpaca.BASELINE:
            row = board[name]
            assert 100 * rates.rate[m] == pytest.approx(float(row["win_rate"]), abs=1e-6)
            assert 100 * rates.standard_error[m] == pytest.approx(float(row["standard_error"]), abs=1e-6)
            counts = [rates.wins[m], losses(rates)[m], rates.ties[m], rates.battles[m]]
            assert counts == [int(row[c]) for c in ("n_wins", "n_wins_base", "n_draws", "n_total")]
            assert 100 * discrete_rate(rates)[m] == pytest.approx(float(row["discrete_win_rate"]), abs=1e-9)


def test_codes_without_rows_do_not_matter():
    table = table_of([("a", "b", 1.0, "x"), ("b", "a", 0.4, "y")])
    wider = replace(table, instructions=(*table.instructions, "z"), models=(*table.models, "zz"))
    np.testing.assert_allclose(win_rates(wider).rate[:2], win_rates(table).rate)
    np.testing.assert_allclose(win_rates(wider).covariance[:2, :2], win_rates(table).covariance)


def duel(preferences, a="a", b="b"):
    """One verdict an instruction between two of three models."""
    rows = [(a, b, preference, f"i{n:04d}") for n, preference in enumerate(preferences)]
    return table_of(rows, models=("a", "b", "c"))


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_rates_mirror_and_lie_inside_their_intervals(preferences):
    found = pair_rates(duel(preferences))
    assert found.rate[0, 1] == pytest.approx(np.mean(preferences))
    assert found.rate[0, 1] + found.rate[1, 0] == pytest.approx(1)
    assert found.lower[0, 1] == pytest.approx(1 - found.upper[1, 0])
    assert found.lower[0, 1] - 1e-12 <= found.rate[0, 1] <= found.upper[0, 1] + 1e-12
    n = len(preferences)
    assert found.battles.tolist() == [[0, n, 0], [n, 0, 0], [0, 0, 0]]
    assert np.isnan([found.rate[0, 0], found.rate[0, 2], found.lower[0, 2]]).all()


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_a_duel_has_one_interval_wherever_it_is_shown(preferences):
    table = duel(preferences)
    pairs, alone = pair_rates(table), bounded_mean(np.array(preferences), np.arange(len(preferences)))
    for ends in (win_rates(table).sums.ends(0.95), win_rates(table, baseline="b").sums.ends(0.95)):
        np.testing.assert_allclose([end[0] for end in ends], [pairs.lower[0, 1], pairs.upper[0, 1]], atol=1e-12)
    np.testing.assert_allclose([pairs.lower[0, 1], pairs.upper[0, 1]], [alone.lower, alone.upper], atol=1e-12)


def test_one_instruction_gives_a_pair_no_interval():
    (row, _) = pair_rates(duel([0.7])).pairs()
    assert (row["win_rate"], row["lower"], row["upper"]) == (pytest.approx(0.7), None, None)


def test_the_baseline_is_known_and_a_model_of_one_instruction_is_not():
    sums = win_rates(table_of([("a", "base", 1.0), ("c", "base", 0.5), ("c", "base", 0.2, "i1")]), baseline="base").sums
    lower, upper = sums.ends(0.95)
    assert (lower[1], upper[1]) == (0.5, 0.5)
    assert np.isnan([lower[0], upper[0], sums.compared().covariance[0, 0]]).all()
    assert np.isfinite(sums.compared().covariance[1:, 1:]).all()


def test_rates_are_compared_with_one_instruction_won_and_one_lost():
    table = duel([1.0, 1.0, 0.4])
    compared = win_rates(table, baseline="b").sums.compared()
    rate = (2.4 + 1) / 5
    squares = 2 * (1 - rate) ** 2 + (0.4 - rate) ** 2 + rate**2 + (1 - rate) ** 2
    assert compared.value[0] == pytest.approx(rate)
    assert compared.covariance[0, 0] == pytest.approx(squares / 25)
    assert (compared.degrees[0], compared.degrees[1]) == (pytest.approx(2), np.inf)


def test_both_orders_of_a_battle_are_one_battle():
    found = pair_rates(table_of([("a", "b", 1.0), ("a", "b", 0.0)]))
    assert found.battles[0, 1] == 1
    assert found.rate[0, 1] == 0.5


def test_which_model_is_called_a_makes_no_difference():
    one, other = pair_rates(duel([0.9, 0.4])), pair_rates(duel([0.1, 0.6], a="b", b="a"))
    np.testing.assert_allclose(one.rate, other.rate)


def test_an_impossible_level_is_refused():
    with pytest.raises(StatisticsError):
        pair_rates(duel([1.0]), level=1.0)


BARS = {5: 0.70, 10: 0.45, 20: 0.29, 50: 0.16, 100: 0.11, 200: 0.071, 805: 0.034}  # mean width at most


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("n", BARS)
def test_recovery_of_coverage_on_draws_of_alpaca_eval(n):
    """Of 23 models' soft verdicts, drawn with replacement; the worst model's share has an error of half a point."""
    alpaca.needed()
    table, _ = alpaca.verdicts()
    won, battles = np.zeros((2, len(table.instructions), len(table.models)))
    won[table.instruction, table.model_a] = table.preference
    battles[table.instruction, table.model_a] = 1
    won, battles = won[:, battles.any(axis=0)], battles[:, battles.any(axis=0)]
    truth, rng, held, width = won.sum(axis=0) / battles.sum(axis=0), np.random.default_rng(n), [], []
    for _ in range(40):
        rows = rng.integers(0, len(won), (n, 50))
        lower, upper = bounded_ends(ClusterSums.of(won[rows], battles[rows]))
        held.append((lower <= truth) & (truth <= upper))
        width.append(upper - lower)
    by_model = np.concatenate(held).mean(axis=0)
    assert 0.94 <= by_model.mean() <= 0.993
    assert by_model.min() >= 0.92
    assert np.mean(width) <= BARS[n]


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10, 20, 50, 200])
@pytest.mark.parametrize("rates", [[0.5] * 4, [0.9] * 4, [0.8] * 10])
def test_recovery_equal_models_are_told_apart_no_more_often_than_stated(rates, n):
    rng, wrong = np.random.default_rng(n), 0
    for _ in range(300):
        rows = (rng.random((n, len(rates))) < rates) * 1.0
        sums = InstructionSums(tuple(map(str, rates)), rows, np.ones_like(rows), None)
        known = sums.compared()
        sets = rank_sets(known.value, known.covariance, degrees=known.degrees, rng=rng, draws=1000)
        wrong += sets.separated.any()
    assert wrong / 300 <= 0.085  # 5 % and three errors of 300 draws
