"""Exporting what is stored: rows in an order that the content decides, written in the format of their kind.

Equal databases give equal bytes, whichever engine holds them and in whatever order they were filled. Instructions
stand in the order in which they came, which is part of a benchmark; what is about one stands by names.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from sys import maxsize
from typing import Any

from judgebench import services, store
from judgebench.conversations import Blob, Conversation, Trajectory, held_files
from judgebench.coverage import Coverage
from judgebench.errors import InputError, UnknownName
from judgebench.formats.form_files import DOCUMENTS, form_document, form_row, whole_conversation
from judgebench.formats.forms import Form
from judgebench.formats.forms import registry as forms
from judgebench.formats.message_columns import message_cell
from judgebench.formats.registry import writable
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.formats.writing import KEY_COLUMN, write_document, write_objects, write_rows
from judgebench.leaderboard import Leaderboard
from judgebench.records import HumanLabel, Instruction, Output
from judgebench.services.scope import EVERYTHING, Scope
from judgebench.store import labels
from judgebench.store.battles import BattleFilter
from judgebench.store.database import Connection, Database


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that was written."""

    file: str
    kind: str
    benchmark: str
    rows: int
    lost: Mapping[str, int] = field(default_factory=dict)  # what its form cannot say of conversations, by kind
    coverage: Coverage | None = None  # what a leaderboard counts


@dataclass(frozen=True, slots=True)
class _Part:
    """Of a benchmark what is exported."""

    benchmark: str
    scope: Scope  # where no judge is named, a leaderboard is by the one with most verdicts, and all else by all
    models: tuple[str, ...] = ()  # whose outputs; empty: all

    @property
    def judges(self) -> tuple[str, ...]:
        return self.scope.judges

    @property
    def category(self) -> str | None:
        return self.scope.category

    def id(self, connection: Connection) -> int:
        return store.benchmarks.chosen_benchmark(connection, self.benchmark, self.judges, self.category)


def export(
    database: Database, kind: str, path: Path, *, benchmark: str, scope: Scope = EVERYTHING, models: Sequence[str] = ()
) -> ExportedFile:
    """Write a benchmark's instructions, outputs, verdicts, labels, battles or leaderboard, whole or not at all.

    The name of ``path`` says in which form: .jsonl, .json, .csv or .parquet. A kind that is a form of conversations,
    "openai-chat" say, writes outputs in it, each with what was asked. ``scope``: verdicts of its judges, instructions
    of its category; all else of it is for leaderboards. ``models``: only their outputs. Raises UnknownName and
    InputError; a file that was there is then left alone.
    """
    part = _part(kind, benchmark, scope, models)
    if writable()[kind].is_form:
        return _export_form(database, forms.named(kind), path, part)
    exported = _rows(database, kind, part)
    several_turns = _several_turns(database, benchmark)
    count = write_rows(path, writable()[kind].columns, exported, several_turns=several_turns)
    coverage = _board(database, part).coverage if kind == "leaderboard" else None
    return ExportedFile(str(path), kind, benchmark, count, coverage=coverage)


