from dataclasses import replace

import choix
import evalica
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError
from judgebench.stats.bradley_terry import doubt, effective_clusters, fit_bradley_terry, fit_pair_counts
from judgebench.stats.bradley_terry.covariates import rating_estimates
from judgebench.stats.verdict_table import PairCounts
from tests.stats.factories import World, renamed, stacked, swapped, table_of, tables

FIT = {"rtol": 1e-7, "atol": 1e-8}


def world(seed=0, **options):
    strengths = np.array([0.9, 0.4, 0.0, -0.4, -0.9])
    return World(strengths, **{"instructions": 40, "ties": 0.2, **options}).table(np.random.default_rng(seed))


def test_two_models_have_the_log_odds_of_their_win_rate():
    table = table_of([("a", "b", y, f"i{i}") for i, y in enumerate([1.0] * 7 + [0.0] * 2 + [0.5] * 2)])
    ratings = fit_bradley_terry(table)
    assert ratings.theta[0] - ratings.theta[1] == pytest.approx(np.log(8 / 3), rel=1e-10)
    # The delta method for a mean: sd(ddof=1)/sqrt(n) over p(1-p).
    expected = table.preference.std(ddof=1) / np.sqrt(11) / (8 / 11 * 3 / 11)
    assert 2 * ratings.standard_error[0] == pytest.approx(expected, rel=1e-9)


def test_one_more_instruction_half_won_and_half_lost():
    table = table_of([("a", "b", y, f"i{i}") for i, y in enumerate([1.0, 1.0, 0.4])])
    known = fit_bradley_terry(table, imagined=True)
    rate = 2.9 / 4
    assert known.theta[0] - known.theta[1] == pytest.approx(np.log(rate / (1 - rate)))
    residual = np.array([1 - rate, 1 - rate, 0.4 - rate])
    meat = (residual**2).sum() * 3 / 2 + (rate**2 + (1 - rate) ** 2) / 2
    assert 2 * known.standard_error[0] == pytest.approx(np.sqrt(meat) / (4 * rate * (1 - rate)))


@given(tables())
def test_it_moves_no_flag_and_copies_of_verdicts_no_interval(table):
    once, twice = (fit_bradley_terry(verdicts, imagined=True) for verdicts in (table, stacked(table, table)))
    assert once.flags == fit_bradley_terry(table).flags
    np.testing.assert_allclose(once.theta, twice.theta, rtol=1e-6, atol=1e-6)


def test_verdicts_that_are_alike_are_no_certainty():
    for preference in (0.5, 0.909):
        table = table_of([("a", "b", preference, f"i{i}") for i in range(6)])
        assert fit_bradley_terry(table).standard_error[0] == pytest.approx(0, abs=1e-7)
        assert fit_bradley_terry(table, imagined=True).standard_error[0] > 0.05
        assert np.sqrt(doubt(table)[0, 0]) > 0.05


def test_clusters_of_unlike_sizes_tell_less():
    even = table_of([("a", "b", 1.0, f"i{i}") for i in range(4)] * 2)
    uneven = table_of([("a", "b", 1.0, f"i{i}") for i in (0, 0, 0, 0, 0, 1, 2, 3)])
    assert effective_clusters(even, "instruction").tolist() == [4, 4]
    assert effective_clusters(uneven, "instruction") == pytest.approx([64 / 28, 64 / 28])
    assert effective_clusters(uneven, "verdict").tolist() == [8, 8]
    assert effective_clusters(uneven, "both").tolist() == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("instructions", [3, 5, 10, 20])
def test_recovery_of_coverage_with_few_instructions(instructions):
    strengths = np.linspace(1.0, -1.0, 5)
    many = World(strengths, instructions=20_000, quality_noise=1.0)
    truth = fit_bradley_terry(many.table(np.random.default_rng(0))).theta
    few, rng, held = replace(many, instructions=instructions), np.random.default_rng(1), []
    for _ in range(120):
        table = few.table(rng)
        degrees = effective_clusters(table, "instruction") - 1
        known = rating_estimates(fit_bradley_terry(table), fit_bradley_terry(table, imagined=True), degrees, 0.95)
        held.append((known.lower <= truth) & (truth <= known.upper))
    assert np.mean(held) >= 0.93


def test_equals_evalica_and_choix():
    table = world()
    ratings = fit_bradley_terry(table)
    names = np.array(table.models)
    winner = [
        evalica.Winner.X if y == 1 else evalica.Winner.Y if y == 0 else evalica.Winner.Draw for y in table.preference
    ]
    peer = evalica.bradley_terry(names[table.model_a].tolist(), names[table.model_b].tolist(), winner, tolerance=1e-12)
    theirs = np.log(peer.scores[list(names)].to_numpy())
    np.testing.assert_allclose(ratings.theta, theirs - theirs.mean(), atol=6e-9)  # 1e-6 of an Elo point
    doubled = [
        pair
        for a, b, y in zip(table.model_a.tolist(), table.model_b.tolist(), table.preference, strict=True)
        for pair in [(a, b)] * int(2 * y) + [(b, a)] * int(2 - 2 * y)
    ]
    np.testing.assert_allclose(ratings.theta, choix.opt_pairwise(5, doubled, method="Newton-CG", tol=1e-12), atol=1e-6)


