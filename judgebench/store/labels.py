"""Human labels: written, and read one by one or as arrays beside verdicts.

A person says one thing about a pair of outputs: saying it again adds nothing, saying something else raises Conflict.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from judgebench.errors import Conflict, UnknownName
from judgebench.records import HumanLabel, Order, Output
from judgebench.stats.verdict_table import LabelTable, encode
from judgebench.store import schema as t
from judgebench.store.benchmarks import OUTPUT_COLUMNS, StoredOutputs, output_of, stored_outputs, within
from judgebench.store.database import AMONG, Stored, now, rows_among
from judgebench.store.models import MODEL_A, MODEL_B, OUTPUT_A, OUTPUT_B, join_sides
from judgebench.store.verdicts import every_revision, in_force

_h = t.human_labels.c
_Given = HumanLabel | sa.Row[Any]  # a label handed over, or the row of a stored one


def add_labels(connection: sa.Connection, benchmark_id: int, labels: Sequence[HumanLabel]) -> Stored:
    """Store the labels in the connection's write transaction.

    Raises UnknownName where the benchmark has no such instruction, or a model no output to it; Conflict where the
    annotator said something else about the same pair before.
    """
    outputs = stored_outputs(connection, benchmark_id, sorted({label.instruction for label in labels}))
    given = _stored(connection, [stored.instruction_id for stored in outputs.values()])
    written, rows = now(), []
    for label in labels:
        instruction_id, a, b = _identity(label, outputs)
        known = given.setdefault((label.annotator, a, b), label)
        if known is not label:
            _check_same(label, known)
            continue
        rows.append(
            {
                "annotator": label.annotator,
                "instruction_id": instruction_id,
                "output_a_id": a,
                "output_b_id": b,
                "order": None if label.order is None else str(label.order),
                "preference": label.preference,
                "both_bad": label.both_bad,
                "source": label.source,
                "created_at": label.created_at or written,
            }
        )
    if rows:
        connection.execute(sa.insert(t.human_labels), rows)
    return Stored(len(rows), len(labels) - len(rows))


def labels(
    connection: sa.Connection,
    benchmark_id: int,
    *,
    annotator: str | None = None,
    category: str | None = None,
    instruction: str | None = None,
) -> Iterator[HumanLabel]:
    """The benchmark's labels in the order they were stored; of one ``instruction`` by its key."""
    query = _query(benchmark_id, category)
    if instruction is not None:
        query = query.where(t.instructions.c.key == instruction)
    if annotator is not None:
        query = query.where(_h.annotator == annotator)
    for row in connection.execute(query.execution_options(yield_per=1000)):
        yield HumanLabel(
            annotator=row.annotator,
            instruction=row.key,
            model_a=row.model_a,
            model_b=row.model_b,
            preference=row.preference,
            both_bad=bool(row.both_bad),
            order=None if row.order is None else Order(row.order),
            source=row.source,
            created_at=row.created_at,
            samples=(row.sample_a, row.sample_b),
        )


def label_table(
    connection: sa.Connection, benchmark_id: int, *, models: Sequence[str], instructions: Sequence[str]
) -> LabelTable:
    """The labels on ``instructions`` (keys) and ``models``, both in the order that gives them their codes."""
    model_code = {name: code for code, name in enumerate(models)}
    instruction_code = {key: code for code, key in enumerate(instructions)}
    rows = [
        row
        for row in connection.execute(_query(benchmark_id, None))
        if row.key in instruction_code and row.model_a in model_code and row.model_b in model_code
    ]
    annotators, annotator = encode([row.annotator for row in rows])
    one = np.array([model_code[row.model_a] for row in rows], dtype=np.int32)
    other = np.array([model_code[row.model_b] for row in rows], dtype=np.int32)
    preference = np.array([row.preference for row in rows], dtype=np.float64)
    return LabelTable(
        annotators=annotators,
        instruction=np.array([instruction_code[row.key] for row in rows], dtype=np.int32),
        model_a=np.minimum(one, other),
        model_b=np.maximum(one, other),
        annotator=annotator,
        preference=np.where(one < other, preference, 1 - preference),
    )


def annotators(connection: sa.Connection, benchmark_id: int) -> dict[str, int]:
    """How many labels each annotator gave, by name."""
    query = (
        sa.select(_h.annotator, sa.func.count())
        .join(t.instructions, t.instructions.c.id == _h.instruction_id)
        .where(t.instructions.c.benchmark_id == benchmark_id)
        .group_by(_h.annotator)
    )
    return dict(sorted((row[0], row[1]) for row in connection.execute(query)))


def unlabelled(connection: sa.Connection, benchmark_id: int, annotator: str) -> list[int]:
    """The instructions (ids) with a judged pair of outputs that are stored differently and that ``annotator`` has not
    labelled."""
    v, i, a, b = every_revision().c, t.instructions.c, OUTPUT_A.c, OUTPUT_B.c  # all revisions are about the same pair
    labelled = sa.exists().where(
        _h.annotator == annotator, _h.output_a_id == v.output_a_id, _h.output_b_id == v.output_b_id
    )
    differ = (a.text != b.text) | a.earlier.is_distinct_from(b.earlier) | a.messages.is_distinct_from(b.messages)
    both = (a.id == v.output_a_id) & (b.id == v.output_b_id)
    left = sa.exists().where(v.instruction_id == i.id, both, differ, ~labelled)
    return list(connection.scalars(sa.select(i.id).where(i.benchmark_id == benchmark_id, left).order_by(i.id)))


