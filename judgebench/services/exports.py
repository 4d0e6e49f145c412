"""Exporting what is stored: rows in an order that the content decides, written in the format of their kind.

Equal databases give equal bytes, whichever engine holds them and in whatever order they were filled.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from sys import maxsize
from typing import Any

from judgebench import __version__, services, store
from judgebench.conversations import Blob, Conversation, Trajectory, held_files
from judgebench.coverage import Coverage
from judgebench.errors import InputError, UnknownName
from judgebench.formats import ColumnType
from judgebench.formats.form_files import DOCUMENTS, form_document, form_row, whole_conversation
from judgebench.formats.forms import Form
from judgebench.formats.forms import registry as forms
from judgebench.formats.goal_labels import JudgedGoal
from judgebench.formats.message_columns import message_cell
from judgebench.formats.registry import writable
from judgebench.formats.writing import KEY_COLUMN, write_document, write_objects, write_rows
from judgebench.formats.written_folders import written_folder
from judgebench.leaderboard import Leaderboard
from judgebench.services import folders, pairs, parts
from judgebench.services.parts import EVERY_PAIR, PairChoice, Part
from judgebench.services.scope import EVERYTHING, Scope
from judgebench.store.battles import BattleFilter
from judgebench.store.database import Database

FOLDERS = ("all", "arena-hard")  # kinds that are several files
_OF_PAIRS = ("alpaca-eval", "arena-hard", "arena-rank", "preferences")  # kinds of which --model chooses battles
_CHOICES: Mapping[str, tuple[str, ...]] = {  # kind -> what of a PairChoice it takes
    "alpaca-eval": ("baseline",),
    "arena-hard": ("baseline",),
    "arena-rank": ("pairs_from",),
    "preferences": ("pairs_from", "min_margin", "both_orders", "min_confidence", "rationale"),
}
_OPTIONS = {"pairs_from": "--from"}  # field -> its option, where that has another name


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that was written."""

    file: str
    kind: str
    benchmark: str
    rows: int
    lost: Mapping[str, int] = field(default_factory=dict)  # what its form cannot say of conversations, by kind
    coverage: Coverage | None = None  # what a leaderboard counts
    left_out: Mapping[str, int] = field(default_factory=dict)  # what its kind has no row for, in words


def export(
    database: Database,
    kind: str,
    path: Path,
    *,
    benchmark: str,
    scope: Scope = EVERYTHING,
    models: Sequence[str] = (),
    choice: PairChoice = EVERY_PAIR,
) -> ExportedFile:
    """Write a benchmark's instructions, outputs, verdicts, labels, battles or leaderboard, whole or not at all.

    The name of ``path`` says in which form: .jsonl, .json, .csv or .parquet. A kind that is a form of conversations,
    "openai-chat" say, writes outputs in it, each with what was asked; one that is named after another tool is as that
    reads it; "all" and "arena-hard" are folders. ``scope``: verdicts of its judges, instructions of its category; all
    else of it is for leaderboards. ``models``: only their outputs, or battles. ``choice``: of pairs. Raises UnknownName
    and InputError; a file that was there is then left alone.
    """
    part = _part(kind, benchmark, scope, models, choice)
    if kind in FOLDERS:
        return _export_folder(database, kind, path, part)
    if writable()[kind].is_form:
        return _export_form(database, forms.named(kind), path, part)
    exported, several_turns = _rows(database, kind, part), parts.several_turns(database, benchmark)
    count = write_rows(path, columns(kind, choice), exported, several_turns=several_turns, about=_about(part))
    coverage = _board(database, part).coverage if kind == "leaderboard" else None
    left_out = dict(sorted((+part.left_out).items()))
    return ExportedFile(str(path), kind, benchmark, count, coverage=coverage, left_out=left_out)


def rows(
    database: Database,
    kind: str,
    *,
    benchmark: str,
    scope: Scope = EVERYTHING,
    models: Sequence[str] = (),
    choice: PairChoice = EVERY_PAIR,
) -> Iterator[dict[str, Any]]:
    """The rows that ``export`` writes, by the columns that docs/formats.md lists. Raises as it does."""
    part = _part(kind, benchmark, scope, models, choice)
    if kind in FOLDERS:
        raise InputError(f"{kind} is a folder, and no rows: export it")
    if writable()[kind].is_form:
        return _form_rows(database, forms.named(kind), part, Counter())
    return _rows(database, kind, part)


def _part(kind: str, benchmark: str, scope: Scope, models: Sequence[str], choice: PairChoice) -> Part:
    formats = writable()
    if kind not in (*formats, *FOLDERS):
        raise UnknownName("kind of export", kind, (*formats, *FOLDERS))
    outputs = kind in formats and formats[kind].holds == "outputs"
    if scope.judges and (outputs or kind in ("instructions", "labels", "lineage") or choice.pairs_from == "labels"):
        raise InputError(f"{'labels' if choice.pairs_from == 'labels' else kind} are by no judge: leave --judge")
    if models and not outputs and kind not in _OF_PAIRS:
        raise InputError(f"{kind} are not of one model: leave --model")
    if kind != "leaderboard" and scope != Scope(scope.judges, scope.category):
        raise InputError("--all-judges, --language, --common and --with-flagged are for leaderboards: leave them out")
    for name in _chosen_fields(choice):
        if name not in _CHOICES.get(kind, ()):
            option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
            takes = [other for other, names in _CHOICES.items() if name in names]
            raise InputError(f"{option} is for {' and '.join(takes)}: leave it out")
    return Part(benchmark, scope, tuple(models), choice)


