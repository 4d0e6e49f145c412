"""What judges say of the steps of outputs and of places in them, and how far that is what people say."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from judgebench import store
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.estimate import Estimate
from judgebench.judging.aggregates import AGGREGATES, Aggregate, aggregate, first_bad, mean_log
from judgebench.judging.numbering import step_ends, step_places
from judgebench.records import Instruction, Marks, Output, Rating, Span, Status
from judgebench.spec.templates import step_protocol
from judgebench.stats.intervals import bounded_mean
from judgebench.stats.steps import LabelledReading, StepAgreement, step_agreement
from judgebench.store.battles import JudgedTrial
from judgebench.store.database import Connection, Database

Protocol = Literal["steps", "spans"]


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """A step, or a place that was found fault with."""

    start: int  # characters of the output's text before it
    stop: int
    text: str
    rating: Rating | None  # of a step
    kind: str | None  # of a fault
    reason: str | None
    labels: Mapping[str, Rating]  # what people and sources say of this very step, by annotator


@dataclass(frozen=True, slots=True)
class StepReading:
    """What a judge said of an output, read once."""

    verdict_id: int
    judge: str
    instruction: Instruction
    output: Output
    repeat: int
    score: float | None
    protocol: Protocol
    steps: tuple[JudgedStep, ...]  # what the judge named: every step, or the places at fault
    step_labels: tuple[Mapping[str, Rating], ...]  # of every step of the output, by annotator

    @property
    def ratings(self) -> tuple[Rating | None, ...]:
        return tuple(step.rating for step in self.steps)

    @property
    def first_error(self) -> int | None:
        """The number of the first bad step, from 1; None where there is none, or no step was rated."""
        return first_bad(self.ratings)


@dataclass(frozen=True, slots=True)
class StepPart:
    """Of all readings, or of those of a category or a model."""

    name: str  # empty: of all; else the category's or the model's
    outputs: int
    readings: int
    steps: int  # that were rated
    faults: Mapping[str, int]  # places that were found fault with, by kind
    right: Estimate  # share of outputs without a bad step, or without a fault
    score: Estimate | None  # mean score; None: scores are no shares
    aggregates: Mapping[Aggregate, Estimate]  # mean over readings of the score that each way would give
    mean_log: float | None  # of the steps' values, over the readings without one of 0; None: there is none
    zeros: int  # readings that have one of 0
    labels: StepAgreement | None  # how far labels say the same; None: no step that was rated has one


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one judge says of steps on a benchmark."""

    benchmark: str
    judge: str
    protocol: Protocol
    annotators: tuple[str, ...]  # whose labels count
    without: Mapping[Status, int]  # trials without a verdict
    elsewhere: int  # readings left out: their steps are not the output's, as it is cut here
    whole: StepPart
    categories: tuple[StepPart, ...]
    models: tuple[StepPart, ...]
    readings: tuple[StepReading, ...]  # by instruction as these came, model, sample and repeat
    level: float


