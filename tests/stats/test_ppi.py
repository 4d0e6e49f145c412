from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from judgebench.errors import StatisticsError, UnknownName
from judgebench.stats.bradley_terry import fit_bradley_terry
from judgebench.stats.intervals import critical_value
from judgebench.stats.ppi import (
    JudgeErrorRates,
    anchored_mean,
    anchored_ratings,
    anchored_win_rates,
    compared_win_rates,
    corrected_share,
)
from judgebench.stats.ranks import rank_sets
from judgebench.stats.win_rate import win_rates
from tests.stats.factories import World, stacked, table_of

Y = np.array([1.0, 0, 1, 1, 0, 1, 0, 1])
F = np.array([0.9, 0.2, 0.8, 0.6, 0.4, 0.7, 0.3, 0.5])
MORE = np.array([0.8, 0.7, 0.9, 0.1, 0.3, 0.6, 0.2, 0.5, 0.4, 0.9, 0.8, 0.6])
WEAK = np.array([0.6, 0.5, 0.4, 0.7, 0.5, 0.6, 0.2, 0.5])


def test_golden_plain_ppi():
    # Angelopoulos et al. 2023 (lambda 1) computed by hand with population variances.
    found = anchored_mean(Y, F, MORE, weight=1.0)
    assert found.estimate == pytest.approx(0.6416667, abs=5e-8)
    assert found.variance == pytest.approx(0.0180237, abs=5e-8)


def test_golden_tuned_weight():
    # ppi_py's convention: covariance over n, pooled variance over n + N - 1.
    assert anchored_mean(Y, F, MORE).weight == pytest.approx(0.8703176, abs=5e-8)


def test_golden_weak_judge():
    found = anchored_mean(Y, WEAK, MORE)
    assert found.weight == pytest.approx(0.4326923, abs=5e-8)
    assert found.estimate == pytest.approx(0.6538462, abs=5e-8)
    assert found.variance == pytest.approx(0.0267572, abs=5e-8)
    assert found.labels_only_variance == pytest.approx(0.0292969, abs=5e-8)
    half = critical_value(0.90) * found.standard_error
    assert (found.estimate - half, found.estimate + half) == pytest.approx((0.3847869, 0.9229054), abs=5e-8)


def test_weight_zero_is_the_labels_alone():
    found = anchored_mean(Y, F, MORE, weight=0.0)
    assert (found.estimate, found.variance) == (found.labels_only, found.labels_only_variance)


def test_a_constant_judge_is_ignored():
    found = anchored_mean(Y, np.full(8, 0.3), np.full(5, 0.3))
    assert found.weight == 0.0
    assert found.estimate == Y.mean()


@pytest.mark.parametrize(
    ("labels", "judged", "elsewhere"), [(Y[:1], F[:1], MORE), (Y, F[:3], MORE), (Y, F, MORE[:0]), (Y * np.nan, F, MORE)]
)
def test_unusable_labels_are_refused(labels, judged, elsewhere):
    with pytest.raises(StatisticsError, match=r"labels"):
        anchored_mean(labels, judged, elsewhere)


def simulated(rng, bias=0.8, instructions=150, labelled=60):
    """People's and a judge's verdicts on the same qualities; the judge flatters the last model."""
    k = 3
    quality = np.array([0.5, 0.0, -0.5]) + 0.8 * rng.standard_normal((instructions, k))
    tables = []
    for extra in (0.0, bias):
        rows = []
        for i in range(instructions):
            seen = quality[i] + extra * (np.arange(k) == k - 1)
            for a, b in ((0, 1), (0, 2), (1, 2)):
                for _ in range(2):
                    rows.append((f"m{a}", f"m{b}", float(rng.random() < expit(2 * (seen[a] - seen[b]))), f"i{i:04d}"))
        tables.append(table_of(rows))
    human, judge = tables
    chosen = rng.choice(instructions, labelled, replace=False)
    return human, human.select(np.isin(human.instruction, chosen)), judge


