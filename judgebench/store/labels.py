"""Human labels: written, and read one by one or as arrays beside verdicts.

A person says one thing about a pair of outputs: saying it again adds nothing, saying something else raises Conflict.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from judgebench.errors import Conflict, UnknownName
from judgebench.records import HumanLabel, Order
from judgebench.stats.verdict_table import LabelTable, encode
from judgebench.store import schema as t
from judgebench.store.database import IN_LIST, Stored, now

_h = t.human_labels.c
_Said = HumanLabel | sa.Row[Any]  # a label handed over, or the row of a stored one


def add_labels(connection: sa.Connection, benchmark_id: int, labels: Sequence[HumanLabel]) -> Stored:
    """Store the labels in the connection's write transaction.

    Raises UnknownName where the benchmark has no such instruction, or a model no output to it; Conflict where the
    annotator said something else about the same pair before.
    """
    outputs = _output_ids(connection, benchmark_id, sorted({label.instruction for label in labels}))
    said = _said(connection, [instruction_id for instruction_id, _ in outputs.values()])
    written, rows = now(), []
    for label in labels:
        instruction_id, a, b = _identity(label, outputs)
        known = said.setdefault((label.annotator, a, b), label)
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
    for row in connection.execution_options(yield_per=1000).execute(query):
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
        )


def label_table(
    connection: sa.Connection,
    benchmark_id: int,
    *,
    models: Sequence[str],
    instructions: Sequence[str],
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


def _query(benchmark_id: int, category: str | None) -> sa.Select[Any]:
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    i = t.instructions.c
    query = (
        sa.select(
            *(_h.annotator, _h.order, _h.preference, _h.both_bad, _h.source, _h.created_at, i.key),
            *(model_a.c.name.label("model_a"), model_b.c.name.label("model_b")),
        )
        .join(t.instructions, i.id == _h.instruction_id)
        .join(a, a.c.id == _h.output_a_id)
        .join(b, b.c.id == _h.output_b_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .join(model_b, model_b.c.id == b.c.model_id)
        .where(i.benchmark_id == benchmark_id)
        .order_by(_h.id)
    )
    return query if category is None else query.where(i.category == category)


def _output_ids(
    connection: sa.Connection, benchmark_id: int, keys: Sequence[str]
) -> dict[str, tuple[int, dict[str, int]]]:
    """By the instruction's key: its id, and the id of each model's output."""
    i, o = t.instructions.c, t.outputs.c
    found: dict[str, tuple[int, dict[str, int]]] = {}
    for start in range(0, len(keys), IN_LIST):
        query = (
            sa.select(i.key, i.id, o.id.label("output_id"), t.models.c.name)
            .join(t.outputs, o.instruction_id == i.id)
            .join(t.models, t.models.c.id == o.model_id)
            .where(i.benchmark_id == benchmark_id, i.key.in_(keys[start : start + IN_LIST]))
        )
        for key, instruction_id, output_id, model in connection.execute(query):
            found.setdefault(key, (instruction_id, {}))[1][model] = output_id
    return found


def _identity(label: HumanLabel, outputs: dict[str, tuple[int, dict[str, int]]]) -> tuple[int, int, int]:
    if label.instruction not in outputs:
        raise UnknownName("instruction with outputs", label.instruction, [])
    instruction_id, by_model = outputs[label.instruction]
    for model in (label.model_a, label.model_b):
        if model not in by_model:
            raise UnknownName("output of model", model, by_model)
    return instruction_id, by_model[label.model_a], by_model[label.model_b]


def _said(connection: sa.Connection, instructions: Sequence[int]) -> dict[tuple[str, int, int], _Said]:
    """What was said before about these instructions (ids), by annotator and pair of outputs."""
    said: dict[tuple[str, int, int], _Said] = {}
    for start in range(0, len(instructions), IN_LIST):
        query = sa.select(t.human_labels).where(_h.instruction_id.in_(instructions[start : start + IN_LIST]))
        said |= {(row.annotator, row.output_a_id, row.output_b_id): row for row in connection.execute(query)}
    return said


def _check_same(label: HumanLabel, known: _Said) -> None:
    if (label.preference, label.both_bad) != (known.preference, bool(known.both_bad)):
        raise Conflict(
            f"{label.annotator!r} has labelled {label.model_a!r} against {label.model_b!r} on instruction "
            f"{label.instruction} before, with preference {known.preference:g} and not {label.preference:g}: "
            "labels are never replaced"
        )
