"""Coefficients of agreement, against other implementations, published numbers and by hand."""

import gzip
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import cohens_kappa as reference_kappa
from statsmodels.stats.inter_rater import fleiss_kappa as reference_fleiss

from judgebench.errors import InputError
from judgebench.stats.agreement import (
    Resampling,
    accuracy,
    agreement,
    coefficients,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    icc,
    krippendorff_alpha,
    outcomes,
    rank_correlation,
    raw_agreement,
)
from judgebench.stats.verdict_table import average_battles
from tests.bias.factories import judged_twice, rows_of

SHARED = Path(__file__).parents[2].parent / "shared"
_ = np.nan

# Krippendorff 2011, section C: 4 observers, 12 units, missing ratings
KRIPPENDORFF = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]).T  # fmt: skip

# Fleiss 1971 as in the usual worked example: 10 subjects, 14 raters, 5 categories
FLEISS_COUNTS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
FLEISS = np.array([np.repeat(np.arange(5.0), row) for row in FLEISS_COUNTS])

# Shrout and Fleiss 1979, table 2: 6 targets, 4 judges
SHROUT = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)  # fmt: skip


@pytest.mark.parametrize(("metric", "expected"), [("nominal", 0.7434), ("ordinal", 0.8154), ("interval", 0.8491)])
def test_krippendorff_published(metric, expected):
    assert krippendorff_alpha(KRIPPENDORFF, metric) == pytest.approx(expected, abs=5e-5)


def test_fleiss_and_gwet_published():
    assert fleiss_kappa(FLEISS) == pytest.approx(0.20993, abs=5e-6)
    assert gwet_ac1(FLEISS) == pytest.approx(0.22561, abs=5e-6)


@pytest.mark.parametrize(("form", "expected"), [("2,1", 0.28976), ("2,k", 0.62005), ("3,1", 0.71484), ("3,k", 0.90932)])
def test_icc_published(form, expected):
    assert icc(SHROUT, form) == pytest.approx(expected, abs=5e-6)


@pytest.mark.parametrize(("weights", "wt"), [("nominal", None), ("linear", "linear"), ("quadratic", "quadratic")])
def test_cohen_against_another_implementation(weights, wt):
    rng = np.random.default_rng(0)
    one = rng.integers(0, 4, 200)
    other = np.where(rng.random(200) < 0.6, one, rng.integers(0, 4, 200))
    table = np.zeros((4, 4))
    np.add.at(table, (one, other), 1)
    expected = reference_kappa(table, wt=wt, return_results=False)
    assert cohen_kappa(np.column_stack([one, other]).astype(float), weights) == pytest.approx(expected)


def test_fleiss_against_another_implementation():
    ratings = np.random.default_rng(1).integers(0, 3, (40, 5)).astype(float)
    assert fleiss_kappa(ratings) == pytest.approx(reference_fleiss(aggregate_raters(ratings.astype(int))[0]))


RATINGS = hnp.arrays(
    np.float64, st.tuples(st.integers(2, 12), st.just(2)), elements=st.sampled_from([0.0, 1.0, 2.0, np.nan])
)
COEFFICIENTS = [raw_agreement, cohen_kappa, gwet_ac1, krippendorff_alpha, fleiss_kappa]


@given(RATINGS, st.permutations([0.0, 1.0, 2.0]))
def test_names_of_categories_and_order_of_raters_do_not_matter(ratings, names):
    renamed = np.where(np.isnan(ratings), np.nan, np.array(names)[np.nan_to_num(ratings).astype(int)])
    for coefficient in COEFFICIENTS:
        expected = coefficient(ratings)
        assert coefficient(renamed) == pytest.approx(expected, nan_ok=True)
        assert coefficient(ratings[:, ::-1]) == pytest.approx(expected, nan_ok=True)
        assert np.isnan(expected) or expected <= 1 + 1e-12


@given(hnp.arrays(np.float64, st.integers(3, 12), elements=st.sampled_from([0.0, 1.0, 2.0])))
def test_full_agreement_is_one(labels):
    ratings = np.column_stack([labels, labels, labels])
    assert raw_agreement(ratings) == gwet_ac1(ratings) == 1.0
    if len(set(labels)) > 1:
        for coefficient in (fleiss_kappa, krippendorff_alpha, icc):
            assert coefficient(ratings) == pytest.approx(1.0)


def test_independent_raters_agree_by_chance_alone():  # recovery; false alarms of the interval
    rng = np.random.default_rng(2)
    draws = [rng.integers(0, 3, (80, 2)).astype(float) for _ in range(60)]
    found = [agreement(cohen_kappa, each, np.arange(80), rng=rng, resamples=150) for each in draws]
    assert abs(np.mean([f.value for f in found])) < 0.03
    assert np.mean([f.excludes_zero for f in found]) <= 0.15


