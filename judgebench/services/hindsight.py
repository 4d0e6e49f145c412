"""What it changes to know what happened afterwards: two judges on the same trials, one of which was shown it.

A rater who does not see what came of an answer rewards what sounds good (Liang et al. 2025, RLHS, arXiv 2501.08617):
the difference that the second reading makes says how much of a score that is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judgebench import store
from judgebench.errors import InputError, StatisticsError
from judgebench.estimate import Estimate
from judgebench.judging.templates import EVERYTHING
from judgebench.records import Instruction, Judge, Status
from judgebench.stats.intervals import bounded_difference, bounded_mean, influence_estimate
from judgebench.stats.verdict_table import Floats
from judgebench.store.battles import JudgedTrial
from judgebench.store.database import Connection, Database

_Place = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class HindsightPart:
    """Of all trials, or of those of a category, or about a model."""

    name: str  # empty: of all; else the category's or the model's
    trials: int
    difference: Estimate  # with hindsight less without: of the score, or of the preference for the model
    size: Estimate  # mean of the absolute differences
    changed: Estimate  # share of trials that name another winner, or give another score


@dataclass(frozen=True, slots=True)
class ChangedTrial:
    """A trial that was read both ways."""

    instruction: Instruction
    models: tuple[str, ...]  # A and B, or the one that was scored
    before: float  # the preference for A, or the score
    after: float


@dataclass(frozen=True, slots=True)
class Hindsight:
    """What hindsight changes on a benchmark."""

    benchmark: str
    judge: str
    informed: str  # the judge that was shown what happened afterwards
    is_score: bool  # else verdicts are preferences
    alone: tuple[int, int]  # trials with a verdict of one of the two judges only, in that order
    without: tuple[Mapping[Status, int], Mapping[Status, int]]  # trials of each without a verdict
    whole: HindsightPart  # of preferences its difference is for A, whose names sort first
    categories: tuple[HindsightPart, ...]
    models: tuple[HindsightPart, ...]
    trials: tuple[ChangedTrial, ...]  # by how much they changed, the most first


def hindsight(
    database: Database, benchmark: str, *, judge: str, informed: str, category: str | None = None, level: float = 0.95
) -> Hindsight:
    """Raises UnknownName; InputError where the second judge was shown nothing more than the first, or one compares and
    the other scores; StatisticsError where no trial was read by both."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, [judge, informed], category)
        was_shown = [_was_shown(connection, store.judges.judge(connection, name)) for name in (judge, informed)]
        for name, was in zip((judge, informed), was_shown, strict=True):
            if was is None:
                raise InputError(
                    f"nobody knows whether {name!r} was shown what happened afterwards: its verdicts were imported, "
                    "and its template is not here"
                )
        if was_shown != [False, True]:
            raise InputError(
                f"{informed!r} must be a judge that was shown what happened afterwards, and {judge!r} one that was "
                "not: run the second by a template with {{ afterwards }}, such as pointwise/mt-bench-hindsight"
            )
        trials = list(
            store.battles.judged_trials(connection, benchmark_id, judges=[judge, informed], category=category)
        )
    sides = [[trial for trial in trials if trial.judge == name] for name in (judge, informed)]
    told = [{_place(trial): trial for trial in side if _value(trial) is not None} for side in sides]
    places = sorted(told[0].keys() & told[1].keys(), key=repr)
    if not places:
        raise StatisticsError(f"no trial has a verdict of both {judge!r} and {informed!r}")
    pairs = [(told[0][place], told[1][place]) for place in places]
    is_score = pairs[0][0].output_b is None
    names = sorted({side.model for before, _ in pairs for side in (before.output_a, before.output_b) if side})
    categories = sorted({before.instruction.category for before, _ in pairs if before.instruction.category})
    without = tuple(Counter(trial.verdict.status for trial in side if _value(trial) is None) for side in sides)
    return Hindsight(
        benchmark=benchmark,
        judge=judge,
        informed=informed,
        is_score=is_score,
        alone=(len(told[0]) - len(places), len(told[1]) - len(places)),
        without=(without[0], without[1]),
        whole=_part("", pairs, None, level),
        categories=tuple(
            _part(name, [pair for pair in pairs if pair[0].instruction.category == name], None, level)
            for name in categories
        ),
        models=tuple(_part(name, [pair for pair in pairs if _is_about(pair[0], name)], name, level) for name in names),
        trials=tuple(sorted(map(_changed, pairs), key=lambda trial: -abs(trial.after - trial.before))),
    )


def judges(database: Database, benchmark: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The judges of the benchmark that were not shown what happened afterwards, and those that were, by name. Those of
    which nobody knows it are among neither.

    Raises UnknownName.
    """
    with database.read() as connection:
        place = store.benchmarks.benchmark_id(connection, benchmark)
        known = {judge.name: _was_shown(connection, judge) for judge in store.judges.judges(connection, place)}
    plain, informed = (tuple(name for name, was in known.items() if was is shown) for shown in (False, True))
    return plain, informed


def _was_shown(connection: Connection, judge: Judge) -> bool | None:
    """Whether the judge was shown what happened afterwards; None: nobody knows, as its template is not here."""
    shows = store.judges.shows(connection, judge) or ()
    return None if shows == EVERYTHING else "afterwards" in shows


def _value(trial: JudgedTrial) -> float | None:
    return trial.verdict.preference if trial.output_b is not None else trial.verdict.score


def _place(trial: JudgedTrial) -> _Place:
    """What is the same for both judges."""
    a, b = trial.output_a, trial.output_b
    other = (None, 0) if b is None else (b.model, b.sample)
    return trial.instruction.key, a.model, a.sample, *other, trial.order, trial.repeat


def _is_about(trial: JudgedTrial, model: str) -> bool:
    return model in (trial.output_a.model, trial.output_b.model if trial.output_b else None)


def _changed(pair: tuple[JudgedTrial, JudgedTrial]) -> ChangedTrial:
    before, after = pair
    models = (before.output_a.model, *((before.output_b.model,) if before.output_b else ()))
    return ChangedTrial(before.instruction, models, _value(before) or 0.0, _value(after) or 0.0)


def _part(
    name: str, pairs: Sequence[tuple[JudgedTrial, JudgedTrial]], model: str | None, level: float
) -> HindsightPart:
    """``model``: for whom preferences are; None: for A."""
    changes = [_changed(pair) for pair in pairs]
    signs = np.array([-1.0 if model not in (None, change.models[0]) else 1.0 for change in changes])
    before, after = (np.array([getattr(change, when) for change in changes]) for when in ("before", "after"))
    difference = signs * (after - before)
    keys = np.unique([change.instruction.key for change in changes], return_inverse=True)[1]
    is_score = len(changes[0].models) == 1
    other = before != after if is_score else np.sign(before - 0.5) != np.sign(after - 0.5)
    return HindsightPart(
        name=name,
        trials=len(pairs),
        difference=_mean(difference, keys, level) if is_score else bounded_difference(difference, keys, level=level),
        size=_mean(abs(difference), keys, level) if is_score else bounded_mean(abs(difference), keys, level=level),
        changed=bounded_mean(other.astype(np.float64), keys, level=level),
    )


def _mean(values: Floats, clusters: np.ndarray, level: float) -> Estimate:
    """Of scores, which have no bounds of their own."""
    mean = float(values.mean())
    return influence_estimate(mean, (values - mean) / len(values), clusters, level=level)
