"""Whole databases: their version, and how they are checked, backed up, and copied from one engine to the other."""

import hashlib
import os
import sqlite3
import zlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, DropConstraint

from judgebench.conversations import Conversation, Trajectory, decoded_conversation, decoded_trajectory, held_files
from judgebench.counts import are, count
from judgebench.errors import Conflict, DatabaseError, InputError
from judgebench.store import claims, jobs, repeats, tokens
from judgebench.store import schema as t
from judgebench.store.benchmarks import decoded
from judgebench.store.blocks import reseal, stale_blocks
from judgebench.store.database import Database, bulk_insert, in_snapshot
from judgebench.store.events import REVOKED, missing_ids, record
from judgebench.store.models import count_style_again

_Value = TypeVar("_Value")
_BATCH = 5000
# Of tables that only grow, the newest id tells whether anything came; of small ones whose rows may change, all rows do.
# What is deleted or renamed is an event.
_GROWING = (
    *(t.instructions, t.outputs, t.runs, t.verdicts, t.human_labels, t.marks, t.audits, t.external_ids, t.blobs),
    t.events,
)
_SIDES = ("output_a_id", "output_b_id")
_CHANGING = (t.benchmarks, t.models, t.judges, t.judge_addresses, t.batches)


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found: rows by table, and the problems in words."""

    rows: dict[str, int]  # none where the file is damaged
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what is no fault, in words


def version(connection: sa.Connection) -> tuple[int, ...]:
    """Numbers that change whenever anything is stored that can be shown.

    What was computed from a database may be kept as long as its version stays.
    """
    newest = [sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)).scalar_subquery() for table in _GROWING]
    ended = sa.select(sa.func.count(t.runs.c.finished_at)).scalar_subquery()
    changing = [zlib.crc32(repr(connection.execute(_in_order(table)).all()).encode()) for table in _CHANGING]
    return (*connection.execute(sa.select(*newest, ended)).one(), *changing)


class Last(Generic[_Value]):
    """What was made last of each database, kept until another thing is made of it or anything is stored there."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[sa.Engine, tuple[Hashable, _Value]] = WeakKeyDictionary()

    def of(self, connection: sa.Connection, name: Hashable, make: Callable[[], _Value]) -> _Value:
        """What ``make`` returns, or returned under the same ``name``; raises what it raises."""
        if not in_snapshot(connection):
            return make()
        state = version(connection), name
        kept = self._kept.get(connection.engine)
        if kept is None or kept[0] != state:
            kept = state, make()
            self._kept[connection.engine] = kept
        return kept[1]


def _in_order(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).order_by(*table.primary_key)


def digests(connection: sa.Connection) -> dict[str, str]:
    """A digest of every table's rows in the order of their ids."""
    by_table = {}
    for table in t.metadata.sorted_tables:
        digest = hashlib.sha256()
        for row in connection.execute(_in_order(table).execution_options(yield_per=_BATCH)):
            digest.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
        by_table[table.name] = digest.hexdigest()
    return by_table


def check(database: Database) -> Check:
    """Count every table and look for what constraints cannot hold."""
    problems: list[str] = []
    with database.read() as connection:
        if faults := _faults(connection):
            return Check({}, tuple(f"the file is damaged, restore a backup: {fault}" for fault in faults))
        rows = {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in t.metadata.sorted_tables
        }
        problems += lost_completions(connection)
        if database.is_sqlite:
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            problems += [f"table {row[0]}, row {row[1]}: refers to a missing row of {row[2]}" for row in dangling]
        problems += [f"{many:,} {what}" for what, query in _IMPOSSIBLE.items() if (many := connection.scalar(query))]
        problems += _missing_verdicts(connection, rows["verdicts"])
        problems += _damaged_blobs(connection)
        problems += _faulty_messages(connection)
        stale = stale_blocks(connection)
        problems += [f"block {number} of verdicts is not what they say: judgebench db upgrade" for number in stale]
        left, waiting = claims.lapsed(connection), jobs.left(connection)
    notes = []
    if left:
        notes.append(
            f"{count(left, 'trial')} {are(left)} still claimed by runs that were killed: the next run takes them"
        )
    if waiting:
        jobs_left = f"{count(waiting, 'job')} {are(waiting)}"
        notes.append(f"{jobs_left} left by workers that were killed: the next worker takes them")
    return Check(rows, tuple(problems), tuple(notes))


