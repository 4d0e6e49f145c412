"""A judge's verdicts on steps beside labels, as ProcessBench and PRMBench count them."""

import numpy as np
import pytest

from judgebench.stats.steps import UNKNOWN, LabelledReading, first_error, step_agreement

G, B, N = "good", "bad", "neutral"


def reading(output: int, labels: list[str | None], ratings: list[str]) -> LabelledReading:
    return LabelledReading(output, output, tuple(labels), tuple(ratings))


def test_the_first_error_is_known_only_where_all_before_it_are_labelled() -> None:
    assert [first_error(labels) for labels in ([G, B, None], [G, N], [None, B], [G, None], [])] == [
        *(2, None, UNKNOWN, UNKNOWN),
        None,
    ]


def test_scores_are_those_of_the_benchmarks_code() -> None:
    readings = [
        reading(0, [G, B, None], [G, B, B]),  # found; the third step counts nowhere
        reading(1, [G, G, B], [G, B, B]),  # missed: the second is no error
        reading(2, [G, G], [G, N]),  # said to be right
        reading(3, [G, G], [G, B]),  # accused
    ]
    known = step_agreement(readings)
    assert (known.with_error, known.without_error, known.unknown, known.steps) == (2, 2, 1, 9)
    assert (known.first_error.value, known.no_error.value, known.process_score.value) == (0.5, 0.5, 0.5)
    tp, fp, fn, tn = 5, 0, 2, 2
    f1, negative = 2 * tp / (2 * tp + fp + fn), 2 * tn / (2 * tn + fp + fn)
    assert known.accuracy.value == pytest.approx(7 / 9)
    assert (known.f1.value, known.negative_f1.value) == pytest.approx((f1, negative))
    assert known.prm_score.value == pytest.approx((f1 + negative) / 2)
    for estimate in (known.first_error, known.process_score, known.accuracy, known.negative_f1, known.prm_score):
        assert estimate.value is not None
        assert estimate.ends[0] < estimate.value < estimate.ends[1] or estimate.value in estimate.ends


def test_what_is_not_labelled_has_a_reason_and_no_number() -> None:
    known = step_agreement([reading(0, [G, G], [G, G]), reading(1, [G], [G])])
    assert known.no_error.value == 1
    for estimate, why in (
        (known.first_error, "no output is labelled with an error"),
        (known.process_score, "no output is labelled with an error"),
        (known.negative_f1, "neither labels nor judge hold a step for wrong"),
    ):
        assert (estimate.value, estimate.reason) == (None, why)
    assert step_agreement([]).accuracy.value is None


def drawn(outputs: int, rng: np.random.Generator) -> list[LabelledReading]:
    """Solutions of 3 to 9 steps, six in ten with an error; of three in ten the judge knows less."""
    readings = []
    for output in range(outputs):
        labels = [G] * int(rng.integers(3, 10))
        if rng.random() < 0.6:
            labels[int(rng.integers(len(labels)))] = B
        skill = 0.95 if rng.random() < 0.7 else 0.57
        wrong = rng.random(len(labels)) >= skill
        ratings = [(B if label == G else G) if flips else label for label, flips in zip(labels, wrong, strict=True)]
        readings.append(reading(output, list(labels), ratings))
    return readings


@pytest.mark.slow
def test_intervals_cover_by_output() -> None:
    rng = np.random.default_rng(5)
    truth = step_agreement(drawn(20_000, rng), most=2)
    names = ("first_error", "no_error", "process_score", "accuracy", "f1", "negative_f1", "prm_score")
    inside = dict.fromkeys(names, 0)
    for _ in range(300):
        known = step_agreement(drawn(60, rng))
        for name in names:
            lower, upper = getattr(known, name).ends
            inside[name] += lower <= getattr(truth, name).value <= upper
    assert all(number >= 0.92 * 300 for number in inside.values()), inside


def test_outputs_to_one_instruction_are_one_cluster_and_counted_each() -> None:
    rng = np.random.default_rng(1)
    alone = drawn(40, rng)
    twice = [
        LabelledReading(one.instruction, copy * 40 + one.output, one.labels, one.ratings)
        for one in alone
        for copy in (0, 1)
    ]
    known, doubled = step_agreement(alone), step_agreement(twice)
    assert (doubled.outputs, doubled.with_error) == (80, 2 * known.with_error)
    for name in ("first_error", "accuracy", "prm_score"):  # the same said twice tells no more
        one, two = getattr(known, name), getattr(doubled, name)
        assert (two.value, two.ends) == (one.value, pytest.approx(one.ends, abs=0.005))
        assert "instruction" in two.method
    single = step_agreement(twice[:2])
    assert single.accuracy.reason == "fewer than two instructions"