def test_undefined_coefficients_are_not_identified():
    silent = np.full((4, 2), np.nan)
    for coefficient in (*COEFFICIENTS, icc):
        figure = agreement(coefficient, silent, np.arange(4), rng=np.random.default_rng(0))
        assert (figure.value, figure.identified) == (None, False)
    assert np.isnan(fleiss_kappa(np.array([[1.0, 1.0], [1.0, np.nan]])))


def test_shapes_are_checked():
    with pytest.raises(InputError, match="two raters"):
        cohen_kappa(np.zeros((3, 3)))
    with pytest.raises(InputError, match="one cluster an item"):
        agreement(cohen_kappa, np.zeros((3, 2)), np.arange(2), rng=np.random.default_rng(0))


def test_outcomes():
    assert outcomes(np.array([0.0, 0.5, 0.7, np.nan])).tolist()[:3] == [0.0, 1.0, 2.0]


def test_rank_correlations():
    one = {f"m{i}": float(i) for i in range(8)}
    other = one | {"m0": 1.5, "x": 9.0}  # swaps the lowest two; x has no rank in the first
    spearman, kendall = rank_correlation(one, other), rank_correlation(one, other, method="kendall")
    assert (spearman.value, spearman.n) == (pytest.approx(1 - 6 * 2 / (8 * 63)), 8)
    assert kendall.value == pytest.approx(1 - 2 / 28)
    assert kendall.lower < kendall.value < kendall.upper <= 1
    assert rank_correlation({"a": 1, "b": 2}, {"a": 1, "b": 2}).identified is False
    assert rank_correlation(dict(list(one.items())[:4]), one).lower is None


@pytest.mark.shared
def test_agreement_of_a_length_rule_with_people(shared):
    """A judge that takes the longer output, against 696 human labels, equals a direct count."""
    path = SHARED / "data" / "autoj_pairwise" / "human_labels_even_rows.jsonl.gz"
    if not path.is_file():
        pytest.skip("the human labels are not here")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    human = np.array([{0: 2.0, 1: 0.0, 2: 1.0}[row["label"]] for row in rows])
    gap = np.array([len(row["response 1"]) - len(row["response 2"]) for row in rows])
    ratings = np.column_stack([human, np.sign(gap) + 1])
    figure = agreement(raw_agreement, ratings, np.arange(len(rows)), rng=np.random.default_rng(0), resamples=100)
    assert figure.value == pytest.approx(np.mean(human == np.sign(gap) + 1))
    assert figure.lower < figure.value < figure.upper


def test_accuracy_by_hand():
    preference = np.array([0.9, 0.2, 0.5, np.nan, 0.7])
    truth = np.array([1.0, 1.0, 0.0, 1.0, 0.5])
    assert accuracy(preference, truth, np.arange(5)).value == pytest.approx((1 + 0 + 0.5 + 0) / 4)
    assert accuracy(preference, truth, np.arange(5), tie_credit=0.0).value == pytest.approx(1 / 4)


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["claude-3-haiku-20240307_on_claude-3-5-sonnet", "Skywork-Reward-Llama-3.1-8B_on_gpt-4o"]
)
def test_published_accuracy_equals_a_direct_count(shared, name):
    """The published rule: one point for each decision that agrees with the label, one off for the opposite."""
    rows = rows_of(name)
    flip = {"A>B": "B>A", "B>A": "A>B", "A=B": "A=B", None: None}

    def points(row):
        first, second = (judgment and judgment["decision"] for judgment in row["judgments"])
        said = [first, flip[second]]
        return sum((one == row["label"]) - (one == flip[row["label"]]) for one in said)

    expected = sum(points(row) > 0 for row in rows) / len(rows)
    battles = average_battles(judged_twice(rows))
    preference = np.full(len(rows), np.nan)
    preference[battles.instruction] = battles.preference
    truth = np.array([float(row["label"] == "A>B") for row in rows])
    figure = accuracy(preference, truth, np.arange(len(rows)), tie_credit=0.0)
    assert (figure.value, figure.n) == (pytest.approx(expected), len(rows))


def test_a_rare_outcome_counts_in_every_resample():
    """Chance agreement depends on how many outcomes there are, and a resample may draw the one tie or not."""
    rng = np.random.default_rng(0)
    preference = (rng.random((300, 2)) < 0.5) * 1.0
    preference[0] = 0.5
    found = coefficients(preference, np.arange(300), Resampling())
    assert found.ac1.value == pytest.approx(0.25, abs=0.08)
    assert found.ac1.upper - found.ac1.lower < 0.25


def test_an_outcome_that_never_occurs_is_none():
    preference = np.tile([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0]], (20, 1))
    assert coefficients(preference, np.arange(80), Resampling(resamples=50)).ac1.value == pytest.approx(0.0)


def raters(rng, n, *, prevalence, error):
    """Two raters of one truth, 0 or 2; each guesses on a share ``error`` of the items."""
    truth = np.where(rng.random((n, 1)) < prevalence, 2.0, 0.0)
    guess = np.where(rng.random((n, 2)) < prevalence, 2.0, 0.0)
    return np.where(rng.random((n, 2)) < error, guess, truth)


