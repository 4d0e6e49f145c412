"""Benchmarks, their instructions, and the outputs to these.

What is stored is never changed: adding an instruction again is nothing.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

import sqlalchemy as sa

from judgebench.conversations import decoded_conversation, decoded_trajectory, encoded_conversation, held_files
from judgebench.errors import DatabaseError, UnknownName
from judgebench.records import Instruction, Output
from judgebench.spec.shards import Shard
from judgebench.stats.text_features import guess_language
from judgebench.store import blobs, external_ids
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.database import Connection, Database, Stored, insert, now
from judgebench.store.judges import judge

_Decoded = TypeVar("_Decoded")
_PAGE = 50  # instructions with their outputs, in memory at once
# What ``output_of`` makes an output of.
OUTPUT_COLUMNS = ("text", "earlier", "messages", "sample", "steps", "afterwards")
STAGE = "audit:"  # how the names of benchmarks begin that hold what an audit enters


@dataclass(frozen=True, slots=True)
class AnsweredInstruction:
    """An instruction with the outputs to it, of which there may be none."""

    id: int
    instruction: Instruction
    outputs: Mapping[str, Output]  # by model, of several samples the first
    samples: Mapping[str, tuple[Output, ...]]  # by model, all of them; at least one


def benchmark_id(connection: sa.Connection, name: str) -> int:
    """Raises UnknownName."""
    known = connection.scalar(sa.select(t.benchmarks.c.id).where(t.benchmarks.c.name == name))
    if known is None:
        raise UnknownName("benchmark", name, benchmark_names(connection))
    return int(known)


def chosen_benchmark(connection: sa.Connection, name: str, judges: Sequence[str], category: str | None) -> int:
    """The benchmark's id. Raises UnknownName for any name that is not there."""
    benchmark = benchmark_id(connection, name)
    for judge_name in judges:
        judge(connection, judge_name)
    known = [] if category is None else categories(connection, benchmark)
    if category is not None and category not in known:
        raise UnknownName("category", category, known)
    return benchmark


def benchmark_names(connection: sa.Connection) -> list[str]:
    """By name; without the stages of audits, which only those look at who name them."""
    names = connection.scalars(sa.select(t.benchmarks.c.name).order_by(t.benchmarks.c.name))
    return [name for name in names if not name.startswith(STAGE)]