def _strangers(table: sa.Table, output_id: sa.Column[Any]) -> sa.Select[Any]:
    """How many rows name an output that is to another instruction than they are about."""
    o = t.outputs.c
    joined = sa.select(sa.func.count()).select_from(table).join(t.outputs, o.id == output_id)
    return joined.where(o.instruction_id != table.c.instruction_id)


_IMPOSSIBLE: dict[str, sa.Select[Any]] = {  # what constraints cannot hold, and how many rows there are of it
    "completions belong to no verdict": sa.select(sa.func.count())
    .select_from(t.completions)
    .outerjoin(t.verdicts, t.verdicts.c.id == t.completions.c.id)  # the one that came with it
    .where(t.verdicts.c.completion_id.is_distinct_from(t.completions.c.id)),
    "verdicts are of another judge than their run": sa.select(sa.func.count())
    .select_from(t.verdicts)
    .join(t.runs, t.runs.c.id == t.verdicts.c.run_id)
    .where(t.runs.c.judge_id != t.verdicts.c.judge_id),
    **{
        f"{table.name} name an output to another instruction ({column})": _strangers(table, table.c[column])
        for table, column in (
            *((table, side) for table in (t.verdicts, t.human_labels, t.batch_trials) for side in _SIDES),
            *((table, "output_id") for table in (t.external_ids, t.blob_uses)),
        )
    },
}


def lost_completions(connection: sa.Connection) -> list[str]:
    """Verdicts that name a completion that is not there, in words."""
    c = t.completions.c
    verdicts = sa.select(sa.func.count()).select_from(t.verdicts)
    verdicts = verdicts.outerjoin(t.completions, c.id == t.verdicts.c.completion_id)
    lost = connection.scalar(verdicts.where(t.verdicts.c.completion_id.is_not(None), c.id.is_(None)))
    have = "has lost its completion" if lost == 1 else "have lost their completions"
    return [f"{count(lost, 'verdict')} {have}"] if lost else []


def _missing_verdicts(connection: sa.Connection, stored: int) -> list[str]:
    """Their ids are counted up without a gap, save where events say so, so that a row that somebody lost is seen."""
    missing = (connection.scalar(sa.select(sa.func.max(t.verdicts.c.id))) or 0) - stored - missing_ids(connection)
    return [f"{count(missing, 'verdict')} {are(missing)} missing: their ids have gaps"] if missing else []


def _damaged_blobs(connection: sa.Connection) -> list[str]:
    b = t.blobs.c
    rows = connection.execute(sa.select(b.digest, b.bytes).where(b.bytes.is_not(None)).execution_options(yield_per=10))
    damaged = [row.digest for row in rows if hashlib.sha256(row.bytes).hexdigest() != row.digest]
    return [f"file {digest} of a message is not what it was" for digest in damaged]


def _faulty_messages(connection: sa.Connection) -> list[str]:
    """Messages that cannot be read, and files that they hold: those that are not stored, and those whose use is not
    noted, of which nobody would know when they are to be deleted."""
    digests = {row.digest: row.id for row in connection.execute(sa.select(t.blobs.c.digest, t.blobs.c.id))}
    uses = t.blob_uses.c
    problems = []
    kinds: tuple[tuple[sa.Table, Callable[[str], Conversation | Trajectory], sa.ColumnElement[bool]], ...] = (
        (t.instructions, decoded_conversation, (uses.instruction_id == t.instructions.c.id) & uses.output_id.is_(None)),
        (t.outputs, decoded_trajectory, uses.output_id == t.outputs.c.id),
    )
    for table, decode, is_use in kinds:
        messages = sa.select(table.c.id, table.c.messages).where(table.c.messages.is_not(None))
        held = set()
        for row in connection.execute(messages.execution_options(yield_per=_BATCH)):
            try:
                files = held_files(decoded(decode, row.messages).messages)
            except DatabaseError:
                problems.append(f"{table.name}, row {row.id}: its messages cannot be read")
                continue
            held |= {(row.id, digests[digest]) for digest in files if digest in digests}
            problems += [
                f"{table.name}, row {row.id}: its file {one} is missing" for one in files if one not in digests
            ]
        noted = connection.execute(sa.select(table.c.id, uses.blob_id).join(t.blob_uses, is_use))
        missing = sorted(held - {(row.id, row.blob_id) for row in noted})
        problems += [f"{table.name}, row {row}: no use of its file {blob} is noted" for row, blob in missing]
    return problems