def _export_folder(database: Database, kind: str, path: Path, part: Part) -> ExportedFile:
    with written_folder(path) as folder:
        if kind == "arena-hard":
            count = folders.arena_hard(database, part, folder)
        else:
            count = _everything(database, part, folder)
    return ExportedFile(str(path), kind, part.benchmark, count, left_out=dict(sorted((+part.left_out).items())))


def _everything(database: Database, part: Part, folder: Path) -> int:
    """A parquet file a kind that is read back; a kind without rows has none."""
    several_turns, counts = parts.several_turns(database, part.benchmark), {}
    for kind, name in folders.NAMES.items():
        exported, path = _rows(database, kind, part), folder / name
        counts[kind] = write_rows(path, columns(kind), exported, several_turns=several_turns, about=_about(part))
        if not counts[kind]:
            path.unlink()
    held = {kind: number for kind, number in counts.items() if number}
    (folder / "README.md").write_text(folders.readme(held, _about(part), folder), encoding="utf-8")
    return sum(held.values())


def _chosen_fields(choice: PairChoice) -> dict[str, Any]:
    """What of it was chosen."""
    values = {field.name: getattr(choice, field.name) for field in fields(choice)}
    return {name: value for name, value in values.items() if value != getattr(EVERY_PAIR, name)}


def _about(part: Part) -> dict[str, str]:
    """What the metadata of a file say."""
    chosen = {"judges": list(part.judges), "category": part.category, "models": list(part.models)}
    filters = {name: value for name, value in (chosen | _chosen_fields(part.choice)).items() if value}
    return {"judgebench_version": __version__, "benchmark": part.benchmark, "filters": json.dumps(filters)}


def columns(kind: str, choice: PairChoice = EVERY_PAIR) -> dict[str, ColumnType]:
    """Of the rows of a kind that is no form."""
    written = writable()[kind].columns
    return {name: held for name, held in written.items() if choice.rationale or name != "rationale"}


def _rows(database: Database, kind: str, part: Part) -> Iterator[dict[str, Any]]:
    form, written = writable()[kind], columns(kind, part.choice)
    replies = [name for name, kind in written.items() if kind == "replies"]
    if replies and parts.several_turns(database, part.benchmark):
        replies = []
    messages = [name for name, kind in written.items() if kind == "messages"]
    files = _Files(database)
    for record in _RECORDS[kind](database, part):
        row = files.written(_flat(form.row(*record), replies), messages)
        yield {name: row[name] for name in written if name in row}


def _export_form(database: Database, form: Form, path: Path, part: Part) -> ExportedFile:
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


def _one_model(database: Database, form: Form, part: Part) -> str:
    """Whose outputs a log of Inspect holds. Raises InputError where there are several."""
    with database.read() as connection:
        models = part.models or store.benchmarks.model_names(connection, part.id(connection))
    if form.name == "inspect" and len(models) > 1:
        raise InputError(
            f"a log of Inspect is of one model, and the benchmark has {len(models):,}: name one by --model"
        )
    return next(iter(models), "none")


def _form_rows(database: Database, form: Form, part: Part, lost: Counter[str]) -> Iterator[dict[str, Any]]:
    """The outputs in a form; counts what it cannot say of them."""
    for instruction, output in parts.outputs(database, part):
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


def _battles(database: Database, part: Part) -> Iterator[tuple[dict[str, Any]]]:
    if len(part.judges) > 1:
        raise InputError("battles are listed by one judge or by all: name one --judge")
    chosen = BattleFilter(judge=next(iter(part.judges), None), category=part.category)
    battles, _ = services.battles.battles(database, part.benchmark, chosen, limit=maxsize)
    place = {instruction.key: number for number, (instruction,) in enumerate(parts.instructions(database, part))}
    for battle in sorted(battles, key=lambda battle: (place[battle.instruction], battle.model_a, battle.model_b)):
        named = {KEY_COLUMN: battle.instruction, "instruction": battle.text}
        yield (asdict(battle) | named,)


def _goals(database: Database, part: Part) -> Iterator[tuple[JudgedGoal]]:
    """By instruction, model, sample, judge, repeat and number."""
    with database.read() as connection:
        place = part.id(connection)
        judges = part.judges or store.goal_readings.judges_with_goals(connection, place)
        order = {key: at for at, key in enumerate(store.benchmarks.instructions_by_key(connection, place))}
        rows = [
            JudgedGoal(reading.instruction, reading.model, reading.sample, judge, reading.repeat, number, goal)
            for judge in judges
            for reading in store.goal_readings.goal_readings(connection, place, judge, category=part.category)
            for number, goal in enumerate(reading.goals)
        ]
    yield from ((row,) for row in sorted(rows, key=lambda row: (order[row.instruction], *row.place)))


def _leaderboard(database: Database, part: Part) -> Iterator[tuple[dict[str, Any]]]:
    return ((row,) for row in _board(database, part).data_rows())


def _board(database: Database, part: Part) -> Leaderboard:
    return services.leaderboards.leaderboard(database, part.benchmark, scope=part.scope)


_RECORDS: Mapping[str, Callable[[Database, Part], Iterator[tuple[Any, ...]]]] = {
    "instructions": parts.instructions,
    "outputs": parts.outputs,
    "verdicts": parts.verdicts,
    "labels": parts.labels,
    "lineage": parts.lineage,
    "judges": parts.judges,
    "alpaca-eval": pairs.battles_with_baseline,
    "alpaca-eval-outputs": pairs.outputs_of_one_turn,
    "arena-rank": pairs.won_battles,
    "preferences": pairs.preferred,
    "battles": _battles,
    "goals": _goals,
    "leaderboard": _leaderboard,
}
