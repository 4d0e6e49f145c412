"""Write 1: benchmarks, instructions, models, outputs, judges and runs.

Every function works in the transaction of the connection it is given, so that a submission is stored whole or not at
all. What is stored is never changed: storing the same thing again is nothing, storing something else under the same
identity raises Conflict.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from judgebench import __version__
from judgebench.errors import Conflict
from judgebench.records import Instruction, Judge, Lineage, Model, Output
from judgebench.store import tables as t
from judgebench.store.reader import replies


@dataclass(frozen=True, slots=True)
class Stored:
    """How many of the things handed over were new, and how many were there already."""

    new: int
    known: int


def add_benchmark(connection: sa.Connection, name: str) -> int:
    """The benchmark's id; it is created where it does not exist."""
    found = connection.scalar(sa.select(t.benchmarks.c.id).where(t.benchmarks.c.name == name))
    if found is not None:
        return int(found)
    return insert(connection, t.benchmarks, name=name, created_at=now())


def add_instructions(connection: sa.Connection, benchmark_id: int, instructions: Iterable[Instruction]) -> Stored:
    """Add those that the benchmark does not have; the others stay as they are."""
    by_key = {instruction.key: instruction for instruction in instructions}
    known = instruction_ids(connection, benchmark_id)
    new = [instruction for key, instruction in by_key.items() if key not in known]
    rows = [
        {
            "benchmark_id": benchmark_id,
            "key": instruction.key,
            "turns": json.dumps(instruction.turns, ensure_ascii=False),
            "category": instruction.category,
            "reference": instruction.reference,
            "checklist": json.dumps(instruction.checklist, ensure_ascii=False),
        }
        for instruction in new
    ]
    if rows:
        connection.execute(sa.insert(t.instructions), rows)
    return Stored(len(new), len(by_key) - len(new))


def add_model(connection: sa.Connection, model: Model) -> int:
    """The model's id. A lineage declared later fills what was not declared before.

    Raises Conflict when it contradicts the lineage declared before.
    """
    row = connection.execute(sa.select(t.models).where(t.models.c.name == model.name)).one_or_none()
    if row is None:
        return insert(connection, t.models, name=model.name, **_lineage(model.lineage))
    declared = {key: value for key, value in _lineage(model.lineage).items() if value not in (None, "[]")}
    for key, value in declared.items():
        stored = row._mapping[key]
        if stored not in (None, "[]", value):
            raise Conflict(f"model {model.name!r} is stored with {key} {stored!r}, not {value!r}: nothing was changed")
    if declared:
        connection.execute(sa.update(t.models).where(t.models.c.id == row.id).values(**declared))
    return int(row.id)


def add_outputs(connection: sa.Connection, benchmark_id: int, outputs: Sequence[Output]) -> Stored:
    """Store outputs of known models to known instructions.

    Raises Conflict when a model has another output to one of the instructions already; then nothing is stored.
    """
    instructions = instruction_ids(connection, benchmark_id)
    models = _ids(connection, t.models, {output.model for output in outputs})
    stored = _stored_outputs(connection, benchmark_id, set(models.values()))
    rows = []
    for output in outputs:
        identity = (instructions[output.instruction], models[output.model])
        if identity in stored:
            _check_same(output, stored[identity])
            continue
        stored[identity] = output.whole
        columns = ("instruction_id", "model_id", "text", "length_chars", "earlier")
        earlier = json.dumps(output.earlier, ensure_ascii=False) if output.earlier else None
        rows.append(dict(zip(columns, (*identity, output.text, len(output.whole), earlier), strict=True)))
    if rows:
        connection.execute(sa.insert(t.outputs), rows)
    return Stored(len(rows), len(outputs) - len(rows))


def add_judge(connection: sa.Connection, judge: Judge) -> int:
    """The judge's id.

    Raises Conflict when the name belongs to a judge with other settings, or these settings to another name.
    """
    settings = json.dumps(dict(judge.settings), sort_keys=True)
    c = t.judges.c
    row = connection.execute(sa.select(t.judges).where((c.name == judge.name) | (c.digest == judge.digest))).first()
    if row is None:
        return insert(
            connection,
            t.judges,
            name=judge.name,
            digest=judge.digest,
            model=judge.model,
            template=judge.template,
            template_digest=judge.template_digest,
            settings=settings,
        )
    if row.digest != judge.digest:
        raise Conflict(
            f"judge {judge.name!r} is stored with template {row.template} and settings {row.settings}, "
            f"not {judge.template} and {settings}: a changed judge is another judge, name it by --judge-name"
        )
    if row.name != judge.name:
        raise Conflict(f"this very judge is stored under the name {row.name!r}: use that name")
    return int(row.id)


def start_run(
    connection: sa.Connection, *, benchmark_id: int, judge_id: int, kind: str, specification: Mapping[str, Any]
) -> int:
    """The id of a new run; ``kind`` is "run" or "import"."""
    return insert(
        connection,
        t.runs,
        benchmark_id=benchmark_id,
        judge_id=judge_id,
        kind=kind,
        specification=json.dumps(specification, sort_keys=True),
        version=__version__,
        started_at=now(),
    )


def finish_run(connection: sa.Connection, run_id: int) -> None:
    connection.execute(sa.update(t.runs).where(t.runs.c.id == run_id).values(finished_at=now()))


def instruction_ids(connection: sa.Connection, benchmark_id: int) -> dict[str, int]:
    """The id of each of the benchmark's instructions, by key."""
    c = t.instructions.c
    rows = connection.execute(sa.select(c.key, c.id).where(c.benchmark_id == benchmark_id))
    return {row.key: row.id for row in rows}


def _ids(connection: sa.Connection, table: sa.Table, names: Iterable[str]) -> dict[str, int]:
    rows = connection.execute(sa.select(table.c.name, table.c.id).where(table.c.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


def _stored_outputs(connection: sa.Connection, benchmark_id: int, model_ids: set[int]) -> dict[tuple[int, int], str]:
    o = t.outputs.c
    query = (
        sa.select(o.instruction_id, o.model_id, o.text, o.earlier)
        .join(t.instructions, t.instructions.c.id == o.instruction_id)
        .where(t.instructions.c.benchmark_id == benchmark_id, o.model_id.in_(sorted(model_ids)))
    )
    rows = connection.execute(query)
    return {(row.instruction_id, row.model_id): _whole(row.text, row.earlier) for row in rows}


def _whole(text: str, earlier: str | None) -> str:
    return Output("", "", text, replies(earlier)).whole


def _check_same(output: Output, known: str) -> None:
    if output.whole != known:
        raise Conflict(
            f"model {output.model!r} is stored with another output to an instruction of this submission "
            f"(stored: {known[:60]!r}, submitted: {output.whole[:60]!r}): stored outputs are never replaced, "
            "submit the new ones under another model name"
        )


def _lineage(lineage: Lineage) -> dict[str, Any]:
    return {
        "family": lineage.family,
        "parent": lineage.parent,
        "trained_on": json.dumps(lineage.trained_on, ensure_ascii=False),
    }


def insert(connection: sa.Connection, table: sa.Table, **values: Any) -> int:
    """The new row's id."""
    return int(connection.scalars(sa.insert(table).values(**values).returning(table.c.id)).one())


def now() -> str:
    """The moment as the store writes it, e.g. "2026-01-31T23:59:59.123456+00:00"."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
