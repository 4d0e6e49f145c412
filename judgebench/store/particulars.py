"""What verdicts consist of beside their score: goals of a dialogue, and spans of an output.

They are written with their verdict, never changed, and belong to that revision alone: whoever reads those of the
verdicts in force reads none that was superseded.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from judgebench.records import Goal, Span, Verdict
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.database import bulk_insert

_Row = tuple[Any, ...]  # the table's columns but for the verdict's id and the number


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the values of one field of a verdict are stored."""

    table: sa.Table
    encoded: Callable[[Any], _Row]
    decoded: Callable[[sa.Row[Any]], Any]


def _goal_row(goal: Goal) -> _Row:
    turns = json.dumps(goal.turns)
    return goal.goal, turns, goal.reached, goal.cause, goal.failed_at, goal.declared, goal.reason


def _goal(row: sa.Row[Any]) -> Goal:
    turns = tuple(json.loads(row.turns))
    return Goal(row.goal, turns, row.reached, row.cause, row.failed_at, row.declared, row.reason)


def _span_row(span: Span) -> _Row:
    return span.start, span.stop, span.rating, span.kind, span.reason


def _span(row: sa.Row[Any]) -> Span:
    return Span(row.start, row.stop, row.rating, row.kind, row.reason)


_KINDS: Mapping[str, _Kind] = {  # by the field of a verdict
    "goals": _Kind(t.verdict_goals, _goal_row, _goal),
    "spans": _Kind(t.verdict_spans, _span_row, _span),
}


def add(connection: sa.Connection, verdicts: Sequence[tuple[int, Verdict]]) -> None:
    """Store what verdicts consist of, by their ids, in the transaction that stores these, and after them."""
    for field, kind in _KINDS.items():
        consisting = [(place, values) for place, verdict in verdicts if (values := getattr(verdict, field))]
        rows = [
            (place, number, *kind.encoded(value)) for place, values in consisting for number, value in enumerate(values)
        ]
        bulk_insert(connection, kind.table, rows)


def copy(
    reading: sa.Connection,
    writing: sa.Connection,
    ids: Mapping[int, Sequence[int]],
    check: Callable[[sa.Table, Mapping[str, Any]], None] | None = None,
) -> None:
    """Give verdicts what others consist of, their ids in ``writing`` by those in ``reading``, in the transaction that
    stores them. ``check``: raises for a row that cannot be taken over."""
    for kind in _KINDS.values():
        rows = []
        for row in _rows(reading, kind.table, list(ids)):
            if check is not None:
                check(kind.table, row._asdict())
            rows += [(new, *tuple(row)[1:]) for new in ids[row.verdict_id]]
        bulk_insert(writing, kind.table, rows)


def goals(connection: sa.Connection, verdict_ids: Sequence[int]) -> dict[int, tuple[Goal, ...]]:
    """Of those of the verdicts that have any, by id, in their order."""
    return _of(connection, _KINDS["goals"], verdict_ids)


def spans(connection: sa.Connection, verdict_ids: Sequence[int]) -> dict[int, tuple[Span, ...]]:
    """Of those of the verdicts that have any, by id, in their order."""
    return _of(connection, _KINDS["spans"], verdict_ids)


def with_particulars(connection: sa.Connection, verdicts: Mapping[int, Verdict]) -> dict[int, Verdict]:
    """The verdicts, by their ids, with what they consist of."""
    of_goals, of_spans = goals(connection, list(verdicts)), spans(connection, list(verdicts))
    return {
        place: replace(verdict, goals=of_goals.get(place, ()), spans=of_spans.get(place, ()))
        for place, verdict in verdicts.items()
    }


def _of(connection: sa.Connection, kind: _Kind, verdict_ids: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    values: dict[int, tuple[Any, ...]] = {}
    for row in _rows(connection, kind.table, verdict_ids):
        values[row.verdict_id] = (*values.get(row.verdict_id, ()), kind.decoded(row))
    return values


def _rows(connection: sa.Connection, table: sa.Table, verdict_ids: Sequence[int]) -> Iterable[sa.Row[Any]]:
    if not verdict_ids or connection.scalar(sa.select(table.c.verdict_id).limit(1)) is None:  # as in most databases
        return ()
    query = sa.select(table).where(among(table.c.verdict_id)).order_by(table.c.verdict_id, table.c.number)
    return rows_among(connection, query, verdict_ids)
