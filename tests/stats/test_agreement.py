import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError
from judgebench.stats.agreement import cohen_kappa, fleiss_kappa, gwet_ac1, intraclass_correlation, krippendorff_alpha

NA = np.nan
# Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), example C.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NA, NA, NA],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NA, 3],
        [NA, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NA],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NA],
    ]
)
# The usual worked example: ten items, fourteen raters, five categories (Fleiss 1971's method).
FLEISS = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)
# Shrout and Fleiss (1979), table 2.
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


@pytest.mark.parametrize(("metric", "alpha"), [("nominal", 0.7434), ("ordinal", 0.8154), ("interval", 0.8491)])
def test_golden_krippendorff(metric, alpha):
    assert krippendorff_alpha(KRIPPENDORFF, metric=metric) == pytest.approx(alpha, abs=5e-5)


def test_golden_fleiss_and_gwet():
    assert fleiss_kappa(FLEISS) == pytest.approx(0.20993, abs=5e-6)
    assert gwet_ac1(FLEISS) == pytest.approx(0.22561, abs=5e-6)


def test_golden_shrout_and_fleiss():
    icc = intraclass_correlation(SHROUT)
    found = (icc.agreement_single, icc.agreement_mean, icc.consistency_single, icc.consistency_mean)
    assert found == pytest.approx((0.28976, 0.62005, 0.71484, 0.90932), abs=5e-6)


def test_golden_cohen():
    # Cohen's kappa of the 2 x 2 table 20, 5, 10, 15: (0.70 - 0.50) / (1 - 0.50).
    one = np.repeat([0, 0, 1, 1], [20, 5, 10, 15])
    other = np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    assert cohen_kappa(one, other) == pytest.approx(0.4)
    assert cohen_kappa(one, other, weights="quadratic") == pytest.approx(0.4)  # two categories: weights change nothing


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_kappa_is_symmetric_and_at_most_one(pairs):
    one, other = (np.array(column) for column in zip(*pairs, strict=True))
    forth, back = cohen_kappa(one, other, weights="linear"), cohen_kappa(other, one, weights="linear")
    assert forth == pytest.approx(back, nan_ok=True)
    assert np.isnan(forth) or forth <= 1 + 1e-12


def test_weights_equal_statsmodels():
    from statsmodels.stats.inter_rater import cohens_kappa

    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 4, 80), rng.integers(0, 4, 80)
    table = np.zeros((4, 4))
    np.add.at(table, (one, other), 1)
    for ours, theirs in (("none", None), ("linear", "linear"), ("quadratic", "quadratic")):
        assert cohen_kappa(one, other, weights=ours) == pytest.approx(cohens_kappa(table, wt=theirs).kappa)


def test_perfect_agreement_and_no_variety():
    assert krippendorff_alpha(np.tile([1.0, 2.0, 3.0], (2, 1))) == 1.0
    assert np.isnan(krippendorff_alpha(np.ones((2, 3))))
    assert np.isnan(cohen_kappa(np.zeros(3, dtype=int), np.zeros(3, dtype=int)))
    assert np.isnan(fleiss_kappa(np.array([[2, 0], [2, 0]])))


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="same items"):
        cohen_kappa(np.zeros(2, dtype=int), np.zeros(3, dtype=int))
    with pytest.raises(StatisticsError, match="same number of raters"):
        fleiss_kappa(np.array([[2, 0], [1, 0]]))
    with pytest.raises(StatisticsError, match="two ratings"):
        krippendorff_alpha(np.array([[1.0, NA], [NA, 2.0]]))
    with pytest.raises(StatisticsError, match="no gaps"):
        intraclass_correlation(np.array([[1.0, NA], [2.0, 3.0]]))
