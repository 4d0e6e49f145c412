"""Everything that is read, in the snapshot of the connection it is given.

Of several revisions of a trial's verdict only the highest is in force; every function here reads that one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from judgebench.errors import UnknownName
from judgebench.records import (
    Instruction,
    Judge,
    Lineage,
    Model,
    Output,
    Status,
)
from judgebench.stats.table import VerdictTable
from judgebench.store import tables as t
from judgebench.store.verdict_columns import STATUSES, verdict_columns

STAGE = "audit:"  # how the names of benchmarks begin that hold what an audit enters
IN_LIST = 500  # names in one SQL IN list; both engines take more, plans grow slow
_v = t.verdicts.c
_newer = t.verdicts.alias("newer")

# Hardly any trial is revised: the first test, a look-up in a small index, spares all others the second. The index holds
# revisions above 0, which the engines only see where the 0 is written out.
_is_revision = _newer.c.revision > sa.literal_column("0")
_revised = sa.select(_newer.c.trial_key).where(_is_revision)
IN_FORCE = _v.trial_key.not_in(_revised) | ~sa.exists().where(
    _is_revision, _newer.c.trial_key == _v.trial_key, _newer.c.revision > _v.revision
)

_REVISIONS = (
    sa.select(_v.trial_key, _v.revision, _v.status)
    .where(_v.trial_key.in_(sa.bindparam("keys", expanding=True)))
    .order_by(_v.revision)
)


@dataclass(frozen=True, slots=True)
class Question:
    """An instruction with the outputs to it."""

    id: int
    instruction: Instruction
    outputs: Mapping[str, Output]  # by model


@dataclass(frozen=True, slots=True)
class StoredTable:
    """Verdicts as arrays, and what could not be in them."""

    table: VerdictTable
    categories: tuple[str | None, ...]  # of each of table.instructions
    left_out: Mapping[Status, int]  # trials without a preference, by status


def in_force(connection: sa.Connection) -> list[sa.ColumnElement[bool]]:
    """The condition IN_FORCE where any verdict was revised, else none: indexes alone answer what asks for no more."""
    # The run is in no index. For the id alone SQLite would scan a large index that holds it, not seek in the small one.
    revised = connection.scalar(sa.select(_newer.c.run_id).where(_is_revision).limit(1))
    return [] if revised is None else [IN_FORCE]


def benchmark_id(connection: sa.Connection, name: str) -> int:
    """Raises UnknownName."""
    found = connection.scalar(sa.select(t.benchmarks.c.id).where(t.benchmarks.c.name == name))
    if found is None:
        raise UnknownName("benchmark", name, benchmark_names(connection))
    return int(found)


def chosen_benchmark(connection: sa.Connection, name: str, judges: Sequence[str], category: str | None) -> int:
    """The benchmark's id. Raises UnknownName for any name that is not there."""
    found = benchmark_id(connection, name)
    for each in judges:
        judge(connection, each)
    known = [] if category is None else categories(connection, found)
    if category is not None and category not in known:
        raise UnknownName("category", category, known)
    return found


def benchmark_names(connection: sa.Connection) -> list[str]:
    """By name; without the stages of audits, which only those look at who name them."""
    names = connection.scalars(sa.select(t.benchmarks.c.name).order_by(t.benchmarks.c.name))
    return [name for name in names if not name.startswith(STAGE)]


def models(connection: sa.Connection, benchmark: int) -> list[Model]:
    """Models with outputs in the benchmark, by name."""
    an_output = (
        sa.exists()
        .where(t.outputs.c.model_id == t.models.c.id)
        .where(t.instructions.c.id == t.outputs.c.instruction_id, t.instructions.c.benchmark_id == benchmark)
    )
    rows = connection.execute(sa.select(t.models).where(an_output).order_by(t.models.c.name))
    return [Model(row.name, Lineage(row.family, row.parent, tuple(json.loads(row.trained_on)))) for row in rows]


def judges(connection: sa.Connection, benchmark: int | None = None) -> list[Judge]:
    """Judges by name: all, or those that have been asked about the benchmark."""
    query = sa.select(t.judges).order_by(t.judges.c.name)
    if benchmark is not None:
        asked = sa.select(t.runs.c.judge_id).where(t.runs.c.benchmark_id == benchmark)
        query = query.where(t.judges.c.id.in_(asked))
    return [_judge(row) for row in connection.execute(query)]


def categories(connection: sa.Connection, benchmark: int) -> list[str]:
    c = t.instructions.c
    query = sa.select(c.category).where(c.benchmark_id == benchmark, c.category.is_not(None)).distinct()
    return list(connection.scalars(query.order_by(c.category)))


