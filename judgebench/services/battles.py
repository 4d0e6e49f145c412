"""Battles: a list of those that pass a filter, and one with everything that was said about it."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from judgebench import store
from judgebench.engine.judges import template_of
from judgebench.errors import InputError, UnknownName
from judgebench.judging.parsing import verdict_token
from judgebench.records import HumanLabel, Instruction, Judge, Output, Source, TokenLogprob
from judgebench.services.steps import StepReading, readings_on
from judgebench.stats.win_rate import win_rates
from judgebench.store import labels
from judgebench.store.battles import BattleFilter, BattleOrder, BattleSummary, JudgedTrial
from judgebench.store.benchmarks import AnsweredInstruction
from judgebench.store.database import Connection, Database
from judgebench.store.goal_readings import GoalReading

__all__ = [
    "AnsweredInstruction",
    "BattleFilter",
    "BattleOrder",
    "BattleSummary",
    "JudgedBattle",
    "JudgedTrial",
    "answered",
    "battle",
    "battles",
]


@dataclass(frozen=True, slots=True)
class JudgedBattle:
    """A battle with everything that was said about it."""

    instruction: Instruction
    model_a: str
    model_b: str
    outputs: tuple[tuple[Output, Output], ...]  # that were compared, A and B; several where there are samples
    verdicts: tuple[JudgedTrial, ...]
    labels: tuple[HumanLabel, ...] = ()  # what people said, in the order they said it
    sizes: Mapping[str, int] = field(default_factory=dict)  # bytes of the files that their messages hold, by digest
    tokens: Mapping[int, TokenLogprob] = field(default_factory=dict)  # that were weighed, by the verdict's id
    goals: tuple[GoalReading, ...] = ()  # that judges listed of either dialogue
    steps: tuple[StepReading, ...] = ()  # what judges say of the steps of either output, and of places in it


def battles(
    database: Database, benchmark: str, chosen: BattleFilter, *, limit: int = 50, offset: int = 0
) -> tuple[list[BattleSummary], int]:
    """A page of the battles that pass, and how many pass in all. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        strength = _strength(connection, benchmark_id) if chosen.order == "upsets" else {}
        return store.battles.page(connection, benchmark_id, chosen, strength, at=slice(offset, offset + limit))


def judges(database: Database, benchmark: str) -> tuple[str, ...]:
    """Those who compared outputs there, whose verdicts a battle's preference averages. Raises UnknownName."""
    with database.read() as connection:
        table = store.arrays.verdict_table(connection, store.benchmarks.benchmark_id(connection, benchmark)).table
    return tuple(table.judges[code] for code in np.unique(table.judge))


def _strength(connection: Connection, benchmark_id: int) -> dict[str, float]:
    """Each model's win rate over the field, by all judges."""
    table = store.arrays.verdict_table(connection, benchmark_id).table
    if not len(table):
        return {}
    rates = win_rates(table).rate.tolist()
    return {model: rate for model, rate in zip(table.models, rates, strict=True) if math.isfinite(rate)}


def battle(
    database: Database, benchmark: str, instruction: str, model_a: str, model_b: str, *, judge: str | None = None
) -> JudgedBattle:
    """The battle of two models on the instruction with this key, with the verdicts of ``judge``, or of all.

    Raises UnknownName when there is no verdict on it.
    """
    first, second = sorted((model_a, model_b))
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        pair = (first, second)
        trials = tuple(store.battles.trials_between(connection, benchmark_id, instruction, pair, judge=judge))
        labelled = labels.labels(connection, benchmark_id, instruction=instruction)
        mine = tuple(label for label in labelled if (label.model_a, label.model_b) == pair)
        pairs = {(shown.output_a.sample, shown.output_b.sample): (shown.output_a, shown.output_b)
                 for shown in trials if shown.output_b is not None}  # fmt: skip
        outputs = tuple(pairs[samples] for samples in sorted(pairs))
        if not outputs:
            raise UnknownName("battle", f"{first} against {second} on {instruction}", [])
        question = trials[0].instruction
        sizes = store.battles.file_sizes(connection, question, chain.from_iterable(outputs))
        goals = [
            reading
            for reading in store.goal_readings.lists_on(connection, benchmark_id, instruction)
            if reading.model in pair
        ]
        read = readings_on(connection, benchmark_id, instruction)
        steps = tuple(reading for reading in read if reading.output.model in pair)
        names = {shown.judge for shown in trials if shown.verdict.source is Source.LOGPROBS}
        judges = [store.judges.judge(connection, name) for name in sorted(names)]
    return JudgedBattle(question, *pair, outputs, trials, mine, sizes, _weighed(trials, judges), tuple(goals), steps)


def upsets(
    database: Database, benchmark: str, judges: Sequence[str], *, category: str | None = None, most: int = 50
) -> list[JudgedBattle]:
    """Battles that the weaker model won most surely, with everything that was said about each.

    ``judges``: where it is one, by its verdicts alone; none where there is none, as of votes. Raises UnknownName.
    """
    if not judges:
        return []
    judge = judges[0] if len(judges) == 1 else None
    chosen = BattleFilter(judge=judge, category=category, order="upsets")
    listed, _ = battles(database, benchmark, chosen, limit=most) if most else ([], 0)
    return [battle(database, benchmark, row.instruction, row.model_a, row.model_b, judge=judge) for row in listed]


def _weighed(trials: Sequence[JudgedTrial], judges: Sequence[Judge]) -> dict[int, TokenLogprob]:
    """The verdicts' tokens, where the judge's template is still what it was."""
    templates = {}
    for judge in judges:
        with suppress(UnknownName, InputError):
            templates[judge.name] = template_of(judge)
    tokens = {}
    for shown in trials:
        template, trial, reply = templates.get(shown.judge), shown.trial, shown.completion
        if template and trial and reply and shown.verdict.source is Source.LOGPROBS:
            tokens[shown.verdict_id] = verdict_token(reply, template, trial)
    return {verdict: token for verdict, token in tokens.items() if token is not None}


def answered(database: Database, benchmark: str, instruction: str, models: Sequence[str] = ()) -> AnsweredInstruction:
    """The instruction with this key and the outputs of ``models``, all where none is named, to it.

    Raises UnknownName for any name that is not there.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        place = store.benchmarks.instruction_ids(connection, benchmark_id, [instruction]).get(instruction)
        if place is None:
            raise UnknownName("instruction", instruction, [])
        for name in models:
            store.models.check_model(connection, name)
        names = models or store.benchmarks.model_names(connection, benchmark_id)
        [row] = store.benchmarks.answered_instructions(connection, benchmark_id, names, after=place - 1, limit=1)
        return row
