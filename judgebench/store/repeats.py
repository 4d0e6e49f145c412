"""Requests that whoever sent them may send again: what was answered, by the key that names the request."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from judgebench.store import schema as t
from judgebench.store.claims import after, clock, now

TABLE = "idempotency_keys"
_KEYS = sa.Table(
    TABLE,
    t.metadata,
    sa.Column("caller", sa.Text, primary_key=True),  # a token, or a person, as the log names them
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of what was asked
    sa.Column("status", sa.Integer),  # null: it is being worked on
    sa.Column("document", sa.Text),  # the answer; of what is being worked on, the process that does
    sa.Column("created_at", sa.String(32), nullable=False),  # ISO 8601, UTC; without an answer, the last sign of life
    sqlite_with_rowid=False,
)
_k = _KEYS.c
KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """What is known of a request that came before."""

    digest: str  # of what was asked
    status: int | None  # of the answer; None: it is being worked on
    document: str  # the answer; "" while there is none


def begin(
    connection: sa.Connection,
    caller: str,
    key: str,
    digest: str,
    process: str,
    *,
    lease_s: float,
    is_over: Callable[[str], bool],
) -> EarlierAnswer | None:
    """Note in the connection's write transaction that the process works on the request; what is known of it where it
    came before. What is older than a day is forgotten, and what a process was working on that has not renewed it for
    ``lease_s``, or of which ``is_over`` says that it does no more."""
    connection.execute(sa.delete(_KEYS).where(_k.created_at < _before(connection, KEPT)))
    mine = (_k.caller == caller) & (_k.key == key)
    row = connection.execute(sa.select(_k.digest, _k.status, _k.document, _k.created_at).where(mine)).first()
    if row is not None and row.status is not None:
        return EarlierAnswer(row.digest, row.status, row.document or "")
    alive = timedelta(seconds=lease_s)
    if row is not None and row.created_at >= _before(connection, alive) and not is_over(row.document or ""):
        return EarlierAnswer(row.digest, None, "")
    connection.execute(sa.delete(_KEYS).where(mine))
    values = {"caller": caller, "key": key, "digest": digest, "document": process, "created_at": now(connection)}
    connection.execute(sa.insert(_KEYS).values(**values))
    return None


def renew(connection: sa.Connection, process: str, requests: Collection[tuple[str, str]]) -> None:
    """The process still works on these, by caller and key."""
    for caller, key in requests:
        mine = (_k.caller == caller) & (_k.key == key) & (_k.document == process) & _k.status.is_(None)
        connection.execute(sa.update(_KEYS).where(mine).values(created_at=now(connection)))


def end(connection: sa.Connection, caller: str, key: str, status: int, document: str) -> None:
    """The request was answered so."""
    mine = (_k.caller == caller) & (_k.key == key)
    connection.execute(sa.update(_KEYS).where(mine).values(status=status, document=document))


def forget(connection: sa.Connection, caller: str, key: str) -> None:
    """The request was refused, so that it may be sent again, changed; nothing where it has an answer."""
    connection.execute(sa.delete(_KEYS).where((_k.caller == caller) & (_k.key == key) & _k.status.is_(None)))


def forget_all(connection: sa.Connection) -> int:
    """Returns of how many requests."""
    return connection.execute(sa.delete(_KEYS)).rowcount


def _before(connection: sa.Connection, age: timedelta) -> str:
    return after(clock(connection), -age.total_seconds())