def begins(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether it begins with the very text: LIKE does not tell capitals from small letters in SQLite."""
    return sa.func.substr(column, 1, len(text)) == text


def stages_of(connection: sa.Connection, name: str) -> dict[int, str]:
    """The stages of the benchmark's audits, as names by id; not those of another whose name begins with it and "/"."""
    names = {row.id: row.name for row in connection.execute(sa.select(t.benchmarks.c.id, t.benchmarks.c.name))}
    others = tuple(f"{STAGE}{other}/" for other in names.values() if other.startswith(f"{name}/"))
    before = f"{STAGE}{name}/"
    return {place: stage for place, stage in names.items() if stage.startswith(before) and not stage.startswith(others)}


def beginning(connection: sa.Connection, text: str) -> list[str]:
    """The benchmarks, by name, with an instruction that begins with the text."""
    i = t.instructions.c
    first = begins(i.turns, json.dumps([text], ensure_ascii=False)[:-2])
    query = sa.select(t.benchmarks.c.name).where(t.benchmarks.c.id.in_(sa.select(i.benchmark_id).where(first)))
    return list(connection.scalars(query.order_by(t.benchmarks.c.name)))


def count(connection: sa.Connection, benchmark: int, category: str | None = None) -> int:
    """How many instructions it has, of a category or in all."""
    query = sa.select(sa.func.count()).select_from(t.instructions).where(within(benchmark, category))
    return connection.scalar(query) or 0


def categories(connection: sa.Connection, benchmark: int) -> list[str]:
    c = t.instructions.c
    query = sa.select(c.category).where(c.benchmark_id == benchmark, c.category.is_not(None)).distinct()
    return list(connection.scalars(query.order_by(c.category)))


def instructions(connection: sa.Connection, benchmark: int) -> list[Instruction]:
    """In the order in which they came."""
    return list(instructions_by_key(connection, benchmark).values())


def instructions_by_key(connection: sa.Connection, benchmark: int) -> dict[str, Instruction]:
    """By key as it is stored, in the order in which they came."""
    c = t.instructions.c
    rows = connection.execute(sa.select(t.instructions).where(c.benchmark_id == benchmark).order_by(c.id))
    ids = external_ids.of_benchmark(connection, benchmark)
    return {row.key: instruction_of(row, ids.get(row.key, ())) for row in rows}


def instructions_of(connection: sa.Connection, benchmark: int, keys: Sequence[str]) -> dict[str, Instruction]:
    """Those of the instructions with these keys that the benchmark has, by key."""
    c = t.instructions.c
    query = sa.select(t.instructions).where(c.benchmark_id == benchmark, among(c.key))
    return {row.key: instruction_of(row) for row in rows_among(connection, query, keys)}


def answered_instructions(
    source: Database | Connection,
    benchmark: int,
    models: Sequence[str],
    *,
    category: str | None = None,
    after: int = 0,
    limit: int | None = None,
    shard: Shard | None = None,
) -> Iterator[AnsweredInstruction]:
    """The benchmark's instructions, each with the outputs of ``models`` to it, in the order in which they came.

    A page of them is in memory at a time. Of a database no snapshot is held between pages; of a connection all are read
    in its own. ``after``: behind the instruction with this id. ``shard``: those in this part of the first ``limit``.
    """
    while limit is None or limit > 0:
        size = _PAGE if limit is None else min(_PAGE, limit)
        read = partial(_next_page, within(benchmark, category), models, after, size, shard)
        places, page = source.patiently(read) if isinstance(source, Database) else read(source)
        if not places:
            return
        yield from page
        after = max(places)
        limit = None if limit is None else limit - len(places)


def _next_page(
    chosen: sa.ColumnElement[bool],
    models: Sequence[str],
    after: int,
    size: int,
    shard: Shard | None,
    connection: sa.Connection,
) -> tuple[Collection[int], list[AnsweredInstruction]]:
    """The ids of the next ``size`` instructions, and those of them that are in the part."""
    places = _places(connection, chosen, after, size)
    mine = [place for place, key in places.items() if shard is None or shard.holds(key)]
    return places.keys(), _page(connection, mine, models) if mine else []


def _places(connection: sa.Connection, chosen: sa.ColumnElement[bool], after: int, size: int) -> dict[int, str]:
    """The next ``size`` instructions behind the id ``after``: ids, and the key of each."""
    i = t.instructions.c
    query = sa.select(i.id, i.key).where(chosen, i.id > after).order_by(i.id).limit(size)
    return {row.id: row.key for row in connection.execute(query)}


def _page(connection: sa.Connection, places: Sequence[int], models: Sequence[str]) -> list[AnsweredInstruction]:
    """The instructions with these ids, which rise."""
    i, o = t.instructions.c, t.outputs.c
    page = sa.select(t.instructions).where(i.id.in_(places)).order_by(i.id)
    without_ids = {row.id: instruction_of(row) for row in connection.execute(page)}
    instructions = external_ids.with_ids(connection, without_ids)
    samples: dict[int, dict[str, tuple[Output, ...]]] = {place: {} for place in instructions}
    rows = connection.execute(
        sa.select(o.instruction_id, t.models.c.name, *(o[name] for name in OUTPUT_COLUMNS))
        .join(t.models, t.models.c.id == o.model_id)
        .where(o.instruction_id.in_(list(instructions)), t.models.c.name.in_(models))
        .order_by(o.instruction_id, t.models.c.name, o.sample)
    )
    for place, model, *values in rows:
        output = output_of(instructions[place].key, model, *values)
        samples[place][model] = (*samples[place].get(model, ()), output)
    return [
        AnsweredInstruction(
            place, instructions[place], {model: first for model, (first, *_) in samples[place].items()}, samples[place]
        )
        for place in instructions
    ]


def model_names(connection: sa.Connection, benchmark: int) -> list[str]:
    """Models with outputs in the benchmark, by name."""
    an_output = (
        sa.exists()
        .where(t.outputs.c.model_id == t.models.c.id)
        .where(t.instructions.c.id == t.outputs.c.instruction_id, t.instructions.c.benchmark_id == benchmark)
    )
    return list(connection.scalars(sa.select(t.models.c.name).where(an_output).order_by(t.models.c.name)))


def presence(
    connection: sa.Connection, benchmark: int, models: Sequence[str], *, category: str | None = None
) -> Iterator[tuple[str, Mapping[str, int]]]:
    """The key of each of the benchmark's instructions in the order they came, and how many outputs to it those of
    ``models`` have that have any."""
    i, o = t.instructions.c, t.outputs.c
    ids = {row.id: row.name for row in connection.execute(sa.select(t.models).where(t.models.c.name.in_(models)))}
    query = (
        sa.select(i.id, i.key, o.model_id)
        .outerjoin(t.outputs, (o.instruction_id == i.id) & o.model_id.in_(list(ids)))
        .where(within(benchmark, category))
        .order_by(i.id)
    )
    rows = connection.execute(query.execution_options(yield_per=1000))
    for (_, key), group in groupby(rows, key=lambda row: (row.id, row.key)):
        yield key, Counter(ids[row.model_id] for row in group if row.model_id is not None)


def instruction(connection: sa.Connection, place: int) -> Instruction:
    """The instruction with this id."""
    row = connection.execute(sa.select(t.instructions).where(t.instructions.c.id == place)).one()
    return external_ids.with_ids(connection, {place: instruction_of(row)})[place]


def instruction_places(connection: sa.Connection, benchmark: int, *, category: str | None = None) -> list[int]:
    """The id of each of the benchmark's instructions, in the order they came."""
    i = t.instructions.c
    return list(connection.scalars(sa.select(i.id).where(within(benchmark, category)).order_by(i.id)))


def has_conversations(connection: sa.Connection, benchmark: int) -> bool:
    """Whether any instruction, or output to one, is stored as messages."""
    i, o = t.instructions.c, t.outputs.c
    whole = i.messages.is_not(None) | sa.exists().where(o.instruction_id == i.id, o.messages.is_not(None))
    return connection.scalar(sa.select(i.id).where(i.benchmark_id == benchmark, whole).limit(1)) is not None


def within(benchmark: int, category: str | None) -> sa.ColumnElement[bool]:
    c = t.instructions.c
    return c.benchmark_id == benchmark if category is None else (c.benchmark_id == benchmark) & (c.category == category)


def decoded(decode: Callable[[str], _Decoded], messages: str) -> _Decoded:
    """What is stored as messages. Raises DatabaseError where it is none."""
    try:
        return decode(messages)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DatabaseError("stored messages are damaged: judgebench db check says where") from error


def instruction_of(row: sa.Row[Any], ids: tuple[str, ...] = ()) -> Instruction:
    """The instruction in a row with the columns of its table; its ids stand in another."""
    full = None if row.messages is None else decoded(decoded_conversation, row.messages)
    turns, checklist = tuple(json.loads(row.turns)), tuple(json.loads(row.checklist))
    goals = () if row.goals is None else tuple(json.loads(row.goals))
    return Instruction(turns, row.category, row.reference, checklist, full, ids, goals)


def output_of(
    key: str, model: str, text: str, earlier: str | None, messages: str | None, sample: int, *beside: str | None
) -> Output:
    """The output that OUTPUT_COLUMNS hold, of a model to the instruction with this key."""
    replies = () if earlier is None else tuple(json.loads(earlier))
    trajectory = None if messages is None else decoded(decoded_trajectory, messages)
    steps, afterwards = beside or (None, None)
    ends = () if steps is None else tuple(json.loads(steps))
    return Output(key, model, text, replies, trajectory, sample, ends, afterwards)


def add_benchmark(connection: sa.Connection, name: str) -> int:
    """The benchmark's id; it is created where it does not exist."""
    known = connection.scalar(sa.select(t.benchmarks.c.id).where(t.benchmarks.c.name == name))
    return insert(connection, t.benchmarks, name=name, created_at=now()) if known is None else int(known)


def add_instructions(connection: sa.Connection, benchmark: int, instructions: Iterable[Instruction]) -> Stored:
    """Add those that the benchmark does not have; of the others only ids are added. The files that they hold come
    first."""
    by_key: dict[str, Instruction] = {}
    ids: dict[str, set[str]] = {}
    for instruction in instructions:
        by_key[instruction.key] = instruction
        if instruction.ids:
            ids.setdefault(instruction.key, set()).update(instruction.ids)
    known = instruction_ids(connection, benchmark, list(by_key))
    new = [instruction for key, instruction in by_key.items() if key not in known]
    rows = [
        {
            "benchmark_id": benchmark,
            "key": instruction.key,
            "turns": json.dumps(instruction.turns, ensure_ascii=False),
            "category": instruction.category,
            "reference": instruction.reference,
            "checklist": json.dumps(instruction.checklist, ensure_ascii=False),
            "messages": None if instruction.full is None else encoded_conversation(instruction.full),
            "goals": json.dumps(instruction.goals, ensure_ascii=False) if instruction.goals else None,
        }
        for instruction in new
    ]
    if rows:
        connection.execute(sa.insert(t.instructions), rows)
        _note_files(connection, benchmark, new)
    if ids:
        places = instruction_ids(connection, benchmark, list(ids))
        external_ids.add(connection, {places[key]: values for key, values in ids.items()})
    return Stored(len(new), len(by_key) - len(new))


def _note_files(connection: sa.Connection, benchmark: int, instructions: Iterable[Instruction]) -> None:
    """Which files they hold."""
    files = {row.key: held_files(row.full.messages) for row in instructions if row.full is not None}
    files = {key: digests for key, digests in files.items() if digests}
    ids = instruction_ids(connection, benchmark, list(files)) if files else {}
    blobs.use(connection, [(digest, ids[key], None) for key, digests in files.items() for digest in digests])


def instruction_ids(connection: sa.Connection, benchmark: int, keys: Sequence[str] | None = None) -> dict[str, int]:
    """The id of each of the benchmark's instructions, or of those with these keys, by key."""
    c = t.instructions.c
    query = sa.select(c.key, c.id).where(c.benchmark_id == benchmark)
    rows = connection.execute(query) if keys is None else rows_among(connection, query.where(among(c.key)), keys)
    return {row.key: row.id for row in rows}


def languages(connection: sa.Connection, benchmark: int, category: str | None = None) -> dict[str, str]:
    """The guessed language of each of the benchmark's instructions, of a category or all, by key."""
    c = t.instructions.c
    rows = connection.execute(sa.select(c.key, c.turns).where(within(benchmark, category)))
    return {key: guess_language(" ".join(json.loads(turns))) for key, turns in rows}


def has_samples(connection: sa.Connection, benchmark: int) -> bool:
    """Whether any model has several outputs to one of the benchmark's instructions; quick where none has anywhere."""
    o = t.outputs.c
    of_benchmark = o.instruction_id.in_(sa.select(t.instructions.c.id).where(within(benchmark, None)))
    # No index holds the length: for what one holds SQLite would scan that, not seek in the small one of samples.
    sampled = sa.select(o.length_chars).where(o.sample > sa.literal_column("0")).limit(1)
    return connection.scalar(sampled) is not None and connection.scalar(sampled.where(of_benchmark)) is not None


@dataclass(frozen=True, slots=True)
class StoredOutputs:
    """Where an instruction and the outputs to it are stored."""

    instruction_id: int
    by_model: dict[tuple[str, int], int]  # model and sample

    def sides(
        self, model_a: str, model_b: str | None, samples: tuple[int, int] = (0, 0)
    ) -> tuple[int, int, int | None]:
        """The ids of the instruction and of both outputs, as the columns of a trial hold them."""
        b = None if model_b is None else self.by_model[model_b, samples[1]]
        return self.instruction_id, self.by_model[model_a, samples[0]], b


def stored_outputs(connection: sa.Connection, benchmark_id: int, keys: Sequence[str]) -> dict[str, StoredOutputs]:
    """By key, of those of the instructions that have an output."""
    i, o = t.instructions.c, t.outputs.c
    query = (
        sa.select(i.key, i.id, o.id.label("output_id"), t.models.c.name, o.sample)
        .join(t.outputs, o.instruction_id == i.id)
        .join(t.models, t.models.c.id == o.model_id)
        .where(i.benchmark_id == benchmark_id, among(i.key))
    )
    stored: dict[str, StoredOutputs] = {}
    for key, instruction_id, output_id, model, sample in rows_among(connection, query, keys):
        stored.setdefault(key, StoredOutputs(instruction_id, {})).by_model[model, sample] = output_id
    return stored
