"""The pairwise verdicts of a whole database as columns of numbers, most of them read from blocks stored ready-made.

A block holds the columns of the verdicts with 65,536 ids in a row, of every revision. As verdicts are only ever
appended, a full block never changes; those that a later revision took the place of are left out when it is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class VerdictColumns:
    """All pairwise verdicts of the database that are in force, failures included, in the order of their ids."""

    most: int  # how many there are, or a few more
    parts: Iterator[Columns]  # to be read once, in the snapshot; at least one


def verdict_columns(connection: sa.Connection) -> VerdictColumns:
    """A block at a time, so that nobody needs to hold what he does not count."""
    sealed = _sealed_rows(connection)
    after = len(sealed) * BLOCK
    newest = _read(connection, after, None)
    return VerdictColumns(sum(sealed) + len(newest["id"]), _in_force(connection, len(sealed), newest))


def _in_force(connection: sa.Connection, sealed: int, newest: Columns) -> Iterator[Columns]:
    """The first blocks, so many, and the ``newest`` verdicts."""
    revised = _revised(connection)
    for format_, packed in _sealed(connection, sealed):
        yield _without(_unpacked(format_, packed), revised)
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
    stored = enumerate(_sealed(connection, len(_sealed_rows(connection))))
    return [number for number, block in stored if block != _packed(_block(connection, number))]


def _sealed_rows(connection: sa.Connection) -> list[int]:
    """How many verdicts each stored block holds, from the first one on, as far as they follow each other."""
    length = sa.func.length if connection.dialect.name == "sqlite" else sa.func.octet_length
    query = sa.select(_b.id, _b.format, length(_b.columns)).where(_b.format.in_(_FORMATS)).order_by(_b.id)
    rows = enumerate(connection.execute(query).all())
    return [size // _row_bytes(format_) for number, (block, format_, size) in rows if block == number]


def _sealed(connection: sa.Connection, blocks: int) -> Iterator[tuple[int, bytes]]:
    """The first stored blocks, so many, one at a time, each with its format."""
    query = sa.select(_b.format, _b.columns).where(_b.id == sa.bindparam("number"))
    for number in range(blocks):
        row = connection.execute(query, {"number": number}).one()
        yield row.format, row.columns


def _row_bytes(format_: int) -> int:
    return sum(kind.itemsize for kind in _FORMATS[format_].values())


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
    wide = any(numbers[name].max(initial=0) >= _WIDE_FROM for name in _IDS)
    return {name: numbers[name][in_order].astype(kind, copy=False) for name, kind in _FORMATS[2 if wide else 1].items()}


def _packed(columns: Columns) -> tuple[int, bytes]:
    """The block's format and its bytes."""
    format_ = next(number for number, kinds in _FORMATS.items() if kinds["id"] == columns["id"].dtype)
    return format_, b"".join(columns[name].tobytes() for name in _KINDS)


def _unpacked(format_: int, packed: bytes) -> Columns:
    kinds = _FORMATS[format_]
    n, at = len(packed) // _row_bytes(format_), 0
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