def steps(
    database: Database,
    benchmark: str,
    *,
    judge: str | None = None,
    annotator: str | None = None,
    category: str | None = None,
    models: Sequence[str] = (),
    level: float = 0.95,
) -> StepReport:
    """``judge``: None: the only one that judged steps or places. ``annotator``: whose labels count; None: everybody's.

    Raises UnknownName for any name that is not there, InputError where several judges did or none, and StatisticsError
    where nothing was judged.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, [judge] if judge else [], category)
        known = judges(connection, benchmark_id)
        name = _judge(connection, known, judge)
        there = store.benchmarks.model_names(connection, benchmark_id)
        for model in models:
            if model not in there:
                raise UnknownName("model", model, there)
        trials = list(
            store.battles.judged_trials(connection, benchmark_id, judges=[name], category=category, by_instruction=True)
        )
        if models:
            trials = [trial for trial in trials if trial.output_a.model in models]
        marks = _marks(connection, benchmark_id, trials, annotator)
    every = _readings(trials, marks, known)
    readings = [reading for reading in every if _is_cut_alike(reading)]
    without = Counter(trial.verdict.status for trial in trials if trial.verdict.score is None)
    if not readings:
        ends = [f"{status} ({number:,})" for status, number in sorted(without.items())]
        ends += [f"readings of other steps than the outputs have ({len(every):,})"] * bool(every)
        ended = ", ".join(ends) or "nothing was asked"
        raise StatisticsError(f"judge {name!r} has no verdict on steps or places of these outputs: {ended}")
    readings.sort(key=_by_names(readings))
    parts: dict[str, dict[str, list[StepReading]]] = {"category": {}, "model": {}}
    for reading in readings:
        parts["model"].setdefault(reading.output.model, []).append(reading)
        if reading.instruction.category:
            parts["category"].setdefault(reading.instruction.category, []).append(reading)
    return StepReport(
        benchmark=benchmark,
        judge=name,
        protocol=readings[0].protocol,
        annotators=tuple(sorted({who for reading in readings for labels in reading.step_labels for who in labels})),
        without=without,
        elsewhere=len(every) - len(readings),
        whole=_part("", readings, level),
        categories=tuple(_part(part, mine, level) for part, mine in sorted(parts["category"].items())),
        models=tuple(_part(part, mine, level) for part, mine in sorted(parts["model"].items())),
        readings=tuple(readings),
        level=level,
    )


def on_instruction(database: Database, benchmark: str, key: str) -> tuple[StepReading, ...]:
    """What every judge says of the steps of every output to the instruction with this key. Raises UnknownName."""
    with database.read() as connection:
        return readings_on(connection, store.benchmarks.benchmark_id(connection, benchmark), key)


def judge_names(database: Database, benchmark: str) -> tuple[str, ...]:
    """Those that judged steps or places of outputs to the benchmark. Raises UnknownName."""
    with database.read() as connection:
        return tuple(sorted(judges(connection, store.benchmarks.benchmark_id(connection, benchmark))))


def readings_on(connection: Connection, benchmark: int, key: str) -> tuple[StepReading, ...]:
    """What every judge says of the steps of every output to the instruction with this key."""
    trials = list(store.battles.readings_of(connection, benchmark, key))
    known = _protocols(connection, benchmark, trials)
    trials = [trial for trial in trials if trial.judge in known]
    if not trials:
        return ()
    marks = _marks(connection, benchmark, trials, None)
    return tuple(sorted(_readings(trials, marks, known), key=lambda reading: (*_place(reading), reading.judge)))


def _protocols(connection: Connection, benchmark: int, trials: Iterable[JudgedTrial]) -> dict[str, Protocol]:
    """Of those who judged steps or places, by name. All that they said elsewhere is looked through only where neither
    these trials nor a template that comes with the package tell."""
    known: dict[str, Protocol] = {}
    untold: set[str] = set()
    for trial in trials:
        if trial.verdict.spans:
            known[trial.judge] = "steps" if any(span.rating for span in trial.verdict.spans) else "spans"
        else:
            untold.add(trial.judge)
    for judge in (store.judges.judge(connection, name) for name in sorted(untold - known.keys())):
        listing = step_protocol(judge.template, judge.template_digest)
        if listing is not None:
            known[judge.name] = listing
            untold.discard(judge.name)
    if untold - known.keys() and store.marks.any_spans(connection):
        known |= {name: of for name, of in judges(connection, benchmark).items() if name in untold}
    return known


def judges(connection: Connection, benchmark: int) -> dict[str, Protocol]:
    """Those that judged steps or places of outputs to the benchmark, by name."""
    known: dict[str, Protocol] = {}
    every = store.judges.judges(connection)
    listed = any(step_protocol(judge.template, judge.template_digest) for judge in every)
    rated = store.marks.judges(connection, benchmark) if listed or store.marks.any_spans(connection) else {}
    for judge in every:
        if judge.name not in rated:
            continue
        rates = rated[judge.name]
        listing = step_protocol(judge.template, judge.template_digest)
        if rates is not None:
            known[judge.name] = "steps" if rates else "spans"
        elif listing is not None:
            known[judge.name] = listing
    return known


def _judge(connection: Connection, known: Mapping[str, Protocol], named: str | None) -> str:
    if named is not None:
        if named not in known:
            every = [judge.name for judge in store.judges.judges(connection)]
            if named not in every:
                raise UnknownName("judge", named, sorted(known) or every)
            raise InputError(
                f"judge {named!r} says nothing of steps here: run it with --template pointwise/steps or pointwise/spans"
            )
        return named
    if len(known) != 1:
        why = (
            f"several judges did ({', '.join(sorted(known))}): name one by --judge"
            if known
            else ("none did: run one with --template pointwise/steps or pointwise/spans")
        )
        raise InputError(f"which judge of steps? {why}")
    return next(iter(known))


def _marks(
    connection: Connection, benchmark: int, trials: Iterable[JudgedTrial], annotator: str | None
) -> dict[tuple[str, str, int], tuple[Marks, ...]]:
    """By key of the instruction, model and sample. Raises UnknownName for an annotator who marked nothing of it."""
    if not store.marks.has_any(connection, benchmark):
        if annotator is not None:
            raise UnknownName("annotator", annotator, [])
        return {}
    keys = list(dict.fromkeys(trial.instruction.key for trial in trials))
    marked = store.marks.marked(connection, benchmark, keys).values()
    marks = {(key, output.model, output.sample): output.marks for key, output in marked}
    if annotator is None:
        return marks
    known = {one.annotator for several in marks.values() for one in several}
    if annotator not in known:
        raise UnknownName("annotator", annotator, sorted(known))
    return {place: tuple(one for one in several if one.annotator == annotator) for place, several in marks.items()}


def _readings(
    trials: Iterable[JudgedTrial],
    marks: Mapping[tuple[str, str, int], tuple[Marks, ...]],
    protocols: Mapping[str, Protocol],
) -> list[StepReading]:
    return [
        _reading(trial, marks.get((trial.instruction.key, trial.output_a.model, trial.output_a.sample), ()), protocols)
        for trial in trials
        if trial.verdict.score is not None and trial.output_b is None
    ]


def _reading(trial: JudgedTrial, marks: Sequence[Marks], protocols: Mapping[str, Protocol]) -> StepReading:
    output = trial.output_a
    labels: dict[tuple[int, int], dict[str, Rating]] = {}
    for one in marks:
        for span in one.spans:
            if span.rating is not None:
                labels.setdefault((span.start, span.stop), {})[one.annotator] = span.rating
    return StepReading(
        *(trial.verdict_id, trial.judge, trial.instruction, output, trial.repeat, trial.verdict.score),
        protocols[trial.judge],
        tuple(_step(span, output, labels.get((span.start, span.stop), {})) for span in trial.verdict.spans),
        tuple(labels.get(place, {}) for place in _places(output)),
    )


def _is_cut_alike(reading: StepReading) -> bool:
    """Whether the steps that were judged are those of the output: one stored elsewhere may have been cut otherwise."""
    if reading.protocol == "spans":
        return True
    return [(step.start, step.stop) for step in reading.steps] == _places(reading.output)


def _places(output: Output) -> list[tuple[int, int]]:
    return step_places(step_ends(output.text, output.steps))


def _step(span: Span, output: Output, labels: Mapping[str, Rating]) -> JudgedStep:
    text = output.text[span.start : span.stop]
    return JudgedStep(span.start, span.stop, text, span.rating, span.kind, span.reason, labels)


def _place(reading: StepReading) -> tuple[str, int, int]:
    return reading.output.model, reading.output.sample, reading.repeat


def _by_names(readings: Sequence[StepReading]) -> Callable[[StepReading], tuple[int, str, int, int]]:
    order = {key: at for at, key in enumerate(dict.fromkeys(reading.instruction.key for reading in readings))}
    return lambda reading: (order[reading.instruction.key], *_place(reading))


def _part(name: str, readings: Sequence[StepReading], level: float) -> StepPart:
    codes = {place: code for code, place in enumerate(dict.fromkeys(map(_output, readings)))}
    keys = {key: code for code, key in enumerate(dict.fromkeys(reading.instruction.key for reading in readings))}
    instructions = np.array([keys[reading.instruction.key] for reading in readings])
    ratings = [_rated(reading) for reading in readings]
    logs = [mean_log(mine) for mine in ratings if mine]
    finite = [log for log in logs if np.isfinite(log)]
    right = np.array(["bad" not in mine for mine in ratings], dtype=np.float64)
    scores = np.array([reading.score for reading in readings], dtype=np.float64)
    labelled = [reading for reading in readings if any(reading.step_labels)]
    return StepPart(
        name=name,
        outputs=len(codes),
        readings=len(readings),
        steps=sum(step.rating is not None for reading in readings for step in reading.steps),
        faults=dict(sorted(Counter(step.kind for reading in readings for step in reading.steps if step.kind).items())),
        right=bounded_mean(right, instructions, level=level),
        score=bounded_mean(scores, instructions, level=level) if ((scores >= 0) & (scores <= 1)).all() else None,
        aggregates={
            how: bounded_mean(np.array([aggregate(mine, how) for mine in ratings]), instructions, level=level)
            for how in AGGREGATES
        },
        mean_log=float(np.mean(finite)) if finite else None,
        zeros=len(logs) - len(finite),
        labels=step_agreement(list(_labelled(labelled, keys, codes)), level=level) if labelled else None,
    )


def _output(reading: StepReading) -> tuple[str, str, int]:
    return reading.instruction.key, reading.output.model, reading.output.sample


def _rated(reading: StepReading) -> list[Rating]:
    """Of each step; where places were judged, a step that one touches is bad."""
    if reading.protocol == "steps":
        return [step.rating for step in reading.steps if step.rating is not None]
    touched = [
        any(step.start < stop and start < step.stop for step in reading.steps)
        for start, stop in _places(reading.output)
    ]
    return ["bad" if is_bad else "good" for is_bad in touched] or ["good"]


def _labelled(
    readings: Iterable[StepReading], keys: Mapping[str, int], codes: Mapping[tuple[str, str, int], int]
) -> Iterator[LabelledReading]:
    """A row for each annotator of each reading."""
    for reading in readings:
        ratings = tuple(_rated(reading))
        for annotator in sorted({who for labels in reading.step_labels for who in labels}):
            labels = tuple(named.get(annotator) for named in reading.step_labels)
            yield LabelledReading(keys[reading.instruction.key], codes[_output(reading)], labels, ratings)