def instructions(connection: sa.Connection, benchmark: int) -> list[Instruction]:
    """In the order in which they came."""
    c = t.instructions.c
    rows = connection.execute(sa.select(t.instructions).where(c.benchmark_id == benchmark).order_by(c.id))
    return [instruction(row) for row in rows]


def questions(
    connection: sa.Connection,
    benchmark: int,
    models: Sequence[str],
    *,
    after: int = 0,
    limit: int = 50,
    category: str | None = None,
) -> list[Question]:
    """The next ``limit`` instructions behind the id ``after``, with the outputs of ``models`` to each.

    In the order in which they came; an instruction that none of the models answered has no outputs.
    """
    i, o = t.instructions.c, t.outputs.c
    page = sa.select(t.instructions).where(_within(benchmark, category), i.id > after).order_by(i.id).limit(limit)
    asked = {row.id: instruction(row) for row in connection.execute(page)}
    outputs: dict[int, dict[str, Output]] = {row_id: {} for row_id in asked}
    rows = connection.execute(
        sa.select(o.instruction_id, t.models.c.name, o.text, o.earlier)
        .join(t.models, t.models.c.id == o.model_id)
        .where(o.instruction_id.in_(list(asked)), t.models.c.name.in_(models))
        .order_by(o.instruction_id, t.models.c.name)
    )
    for row in rows:
        output = Output(asked[row.instruction_id].key, row.name, row.text, replies(row.earlier))
        outputs[row.instruction_id][row.name] = output
    return [Question(row_id, asked[row_id], outputs[row_id]) for row_id in asked]


def outputs_to(connection: sa.Connection, benchmark: int, keys: Sequence[str]) -> dict[str, dict[str, str]]:
    """Every model's outputs to the instructions with these keys, by model and key."""
    i, o = t.instructions.c, t.outputs.c
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(keys), IN_LIST):
        query = (
            sa.select(t.models.c.name, i.key, o.text)
            .join(t.outputs, o.model_id == t.models.c.id)
            .join(t.instructions, i.id == o.instruction_id)
            .where(i.benchmark_id == benchmark, i.key.in_(keys[start : start + IN_LIST]))
        )
        for name, key, text in connection.execute(query):
            found.setdefault(name, {})[key] = text
    return found


def presence(
    connection: sa.Connection, benchmark: int, models: Sequence[str], *, category: str | None = None
) -> Iterator[set[str]]:
    """Which of ``models`` have an output, for each of the benchmark's instructions in the order they came."""
    i, o = t.instructions.c, t.outputs.c
    ids = {row.id: row.name for row in connection.execute(sa.select(t.models).where(t.models.c.name.in_(models)))}
    query = (
        sa.select(i.id, o.model_id)
        .outerjoin(t.outputs, (o.instruction_id == i.id) & o.model_id.in_(list(ids)))
        .where(_within(benchmark, category))
        .order_by(i.id)
    )
    rows = connection.execute(query.execution_options(yield_per=1000))
    for _, group in groupby(rows, key=lambda row: row.id):
        yield {ids[row.model_id] for row in group if row.model_id is not None}


def revisions(connection: sa.Connection, trial_keys: Sequence[str]) -> dict[str, tuple[int, Status]]:
    """The highest revision of each trial that has one, with its status."""
    found: dict[str, tuple[int, Status]] = {}
    for start in range(0, len(trial_keys), IN_LIST):
        for key, revision, status in connection.execute(_REVISIONS, {"keys": trial_keys[start : start + IN_LIST]}):
            found[key] = (revision, Status(status))
    return found


def preferences(connection: sa.Connection, trial_keys: Sequence[str]) -> dict[str, float | None]:
    """The preference in force of each trial that has a verdict; None where the verdict is a failure."""
    found: dict[str, float | None] = {}
    for start in range(0, len(trial_keys), IN_LIST):
        query = sa.select(_v.trial_key, _v.preference).where(_v.trial_key.in_(trial_keys[start : start + IN_LIST]))
        for key, preference in connection.execute(query.order_by(_v.revision)):
            found[key] = preference
    return found


def past_replies(connection: sa.Connection, judge_digest: str, *, most: int = 500) -> tuple[float | None, float | None]:
    """Mean tokens and mean seconds of the judge's last replies; None where none tells."""
    c = t.completions.c
    last = (
        sa.select(c.completion_tokens, c.latency_s)
        .join(t.verdicts, _v.completion_id == c.id)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .where(t.judges.c.digest == judge_digest)
        .order_by(_v.id.desc())
        .limit(most)
        .subquery()
    )
    row = connection.execute(sa.select(sa.func.avg(last.c.completion_tokens), sa.func.avg(last.c.latency_s))).one()
    tokens, seconds = (None if value is None else float(value) for value in row)
    return tokens, seconds


