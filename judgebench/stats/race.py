"""Which models to compare next, and when a question is settled, at an error rate that holds however often one looks.

Each model runs a sequence of its own: on every further instruction, drawn in an order that knows no verdict, it meets
one opponent drawn from the field, and its value is the mean preference for it. The bounds on each mean hold at all
times at once (``sequential``), all models' together by Bonferroni, so that which model is observed next, and when to
stop, may depend on everything seen. Next come those that the question hangs on: the weakest of those that lead and the
strongest of the rest (LUCB, Kalyanakrishnan et al. 2012; by the mean against the field, as in Jamieson et al. 2015).
One question about two models needs one sequence: the preference for the one against the other.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan

from judgebench.errors import InputError
from judgebench.stats.sequential import RunningBounds


@dataclass(frozen=True, slots=True)
class Question:
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

    def __init__(self, models: Sequence[str], question: Question, *, error: float) -> None:
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

    def wanted(self, exhausted: Collection[str] = ()) -> tuple[str, ...]:
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
        found = self._bounds[model]
        return Standing(model, None if isnan(found.mean) else found.mean, found.lower, found.upper, found.count)

    def _by_mean(self) -> list[str]:
        def place(model: str) -> tuple[float, str]:
            mean = self._bounds[model].mean
            return (-0.5 if isnan(mean) else -mean, model)

        return sorted(self.models, key=place)

    def _open(self) -> list[tuple[str, ...]]:
        """Groups of models whose bounds overlap where the question needs them apart, the easiest first."""
        if self.question.better is not None:
            found = self._bounds[self.models[0]]
            return [] if found.lower > 0.5 or found.upper < 0.5 else [self.models]
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