def rows(
    database: Database, kind: str, *, benchmark: str, scope: Scope = EVERYTHING, models: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """The rows that ``export`` writes, by the columns that docs/formats.md lists. Raises as it does."""
    part = _part(kind, benchmark, scope, models)
    if writable()[kind].is_form:
        return _form_rows(database, forms.named(kind), part, Counter())
    return _rows(database, kind, part)


def _part(kind: str, benchmark: str, scope: Scope, models: Sequence[str]) -> _Part:
    formats = writable()
    if kind not in formats:
        raise UnknownName("kind of export", kind, formats)
    outputs = formats[kind].holds == "outputs"
    if scope.judges and (outputs or kind in ("instructions", "labels")):
        raise InputError(f"{kind} are by no judge: leave --judge")
    if models and not outputs:
        raise InputError(f"{kind} are not of one model: leave --model")
    if kind != "leaderboard" and scope != Scope(scope.judges, scope.category):
        raise InputError("--all-judges, --language, --common and --with-flagged are for leaderboards: leave them out")
    return _Part(benchmark, scope, tuple(models))


def _rows(database: Database, kind: str, part: _Part) -> Iterator[dict[str, Any]]:
    form, several_turns = writable()[kind], _several_turns(database, part.benchmark)
    replies = [] if several_turns else [name for name, kind in form.columns.items() if kind == "replies"]
    messages = [name for name, kind in form.columns.items() if kind == "messages"]
    files = _Files(database)
    return (files.written(_flat(form.row(*record), replies), messages) for record in _RECORDS[kind](database, part))


def _export_form(database: Database, form: Form, path: Path, part: _Part) -> ExportedFile:
    lost: Counter[str] = Counter()
    exported = _form_rows(database, form, part, lost)
    if form.name in DOCUMENTS:
        document = list(exported)
        model = _one_model(database, form, part)
        write_document(path, form_document(form.name, document, benchmark=part.benchmark, model=model))
        count = len(document)
    else:
        count = write_objects(path, exported)
    return ExportedFile(str(path), form.name, part.benchmark, count, dict(sorted(lost.items())))


def _one_model(database: Database, form: Form, part: _Part) -> str:
    """Whose outputs a log of Inspect holds. Raises InputError where there are several."""
    with database.read() as connection:
        models = part.models or store.benchmarks.model_names(connection, part.id(connection))
    if form.name == "inspect" and len(models) > 1:
        raise InputError(f"a log of Inspect is of one model, and the benchmark has {len(models)}: name one by --model")
    return next(iter(models), "none")


def _form_rows(database: Database, form: Form, part: _Part, lost: Counter[str]) -> Iterator[dict[str, Any]]:
    """The outputs in a form; counts what it cannot say of them."""
    for instruction, output in _outputs(database, part):
        digests = held_files(whole_conversation(instruction, output).messages)
        files = _read_files(database, digests) if digests else {}
        try:
            row, missing = form_row(form, instruction, output, files)
        except ValueError as error:
            text = f"the output of {output.model!r} to {instruction.brief[:60]!r}"
            raise InputError(f"{text} cannot be written as {form.name}: {error}") from error
        lost.update(missing)
        yield row


def _read_files(database: Database, digests: Sequence[str]) -> dict[str, Blob]:
    with database.read() as connection:
        return store.blobs.read(connection, digests)


class _Files:
    """Writes cells of messages; a file that several hold stands in the first of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: set[str] = set()

    def written(self, values: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
        """The row with a text for the messages in each of these columns."""
        return {**values, **{name: message_cell(values[name], self._new(values[name])) for name in columns}}

    def _new(self, held: Conversation | Trajectory | None) -> Mapping[str, Blob]:
        digests = [] if held is None else [file for file in held_files(held.messages) if file not in self._written]
        self._written.update(digests)
        return _read_files(self._database, digests) if digests else {}


def _flat(values: Mapping[str, Any], replies: Iterable[str]) -> dict[str, Any]:
    """With a text for the one turn that each of ``replies`` holds."""
    return {**values, **{name: values[name] and "\n\n".join(values[name]) for name in replies}}


def _several_turns(database: Database, benchmark: str) -> bool:
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        instructions = store.benchmarks.instructions(connection, benchmark_id)
    return any(len(instruction.turns) > 1 for instruction in instructions)


def _instructions(database: Database, part: _Part) -> Iterator[tuple[Instruction]]:
    with database.read() as connection:
        for instruction in store.benchmarks.instructions(connection, part.id(connection)):
            if part.category in (None, instruction.category):
                yield (instruction,)


def _outputs(database: Database, part: _Part) -> Iterator[tuple[Instruction, Output]]:
    with database.read() as connection:
        for instruction, outputs in _answered(connection, part):
            yield from ((instruction, output) for model in sorted(outputs) for output in outputs[model])


def _labels(database: Database, part: _Part) -> Iterator[tuple[Instruction | Output | HumanLabel, ...]]:
    with database.read() as connection:
        given: dict[str, list[HumanLabel]] = defaultdict(list)
        for label in labels.labels(connection, part.id(connection), category=part.category):
            given[label.instruction].append(label)
        for instruction, outputs in _answered(connection, part):
            mine = given[instruction.key]
            for label in sorted(mine, key=lambda label: (label.model_a, label.model_b, label.annotator, label.samples)):
                sides = zip((label.model_a, label.model_b), label.samples, strict=True)
                yield instruction, *(_sample(outputs[model], sample) for model, sample in sides), label


def _sample(outputs: Sequence[Output], number: int) -> Output:
    return next(output for output in outputs if output.sample == number)


def _answered(connection: Connection, part: _Part) -> Iterator[tuple[Instruction, Mapping[str, tuple[Output, ...]]]]:
    """The instructions with the outputs of every model, all samples."""
    benchmark_id = part.id(connection)
    models = store.benchmarks.model_names(connection, benchmark_id)
    for name in part.models:
        if name not in models:
            raise UnknownName("model", name, models)
    models = list(part.models) or models
    answered = store.benchmarks.answered_instructions(connection, benchmark_id, models, category=part.category)
    return ((row.instruction, row.samples) for row in answered)


def _verdicts(database: Database, part: _Part) -> Iterator[tuple[RecordedVerdict]]:
    with database.read() as connection:
        benchmark_id = part.id(connection)
        judges = {judge.name: judge for judge in store.judges.judges(connection)}
        stored = store.battles.judged_trials(
            connection, benchmark_id, judges=part.judges or None, category=part.category, by_instruction=True
        )
        for _, trials in groupby(stored, key=lambda trial: trial.instruction.key):
            verdicts = [
                RecordedVerdict(
                    judges[trial.judge],
                    *(trial.instruction, trial.output_a, trial.output_b, trial.order, trial.repeat),
                    *(trial.verdict, trial.completion),
                )
                for trial in trials
            ]
            yield from ((verdict,) for verdict in sorted(verdicts, key=_by_names))


def _by_names(verdict: RecordedVerdict) -> tuple[str, str, str, str, int, int, int]:
    other, sample = ("", 0) if verdict.b is None else (verdict.b.model, verdict.b.sample)
    return (
        *(verdict.a.model, other, verdict.judge.name, str(verdict.order or ""), verdict.repeat),
        *(verdict.a.sample, sample),
    )


def _battles(database: Database, part: _Part) -> Iterator[tuple[dict[str, Any]]]:
    if len(part.judges) > 1:
        raise InputError("battles are listed by one judge or by all: name one --judge")
    chosen = BattleFilter(judge=next(iter(part.judges), None), category=part.category)
    battles, _ = services.battles.battles(database, part.benchmark, chosen, limit=maxsize)
    place = {instruction.key: number for number, (instruction,) in enumerate(_instructions(database, part))}
    for battle in sorted(battles, key=lambda battle: (place[battle.instruction], battle.model_a, battle.model_b)):
        named = {KEY_COLUMN: battle.instruction, "instruction": battle.text}
        yield (asdict(battle) | named,)


def _leaderboard(database: Database, part: _Part) -> Iterator[tuple[dict[str, Any]]]:
    return ((row,) for row in _board(database, part).data_rows())


def _board(database: Database, part: _Part) -> Leaderboard:
    return services.leaderboards.leaderboard(database, part.benchmark, scope=part.scope)


_RECORDS: Mapping[str, Callable[[Database, _Part], Iterator[tuple[Any, ...]]]] = {
    "instructions": _instructions,
    "outputs": _outputs,
    "verdicts": _verdicts,
    "labels": _labels,
    "battles": _battles,
    "leaderboard": _leaderboard,
}
