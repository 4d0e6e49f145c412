"""The pairwise verdicts of a whole database as columns of numbers, most of them read from blocks stored ready-made.

A block holds the columns of the verdicts with 65,536 ids in a row, of every revision. As verdicts are only ever
appended, a full block never changes; those that a later revision took the place of are left out when it is read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from judgebench.records import Status
from judgebench.store import schema as t

BLOCK = 1 << 16  # ids of verdicts: some 2 MB
STATUSES = tuple(Status)
Columns = Mapping[str, NDArray[Any]]
_KINDS: dict[str, np.dtype[Any]] = {
    "id": np.dtype("<i8"),
    "instruction": np.dtype("<i8"),  # id, as for judge and models
    "judge": np.dtype("<i8"),
    "model_a": np.dtype("<i8"),
    "model_b": np.dtype("<i8"),
    "length_a": np.dtype("<i4"),
    "length_b": np.dtype("<i4"),
    "order": np.dtype("<i1"),  # as in VerdictTable
    "status": np.dtype("<i1"),  # index in STATUSES
    "preference": np.dtype("<f8"),  # NaN: none
}
_IDS = [name for name, kind in _KINDS.items() if kind == np.dtype("<i8")]
# Formats of stored blocks: narrow, where all ids fit, and wide. Others are not read; take new numbers with any change
# of the kinds, or of STATUSES.
_FORMATS = {1: _KINDS | dict.fromkeys(_IDS, np.dtype("<i4")), 2: _KINDS}
_WIDE_FROM = 1 << 31
_v = t.verdicts.c
_b = t.verdict_blocks.c
_newer = t.verdicts.alias("newer")


def verdict_columns(connection: sa.Connection) -> Columns:
    """All pairwise verdicts of the database that are in force, in the order of their ids, failures included."""
    parts = [_unpacked(*block) for block in _sealed(connection)]
    parts.append(_read(connection, len(parts) * BLOCK, None))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in _KINDS}
    revised = _revised(connection)
    if not len(revised):
        return columns
    inforce = ~np.isin(columns["id"], revised)
    return {name: values[inforce] for name, values in columns.items()}


def status_code(status: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The place of a verdict's status in STATUSES."""
    return sa.case(*((status == str(known), code) for code, known in enumerate(STATUSES)))