def instruction_places(connection: sa.Connection, benchmark: int, *, category: str | None = None) -> list[int]:
    """The id of each of the benchmark's instructions, in the order they came."""
    i = t.instructions.c
    return list(connection.scalars(sa.select(i.id).where(_within(benchmark, category)).order_by(i.id)))


def verdict_table(
    connection: sa.Connection, benchmark: int, *, judges: Sequence[str] = (), category: str | None = None
) -> StoredTable:
    """The benchmark's pairwise verdicts in force, of ``judges`` (all where empty), of one category or all."""
    judge_names, judge_ids = _names(connection, t.judges)
    model_names, model_ids = _names(connection, t.models)
    i = t.instructions.c
    chosen = connection.execute(sa.select(i.id, i.key, i.category).where(_within(benchmark, category)).order_by(i.key))
    found = chosen.all()
    rows = verdict_columns(connection)
    instruction, by = _codes(rows["instruction"], [row.id for row in found]), _codes(rows["judge"], judge_ids)
    wanted = instruction >= 0
    if judges:
        wanted &= np.isin(by, [judge_names.index(name) for name in judges if name in judge_names])
    told = wanted & ~np.isnan(rows["preference"])
    table = VerdictTable(
        models=model_names,
        instructions=tuple(row.key for row in found),
        judges=judge_names,
        model_a=_codes(rows["model_a"][told], model_ids),
        model_b=_codes(rows["model_b"][told], model_ids),
        instruction=instruction[told],
        judge=by[told],
        order=rows["order"][told],
        preference=rows["preference"][told],
        length_a=rows["length_a"][told],
        length_b=rows["length_b"][told],
        arrival=np.argsort([row.id for row in found]).astype(np.int32) if category is None else None,
    )
    without = np.bincount(rows["status"][wanted & ~told], minlength=len(STATUSES)).tolist()
    left_out = {status: count for status, count in zip(STATUSES, without, strict=True) if count}
    return StoredTable(table, tuple(row.category for row in found), left_out)


def judge(connection: sa.Connection, name: str) -> Judge:
    """Raises UnknownName."""
    _id(connection, t.judges, "judge", name)
    return _judge(connection.execute(sa.select(t.judges).where(t.judges.c.name == name)).one())


def check_model(connection: sa.Connection, name: str) -> None:
    """Raises UnknownName."""
    _id(connection, t.models, "model", name)


def _within(benchmark: int, category: str | None) -> sa.ColumnElement[bool]:
    c = t.instructions.c
    return c.benchmark_id == benchmark if category is None else (c.benchmark_id == benchmark) & (c.category == category)


def _names(connection: sa.Connection, table: sa.Table) -> tuple[tuple[str, ...], list[int]]:
    """All names, sorted as Python sorts them, whatever the database's collation; and their ids in that order."""
    rows = sorted((row.name, row.id) for row in connection.execute(sa.select(table.c.name, table.c.id)))
    return tuple(name for name, _ in rows), [row_id for _, row_id in rows]


def _codes(ids: NDArray[Any], ordered: Sequence[int]) -> NDArray[np.int32]:
    """The place of each id in ``ordered``; -1 where it is not there."""
    places = np.full(max(int(ids.max(initial=0)), *ordered, 0) + 1, -1, dtype=np.int32)
    places[list(ordered)] = np.arange(len(ordered), dtype=np.int32)
    codes: NDArray[np.int32] = places[ids]
    return codes


def _id(connection: sa.Connection, table: sa.Table, kind: str, name: str) -> int:
    found = connection.scalar(sa.select(table.c.id).where(table.c.name == name))
    if found is None:
        raise UnknownName(kind, name, connection.scalars(sa.select(table.c.name)))
    return int(found)


def instruction(row: sa.Row[Any]) -> Instruction:
    """The instruction in a row with the columns of its table."""
    return Instruction(tuple(json.loads(row.turns)), row.category, row.reference, tuple(json.loads(row.checklist)))


def replies(stored: str | None) -> tuple[str, ...]:
    """What the column ``earlier`` of an output holds."""
    return () if stored is None else tuple(json.loads(stored))


def _judge(row: sa.Row[Any]) -> Judge:
    return Judge(row.name, row.model, row.template, row.template_digest, json.loads(row.settings))
