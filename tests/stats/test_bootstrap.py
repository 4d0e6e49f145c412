import numpy as np
import pytest
from hypothesis import given

from judgebench.errors import StatisticsError
from judgebench.stats.bradley_terry import Refits, bootstrap_ratings, fit_bradley_terry
from judgebench.stats.verdict_table import PairCounts
from judgebench.stats.win_rate import bootstrap_win_rates, win_rates
from tests.stats.factories import World, stacked, table_of, tables

RNG = np.random.default_rng


def world():
    return World(np.array([0.7, 0.0, -0.7]), instructions=80, ties=0.1).table(RNG(0))


def test_spread_equals_the_clustered_standard_error():
    table = world()
    ratings = bootstrap_ratings(table, resamples=600, rng=RNG(1))
    np.testing.assert_allclose(ratings.standard_error, fit_bradley_terry(table).standard_error, rtol=0.1)
    rates = bootstrap_win_rates(table, baseline="m1", resamples=600, rng=RNG(1))
    np.testing.assert_allclose(rates.standard_error, win_rates(table, baseline="m1").standard_error, rtol=0.1)
    assert (rates.draws[:, 1] == 0.5).all()


def test_intervals_hold_the_estimate_and_name_their_method():
    table = world()
    boot, fit = bootstrap_ratings(table, level=0.9, resamples=200, rng=RNG(1)), fit_bradley_terry(table)
    assert ((boot.lower < fit.theta) & (fit.theta < boot.upper)).all()
    assert (boot.level, boot.method) == (0.9, "percentile bootstrap over instructions")
    assert boot.draws.shape == (200, 3)


def test_same_seed_same_draws_and_copies_of_verdicts_change_nothing():
    table = world()
    one, other = (bootstrap_ratings(t, resamples=20, rng=RNG(7)) for t in (table, stacked(table, table)))
    np.testing.assert_allclose(one.draws, other.draws, atol=1e-8)


def test_undefeated_models_stay_finite_in_every_resample():
    rows = [("a", "b", float(i % 2), f"i{i}") for i in range(8)] + [("c", "a", 1.0, f"i{i}") for i in range(8)]
    table = table_of(rows, models=["a", "b", "c", "d"])
    boot = bootstrap_ratings(table, resamples=50, rng=RNG(0))
    assert np.isfinite(boot.draws[:, :3]).all()
    assert np.isnan(boot.draws[:, 3]).all()


@pytest.mark.parametrize("resamples", [1, 0, -5])
def test_too_few_resamples_are_refused(resamples):
    with pytest.raises(StatisticsError, match="at least two"):
        bootstrap_win_rates(world(), resamples=resamples, rng=RNG(0))
    with pytest.raises(StatisticsError, match="at least two"):
        bootstrap_ratings(world(), resamples=resamples, rng=RNG(0))


@given(tables())
def test_batched_refits_equal_single_ones(table):
    counts = PairCounts.of(table)
    refits = Refits.of(counts, table)
    rng = RNG(0)
    met = counts.verdicts[refits.first, refits.second] * rng.uniform(0.5, 2.0, (3, len(refits.first)))
    won = met * counts.wins[refits.first, refits.second] / counts.verdicts[refits.first, refits.second]
    batch = refits.ratings(won, met)
    for row, w, n in zip(batch, won, met, strict=True):
        np.testing.assert_allclose(
            row[refits.graph.part >= 0], refits._in_full(w, n)[refits.graph.part >= 0], atol=1e-5
        )
