"""The pairwise verdicts of a whole database as columns of numbers, most of them read from blocks stored ready-made.

A block holds the columns of the verdicts with 65,536 ids in a row, of every revision. As verdicts are only ever
appended, a full block never changes; those that a later revision took the place of are left out when it is read.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from judgebench.errors import DatabaseError
from judgebench.records import Status
from judgebench.store import schema as t
from judgebench.store.columns import shared

BLOCK = 1 << 16  # ids of verdicts: some 1 MB
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
# Formats of stored blocks. In the newest each column has the narrowest kind that holds its numbers, which stands before
# them, and of ids in a row only the first is there. Those before had one kind a column: narrow, where all ids fitted,
# and wide. Others are not read; take new numbers with any change of the kinds, or of STATUSES.
_FORMAT = 3
_IDS = [name for name, kind in _KINDS.items() if kind == np.dtype("<i8")]
_OLDER = {1: _KINDS | dict.fromkeys(_IDS, np.dtype("<i4")), 2: _KINDS}
_HEADER = struct.Struct(f"<qq{len(_KINDS)}B6x")  # rows, the first id, and of each column its kind's place in _NARROW
_NARROW = [np.dtype(kind) for kind in ("V0", "<i1", "<i2", "<i4", "<i8", "<f4", "<f8")]  # the first: ids in a row
_v = t.verdicts.c
_b = t.verdict_blocks.c
_newer = shared(t.verdicts.alias("newer"))


@dataclass(frozen=True, slots=True)
class VerdictColumns:
    """All pairwise verdicts of the database that are in force, failures included, in the order of their ids."""

    most: int  # no more than these
    parts: Iterator[Columns]  # to be read once, in the snapshot; at least one


def verdict_columns(connection: sa.Connection) -> VerdictColumns:
    """A block at a time, so that nobody needs to hold what he does not count."""
    sealed = _sealed_formats(connection)
    after = len(sealed) * BLOCK
    newest = _read(connection, after, None)
    return VerdictColumns(after + len(newest["id"]), _in_force(connection, sealed, newest))


def _in_force(connection: sa.Connection, sealed: Sequence[int], newest: Columns) -> Iterator[Columns]:
    """The first blocks, of these formats, and the ``newest`` verdicts."""
    revised = _revised(connection)
    for number, format_ in enumerate(sealed):
        yield _without(_unpacked(format_, _sealed(connection, number)), revised)
    yield _without(newest, revised)


def _without(columns: Columns, revised: NDArray[np.int64]) -> Columns:
    """The verdicts that are not among those revised (ids, in order)."""
    ids = columns["id"]
    if not len(ids) or not len(revised[np.searchsorted(revised, ids[0]) : np.searchsorted(revised, ids[-1], "right")]):
        return columns
    inforce = ~np.isin(ids, revised)
    return {name: values[inforce] for name, values in columns.items()}


def status_code(status: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The place of a verdict's status in STATUSES."""
    return sa.case(*((status == str(known), code) for code, known in enumerate(STATUSES)))


