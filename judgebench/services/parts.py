"""What of a benchmark is exported: streams of records in an order that the content decides.

Instructions stand in the order in which they came, which is part of a benchmark; what is about one stands by names.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.formats import PairsFrom
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.records import OVERALL, HumanLabel, Instruction, Judge, Lineage, Model, Output
from judgebench.services.scope import EVERYTHING, Scope
from judgebench.store import labels as store_labels
from judgebench.store.battles import JudgedTrial
from judgebench.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class PairChoice:
    """Which pairs of outputs go to other tools, and what of them."""

    baseline: str | None = None  # the other side of every battle; None: the model that met all
    pairs_from: PairsFrom = "verdicts"
    min_margin: float = 0.0  # by how much the chosen output is preferred, in [0, 1]
    both_orders: bool = False  # only where the judge names the same winner in both
    min_confidence: float | None = None  # in [0, 1]; see ``JudgedPair.confidence``
    rationale: bool = False  # with the judge's reply


EVERY_PAIR = PairChoice()


@dataclass(frozen=True, slots=True)
class Part:
    """Of a benchmark what is exported."""

    benchmark: str
    scope: Scope = (
        EVERYTHING  # where no judge is named, a leaderboard is by the one with most verdicts, all else by all
    )
    models: tuple[str, ...] = ()  # whose outputs or battles; empty: all
    choice: PairChoice = EVERY_PAIR
    left_out: Counter[str] = field(default_factory=Counter)  # what the kind of export has no place for, in words

    @property
    def judges(self) -> tuple[str, ...]:
        return self.scope.judges

    @property
    def category(self) -> str | None:
        return self.scope.category

    def id(self, connection: Connection) -> int:
        return store.benchmarks.chosen_benchmark(connection, self.benchmark, self.judges, self.category)


def several_turns(database: Database, benchmark: str) -> bool:
    """Whether any instruction of the benchmark has more than one turn."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        instructions = store.benchmarks.instructions(connection, benchmark_id)
    return any(len(instruction.turns) > 1 for instruction in instructions)


def instructions(database: Database, part: Part) -> Iterator[tuple[Instruction]]:
    """In the order in which they came."""
    with database.read() as connection:
        for instruction in store.benchmarks.instructions(connection, part.id(connection)):
            if part.category in (None, instruction.category):
                yield (instruction,)


def outputs(database: Database, part: Part) -> Iterator[tuple[Instruction, Output]]:
    """By instruction, model and sample, with what people and sources say of its steps."""
    with database.read() as connection:
        are_marked = store.marks.has_any(connection, part.id(connection))
        for instruction, outputs in answered(connection, part):
            marked: dict[tuple[str, int], Output] = {}
            if are_marked:
                of = store.marks.marked(connection, part.id(connection), [instruction.key]).values()
                marked = {(output.model, output.sample): output for _, output in of}
            for model in sorted(outputs):
                yield from ((instruction, marked.get((model, output.sample), output)) for output in outputs[model])


def labels(database: Database, part: Part) -> Iterator[tuple[Instruction, Output, Output, HumanLabel]]:
    """By instruction, models, annotator and samples, with both outputs."""
    with database.read() as connection:
        counts = store_labels.questions(connection, part.id(connection))
        other = sum(number for question, number in counts.items() if question != OVERALL)
        part.left_out["labels on other questions than which output is better"] += other
        given: dict[str, list[HumanLabel]] = defaultdict(list)
        for label in store_labels.labels(connection, part.id(connection), category=part.category):
            given[label.instruction].append(label)
        for instruction, outputs in answered(connection, part):
            mine = given[instruction.key]
            for label in sorted(mine, key=lambda label: (label.model_a, label.model_b, label.annotator, label.samples)):
                sample_a, sample_b = label.samples
                sides = (_sample(outputs[label.model_a], sample_a), _sample(outputs[label.model_b], sample_b))
                yield instruction, *sides, label


def _sample(outputs: Sequence[Output], number: int) -> Output:
    return next(output for output in outputs if output.sample == number)


def answered(connection: Connection, part: Part) -> Iterator[tuple[Instruction, Mapping[str, tuple[Output, ...]]]]:
    """The instructions with the outputs of every model, all samples."""
    benchmark_id = part.id(connection)
    models = store.benchmarks.model_names(connection, benchmark_id)
    for name in part.models:
        if name not in models:
            raise UnknownName("model", name, models)
    models = list(part.models) or models
    answered = store.benchmarks.answered_instructions(connection, benchmark_id, models, category=part.category)
    return ((row.instruction, row.samples) for row in answered)


def verdicts(database: Database, part: Part) -> Iterator[tuple[RecordedVerdict]]:
    """Those in force, by instruction, models, judge, order and repeat."""
    with database.read() as connection:
        benchmark_id = part.id(connection)
        judges = {judge.name: judge for judge in store.judges.judges(connection)}
        stored = store.battles.judged_trials(
            connection, benchmark_id, judges=part.judges or None, category=part.category, by_instruction=True
        )
        ids = store.external_ids.of_benchmark(connection, benchmark_id)
        for key, trials in groupby(stored, key=lambda trial: trial.instruction.key):
            verdicts = [_recorded(trial, judges[trial.judge], ids.get(key, ())) for trial in trials]
            yield from ((verdict,) for verdict in sorted(verdicts, key=_by_names))


def lineage(database: Database, part: Part) -> Iterator[tuple[Model]]:
    """The benchmark's models and all that these and its judges' LLMs are declared to come from, by name."""
    with database.read() as connection:
        benchmark_id = part.id(connection)
        declared = store.models.lineages(connection)
        llms = [judge.model for judge in store.judges.judges(connection, benchmark_id)]
        names = store.benchmarks.model_names(connection, benchmark_id)
    lineages: dict[str, Lineage] = {}
    waiting = [*names, *(llm for llm in llms if llm in declared)]
    while waiting:
        name = waiting.pop()
        if name not in lineages:
            lineages[name] = declared.get(name, Lineage())
            relatives = (*filter(None, [lineages[name].parent]), *lineages[name].trained_on)
            waiting += [relative for relative in relatives if relative in declared]
    yield from ((Model(name, lineages[name]),) for name in sorted(lineages))


def judges(database: Database, part: Part) -> Iterator[tuple[Judge, tuple[str, ...]]]:
    """Those with verdicts on the benchmark, by name, with what their templates show."""
    with database.read() as connection:
        benchmark_id = part.id(connection)
        for judge in store.judges.judges(connection, benchmark_id):
            if part.judges and judge.name not in part.judges:
                continue
            first = next(store.battles.judged_trials(connection, benchmark_id, judges=[judge.name]), None)
            if first is not None:
                yield judge, first.shows


def _recorded(trial: JudgedTrial, judge: Judge, ids: tuple[str, ...]) -> RecordedVerdict:
    """``ids``: of the instruction, which stand in another table."""
    instruction = replace(trial.instruction, ids=ids)
    sides = (trial.output_a, trial.output_b)
    return RecordedVerdict(judge, instruction, *sides, trial.order, trial.repeat, trial.verdict, trial.completion)


def _by_names(verdict: RecordedVerdict) -> tuple[str, str, str, str, int, int, int]:
    other, sample = ("", 0) if verdict.b is None else (verdict.b.model, verdict.b.sample)
    return (
        *(verdict.a.model, other, verdict.judge.name, str(verdict.order or ""), verdict.repeat),
        *(verdict.a.sample, sample),
    )