@pytest.mark.parametrize("cluster", ["instruction", "verdict"])
def test_covariance_equals_statsmodels(cluster):
    table = world()
    x = np.zeros((len(table), 5))
    x[np.arange(len(table)), table.model_a] = 1
    x[np.arange(len(table)), table.model_b] = -1
    groups = table.instruction if cluster == "instruction" else np.arange(len(table))
    glm = sm.GLM(table.preference, x[:, :-1], family=sm.families.Binomial())
    fit = glm.fit(tol=1e-14, cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
    g = len(np.unique(groups))
    centre = (np.eye(5) - 1 / 5)[:, :-1]
    expected = centre @ fit.cov_params() @ centre.T * g / (g - 1)
    np.testing.assert_allclose(fit_bradley_terry(table, cluster=cluster).covariance, expected, rtol=1e-7, atol=1e-12)


def test_two_way_clusters_add_and_subtract():
    table = world()
    rng = np.random.default_rng(2)

    table = replace(table, judges=("j0", "j1", "j2"), judge=rng.integers(0, 3, len(table)).astype(np.int32))
    pairs = replace(
        table, instruction=(table.instruction * 3 + table.judge), instructions=tuple(f"p{i}" for i in range(120))
    )
    by = {c: fit_bradley_terry(table, cluster=c).covariance for c in ("instruction", "judge", "both")}
    inclusion = by["instruction"] + by["judge"] - fit_bradley_terry(pairs).covariance
    values, vectors = np.linalg.eigh(by["both"])
    assert values.min() > -1e-12
    if np.linalg.eigvalsh(inclusion).min() > -1e-12:
        np.testing.assert_allclose(by["both"], inclusion, atol=1e-12)
    assert vectors.shape == (5, 5)


def test_unknown_cluster_is_refused():
    with pytest.raises(StatisticsError, match="cluster must be"):
        fit_bradley_terry(world(), cluster="prompt")


def test_counts_alone_equal_rows_as_their_own_clusters():
    table = world()
    rows, counts = fit_bradley_terry(table, cluster="verdict"), fit_pair_counts(PairCounts.of(table))
    np.testing.assert_allclose(rows.theta, counts.theta, rtol=1e-10)
    n = len(table)
    np.testing.assert_allclose(rows.covariance * (n - 1) / n, counts.covariance, rtol=1e-9, atol=1e-14)


@pytest.mark.slow
@given(tables())
def test_ratings_are_finite_where_there_are_battles(table):
    ratings = fit_bradley_terry(table)
    silent = np.array([flag == "no battles" for flag in ratings.flags])
    assert np.isfinite(ratings.theta[~silent]).all()
    assert np.isnan(ratings.theta[silent]).all()
    assert (ratings.component[silent] == -1).all()


@given(tables())
def test_unflagged_ratings_sum_to_zero_in_each_component(table):
    ratings = fit_bradley_terry(table)
    for label in set(ratings.component.tolist()) - {-1}:
        members = ratings.component == label
        core = members & np.array([flag == "" for flag in ratings.flags])
        assert ratings.theta[core if core.any() else members].sum() == pytest.approx(0, abs=1e-8)


@given(tables(), st.randoms())
def test_swapping_sides_and_reordering_rows_change_nothing(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    one, other = fit_bradley_terry(table), fit_bradley_terry(swapped(table.select(np.array(order))))
    np.testing.assert_allclose(one.theta, other.theta, **FIT)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-5, atol=1e-8)
    assert one.flags == other.flags


@given(tables())
def test_inverting_every_verdict_mirrors_the_ratings(table):

    one, other = fit_bradley_terry(table), fit_bradley_terry(replace(table, preference=1 - table.preference))
    np.testing.assert_allclose(one.theta, -other.theta, **FIT)


@pytest.mark.slow
@given(tables(), st.data())
def test_renaming_permutes_the_result(table, data):
    permutation = data.draw(st.permutations(range(len(table.models))))
    one, other = fit_bradley_terry(table), fit_bradley_terry(renamed(table, permutation))
    np.testing.assert_allclose(one.theta, other.theta[permutation], **FIT)
    np.testing.assert_allclose(one.covariance, other.covariance[np.ix_(permutation, permutation)], rtol=1e-5, atol=1e-8)


@pytest.mark.slow
@given(tables())
def test_duplicating_every_verdict_changes_nothing(table):
    once, twice = fit_bradley_terry(table), fit_bradley_terry(stacked(table, table))
    np.testing.assert_allclose(once.theta, twice.theta, **FIT)
    np.testing.assert_allclose(once.standard_error, twice.standard_error, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_an_undefeated_or_winless_model_moves_nobody(outcome):
    table = world()
    more = [("m5", f"m{j}", outcome, f"i{i:05d}") for j in range(5) for i in range(10)]
    names = [*table.models, "m5"]
    added = table_of(more, models=names, instructions=table.instructions, judges=("judge",))

    wide = replace(table, models=tuple(names))
    alone, together = fit_bradley_terry(table), fit_bradley_terry(stacked(wide, added))
    np.testing.assert_allclose(together.theta[:5], alone.theta, rtol=1e-9)
    np.testing.assert_allclose(together.covariance[:5, :5], alone.covariance, rtol=1e-9)
    assert together.flags[:5] == ("",) * 5
    assert together.flags[5] == ("undefeated" if outcome else "winless")
    assert np.isfinite(together.theta[5])
    assert abs(together.theta[5]) > np.abs(together.theta[:5]).max()
    assert together.standard_error[5] > alone.standard_error.max()


def test_two_flagged_models_do_not_move_each_other():
    table = world()
    names = (*table.models, "m5", "m6")

    def rows(model, outcome):
        return [(model, f"m{j}", outcome, f"i{i:05d}") for j in range(5) for i in range(10)]

    def fit(more):
        added = table_of(more, models=list(names), instructions=table.instructions, judges=("judge",))
        return fit_bradley_terry(stacked(replace(table, models=names), added))

    one = fit(rows("m5", 1.0))
    both = fit(rows("m5", 1.0) + rows("m6", 0.0) + [("m5", "m6", 1.0, "i00000")])
    assert both.theta[5] == pytest.approx(one.theta[5], rel=1e-9)


def test_a_placed_rating_is_that_of_half_a_lost_battle():
    rows = [("a", "b", float(i % 2), f"i{i}") for i in range(10)]
    rows += [("c", "a", 1.0, f"i{i}") for i in range(6)] + [("c", "b", 1.0, f"i{i}") for i in range(6)]
    ratings = fit_bradley_terry(table_of(rows))
    # 12 wins on 6 instructions against equals: 6 observations won, one added and split in halves.
    assert ratings.theta[2] == pytest.approx(np.log(6.5 / 0.5), rel=1e-9)
    assert ratings.flags == ("", "", "undefeated")


def test_an_unconnected_pair_has_its_own_scale():
    table = world()

    names = (*table.models, "x", "y")
    added = table_of(
        [("x", "y", float(i % 3 == 0), f"i{i:05d}") for i in range(9)],
        models=list(names),
        instructions=table.instructions,
        judges=("judge",),
    )
    alone, together = fit_bradley_terry(table), fit_bradley_terry(stacked(replace(table, models=names), added))
    np.testing.assert_allclose(together.theta[:5], alone.theta, rtol=1e-9)
    np.testing.assert_allclose(together.covariance[:5, :5], alone.covariance, rtol=1e-9)
    assert together.component.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert together.theta[5] - together.theta[6] == pytest.approx(np.log(3 / 6), rel=1e-9)


def test_empty_table_has_no_ratings():
    empty = table_of([("a", "b", 1.0)]).select(np.array([False]))
    ratings = fit_bradley_terry(empty)
    assert np.isnan(ratings.theta).all()
    assert ratings.flags == ("no battles", "no battles")


def test_one_lone_verdict():
    ratings = fit_bradley_terry(table_of([("a", "b", 1.0)]))
    assert ratings.flags == ("undefeated", "winless")
    assert ratings.theta[0] == -ratings.theta[1] > 0


def test_extreme_but_connected_verdicts_converge():
    rows = [("a", "b", 1.0, f"i{i}") for i in range(3000)] + [("a", "b", 0.001, "i0"), ("b", "c", 0.999, "i1")]
    ratings = fit_bradley_terry(table_of([*rows, ("b", "c", 1.0, "i2"), ("a", "c", 1e-4, "i3")]))
    assert np.isfinite(ratings.theta).all()


def test_recovery_of_marginal_strengths_and_their_spread():
    rng = np.random.default_rng(3)
    simulated = World(np.array([0.8, 0.2, -0.3, -0.7]), instructions=80)
    fits = [fit_bradley_terry(simulated.table(rng)) for _ in range(200)]
    spread = np.std([f.theta for f in fits], axis=0, ddof=1)
    stated = np.mean([f.standard_error for f in fits], axis=0)
    np.testing.assert_allclose(stated, spread, rtol=0.15)
    # Logits average towards 0 over per-instruction noise of variance 2 * .8^2.
    mean = np.mean([f.theta for f in fits], axis=0)
    np.testing.assert_allclose(mean, simulated.strengths / np.sqrt(1 + 0.346 * 2 * 0.64), atol=0.03)


def test_agrees_with_a_pandas_frame_of_win_rates_for_a_balanced_design():
    table = world(ties=0.0)
    a = pd.Series(table.preference).groupby(table.model_a).mean()
    order = np.argsort(fit_bradley_terry(table).theta)
    assert order[-1] == a.idxmax()
