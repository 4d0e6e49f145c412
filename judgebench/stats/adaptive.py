"""Questions about a ranking, settled by bounds on means in [0, 1] that hold at every number of observations at once, so
that one may stop at any time.

A bettor who doubts the mean m pays into a capital that cannot be expected to grow if m is right; when it exceeds
1 / error, m is rejected (Ville's inequality). The capital is the mean of three bettors': one adapts its bets
(Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting", appendix B.3), two always
stake the same share of what could be lost, one of them nearly all. Each bet knows earlier values only. Values drawn
from a finite population without replacement (their section 5) say ever more about what is left, and everything once all
are seen: about these values, as they were said. A judge whose verdicts would come out otherwise when it is asked again
is not a finite population, however few the instructions are: equal models would be told apart once all are asked. So a
``Race`` never takes its instructions for one.
The values must come in an order that does not depend on them, as a shuffled list of instructions does.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan

import numpy as np

from judgebench.errors import InputError
from judgebench.stats.verdict_table import Floats

__all__ = ["Race", "RankingQuestion", "Standing", "running_bounds"]
_GRID = 1000  # candidate means, evenly in [0, 1]
_MEANS = np.linspace(0.0, 1.0, _GRID + 1)
_LARGEST = 0.95  # of the bet that could lose everything at once
_STAKES = np.array([[0.3], [_LARGEST]])  # of the same, by the bettors that do not adapt
_TOLERANCE = 1e-9
_RICHEST = 1e300  # nobody needs more; a capital too small for a number is none, which refutes nothing


@dataclass(frozen=True, slots=True)
class Bounds:
    """One-sided each: the mean is above ``lower`` and below ``upper``, but for the chance of error beside it."""

    mean: float  # NaN without values
    lower: float
    upper: float
    lower_error: float
    upper_error: float
    count: int


class RunningBounds:
    """Bounds that take one value after another; a look costs nothing, and as many may be taken as one likes.

    ``population``: how many values there are to draw from, each of which is what it is; None for values that have noise
    of their own, or so many that it does not matter.
    """

    def __init__(self, *, lower_error: float, upper_error: float, population: int | None = None) -> None:
        self._errors = lower_error, upper_error
        self._below, self._above = _Bettor(lower_error, population), _Bettor(upper_error, population)
        self._population = population
        self._total, self.count = 0.0, 0

    def add(self, value: float) -> None:
        """Raises ValueError for a value outside [0, 1], and for more values than there are."""
        if not 0.0 <= value <= 1.0:
            raise ValueError("values must lie in [0, 1]")
        if self._population is not None and self.count >= self._population:
            raise ValueError(f"{self.count + 1:,} values of a population of {self._population}")
        self._below.bet(value)
        self._above.bet(1.0 - value)
        self._total += value
        self.count += 1

    @property
    def mean(self) -> float:
        """NaN without values."""
        return self._total / self.count if self.count else float("nan")

    @property
    def lower(self) -> float:
        return self._below.refuted

    @property
    def upper(self) -> float:
        return 1.0 - self._above.refuted

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.mean, self.lower, self.upper, *self._errors, self.count)


def running_bounds(
    values: Sequence[float] | Floats, *, lower_error: float, upper_error: float, population: int | None = None
) -> Bounds:
    """Bounds after ``values`` (n,), each in [0, 1]; they are exact to 1/1000. See ``RunningBounds``.

    Raises ValueError for a value outside [0, 1], and for more values than there are.
    """
    running = RunningBounds(lower_error=lower_error, upper_error=upper_error, population=population)
    for value in np.asarray(values, dtype=np.float64).tolist():
        running.add(value)
    return running.bounds


class _Bettor:
    """Bets, against every mean on the grid at once, that the values are larger."""

    def __init__(self, error: float, population: int | None) -> None:
        self._enough = 1.0 / error
        self._population = population
        self._wealth = np.ones((1 + len(_STAKES), len(_MEANS)))  # one row a bettor
        self._best = np.ones_like(_MEANS)
        self._total, self._count = 0.0, 0
        self._squares = 0.25  # with one imagined value of 1/2 before, so that the first bet knows no value

    @property
    def refuted(self) -> float:
        """The largest mean on the grid below which all were made implausible."""
        rejected = self._best >= self._enough
        if self._population is not None:
            rejected |= self._population * _MEANS < self._total - _TOLERANCE  # what was seen alone amounts to more
        if not rejected[1]:  # a mean of 0 is refuted by one positive value, but as a bound it says nothing
            return 0.0
        return float(_MEANS[int(np.argmin(rejected[1:]))])

    def bet(self, value: float) -> None:
        left = _MEANS
        if self._population is not None:
            left = (self._population * _MEANS - self._total) / (self._population - self._count)
        mean = (0.5 + self._total) / (self._count + 1)
        edge, share = mean - left, np.zeros_like(left)
        np.divide(1.0, left, out=share, where=left > _TOLERANCE)  # a mean of 0 cannot be bet on
        adapted = np.minimum(np.maximum(edge / (self._squares / (self._count + 1) + edge**2), 0.0), _LARGEST * share)
        won = value - left
        self._wealth[0] *= 1.0 + adapted * won
        self._wealth[1:] *= 1.0 + _STAKES * (share * won)
        np.minimum(self._wealth, _RICHEST, out=self._wealth)
        np.maximum(self._best, self._wealth.sum(axis=0) / len(self._wealth), out=self._best)
        self._total += value
        self._squares += (value - mean) ** 2
        self._count += 1


@dataclass(frozen=True, slots=True)
class RankingQuestion:
    """What is to be settled. One of: is A better than B; which are the top k; how do all rank."""

    better: tuple[str, str] | None = None
    top: int | None = None

    def __str__(self) -> str:
        if self.better is not None:
            return f"is {self.better[0]} better than {self.better[1]}"
        if self.top is None:
            return "how do all models rank"
        return "which model is best" if self.top == 1 else f"which are the top {self.top}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A model as far as it was observed; the bounds of all models hold together and at all times."""

    model: str
    mean: float | None  # preference for it, in [0, 1]; None: not observed
    lower: float
    upper: float
    observations: int  # instructions


