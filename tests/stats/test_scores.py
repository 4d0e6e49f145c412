"""Mean scores and the preferences that scores amount to."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.method import Choices, Estimates
from judgebench.stats.scores import ScoreTable, estimates, mean_scores, score_preferences
from judgebench.stats.verdict_table import encode

Row = tuple[str, str, str, float]  # model, instruction, judge, score


def table(rows: list[Row]) -> ScoreTable:
    models, model = encode([row[0] for row in rows])
    instructions, instruction = encode([row[1] for row in rows])
    judges, judge = encode([row[2] for row in rows])
    length = np.array([len(row[0]) for row in rows], dtype=np.int32)
    score = np.array([row[3] for row in rows], dtype=np.float64)
    return ScoreTable(models, instructions, judges, model, instruction, judge, score, length)


ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from("jk"), st.integers(1, 10).map(float)),
    min_size=1,
    max_size=30,
)


def test_the_standard_error_is_that_of_the_mean_over_instructions() -> None:
    scores = {"a": [3.0, 5.0, 10.0, 6.0], "b": [1.0, 2.0, 2.0, 7.0]}
    found = mean_scores(table([(m, f"i{n}", "j", s) for m, each in scores.items() for n, s in enumerate(each)]))
    for code, model in enumerate(found.models):
        values = np.array(scores[model])
        assert found.mean[code] == pytest.approx(values.mean())
        assert found.standard_error[code] == pytest.approx(values.std(ddof=1) / 2)
    assert found.covariance[0, 1] == pytest.approx(np.cov(scores["a"], scores["b"])[0, 1] / 4)


def test_repeats_of_an_instruction_are_no_further_evidence() -> None:
    once = [("a", "x", "j", 2.0), ("a", "y", "j", 8.0)]
    assert mean_scores(table(once * 50)).standard_error == pytest.approx(mean_scores(table(once)).standard_error)


def test_a_single_instruction_has_no_standard_error() -> None:
    found = mean_scores(table([("a", "x", "j", 2.0)]))
    assert found.mean.tolist() == [2.0]
    assert np.isnan(found.standard_error).all()


def scored(rows: NDArray[np.float64]) -> Estimates:
    """Of (instructions, k) scores, as a leaderboard has them."""
    n, k = rows.shape
    i, m = (index.ravel().astype(np.int32) for index in np.indices(rows.shape))
    names = tuple(map(str, range(n)))
    one = ScoreTable(tuple("abcdef"[:k]), names, ("j",), m, i, np.zeros_like(m), rows.ravel(), np.zeros_like(m))
    return estimates(one, Choices("score"), None, np.random.default_rng(0))


SKEWED: dict[str, Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]] = {
    "one in twenty low": lambda rng, shape: np.where(rng.random(shape) < 0.95, 10.0, 1.0),
    "five levels": lambda rng, shape: rng.choice([1.0, 2, 3, 4, 5], shape, p=[0.02, 0.03, 0.05, 0.1, 0.8]),
    "three levels": lambda rng, shape: rng.choice([0.0, 1, 2], shape, p=[0.1, 0.1, 0.8]),
    "a long tail": lambda rng, shape: rng.exponential(1.0, shape),
}


@pytest.mark.parametrize("name", SKEWED)
@pytest.mark.parametrize("n", [5, 10, 20, 50])
def test_coverage_of_few_skewed_scores(name: str, n: int) -> None:  # recovery: four alike models
    rng = np.random.default_rng(n)
    truth = SKEWED[name](rng, (100_000, 1)).mean()
    drawn = [scored(SKEWED[name](rng, (n, 4))) for _ in range(150)]
    lower, upper = (np.concatenate([getattr(one, end) for one in drawn]) for end in ("lower", "upper"))
    known = np.isfinite(lower)
    assert np.mean((lower <= truth) & (truth <= upper), where=known) > 0.94
    assert (upper > lower)[known].all()


@pytest.mark.parametrize("score", [0.1, 6.1, 0.0])
def test_scores_that_are_all_alike_have_no_interval(score: float) -> None:
    found = scored(np.full((7, 3), score))
    assert np.isnan([found.lower, found.upper]).all()


def preferred(difference: float, margin: float) -> float:
    return 0.5 if abs(difference) <= margin else float(difference > 0)


@given(ROWS, st.floats(0, 3))
def test_preferences_are_the_comparison_of_one_judges_means(rows: list[Row], margin: float) -> None:
    given_table = table(rows)
    found = score_preferences(given_table, margin=margin)
    cells: dict[tuple[str, str, str], list[float]] = {}
    for model, instruction, judge, score in rows:
        cells.setdefault((instruction, judge, model), []).append(score)
    means = {cell: float(np.mean(scores)) for cell, scores in cells.items()}
    expected = {
        (instruction, judge, a, b): preferred(mean - means[instruction, judge, b], margin)
        for (instruction, judge, a), mean in means.items()
        for b in given_table.models
        if a < b and (instruction, judge, b) in means
    }
    assert len(found) == len(expected)
    for n in range(len(found)):
        place = (
            *(found.instructions[found.instruction[n]], found.judges[found.judge[n]]),
            *(found.models[found.model_a[n]], found.models[found.model_b[n]]),
        )
        assert found.preference[n] == expected[place]
        assert found.length_a[n] == len(place[2])


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_a_margin_is_a_number_from_nought(margin: float) -> None:
    with pytest.raises(StatisticsError, match="margin"):
        score_preferences(table([("a", "x", "j", 2.0)]), margin=margin)


def test_intervals_cover_the_true_mean_score() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(300):
        true = 5 + rng.normal(0, 1, 60)
        rows = [("a", f"i{n}", "j", float(s + rng.normal())) for n, s in enumerate(true) for _ in range(2)]
        found = mean_scores(table(rows))
        covered += abs(found.mean[0] - 5) < 1.96 * found.standard_error[0]
    assert 0.90 < covered / 300 < 0.98
