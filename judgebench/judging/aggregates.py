"""From verdicts on the steps of an output to its score, in [0, 1].

``min``: the worst step, whatever the length, as an argument is no better than its weakest step (the default).
``product``: the chance that all steps are right, were each verdict one; it falls with length, so that it compares
outputs of equal length only, and the mean logarithm beside it compares others. ``last``: the last step, as of an
answer. ``mean``: over all steps. ``before-error``: the share of steps before the first bad one.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

from judgebench.records import Rating

Aggregate = Literal["min", "product", "last", "mean", "before-error"]
RATINGS: tuple[Rating, ...] = get_args(Rating)
AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)
VALUES: Mapping[Rating, float] = {
    "good": 1.0,
    "neutral": 0.5,
    "bad": 0.0,
}  # of a step, unless a template says otherwise


def first_bad(ratings: Sequence[str | None]) -> int | None:
    """The number of the first bad step, from 1; None where none is."""
    return next((number for number, rating in enumerate(ratings, 1) if rating == "bad"), None)


def aggregate(ratings: Sequence[Rating], how: Aggregate, values: Mapping[Rating, float] = VALUES) -> float:
    """The score of at least one step's ratings."""
    numbers = [values[rating] for rating in ratings]
    return _MAKES[how](numbers, ratings)


def mean_log(ratings: Sequence[Rating], values: Mapping[Rating, float] = VALUES) -> float:
    """Mean natural logarithm of the steps' values, which does not fall with length; -inf where a step is worth 0."""
    numbers = [values[rating] for rating in ratings]
    return -math.inf if min(numbers) <= 0 else math.fsum(map(math.log, numbers)) / len(numbers)


def _before_error(numbers: Sequence[float], ratings: Sequence[str]) -> float:
    first = first_bad(ratings)
    return 1.0 if first is None else (first - 1) / len(numbers)


_MAKES: Mapping[str, Callable[[Sequence[float], Sequence[str]], float]] = {
    "min": lambda numbers, _: min(numbers),
    "product": lambda numbers, _: math.prod(numbers),
    "last": lambda numbers, _: numbers[-1],
    "mean": lambda numbers, _: math.fsum(numbers) / len(numbers),
    "before-error": _before_error,
}