@pytest.mark.slow
@pytest.mark.parametrize("coefficient", [cohen_kappa, gwet_ac1, krippendorff_alpha, icc])
@pytest.mark.parametrize(("n", "error"), [(5, 0.02), (10, 0.1), (20, 0.02), (20, 0.4)])
def test_few_items_hold_a_coefficient_near_1_too(coefficient, n, error):
    rng, held = np.random.default_rng(3), []
    truth = coefficient(raters(rng, 200_000, prevalence=0.7, error=error))
    for _ in range(60):
        found = agreement(coefficient, raters(rng, n, prevalence=0.7, error=error), np.arange(n), rng=rng)
        held += [found.lower <= truth <= found.upper] if found.identified else []
    assert np.mean(held) >= 0.88  # a nominal 95 %


@pytest.mark.parametrize("coefficient", [cohen_kappa, fleiss_kappa, gwet_ac1, krippendorff_alpha, icc])
def test_full_agreement_on_a_few_items_is_no_certainty(coefficient):
    ratings = np.repeat([[0.0, 0.0], [2.0, 2.0]], 4, axis=0)
    found = agreement(coefficient, ratings, np.arange(8), rng=np.random.default_rng(0))
    assert found.value == found.upper == pytest.approx(1.0)
    assert found.lower < 0.6


def test_copies_of_items_make_nothing_surer():
    ratings = raters(np.random.default_rng(4), 30, prevalence=0.5, error=0.3)
    once = agreement(cohen_kappa, ratings, np.arange(30), rng=np.random.default_rng(0))
    twice = agreement(
        cohen_kappa, np.repeat(ratings, 2, axis=0), np.repeat(np.arange(30), 2), rng=np.random.default_rng(0)
    )
    assert (twice.lower, twice.upper) == pytest.approx((once.lower, once.upper))


def test_groups_of_many_instructions_are_as_wide_as_single_ones():
    ratings = raters(np.random.default_rng(5), 600, prevalence=0.5, error=0.3)
    alone, grouped = (
        agreement(cohen_kappa, ratings, np.arange(600), rng=np.random.default_rng(0), resamples=most)
        for most in (1000, 150)
    )
    assert grouped.upper - grouped.lower == pytest.approx(alone.upper - alone.lower, rel=0.25)


@pytest.mark.parametrize("method", ["spearman", "kendall"])
def test_equal_rankings_of_a_few_models_are_no_certainty(method):
    ranking = {f"m{i}": float(i) for i in range(6)}
    found = rank_correlation(ranking, ranking, method=method)
    assert (found.value, found.upper) == (pytest.approx(1.0), pytest.approx(1.0))
    assert found.lower < 0.8


def test_rank_correlations_against_another_implementation():
    rng = np.random.default_rng(6)
    one, other = rng.integers(0, 8, (2, 20)).astype(float)
    named = [{f"m{i}": float(score) for i, score in enumerate(side)} for side in (one, other)]
    assert rank_correlation(*named).value == pytest.approx(stats.spearmanr(one, other).statistic)
    assert rank_correlation(*named, method="kendall").value == pytest.approx(stats.kendalltau(one, other).statistic)


@pytest.mark.slow
@pytest.mark.parametrize("raters_", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_coefficients_of_patterns_are_those_of_items(raters_: int, seed: int) -> None:
    """``Resampling`` counts alike items; ``agreement`` goes through all of them."""
    rng = np.random.default_rng(seed)
    values = rng.choice([0.0, 0.5, 1.0], (500, raters_), p=[0.3, 0.1, 0.6])
    silent = np.where(rng.random(values.shape) < 0.2 * seed, np.nan, values)
    soft = np.where(np.isnan(silent), np.nan, np.round(rng.random(values.shape), 2))
    clusters = rng.integers(0, 90, 500)
    kinds = [
        partial(fleiss_kappa),
        partial(gwet_ac1),
        partial(krippendorff_alpha),
        partial(icc),
        partial(raw_agreement),
    ]
    kinds += [partial(krippendorff_alpha, metric="ordinal"), *([partial(cohen_kappa)] if raters_ == 2 else [])]
    for statistic in kinds:
        for ratings in (outcomes(silent), soft):
            of_items = agreement(statistic, ratings, clusters, rng=np.random.default_rng(0), resamples=60)
            of_patterns = Resampling(resamples=60).estimate(statistic, ratings, clusters)
            numbers = [(known.value, known.lower, known.upper) for known in (of_items, of_patterns)]
            assert numbers[1] == (pytest.approx(numbers[0], rel=1e-9, abs=1e-12) if of_items.identified else numbers[0])
            assert (of_items.reason, of_items.n) == (of_patterns.reason, of_patterns.n)
