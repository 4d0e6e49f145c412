"""From verdicts on steps to a score."""

import math

import pytest

from judgebench.judging.aggregates import aggregate, first_bad, mean_log


@pytest.mark.parametrize(
    ("how", "score"), [("min", 0.0), ("product", 0.0), ("last", 1.0), ("mean", 0.625), ("before-error", 0.5)]
)
def test_aggregates(how: str, score: float) -> None:
    assert aggregate(["good", "neutral", "bad", "good"], how) == score  # type: ignore[arg-type]  # each is one


def test_a_product_falls_with_length_and_its_mean_logarithm_does_not() -> None:
    short, long = ["neutral"] * 2, ["neutral"] * 8
    assert (aggregate(short, "product"), aggregate(long, "product")) == (0.25, 0.5**8)
    assert mean_log(short) == mean_log(long) == math.log(0.5)
    assert mean_log(["good", "bad"]) == -math.inf


def test_the_first_bad_step_counts_from_one() -> None:
    assert (first_bad(["good", "bad", "bad"]), first_bad(["good", None])) == (2, None)
    assert aggregate(["good"] * 3, "before-error") == 1