def seal(connection: sa.Connection) -> None:
    """Store the blocks that are full and not stored yet, in the connection's write transaction."""
    newest = connection.scalar(sa.select(sa.func.max(_v.id))) or 0
    for number in range(len(_sealed_formats(connection)), newest // BLOCK):
        columns = _packed(_block(connection, number), _FORMAT)
        connection.execute(sa.delete(t.verdict_blocks).where(_b.id == number))
        connection.execute(sa.insert(t.verdict_blocks).values(id=number, format=_FORMAT, columns=columns))


def reseal(connection: sa.Connection) -> None:
    """Build every block anew from the verdicts, in the connection's write transaction."""
    connection.execute(sa.delete(t.verdict_blocks))
    seal(connection)


def stale_blocks(connection: sa.Connection) -> list[int]:
    """Numbers of the stored blocks that are not what the verdicts say: damage, or rows changed by hand."""
    stored = enumerate(_sealed_formats(connection))
    return [
        number
        for number, format_ in stored
        if _sealed(connection, number) != _packed(_block(connection, number), format_)
    ]


def _sealed_formats(connection: sa.Connection) -> list[int]:
    """Formats of the stored blocks, from the first one on, as far as they follow each other."""
    query = sa.select(_b.id, _b.format).where(_b.format.in_((_FORMAT, *_OLDER))).order_by(_b.id)
    return [row.format for number, row in enumerate(connection.execute(query).all()) if row.id == number]


def _sealed(connection: sa.Connection, number: int) -> bytes:
    """The columns of a stored block."""
    if connection.dialect.name == "sqlite":  # half of the time is copying, and a query copies once more
        driver: Any = connection.connection.driver_connection
        with driver.blobopen(t.verdict_blocks.name, _b.columns.name, number, readonly=True) as blob:
            return bytes(blob.read())
    return bytes(connection.scalars(sa.select(_b.columns).where(_b.id == number)).one())


def _revised(connection: sa.Connection) -> NDArray[np.int64]:
    """Ids of verdicts that have a later revision.

    The 0 is written out, and the run asked for, which no larger index holds, so that the index of revisions is used.
    """
    query = (
        sa.select(_v.id, _newer.c.run_id)
        .join(_newer, (_newer.c.trial_key == _v.trial_key) & (_newer.c.instruction_id == _v.instruction_id))
        .where(_newer.c.revision > _v.revision, _newer.c.revision > sa.literal_column("0"))
    )
    return np.sort(np.array(connection.scalars(query).all(), dtype=np.int64))


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
    return {name: values[in_order] for name, values in numbers.items()}


def _packed(columns: Columns, format_: int) -> bytes:
    if format_ in _OLDER:
        return b"".join(columns[name].astype(kind).tobytes() for name, kind in _OLDER[format_].items())
    kinds = {name: _narrowest(columns[name]) for name in _KINDS}
    ids = columns["id"]
    if len(ids) and ids[-1] - ids[0] == len(ids) - 1:
        kinds["id"] = _NARROW[0]
    header = _HEADER.pack(len(ids), ids[0] if len(ids) else 0, *map(_NARROW.index, kinds.values()))
    stored = (columns[name].astype(kind).tobytes() for name, kind in kinds.items() if kind.itemsize)
    return b"".join((header, *stored))


def _narrowest(values: NDArray[Any]) -> np.dtype[Any]:
    """The first kind that holds all of them to the last bit."""
    kinds = (kind for kind in _NARROW if kind.kind == values.dtype.kind)
    return next(kind for kind in kinds if np.array_equal(values.astype(kind), values, equal_nan=kind.kind == "f"))


def _unpacked(format_: int, packed: bytes) -> Columns:
    """Raises DatabaseError where the bytes are not those of so many rows."""
    damaged = DatabaseError("a stored block of verdicts is damaged: build it anew by 'judgebench db upgrade'")
    try:
        n, first, kinds, at = _layout(format_, packed)
    except (struct.error, IndexError) as error:
        raise damaged from error
    if len(packed) != at + n * sum(kind.itemsize for kind in kinds):
        raise damaged
    columns: dict[str, NDArray[Any]] = {}
    for name, kind in zip(_KINDS, kinds, strict=True):
        columns[name] = np.frombuffer(packed, kind, n, at) if kind.itemsize else np.arange(first, first + n)
        at += n * kind.itemsize
    return columns


def _layout(format_: int, packed: bytes) -> tuple[int, int, list[np.dtype[Any]], int]:
    """How many rows a block holds, the first id, the columns' kinds, and where they begin."""
    if format_ in _OLDER:
        kinds = [*_OLDER[format_].values()]
        return len(packed) // sum(kind.itemsize for kind in kinds), 0, kinds, 0
    n, first, *places = _HEADER.unpack_from(packed)
    return n, first, [_NARROW[place] for place in places], _HEADER.size


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