def unlabelled_pairs(connection: sa.Connection, instruction_id: int, annotator: str) -> list[tuple[Output, Output]]:
    """The judged pairs of outputs to this instruction that ``annotator`` has not labelled, alike ones included.

    The pairs, and the outputs of each, are in the order of their ids.
    """
    v, o = every_revision().c, t.outputs.c
    judged = sa.select(v.output_a_id, v.output_b_id).where(
        v.instruction_id == instruction_id, v.output_b_id.is_not(None)
    )
    mine = sa.select(_h.output_a_id, _h.output_b_id).where(
        _h.instruction_id == instruction_id, _h.annotator == annotator
    )
    done = {tuple(row) for row in connection.execute(mine)}
    left = sorted({tuple(row) for row in connection.execute(judged.distinct())} - done)
    rows = connection.execute(
        sa.select(o.id, t.instructions.c.key, t.models.c.name, *(o[name] for name in OUTPUT_COLUMNS))
        .join(t.models, t.models.c.id == o.model_id)
        .join(t.instructions, t.instructions.c.id == o.instruction_id)
        .where(o.instruction_id == instruction_id)
    )
    outputs = {place: output_of(*values) for place, *values in rows}
    return [(outputs[min(pair)], outputs[max(pair)]) for pair in left]


def counts_by_instruction(connection: sa.Connection, annotator: str) -> dict[int, int]:
    """How many labels the annotator gave on each instruction (id) that has one."""
    mine = sa.select(_h.instruction_id, sa.func.count()).where(_h.annotator == annotator).group_by(_h.instruction_id)
    return {row[0]: row[1] for row in connection.execute(mine)}


@dataclass(frozen=True, slots=True)
class ComparedLabel:
    """A label beside the judges."""

    instruction: int  # id
    preference: float
    judged: float | None  # mean preference of the judges' verdicts in force; None without one


def beside_judges(connection: sa.Connection, benchmark_id: int, annotator: str) -> list[ComparedLabel]:
    """The annotator's labels on the benchmark."""
    v, i = in_force(connection).c, t.instructions.c
    about_it = (v.instruction_id == _h.instruction_id, v.output_a_id == _h.output_a_id, v.output_b_id == _h.output_b_id)
    judged = sa.select(sa.func.avg(v.preference)).where(*about_it).scalar_subquery()
    instructions = sa.select(i.id).where(i.benchmark_id == benchmark_id)
    query = sa.select(_h.instruction_id, _h.preference, judged)
    given = query.where(_h.instruction_id.in_(instructions), _h.annotator == annotator)
    rows = connection.execute(given.order_by(_h.id))
    return [ComparedLabel(*row) for row in rows]


def _query(benchmark_id: int, category: str | None) -> sa.Select[Any]:
    columns = (_h.annotator, _h.order, _h.preference, _h.both_bad, _h.source, _h.created_at, t.instructions.c.key)
    query = (
        sa.select(
            *(*columns, MODEL_A.c.name.label("model_a"), MODEL_B.c.name.label("model_b")),
            *(OUTPUT_A.c.sample.label("sample_a"), OUTPUT_B.c.sample.label("sample_b")),
        )
        .join(t.instructions, t.instructions.c.id == _h.instruction_id)
        .where(within(benchmark_id, category))
        .order_by(_h.id)
    )
    return join_sides(query, t.human_labels)


def _identity(label: HumanLabel, outputs: Mapping[str, StoredOutputs]) -> tuple[int, int, int]:
    """The ids of the instruction and of both outputs."""
    if label.instruction not in outputs:
        raise UnknownName("instruction with outputs", label.instruction, [])
    stored = outputs[label.instruction]
    sides = tuple(zip((label.model_a, label.model_b), label.samples, strict=True))
    for model, sample in sides:
        if (model, sample) not in stored.by_model:
            number = f", sample {sample + 1}" if sample else ""
            raise UnknownName("output of model", f"{model}{number}", {name for name, _ in stored.by_model})
    a, b = sides
    return stored.instruction_id, stored.by_model[a], stored.by_model[b]


def _stored(connection: sa.Connection, instructions: Sequence[int]) -> dict[tuple[str, int, int], _Given]:
    """The labels on these instructions (ids) by annotator and pair of outputs."""
    rows = rows_among(connection, sa.select(t.human_labels).where(_h.instruction_id.in_(AMONG)), instructions)
    return {(row.annotator, row.output_a_id, row.output_b_id): row for row in rows}


def _check_same(label: HumanLabel, known: _Given) -> None:
    if (label.preference, label.both_bad) != (known.preference, bool(known.both_bad)):
        raise Conflict(
            f"{label.annotator!r} has labelled {label.model_a!r} against {label.model_b!r} on instruction "
            f"{label.instruction} before, with preference {known.preference:g} and not {label.preference:g}: "
            "labels are never replaced"
        )
