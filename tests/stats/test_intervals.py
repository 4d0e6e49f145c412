"""Estimates with their intervals: their form, their limits and their coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.bradley_terry import Refits, bootstrap_ratings, fit_bradley_terry
from judgebench.stats.intervals import (
    ClusterSums,
    bootstrap_estimate,
    bounded_difference,
    bounded_ends,
    bounded_mean,
    cluster_error,
    critical_value,
    difference_estimate,
    influence_estimate,
    jackknife_estimate,
    normal_estimate,
    stratified_mean,
)
from judgebench.stats.verdict_table import PairCounts
from judgebench.stats.win_rate import bootstrap_win_rates, win_rates
from tests.stats.factories import World, stacked, table_of, tables


def test_golden_quantiles():
    # Standard tables of the normal and of Student's t distribution.
    assert critical_value(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert critical_value(0.90) == pytest.approx(1.644854, abs=1e-6)
    assert critical_value(0.95, degrees=9) == pytest.approx(2.262157, abs=1e-6)


def test_interval_states_level_and_method():
    interval = normal_estimate(0.5, 0.1, level=0.9)
    assert (interval.level, interval.method) == (0.9, "normal, clustered by instruction")
    assert normal_estimate(0.5, 0.1, degrees=4).method == "t(4), clustered by instruction"


def test_interval_is_clipped_to_its_bounds():
    interval = normal_estimate(0.98, 0.1, bounds=(0.0, 1.0))
    assert interval.upper == 1.0
    assert interval.lower == pytest.approx(0.98 - 0.1959964, abs=1e-6)


def test_unknown_standard_error_stays_unknown():
    interval = normal_estimate(0.5, math.nan)
    assert (interval.value, interval.lower, interval.upper) == (0.5, None, None)
    assert interval.reason == "fewer than two instructions"


def test_what_never_varied_has_no_interval():
    for error in (0.0, 1e-16):
        interval = normal_estimate(0.5, error)
        assert (interval.value, interval.lower, interval.upper, interval.method) == (0.5, None, None, "none")
        assert "never varied" in interval.reason


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_level_outside_its_range_is_refused(level):
    with pytest.raises(StatisticsError, match="strictly between 0 and 1"):
        critical_value(level)


def test_one_row_a_cluster_is_the_interval_of_agresti_and_coull_with_t():
    values = np.array([1.0] * 7 + [0.0] * 33)
    figure = bounded_mean(values, np.arange(40))
    t = critical_value(0.95, degrees=39)
    centre = (7 + t**2 / 2) / (40 + t**2)
    half = t * math.sqrt(centre * (1 - centre) / (40 + t**2))
    assert (figure.value, figure.n) == (7 / 40, 40)
    assert (figure.lower, figure.upper) == pytest.approx((centre - half, centre + half), abs=1e-12)


def test_of_many_clusters_it_is_the_interval_of_agresti_and_coull():  # golden: statsmodels, method agresti_coull
    values = np.array([1.0] * 700 + [0.0] * 33_300)
    figure = bounded_mean(values, np.arange(len(values)))
    expected = proportion_confint(700, 34_000, method="agresti_coull")
    assert (figure.lower, figure.upper) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("values", [[0.5] * 6, [0.909] * 4, [1.0, 1.0], [0.0] * 300])
def test_verdicts_that_are_alike_are_no_certainty(values):
    figure = bounded_mean(np.array(values), np.arange(len(values)))
    assert figure.upper - figure.lower > 3 / len(values) / 2


def test_of_one_stratum_a_stratified_mean_is_nearly_the_mean_of_bounded_values():
    values, clusters = np.array([1.0] * 60 + [0.0] * 20), np.arange(80) // 2
    one, plain = stratified_mean(values, clusters, np.zeros(80, dtype=int), np.ones(1)), bounded_mean(values, clusters)
    assert (one.value, one.n) == (plain.value, plain.n)
    assert one.ends == pytest.approx(plain.ends, abs=0.02)


def test_a_stratified_mean_weighs_strata_and_counts_what_varies_within_them():
    values, strata = np.array([1.0] * 40 + [0.0] * 40), np.arange(80) // 40
    apart = stratified_mean(values, np.arange(80), strata, np.array([0.75, 0.25]))
    assert apart.value == 0.75
    mixed = stratified_mean(values, np.arange(80), np.arange(80) % 2, np.array([0.5, 0.5]))
    assert mixed.upper - mixed.lower > 2 * (apart.upper - apart.lower) > 0
    shared = stratified_mean(
        np.tile([1.0, 1.0, 0.0], 20), np.arange(60) % 30, np.arange(60) // 30, np.array([0.5, 0.5])
    )
    alone = stratified_mean(np.tile([1.0, 1.0, 0.0], 20), np.arange(60), np.arange(60) // 30, np.array([0.5, 0.5]))
    assert shared.upper - shared.lower > 1.3 * (alone.upper - alone.lower)  # each cluster is in both, and alike there


def test_a_stratified_mean_of_single_clusters_has_no_interval():
    figure = stratified_mean(np.ones(2), np.arange(2), np.arange(2), np.array([0.5, 0.5]))
    assert (figure.value, figure.lower, figure.reason) == (1.0, None, "fewer than two instructions")
    with pytest.raises(StatisticsError, match="level"):
        stratified_mean(np.ones(4), np.arange(4), np.arange(4) // 2, np.array([0.5, 0.5]), level=1.0)


def test_one_cluster_has_no_interval():
    figure = bounded_mean(np.array([0.5, 0.7]), np.zeros(2, dtype=int))
    assert (figure.lower, figure.upper, figure.reason) == (None, None, "fewer than two instructions")


def test_clusters_of_unlike_sizes_have_fewer_degrees_of_freedom():
    sums = ClusterSums.of(np.zeros(4), np.array([2.0, 2.0, 2.0, 2.0]))
    uneven = ClusterSums.of(np.zeros(4), np.array([7.0, 1.0, 1.0, 1.0]))
    assert (sums.degrees, uneven.degrees) == (pytest.approx(3), pytest.approx(100 / 52 - 1))


def test_other_bounds_are_the_same_interval_on_another_scale():
    values = np.random.default_rng(3).random(12)
    one, other = (bounded_mean(values, np.arange(12)), bounded_mean(4 * values - 2, np.arange(12), bounds=(-2.0, 2.0)))
    assert (other.lower, other.upper) == pytest.approx((4 * one.lower - 2, 4 * one.upper - 2))


@pytest.mark.parametrize("n", [5, 10, 20, 50])
def test_coverage_of_few_soft_verdicts(n):  # recovery: one in ten clearly won, the others all but lost
    rng = np.random.default_rng(n)
    draws = np.where(rng.random((n, 3000)) < 0.1, rng.beta(8, 2, (n, 3000)), rng.beta(0.5, 20, (n, 3000)))
    lower, upper = bounded_ends(ClusterSums.of(draws, np.ones_like(draws)))
    truth = 0.1 * 0.8 + 0.9 * 0.5 / 20.5
    assert 0.94 <= np.mean((lower <= truth) & (truth <= upper)) <= 0.995
    width = {5: 0.70, 10: 0.45, 20: 0.29, 50: 0.17}
    assert (upper - lower).mean() <= width[n]


def test_an_interval_never_shrinks_to_a_point():
    figure = bounded_mean(np.zeros(20), np.arange(20))
    assert (figure.value, figure.lower) == (0.0, 0.0)
    assert 0.05 < figure.upper < 0.25


def test_copies_in_the_same_cluster_change_nothing():
    values = np.random.default_rng(0).integers(0, 2, 30).astype(float)
    once, twice = bounded_mean(values, np.arange(30)), bounded_mean(np.tile(values, 2), np.tile(np.arange(30), 2))
    assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper))


@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 4)), min_size=1, max_size=40))
def test_mean_lies_in_its_interval_within_the_bounds(rows):
    values, clusters = (np.array(column) for column in zip(*rows, strict=True))
    figure = bounded_difference(values, clusters)
    if len(set(clusters)) > 1:
        assert -1 <= figure.lower <= figure.value <= figure.upper <= 1
    else:
        assert figure.lower is None


def test_coverage_of_clustered_shares():  # recovery: beta-binomial clusters of five
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(60), 5)
    drawn = (bounded_mean((rng.random(300) < np.repeat(rng.beta(3, 1, 60), 5)) * 1.0, clusters) for _ in range(400))
    covered = np.mean([figure.lower <= 0.75 <= figure.upper for figure in drawn])
    assert 0.92 < covered < 0.985


@pytest.mark.parametrize("share", [0.7, 0.9, 0.98])
@pytest.mark.parametrize("n", [20, 50, 200])
def test_coverage_where_few_instructions_have_most_battles(n, share):  # recovery: one in ten has thirty, others one
    rng = np.random.default_rng(n)
    rows = rng.choice([1, 30], (n, 1500), p=[0.9, 0.1])
    won = rng.binomial(rows, rng.beta(2 * share, 2 * (1 - share), rows.shape))
    lower, upper = bounded_ends(ClusterSums.of(won * 1.0, rows * 1.0))
    assert np.mean((lower <= share) & (share <= upper)) > 0.93


@pytest.mark.parametrize("n", [10, 20, 50])
def test_coverage_where_soft_verdicts_repeat_each_other(n):  # recovery: a bad output loses to all twenty others
    rng = np.random.default_rng(n)
    drawn = np.where(rng.random((n, 1, 1500)) < 0.07, 0.2, 0.9) + rng.uniform(-0.03, 0.03, (n, 20, 1500))
    sums = ClusterSums.of(drawn.sum(axis=1), np.full((n, 1500), 20.0), (drawn**2).sum(axis=(0, 1)))
    lower, upper = bounded_ends(sums)
    assert np.mean((lower <= 0.851) & (upper >= 0.851)) > 0.94


@pytest.mark.parametrize("n", [5, 10, 20])
def test_coverage_of_differences_that_repeat_each_other(n):  # recovery: thirty battles an instruction, a tenth differ
    rng = np.random.default_rng(n)
    drawn = (np.repeat(rng.choice([1.0, -1.0, 0.0], n, p=[0.1, 0.03, 0.87]), 30) for _ in range(400))
    found = [bounded_difference(values, np.repeat(np.arange(n), 30)) for values in drawn]
    assert np.mean([one.lower <= 0.07 <= one.upper for one in found]) > 0.94


def test_rows_that_never_vary_weigh_as_much_as_their_clusters():
    values, clusters = np.full(400, 0.9), np.repeat(np.arange(10), 40)
    many, one = bounded_mean(values, clusters), bounded_mean(values[:10], clusters[::40])
    assert (many.lower, many.upper) == pytest.approx((one.lower, one.upper))


@pytest.mark.parametrize("size", [1, 15])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_rows_that_share_nothing_cost_no_width(size, share):  # recovery: clusters that are clusters in name alone
    rng = np.random.default_rng(6)
    clusters = np.repeat(np.arange(60), size)
    drawn = [bounded_mean((rng.random(len(clusters)) < share) * 1.0, clusters) for _ in range(400)]
    assert 0.91 < np.mean([figure.lower <= share <= figure.upper for figure in drawn]) < 0.985
    widths = [figure.upper - figure.lower for figure in drawn]
    assert np.median(widths) < 1.15 * 2 * 1.96 * np.sqrt(share * (1 - share) / len(clusters))


def test_the_first_contradiction_moves_an_interval_little():
    clusters = np.repeat(np.arange(50), 10)
    values = np.ones(500)
    sure = bounded_mean(values, clusters)
    values[0] = 0.0
    assert bounded_mean(values, clusters).lower == pytest.approx(sure.lower, abs=0.02)


def test_nothing_observed_is_not_identified():
    figure = bounded_mean(np.array([]), np.array([], dtype=int))
    assert (figure.value, figure.identified, figure.reason) == (None, False, "there is no observation")


def test_one_cluster_gives_a_value_without_an_interval():
    figure = normal_estimate(0.3, cluster_error(np.ones(5), np.zeros(5, dtype=int)), level=0.95, n=5)
    assert (figure.value, figure.lower, figure.identified) == (0.3, None, True)
    assert "fewer than two instructions" in figure.reason


def test_mapping_keeps_what_is_missing_missing():
    assert unidentified("why").mapped(np.exp) == unidentified("why")
    assert normal_estimate(0.0, 1.0, level=0.95, n=9).mapped(lambda x: x + 1).value == 1.0


def test_bootstrap_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(2).standard_normal(300)

    def mean(times):
        return float(np.average(values, weights=times))

    figure = bootstrap_estimate(mean, np.arange(300), rng=np.random.default_rng(3), resamples=1000)
    half = 1.96 * values.std() / np.sqrt(300)
    assert (figure.upper - figure.lower) / 2 == pytest.approx(half, rel=0.15)


def test_bootstrap_of_an_undefined_statistic():
    rng = np.random.default_rng(0)
    assert not bootstrap_estimate(lambda times: float("nan"), np.arange(5), rng=rng).identified
    halves = np.array([1.0, 0.0])

    def mean_of_both(times):
        return float(np.average(halves, weights=times)) if times.all() else float("nan")

    figure = bootstrap_estimate(mean_of_both, np.arange(2), rng=rng)
    assert (figure.value, figure.lower) == (0.5, None)
    with pytest.raises(StatisticsError, match="two resamples"):
        bootstrap_estimate(lambda times: 0.0, np.arange(5), rng=rng, resamples=1)


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


def test_a_jackknife_of_a_mean_is_its_t_interval():
    values = np.random.default_rng(0).normal(size=40)
    found = jackknife_estimate(
        lambda rows: float(values[rows].mean()), np.arange(40), np.zeros(0, int), rng=np.random.default_rng(0)
    )
    half = critical_value(0.95, 39) * values.std(ddof=1) / np.sqrt(40)
    assert (found.lower, found.upper) == pytest.approx((values.mean() - half, values.mean() + half))


def test_a_jackknife_without_a_second_cluster_or_a_value_says_so():
    rng, one = np.random.default_rng(0), np.zeros(5, int)
    assert jackknife_estimate(lambda rows: 0.5, one, np.arange(2), rng=rng).lower is None
    assert not jackknife_estimate(lambda rows: float("nan"), np.arange(5), np.arange(2), rng=rng).identified
    with pytest.raises(StatisticsError, match="two resamples"):
        jackknife_estimate(lambda rows: 0.5, np.arange(5), np.arange(2), rng=rng, most=1)


def test_newcombes_published_difference():
    # Newcombe 1998, table II, example (a): 56/70 - 48/80, method 10 from Wilson's intervals: .0524 to .3339.
    one, other = (wilson(*counts) for counts in ((56, 70), (48, 80)))
    found = difference_estimate(one, other)
    assert (found.value, found.lower, found.upper) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert difference_estimate(one, unidentified("nobody")).value is None


def wilson(count, n):
    z = critical_value(0.95)
    middle, half = (count + z**2 / 2) / (n + z**2), z * np.sqrt(count * (n - count) / n + z**2 / 4) / (n + z**2)
    return Estimate(count / n, middle - half, middle + half, 0.95, "Wilson", n)


def test_an_influence_is_clustered_by_t():
    values, clusters = np.array([0.0, 1.0, 2.0, 5.0]), np.array([0, 0, 1, 2])
    found = influence_estimate(2.0, (values - 2) / 4, clusters)
    kish = 4**2 / (2**2 + 1 + 1)
    half = critical_value(0.95, kish - 1) * cluster_error((values - 2) / 4, clusters)
    assert (found.lower, found.upper) == pytest.approx((2 - half, 2 + half))