class Race:
    """The state of an adaptive comparison. Raises InputError where the question does not fit the models."""

    def __init__(self, models: Sequence[str], question: RankingQuestion, *, error: float) -> None:
        if question.top is not None and not 0 < question.top < len(models):
            raise InputError(f"top {question.top} of {len(models)} models is no question: take 1 to {len(models) - 1}")
        if question.top is None and question.better is None and len(models) < 2:
            raise InputError("a ranking needs two models or more")
        self.question = question
        self.models = (question.better[0],) if question.better is not None else tuple(sorted(models))
        side = error / (2 * len(self.models))
        self._bounds = {model: RunningBounds(lower_error=side, upper_error=side) for model in self.models}

    def observe(self, model: str, value: float) -> None:
        """A preference for ``model``, in [0, 1], on an instruction on which it was not observed before."""
        self._bounds[model].add(value)

    @property
    def settled(self) -> bool:
        return not self._open()

    @property
    def answer(self) -> tuple[str, ...]:
        """The better model, the top k, or all from the best to the worst; empty while it is not settled."""
        if not self.settled:
            return ()
        if self.question.better is not None:
            won = self._bounds[self.models[0]].lower > 0.5
            return (self.question.better[0 if won else 1],)
        return tuple(self._by_mean()[: self.question.top])

    def next_models(self, exhausted: Collection[str] = ()) -> tuple[str, ...]:
        """The models to observe next; none when it is settled, or when none that matter can be observed any more."""
        unseen = [model for model in self.models if not self._bounds[model].count and model not in exhausted]
        if unseen:
            return tuple(unseen)
        for pair in self._open():
            able = tuple(model for model in pair if model not in exhausted)
            if able:
                return able
        return ()

    def standings(self) -> tuple[Standing, ...]:
        """The highest mean first. Of a question about two models, the first against the second."""
        return tuple(self._standing(model) for model in self._by_mean())

    def _standing(self, model: str) -> Standing:
        bounds = self._bounds[model]
        return Standing(model, None if isnan(bounds.mean) else bounds.mean, bounds.lower, bounds.upper, bounds.count)

    def _by_mean(self) -> list[str]:
        def place(model: str) -> tuple[float, str]:
            mean = self._bounds[model].mean
            return (-0.5 if isnan(mean) else -mean, model)

        return sorted(self.models, key=place)

    def _open(self) -> list[tuple[str, ...]]:
        """Groups of models whose bounds overlap where the question needs them apart, the easiest first."""
        if self.question.better is not None:
            bounds = self._bounds[self.models[0]]
            return [] if bounds.lower > 0.5 or bounds.upper < 0.5 else [self.models]
        order = self._by_mean()
        if self.question.top is not None:
            ahead, behind = order[: self.question.top], order[self.question.top :]
            weakest = min(ahead, key=lambda model: self._bounds[model].lower)
            strongest = max(behind, key=lambda model: self._bounds[model].upper)
            neighbours = [(weakest, strongest)]
        else:
            neighbours = list(pairwise(order))
        overlaps = [(self._bounds[b].upper - self._bounds[a].lower, (a, b)) for a, b in neighbours]
        return [pair for overlap, pair in sorted(overlaps) if overlap >= 0]
