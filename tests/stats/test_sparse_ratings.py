"""Ratings without a matrix say what a matrix says, in the memory that they need."""

import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest

from judgebench.bias.human_agreement import agreement_report, annotator_test, labelled_battles, mean_of_known
from judgebench.stats.agreement import Resampling, coefficients
from judgebench.stats.sparse_ratings import SparseRatings
from judgebench.stats.verdict_table import LabelTable
from tests.bias.factories import table_of


def matrix(seed: int, items: int = 40, raters: int = 5, share: float = 0.5) -> np.ndarray:
    """Outcomes 0, 1, 2 with holes; a ``share`` of all is there."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((items, raters)) < share, rng.integers(0, 3, (items, raters)) * 1.0, np.nan)


def dense_comparison(judge: np.ndarray, people: np.ndarray, one: int) -> tuple[np.ndarray, np.ndarray]:
    """As the paper has it, annotator by annotator on the whole matrix."""
    others = np.delete(people, one, axis=1)
    present = np.isfinite(others)
    usable = np.isfinite(judge) & np.isfinite(people[:, one]) & present.any(axis=1)
    others, present = others[usable], present[usable]
    ours, theirs = (
        ((others == label[usable, None]) & present).sum(axis=1) / present.sum(axis=1)
        for label in (judge, people[:, one])
    )
    return (ours >= theirs) * 1.0, (theirs >= ours) * 1.0


@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("raters", [2, 3, 5])
def test_coefficients_of_what_is_there_equal_those_of_the_matrix(raters: int, share: float) -> None:
    for seed in range(3):
        preference = matrix(seed, raters=raters, share=share) / 2
        people = SparseRatings.of(preference)
        np.testing.assert_allclose(people.mean, mean_of_known(preference))
        several = people.given > 1
        clusters = np.arange(len(preference)) // 2
        dense, packed = (
            coefficients(rated, clusters[several], Resampling(resamples=10))
            for rated in (preference[several], people.packed(several))
        )
        for name, estimate in asdict(dense).items():  # sums run in another order
            other = asdict(packed)[name]
            for part, value in estimate.items():
                assert other[part] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), name


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_the_test_of_an_alternative_annotator_equals_that_of_the_matrix(share: float) -> None:
    for seed in range(5):
        people, judge = matrix(seed, 60, share=share), matrix(seed + 100, 60, 1, 0.9)[:, 0]
        tested = annotator_test(judge, SparseRatings.of(people), least=5)
        pairs = [pair for one in range(5) if len((pair := dense_comparison(judge, people, one))[0]) >= 5]
        assert (tested.compared, tested.left_out) == (len(pairs), 5 - len(pairs))
        assert tested.advantage == pytest.approx(np.mean([ours.mean() for ours, _ in pairs]))


def test_what_somebody_says_twice_counts_once() -> None:
    ratings = SparseRatings.means(
        np.array([2, 0, 2, 2]), np.array([1, 0, 1, 0]), np.array([1.0, 0.5, 0.0, 1.0]), items=3, raters=2
    )
    assert (ratings.item.tolist(), ratings.rater.tolist()) == ([0, 2, 2], [0, 0, 1])
    assert (ratings.value.tolist(), ratings.given.tolist()) == ([0.5, 1.0, 0.5], [1, 0, 2])
    assert np.isnan(ratings.mean[1])


def test_thousands_of_people_take_no_gigabytes() -> None:
    n, crowd = 9_000, 4_000  # 288 MB as a matrix
    rng = np.random.default_rng(0)
    a, rows = np.zeros(n, dtype=np.int32), np.arange(n, dtype=np.int32)
    who, preference = (rows % crowd).astype(np.int32), rng.integers(0, 3, n) / 2
    names = tuple(f"v{number:05}" for number in range(crowd))
    table = table_of(a, a + 1, preference, models=("a", "b"), instruction=rows, order=a)
    labels = LabelTable(names, who, rows, a, a + 1, preference)
    tracemalloc.start()
    report = agreement_report(labelled_battles(table, labels), how=Resampling(resamples=2))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (report.people.labels, len(report.people.annotators), report.people.several) == (n, crowd, 0)
    assert report.judges[0].consensus.raw.value == 1.0
    assert most < 60e6
