"""Human labels: written, and read one by one or as arrays beside verdicts.

A person says one thing about a pair of outputs and a question: saying it again adds nothing, saying something else
raises Conflict. The question is OVERALL, which output is better, wherever no other is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from judgebench.errors import Conflict, UnknownName
from judgebench.records import OVERALL, HumanLabel, Order, Output
from judgebench.stats.verdict_table import LabelTable, encode
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.benchmarks import OUTPUT_COLUMNS, StoredOutputs, output_of, stored_outputs, within
from judgebench.store.database import Stored, bulk_insert, next_ids, now
from judgebench.store.models import MODEL_A, MODEL_B, OUTPUT_A, OUTPUT_B, join_sides
from judgebench.store.verdicts import every_revision, in_force

_h = t.human_labels.c
_Given = HumanLabel | sa.Row[Any]  # a label handed over, or the row of a stored one


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A label, and the ids of what it is about."""

    label: HumanLabel
    instruction_id: int
    output_a_id: int
    output_b_id: int


def add_labels(connection: sa.Connection, benchmark_id: int, labels: Sequence[HumanLabel]) -> Stored:
    """Store the labels in the connection's write transaction.

    Raises UnknownName where the benchmark has no such instruction, or a model no output to it; Conflict where the
    annotator said something else about the same pair before.
    """
    outputs = stored_outputs(connection, benchmark_id, sorted({label.instruction for label in labels}))
    places = [stored.instruction_id for stored in outputs.values()]
    given: dict[tuple[str, str, int, int], _Given] = {
        (question, *identity): row
        for question in sorted({label.question for label in labels})
        for identity, row in labels_on(connection, places, question)
    }
    new = []
    for label in labels:
        instruction_id, a, b = _identity(label, outputs)
        known = given.setdefault((label.question, label.annotator, a, b), label)
        if known is not label:
            check_same(label, known)
            continue
        new.append(PlacedLabel(label, instruction_id, a, b))
    add_new_labels(connection, new)
    return Stored(len(new), len(labels) - len(new))


def add_new_labels(connection: sa.Connection, new: Sequence[PlacedLabel]) -> None:
    """Store labels that are not stored."""
    written = now()
    rows = [
        (
            *(at, placed.label.annotator, placed.instruction_id, placed.output_a_id, placed.output_b_id),
            *(None if placed.label.order is None else str(placed.label.order), placed.label.preference),
            *(placed.label.both_bad, placed.label.source, placed.label.created_at or written, placed.label.question),
        )
        for at, placed in zip(next_ids(connection, t.human_labels, len(new)), new, strict=True)
    ]
    bulk_insert(connection, t.human_labels, rows)


def labels_on(
    connection: sa.Connection, instruction_ids: Sequence[int], question: str = OVERALL
) -> Iterator[tuple[tuple[str, int, int], sa.Row[Any]]]:
    """The labels on these instructions, each under its annotator and the ids of both outputs."""
    query = sa.select(t.human_labels).where(among(_h.instruction_id), _h.question == question)
    rows = rows_among(connection, query, instruction_ids)
    return (((row.annotator, row.output_a_id, row.output_b_id), row) for row in rows)


def labels(
    connection: sa.Connection,
    benchmark_id: int,
    *,
    annotator: str | None = None,
    category: str | None = None,
    instruction: str | None = None,
    question: str = OVERALL,
) -> Iterator[HumanLabel]:
    """The benchmark's labels in the order they were stored; of one ``instruction`` by its key."""
    query = _query(benchmark_id, category, question)
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
            question=question,
        )


def label_table(
    connection: sa.Connection,
    benchmark_id: int,
    *,
    models: Sequence[str],
    instructions: Sequence[str],
    question: str = OVERALL,
) -> LabelTable:
    """The labels on ``instructions`` (keys) and ``models``, both in the order that gives them their codes."""
    model_code = {name: code for code, name in enumerate(models)}
    instruction_code = {key: code for code, key in enumerate(instructions)}
    rows = [
        row
        for row in connection.execute(_query(benchmark_id, None, question))
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


def annotators(connection: sa.Connection, benchmark_id: int, question: str = OVERALL) -> dict[str, int]:
    """How many labels each annotator gave, by name."""
    return _counts(connection, benchmark_id, _h.annotator, _h.question == question)


def questions(connection: sa.Connection, benchmark_id: int) -> dict[str, int]:
    """How many labels there are on each question that was asked, OVERALL first."""
    return _counts(connection, benchmark_id, _h.question)


def _counts(
    connection: sa.Connection, benchmark_id: int, by: sa.ColumnElement[str], *only: sa.ColumnElement[bool]
) -> dict[str, int]:
    query = (
        sa.select(by, sa.func.count())
        .join(t.instructions, t.instructions.c.id == _h.instruction_id)
        .where(t.instructions.c.benchmark_id == benchmark_id, *only)
        .group_by(by)
    )
    return dict(sorted((row[0], row[1]) for row in connection.execute(query)))


def unlabelled(connection: sa.Connection, benchmark_id: int, annotator: str) -> list[int]:
    """The instructions (ids) with a judged pair of outputs that are stored differently and that ``annotator`` has not
    labelled."""
    v, i, a, b = every_revision().c, t.instructions.c, OUTPUT_A.c, OUTPUT_B.c  # all revisions are about the same pair
    mine = (_h.annotator == annotator, _h.question == OVERALL)
    labelled = sa.exists().where(*mine, _h.output_a_id == v.output_a_id, _h.output_b_id == v.output_b_id)
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
        _h.instruction_id == instruction_id, _h.annotator == annotator, _h.question == OVERALL
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
    mine = (_h.annotator == annotator, _h.question == OVERALL)
    counts = sa.select(_h.instruction_id, sa.func.count()).where(*mine).group_by(_h.instruction_id)
    return {row[0]: row[1] for row in connection.execute(counts)}


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
    given = query.where(_h.instruction_id.in_(instructions), _h.annotator == annotator, _h.question == OVERALL)
    rows = connection.execute(given.order_by(_h.id))
    return [ComparedLabel(*row) for row in rows]


def _query(benchmark_id: int, category: str | None, question: str) -> sa.Select[Any]:
    columns = (_h.annotator, _h.order, _h.preference, _h.both_bad, _h.source, _h.created_at, t.instructions.c.key)
    query = (
        sa.select(
            *(*columns, MODEL_A.c.name.label("model_a"), MODEL_B.c.name.label("model_b")),
            *(OUTPUT_A.c.sample.label("sample_a"), OUTPUT_B.c.sample.label("sample_b")),
        )
        .join(t.instructions, t.instructions.c.id == _h.instruction_id)
        .where(within(benchmark_id, category), _h.question == question)
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


def check_same(label: HumanLabel, known: _Given) -> None:
    """Raises Conflict where the annotator has said something else before."""
    if (label.preference, label.both_bad) != (known.preference, bool(known.both_bad)):
        raise Conflict(
            f"{label.annotator!r} has labelled {label.model_a!r} against {label.model_b!r} on instruction "
            f"{label.instruction} before, with preference {known.preference:g} and not {label.preference:g}: "
            "labels are never replaced"
        )