@pytest.mark.slow
def test_recovery_against_a_biased_judge():
    rng = np.random.default_rng(0)
    truth = win_rates(simulated(rng, instructions=6000)[0]).rate
    covered, misled, widths = 0, 0, []
    for _ in range(120):
        _, human, judge = simulated(rng)
        found = anchored_win_rates(human, judge)["m2"]
        interval = found.interval()
        covered += interval.lower <= truth[2] <= interval.upper
        misled += abs(win_rates(judge).rate[2] - truth[2]) > 1.96 * win_rates(judge).standard_error[2]
        widths.append(found.variance / found.labels_only_variance)
    assert covered / 120 >= 0.9
    assert misled / 120 >= 0.9
    assert np.mean(widths) < 0.95


@pytest.mark.slow
def test_anchored_ratings_recover_what_people_would_say():
    rng = np.random.default_rng(2)
    truth = fit_bradley_terry(simulated(rng, instructions=6000)[0]).theta
    draws = [anchored_ratings(*simulated(rng)[1:]) for _ in range(100)]
    covered = np.mean([np.abs(d.theta - truth) < 1.96 * d.standard_error for d in draws], axis=0)
    assert (covered >= 0.88).all()
    spread = np.std([d.theta for d in draws], axis=0, ddof=1)
    np.testing.assert_allclose(np.mean([d.standard_error for d in draws], axis=0), spread, rtol=0.25)


def test_weight_zero_ratings_are_those_of_people():
    _, human, judge = simulated(np.random.default_rng(3))
    found, alone = anchored_ratings(human, judge, weight=0.0), fit_bradley_terry(human)
    np.testing.assert_allclose(found.theta, alone.theta, atol=1e-8)
    np.testing.assert_allclose(found.standard_error, alone.standard_error, rtol=1e-6)


def test_copies_of_verdicts_change_nothing():
    _, human, judge = simulated(np.random.default_rng(3))
    one, other = anchored_ratings(human, judge), anchored_ratings(stacked(human, human), stacked(judge, judge))
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-8)
    assert one.weight == pytest.approx(other.weight)


def test_tables_must_share_their_names():
    human = table_of([("a", "b", 1.0)])
    other = replace(human, models=("a", "c"))
    for anchor in (anchored_win_rates, anchored_ratings):
        with pytest.raises(StatisticsError, match="share their models"):
            anchor(human, other)
    with pytest.raises(UnknownName):
        anchored_win_rates(human, human, baseline="nobody")


def test_ratings_without_a_link_are_refused():
    table = World(np.array([9.0, -9.0]), instructions=10).table(np.random.default_rng(0))
    with pytest.raises(StatisticsError, match="both directions"):
        anchored_ratings(table.select(table.instruction < 5), table)


@pytest.mark.parametrize(
    ("weight", "estimate", "lower", "upper"),
    [
        (None, 0.657150949468941, 0.41814969396098267, 0.8961522049768994),
        (1.0, 0.6599999999999999, 0.4181469985711047, 0.9018530014288951),
        (0.5, 0.655, 0.41063891168408473, 0.8993610883159153),
    ],
)
def test_golden_ppi_py(weight, estimate, lower, upper):
    # ppi-python 0.2.3: ppi_mean_pointestimate and ppi_mean_ci (alpha .05) on these very numbers.
    labels, judged, elsewhere = np.append(Y, [0.5, 1.0]), np.append(F, [0.6, 0.4]), np.append(MORE, [0.55, 0.35])
    found = anchored_mean(labels, judged, elsewhere, weight=weight)
    half = critical_value(0.95) * found.standard_error  # what many labels would be enough for
    ends = found.estimate - half, found.estimate + half
    assert (found.estimate, *ends) == pytest.approx((estimate, lower, upper), rel=1e-12)


JUDGE = JudgeErrorRates(specificity=0.9, negatives=50, sensitivity=0.8, positives=50)


def test_an_interval_in_the_middle_is_about_the_published_one():
    # "How to correctly report LLM-as-a-judge evaluations" (2025): share .6 of 200, specificity .9, sensitivity .8.
    found = corrected_share(0.6, 200, JUDGE)
    assert found.estimate.value == pytest.approx(0.7142857, abs=5e-8)
    assert found.standard_error == pytest.approx(0.0811867, abs=0.005)
    assert (found.estimate.lower, found.estimate.upper) == pytest.approx((0.5714862, 0.8897321), abs=0.03)


