"""Whole databases: their version, and how they are checked, backed up, and copied from one engine to the other."""

import hashlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from judgebench.errors import Conflict, InputError
from judgebench.store import schema as t
from judgebench.store.blocks import reseal, stale_blocks
from judgebench.store.database import Database, bulk_insert

_BATCH = 5000
_COUNTED_BY_DATABASE = (
    *("benchmarks", "instructions", "models", "outputs", "generators", "judges", "judge_addresses"),
    *("runs", "batches", "batch_trials", "human_labels", "audits", "external_ids", "events", "api_tokens"),
    *("blobs", "blob_uses"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found: rows by table, and the problems in words."""

    rows: dict[str, int]
    problems: tuple[str, ...]


def version(connection: sa.Connection) -> tuple[int, ...]:
    """Numbers that change whenever anything is stored: the newest id of every table, and how many runs have ended.

    What was computed from a database may be kept as long as its version stays.
    """
    tables = (t.benchmarks, t.instructions, t.models, t.outputs, t.judges, t.runs, t.verdicts, t.human_labels, t.audits)
    newest = [sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)).scalar_subquery() for table in tables]
    ended = sa.select(sa.func.count(t.runs.c.finished_at)).scalar_subquery()
    return tuple(connection.execute(sa.select(*newest, ended)).one())


def digests(connection: sa.Connection) -> dict[str, str]:
    """A digest of every table's rows in the order of their ids."""
    by_table = {}
    for table in t.metadata.sorted_tables:
        digest = hashlib.sha256()
        for row in connection.execute(
            sa.select(table).order_by(*table.primary_key).execution_options(yield_per=_BATCH)
        ):
            digest.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
        by_table[table.name] = digest.hexdigest()
    return by_table


def check(database: Database) -> Check:
    """Count every table and look for what constraints cannot hold."""
    problems: list[str] = []
    with database.read() as connection:
        rows = {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in t.metadata.sorted_tables
        }
        if database.is_sqlite:
            faults = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            problems += [f"integrity: {fault}" for fault in faults if fault != "ok"]
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            problems += [f"table {row[0]}, row {row[1]}: refers to a missing row of {row[2]}" for row in dangling]
        read = sa.select(t.verdicts.c.completion_id).where(t.verdicts.c.completion_id.is_not(None))
        orphans = connection.scalar(
            sa.select(sa.func.count()).select_from(t.completions).where(t.completions.c.id.not_in(read))
        )
        if orphans:
            problems.append(f"{orphans} completions belong to no verdict")
        stale = stale_blocks(connection)
        problems += [f"block {number} of verdicts is not what they say: judgebench db upgrade" for number in stale]
    return Check(rows, tuple(problems))


def refresh(database: Database) -> None:
    """Build anew what is stored but derived."""
    with database.write() as connection:
        reseal(connection)


def backup(database: Database, target: Path) -> None:
    """Write the whole database into a new SQLite file, consistent even while others write.

    Raises InputError when the target exists.
    """
    if target.exists():
        raise InputError(f"{target} exists: a backup never overwrites, choose another name")
    if not database.is_sqlite:
        copy(database, str(target))
        return
    unfinished = target.with_name(target.name + ".unfinished")
    with database.read() as connection:
        source = connection.connection.driver_connection
        with sqlite3.connect(unfinished) as sink:
            source.backup(sink)  # type: ignore[union-attr]  # the driver's own connection, sqlite3 here
        sink.close()
    os.replace(unfinished, target)


def copy(source: Database, address: str) -> dict[str, int]:
    """Copy every row into the empty database at ``address``; returns the number of rows by table.

    Raises Conflict when the target holds anything.
    """
    target = Database(address, create=True)
    with source.read() as reading, target.write() as writing:
        for table in t.metadata.sorted_tables:
            if writing.scalar(sa.select(sa.func.count()).select_from(table)):
                raise Conflict(f"the database {target.name} is not empty: copy into a new one")
        counts = {table.name: _copy_table(reading, writing, table) for table in t.metadata.sorted_tables}
        if not target.is_sqlite:
            for name in _COUNTED_BY_DATABASE:
                writing.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name} HAVING max(id) > 0"  # noqa: S608
                )
    target.close()
    return counts


def _copy_table(reading: sa.Connection, writing: sa.Connection, table: sa.Table) -> int:
    count = 0
    rows = reading.execute(sa.select(table).order_by(*table.primary_key).execution_options(yield_per=_BATCH))
    for batch in rows.partitions(_BATCH):
        values = [tuple(row) for row in batch]
        bulk_insert(writing, table, values)
        count += len(values)
    return count
