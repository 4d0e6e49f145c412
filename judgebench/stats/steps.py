"""A judge's verdicts on steps beside labels of the same steps.

What no label says is unknown, and never good: where labelling stopped at the first error, the steps behind it count
nowhere. Steps of one output depend on each other, and so do several readings of it and outputs to one instruction, as
PRMBench has two of each problem: intervals are clustered by instruction.

The first error: of outputs with an error, the share whose first bad step the judge names; of outputs without one, the
share of which it says so; and the harmonic mean of the two (ProcessBench, Zheng et al. 2024, arXiv 2412.06559; its code
counts steps from 0 and -1 for none). The single steps, as PRMBench's code counts them (Song et al. 2025, arXiv
2501.03124): a step that is not bad is the positive one; F1, the F1 of the bad ones ("negative F1"), and the mean of
both. The PRMScore weighs the two by w1 and w2; equal weights are ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import Clusters, OfKinds, bounded_mean, jackknife_estimate

__all__ = ["UNKNOWN", "LabelledReading", "StepAgreement", "first_error", "step_agreement"]
Rating = str | None  # "good", "neutral" or "bad"; None: nobody says
UNKNOWN: Final = -1  # a first error that the labels do not tell
_TP, _FP, _FN, _TN = range(4)  # positive: not bad
_FOUND, _MISSED, _CLEAN, _ACCUSED = range(4)  # outputs with an error, and without one
_NO_ERROR = "no output is labelled with an error"
_NO_CLEAN = "no output is labelled as without an error"


@dataclass(frozen=True, slots=True)
class LabelledReading:
    """One reading of an output whose steps are labelled."""

    instruction: int  # the same for every output to it
    output: int  # the same for every reading of an output, and for no other's
    labels: tuple[Rating, ...]  # of each step
    ratings: tuple[Rating, ...]  # by the judge, of each step


@dataclass(frozen=True, slots=True)
class StepAgreement:
    """How far a judge says of steps what their labels say."""

    outputs: int  # that have both
    readings: int
    steps: int  # labelled ones that were judged, over all readings
    unknown: int  # judged ones without a label
    with_error: int  # outputs whose first error is known
    without_error: int  # outputs that are known to have none
    first_error: Estimate  # share of outputs with an error whose first one is named
    no_error: Estimate  # share of outputs without one of which that is said
    process_score: Estimate  # harmonic mean of the two
    accuracy: Estimate  # of single steps
    f1: Estimate  # of steps that are not bad
    negative_f1: Estimate  # of bad steps
    prm_score: Estimate  # mean of the two


def first_error(labels: Sequence[Rating]) -> int | None:
    """The number of the first bad step, from 1; None where there is none; UNKNOWN where a step before it has no
    label."""
    for number, label in enumerate(labels, 1):
        if label is None:
            return UNKNOWN
        if label == "bad":
            return number
    return None


def step_agreement(
    readings: Sequence[LabelledReading], *, level: float = 0.95, seed: int = 0, most: int = 400
) -> StepAgreement:
    """``most``: clusters that are left out one by one; of more, so many groups. Raises StatisticsError for a level
    outside (0, 1)."""
    named = [(reading, first_error(reading.labels)) for reading in readings]
    whole = [
        (reading.instruction, _outcome(first, first_error(reading.ratings)))
        for reading, first in named
        if first != UNKNOWN
    ]
    steps = [
        (reading.instruction, _cell(label, rating))
        for reading in readings
        for label, rating in zip(reading.labels, reading.ratings, strict=True)
        if label is not None
    ]
    instructions, outcomes = _columns(whole)
    places, cells = _columns(steps)
    judged = sum(len(reading.ratings) for reading in readings)
    faulty = outcomes <= _MISSED
    how = _How(level, seed, most)
    return StepAgreement(
        outputs=len({reading.output for reading in readings}),
        readings=len(readings),
        steps=len(steps),
        unknown=judged - len(steps),
        with_error=len({reading.output for reading, first in named if first not in (None, UNKNOWN)}),
        without_error=len({reading.output for reading, first in named if first is None}),
        first_error=how.share(outcomes[faulty] == _FOUND, instructions[faulty], _NO_ERROR),
        no_error=how.share(outcomes[~faulty] == _CLEAN, instructions[~faulty], _NO_CLEAN),
        process_score=how.score(process_score, outcomes, instructions, _NO_ERROR if not faulty.any() else _NO_CLEAN),
        accuracy=how.share((cells == _TP) | (cells == _TN), places, "no step that was judged has a label"),
        f1=how.score(_f1, cells, places, "neither labels nor judge hold a step for right"),
        negative_f1=how.score(_negative_f1, cells, places, "neither labels nor judge hold a step for wrong"),
        prm_score=how.score(_prm_score, cells, places, "steps of both kinds are needed"),
    )


def process_score(times: NDArray[np.intp]) -> float:
    """Of how many outputs with an error were found and missed, and of those without one said to be and not."""
    hits, missed, clean, accused = times.tolist()
    if not hits + missed or not clean + accused:
        return float("nan")
    one, other = hits / (hits + missed), clean / (clean + accused)
    return 2 * one * other / (one + other) if one + other else 0.0


def _f1(times: NDArray[np.intp]) -> float:
    return _harmonic(int(times[_TP]), int(times[_FP]), int(times[_FN]))


def _negative_f1(times: NDArray[np.intp]) -> float:
    return _harmonic(int(times[_TN]), int(times[_FN]), int(times[_FP]))


def _prm_score(times: NDArray[np.intp]) -> float:
    return (_f1(times) + _negative_f1(times)) / 2


def _harmonic(right: int, wrongly: int, missed: int) -> float:
    """F1; NaN where there is nothing of the kind."""
    whole = 2 * right + wrongly + missed
    return 2 * right / whole if whole else float("nan")


def _outcome(truth: int | None, named: int | None) -> int:
    if truth is None:
        return _CLEAN if named is None else _ACCUSED
    return _FOUND if named == truth else _MISSED


def _cell(label: str, rating: Rating) -> int:
    if label == "bad":
        return _TN if rating == "bad" else _FP
    return _FN if rating == "bad" else _TP


def _columns(rows: Sequence[tuple[int, int]]) -> tuple[Clusters, NDArray[np.intp]]:
    columns = np.array(rows, dtype=np.intp).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


@dataclass(frozen=True, slots=True)
class _How:
    """How intervals are made."""

    level: float
    seed: int
    most: int

    def share(self, right: NDArray[np.bool_], instructions: Clusters, why: str) -> Estimate:
        if not len(right):
            return unidentified(why, level=self.level)
        return bounded_mean(right.astype(np.float64), instructions, level=self.level)

    def score(
        self, statistic: Callable[[NDArray[np.intp]], float], kinds: NDArray[np.intp], instructions: Clusters, why: str
    ) -> Estimate:
        """With one imagined instruction of each kind, as large as others are, in the interval alone."""
        if not np.isfinite(statistic(np.bincount(kinds, minlength=4))):
            return unidentified(why, level=self.level, n=len(kinds))
        copies = max(round(len(kinds) / len(np.unique(instructions))), 1)
        imagined = np.repeat(np.arange(4), copies)
        return jackknife_estimate(
            OfKinds(statistic, np.concatenate([kinds, imagined])),
            instructions,
            imagined,
            rng=np.random.default_rng(self.seed),
            level=self.level,
            most=self.most,
            bounds=(0.0, 1.0),
        )