def seal(connection: sa.Connection) -> None:
    """Store the blocks that are full and not stored yet, in the connection's write transaction."""
    newest = connection.scalar(sa.select(sa.func.max(_v.id))) or 0
    stored = enumerate(connection.scalars(sa.select(_b.id).where(_b.format.in_(_FORMATS)).order_by(_b.id)))
    for number in range(sum(block == number for number, block in stored), newest // BLOCK):
        format_, columns = _packed(_block(connection, number))
        connection.execute(sa.delete(t.verdict_blocks).where(_b.id == number))
        connection.execute(sa.insert(t.verdict_blocks).values(id=number, format=format_, columns=columns))


def reseal(connection: sa.Connection) -> None:
    """Build every block anew from the verdicts, in the connection's write transaction."""
    connection.execute(sa.delete(t.verdict_blocks))
    seal(connection)


def stale_blocks(connection: sa.Connection) -> list[int]:
    """Numbers of the stored blocks that are not what the verdicts say: damage, or rows changed by hand."""
    stored = _sealed(connection)
    return [number for number, block in enumerate(stored) if block != _packed(_block(connection, number))]


def _sealed(connection: sa.Connection) -> list[tuple[int, bytes]]:
    """The stored blocks from the first verdict on, as far as they follow each other, each with its format."""
    query = sa.select(_b.id, _b.format, _b.columns).where(_b.format.in_(_FORMATS)).order_by(_b.id)
    rows = enumerate(connection.execute(query).all())
    return [(row.format, row.columns) for number, row in rows if row.id == number]


def _revised(connection: sa.Connection) -> NDArray[np.int64]:
    """Ids of verdicts that have a later revision.

    The 0 is written out, and the run asked for, which no larger index holds, so that the index of revisions is used.
    """
    query = (
        sa.select(_v.id, _newer.c.run_id)
        .join(_newer, (_newer.c.trial_key == _v.trial_key) & (_newer.c.instruction_id == _v.instruction_id))
        .where(_newer.c.revision > _v.revision, _newer.c.revision > sa.literal_column("0"))
    )
    return np.array(connection.scalars(query).all(), dtype=np.int64)


def _block(connection: sa.Connection, number: int) -> Columns:
    return _read(connection, number * BLOCK, (number + 1) * BLOCK)


def _read(connection: sa.Connection, after: int, last: int | None) -> Columns:
    """The columns of the verdicts behind the id ``after``, up to the id ``last``."""
    a, b = t.outputs.alias("a"), t.outputs.alias("b")
    columns = (
        _v.id,
        _v.instruction_id,
        _v.judge_id,
        a.c.model_id,
        b.c.model_id,
        a.c.length_chars,
        b.c.length_chars,
        sa.case((_v.order == "AB", 0), (_v.order == "BA", 1), else_=-1),
        status_code(_v.status),
        _v.preference,
    )
    query = sa.select(*columns).join_from(t.verdicts, a, a.c.id == _v.output_a_id).join(b, b.c.id == _v.output_b_id)
    query = query.where(_v.id > after) if last is None else query.where(_v.id > after, _v.id <= last)
    numbers = dict(zip(_KINDS, number_columns(connection, query, list(_KINDS.values())), strict=True))
    in_order = np.argsort(numbers["id"], kind="stable")
    wide = any(numbers[name].max(initial=0) >= _WIDE_FROM for name in _IDS)
    return {name: numbers[name][in_order].astype(kind, copy=False) for name, kind in _FORMATS[2 if wide else 1].items()}


def _packed(columns: Columns) -> tuple[int, bytes]:
    """The block's format and its bytes."""
    format_ = next(number for number, kinds in _FORMATS.items() if kinds["id"] == columns["id"].dtype)
    return format_, b"".join(columns[name].tobytes() for name in _KINDS)


def _unpacked(format_: int, packed: bytes) -> Columns:
    kinds = _FORMATS[format_]
    n, at = len(packed) // sum(kind.itemsize for kind in kinds.values()), 0
    columns: dict[str, NDArray[Any]] = {}
    for name, kind in kinds.items():
        columns[name] = np.frombuffer(packed, kind, n, at)
        at += n * kind.itemsize
    return columns


def number_columns(
    connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]
) -> list[NDArray[Any]]:
    """One array a column of ``query``, of these kinds; their rows are in the same order, whatever it is.

    Floats may be null, which becomes NaN; integers may not.
    """
    read = _wholes if connection.dialect.name == "sqlite" else _rows
    return read(connection, query, kinds)


def _wholes(connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]) -> list[NDArray[Any]]:
    """SQLite hands each column over whole, several times as fast as a Python object for each number: integers as one
    text, floats, of which printing takes long, as bytes."""
    columns = zip(query.selected_columns, kinds, strict=True)
    whole = [_doubles(column) if kind.kind == "f" else sa.func.group_concat(column) for column, kind in columns]
    values = connection.execute(query.with_only_columns(*whole, maintain_column_froms=True)).one()
    return [
        np.array([], kind) if value is None else _floats(value, kind) if kind.kind == "f" else _integers(value, kind)
        for value, kind in zip(values, kinds, strict=True)
    ]


def _doubles(number: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """In SQL, infinity for null."""
    return sa.func.doubles(sa.func.coalesce(number, sa.literal_column("9e999")))


def _floats(packed: bytes, kind: np.dtype[Any]) -> NDArray[Any]:
    values = np.frombuffer(packed, np.float64)
    return np.where(np.isfinite(values), values, np.nan).astype(kind, copy=False)


def _integers(text: str, kind: np.dtype[Any]) -> NDArray[Any]:
    return np.fromstring(text, sep=",", dtype=kind)


def _rows(connection: sa.Connection, query: sa.Select[Any], kinds: Sequence[np.dtype[Any]]) -> list[NDArray[Any]]:
    rows = connection.execute(query).all()
    return [np.array([row[at] for row in rows], dtype=kind) for at, kind in enumerate(kinds)]