def refresh(database: Database) -> None:
    """Build anew what is stored but derived, and count what was stored before it was counted."""
    with database.write() as connection:
        reseal(connection)
    last: int | None = 0
    while last is not None:
        with database.write() as connection:
            last = count_style_again(connection, last, _BATCH)


def backup(database: Database, target: Path) -> None:
    """Write the whole database into a new SQLite file, consistent even while others write.

    Raises InputError when the target exists or cannot be written, DatabaseError when the database's file is damaged.
    """
    if target.exists():
        raise InputError(f"{target} exists: a backup never overwrites, choose another name")
    if not database.is_sqlite:
        copy(database, str(target))
        return
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        with database.read() as connection:
            if faults := _faults(connection):
                raise DatabaseError(f"the database {database.name} is damaged, so that nothing was saved: {faults[0]}")
            _copy_pages(connection.connection.driver_connection, unfinished)
        os.replace(unfinished, target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}): choose another place") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _faults(connection: sa.Connection) -> list[str]:
    """What SQLite finds broken in its file, a few lines at most; nothing for another engine."""
    if connection.dialect.name != "sqlite":
        return []
    try:
        lines = connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars().all()
    except sa.exc.DatabaseError as error:
        lines = [str(error.orig)]
    return [" ".join(line.split()) for line in lines if line != "ok"]


def _copy_pages(source: Any, target: Path) -> None:
    """Raises OSError where the target cannot be written."""
    try:
        with closing(sqlite3.connect(target)) as sink:
            source.backup(sink)
    except sqlite3.Error as error:
        raise OSError(None, str(error)) from error


def copy(source: Database, address: str, *, whole: bool = True) -> dict[str, int]:
    """Copy every row into the empty database at ``address``; returns the number of rows by table. Unless ``whole``, the
    copy's tokens are revoked and what was answered to requests is left out: a token of one server is none of another's.

    Raises Conflict when the target holds anything.
    """
    with source.read() as reading:
        return copy_snapshot(reading, address, whole=whole, actor=source.actor)


def copy_snapshot(
    reading: sa.Connection, address: str, *, whole: bool = True, actor: str | None = None
) -> dict[str, int]:
    """``copy`` of what the connection reads; what it changes in the copy is in the copy's log, as done by ``actor``."""
    target = Database(address, create=True, actor=actor)
    with target.write() as writing:
        for table in t.metadata.sorted_tables:
            if writing.scalar(sa.select(sa.func.count()).select_from(table)):
                raise Conflict(f"the database {target.name} is not empty: copy into a new one")
        with _rules_at_the_end(writing):
            counts = {table.name: _copy_table(reading, writing, table) for table in t.metadata.sorted_tables}
        if not target.is_sqlite:
            for name in (table.name for table in t.metadata.sorted_tables if table.autoincrement_column is not None):
                writing.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name} HAVING max(id) > 0"  # noqa: S608
                )
        if not whole:  # in the same transaction: at no moment is a token good for the copy
            if revoked := tokens.revoke_all(writing):
                record(writing, REVOKED, "database", Path(target.url.database or "").name, {"tokens": revoked})
            counts[repeats.TABLE] -= repeats.forget_all(writing)
    target.close()
    return counts


@contextmanager
def _rules_at_the_end(writing: sa.Connection) -> Iterator[None]:
    """While the block fills tables, the connection's transaction has no indexes on them, and on PostgreSQL no
    references: they are made at its end, all rows at once, which takes a fraction of the time that one by one does."""
    tables = t.metadata.sorted_tables
    indexes = [index for table in tables for index in table.indexes]
    references = [key for table in tables for key in table.foreign_key_constraints]
    if writing.dialect.name == "sqlite":  # which cannot add a reference to a table
        references = []
    for reference in references:
        writing.execute(DropConstraint(reference))
    for index in indexes:
        index.drop(writing)
    yield
    for index in indexes:
        index.create(writing)
    for reference in references:
        writing.execute(AddConstraint(reference))


def _copy_table(reading: sa.Connection, writing: sa.Connection, table: sa.Table) -> int:
    count = 0
    rows = reading.execute(_in_order(table).execution_options(yield_per=_BATCH))
    for batch in rows.partitions(_BATCH):
        values = [tuple(row) for row in batch]
        bulk_insert(writing, table, values)
        count += len(values)
    return count