@pytest.mark.parametrize("truth", [0.02, 0.98])
@pytest.mark.parametrize(("items", "labels"), [(20, 20), (400, 20), (400, 50)])
def test_a_corrected_share_near_0_or_1_is_held_after_few_labels(truth, items, labels):
    rng, covered, draws = np.random.default_rng(1), 0, 600
    for _ in range(draws):
        share = rng.binomial(items, truth * 0.85 + (1 - truth) * 0.15) / items
        seen = JudgeErrorRates(rng.binomial(labels, 0.85) / labels, labels, rng.binomial(labels, 0.85) / labels, labels)
        interval = corrected_share(share, items, seen).estimate
        covered += interval.lower <= truth <= interval.upper
    assert covered / draws >= 0.92


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.97])
@pytest.mark.parametrize("labelled", [5, 20, 50])
def test_few_labels_hold_what_people_would_say(rate, labelled):
    """A judge that is right on 85 %, and one that passes 60 % of what is bad; 300 items without a label."""
    rng, draws = np.random.default_rng(2), 250
    for sensitivity, specificity in ((0.85, 0.85), (0.98, 0.4)):
        covered = 0
        for _ in range(draws):
            truth = rng.random(labelled + 300) < rate
            judged = rng.random(len(truth)) < np.where(truth, sensitivity, 1 - specificity)
            columns = truth[:labelled], judged[:labelled], judged[labelled:]
            interval = anchored_mean(*(column * 1.0 for column in columns)).interval()
            covered += interval.lower <= rate <= interval.upper
        assert covered / draws >= 0.92


def test_labels_that_are_all_alike_are_no_certainty():
    interval = anchored_mean(np.ones(8), np.ones(8), np.ones(200)).interval()
    assert interval.value == interval.upper == 1.0
    assert interval.lower < 0.8


def test_equal_models_with_few_labels_are_seldom_told_apart():
    """Four models that people and judge find equally good, at .9 against the baseline."""
    rng, wrong, draws = np.random.default_rng(4), 0, 60
    for _ in range(draws):
        rows = [(f"m{m}", "zz", float(won), f"i{i:03d}") for (i, m), won in np.ndenumerate(rng.random((60, 4)) < 0.9)]
        table = table_of(rows)
        human = table.select(table.instruction < 8)
        means = anchored_win_rates(human, table, baseline="zz")
        known = compared_win_rates(human, table, means, baseline="zz")
        shown = np.array([means[name].estimate if name in means else np.nan for name in table.models])
        sets = rank_sets(known.value, known.covariance, degrees=known.degrees, shown=shown, rng=rng, draws=500)
        wrong += sets.separated.any()
    assert wrong <= 7  # a nominal 5 %


def test_a_perfect_judge_is_not_corrected():
    found = corrected_share(0.3, 100, JudgeErrorRates(1.0, 10_000, 1.0, 10_000))
    assert found.estimate.value == pytest.approx(0.3)


@given(st.floats(0, 1), st.floats(0.6, 1), st.floats(0.6, 1))
def test_everything_stays_in_range(share, specificity, sensitivity):
    found = corrected_share(share, 40, JudgeErrorRates(specificity, 20, sensitivity, 20))
    assert 0 <= found.estimate.lower <= found.estimate.upper <= 1
    assert 0 <= found.estimate.value <= 1


def test_recovery_of_the_stated_coverage():
    rng = np.random.default_rng(0)
    truth, specificity, sensitivity = 0.55, 0.85, 0.75
    covered = 0
    for _ in range(400):
        share = rng.binomial(300, truth * sensitivity + (1 - truth) * (1 - specificity)) / 300
        seen = JudgeErrorRates(rng.binomial(80, specificity) / 80, 80, rng.binomial(80, sensitivity) / 80, 80)
        interval = corrected_share(share, 300, seen).estimate
        covered += interval.lower <= truth <= interval.upper
    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.parametrize(
    ("share", "items", "judge", "message"),
    [
        (1.2, 10, JUDGE, "lie in"),
        (0.5, 0, JUDGE, "both classes"),
        (0.5, 10, JudgeErrorRates(0.5, 10, 0.5, 10), "no better than chance"),
    ],
)
def test_bad_input_is_refused(share, items, judge, message):
    with pytest.raises(StatisticsError, match=message):
        corrected_share(share, items, judge)
