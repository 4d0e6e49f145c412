"""Who did what, append-only; and what became of names and ids that somebody remembers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from judgebench.store import schema as t
from judgebench.store.database import Database, insert, now

DELETED, RENAMED = "deleted", "renamed"
SUBMITTED, IMPORTED, VOTED = "submitted", "imported", "voted"
STARTED, AUDITED, REPARSED = "started", "audited", "reparsed"  # a run, a batch or a model's answering is started
INGESTED, TESTED = "ingested", "tested"  # results of batches; a judge's server
ADDED, REMOVED, DECLARED = "added", "removed", "declared"  # a judge or its address; a lineage
REVOKED = "revoked"  # a token
KEPT = "kept"  # a standing board
MERGED = "merged"  # another database into this one
QUEUED, STOPPED = "queued", "stopped"  # a job, by whoever asks for it or resumes it; by whoever stops it
SAVED, COPIED, COMPACTED = "backed up", "copied", "compacted"  # the whole database
ACTIONS = (
    *(SUBMITTED, IMPORTED, VOTED, STARTED, INGESTED, AUDITED, REPARSED, ADDED, REMOVED, TESTED, DECLARED),
    *(REVOKED, KEPT, QUEUED, STOPPED, MERGED, RENAMED, DELETED, SAVED, COPIED, COMPACTED),
)
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_e = t.events.c
_CHANGES = _e.action.in_((DELETED, RENAMED))
_CHANGED = sa.select(sa.func.max(_e.id)).where(_e.id > sa.bindparam("since"), _CHANGES)  # asked before each writing


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done."""

    id: int
    at: str  # ISO 8601, UTC
    actor: str  # a person's name, the address of a login, a token's name
    action: str  # one of ACTIONS
    kind: str  # what it was done to: "benchmark", "model", "judge", "run" ...
    name: str
    details: Mapping[str, Any]


def record(connection: sa.Connection, action: str, kind: str, name: str, details: Mapping[str, Any]) -> None:
    """Say that something was done, in the write transaction in which it is done, by whom the database was opened for.

    One event an action, however much it stores; none where it changed nothing.
    """
    actor = connection.get_execution_options()["judgebench_actor"]
    written = json.dumps(details, ensure_ascii=False, sort_keys=True)
    about = {"action": action, "kind": kind, "name": name, "details": written}
    insert(connection, t.events, at=now(), actor=actor, **about)


def note(database: Database, action: str, kind: str, name: str, details: Mapping[str, Any]) -> None:
    """``record`` of what has no write transaction of its own; nothing where the database can only be read."""
    if not database.read_only:
        with database.write() as connection:
            record(connection, action, kind, name, details)


def events(
    connection: sa.Connection,
    *,
    actors: Sequence[str] = (),
    actions: Sequence[str] = (),
    skip: int = 0,
    most: int | None = None,
) -> list[Event]:
    """The newest first, less the newest ``skip``: all, or ``most``; by any of the ``actors``, of any of the
    ``actions``, where some are named."""
    query = sa.select(t.events).order_by(_e.id.desc()).limit(most).offset(skip)
    if actors:
        query = query.where(_e.actor.in_(actors))
    if actions:
        query = query.where(_e.action.in_(actions))
    return [Event(**dict(row._mapping, details=json.loads(row.details))) for row in connection.execute(query)]


def adders(connection: sa.Connection, kind: str) -> dict[str, str]:
    """Who added what is of this ``kind``, by its name."""
    rows = connection.execute(sa.select(_e.name, _e.actor).where(_e.action == ADDED, _e.kind == kind).order_by(_e.id))
    return {row.name: row.actor for row in rows}


def numbers(connection: sa.Connection) -> dict[tuple[str, str], int]:
    """How many events there are of each actor and action."""
    rows = connection.execute(sa.select(_e.actor, _e.action, sa.func.count()).group_by(_e.actor, _e.action))
    return {(actor, action): number for actor, action, number in rows}


def changed(connection: sa.Connection, since: int) -> int | None:
    """The id of the newest event after the one with the id ``since`` by which rows were deleted or renamed; None
    without any. Whoever remembers ids or names across transactions looks them up again after it."""
    last: int | None = connection.scalar(_CHANGED, {"since": since})
    return last


def newest(connection: sa.Connection) -> int:
    """The id of the newest event; 0 without any."""
    return connection.scalar(sa.select(sa.func.max(_e.id))) or 0


class Kept(Generic[_Key, _Value]):
    """What was read of rows that are only ever appended: kept for each engine until some are deleted or renamed."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[sa.Engine, tuple[int, dict[_Key, _Value]]] = WeakKeyDictionary()

    def of(self, connection: sa.Connection) -> dict[_Key, _Value]:
        """What is kept, to be read and filled in this snapshot."""
        known = self._kept.get(connection.engine)
        at = newest(connection)
        if known is not None and at < known[0]:  # an older snapshot than somebody else's
            return {}
        kept = {} if known is None or changed(connection, known[0]) is not None else known[1]
        self._kept[connection.engine] = (at, kept)
        return kept


def changes(connection: sa.Connection) -> list[Event]:
    """All that was deleted or renamed, in that order."""
    rows = connection.execute(sa.select(t.events).where(_CHANGES).order_by(_e.id))
    return [Event(**dict(row._mapping, details=json.loads(row.details))) for row in rows]


def missing_ids(connection: sa.Connection) -> int:
    """How many ids of verdicts below the newest belong to none, because what they were about was deleted."""
    last = sa.select(_e.details).where(_e.action == DELETED).order_by(_e.id.desc()).limit(1)
    details = connection.scalar(last)
    return 0 if details is None else int(json.loads(details).get("missing_ids", 0))
