"""Which run is asking a trial, so that no other does: a lease a trial, which its run renews for as long as it lives.
Whoever collects a model's outputs claims them likewise.

A claim is of a trial's key alone: runs on several benchmarks that hold an equal trial share it as well. Times are the
database's own, those of PostgreSQL's server, so that the clocks of the machines need not agree; who uses an SQLite file
is on one machine.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from judgebench.store import schema as t
from judgebench.store.database import bulk_insert

_CLAIMS = t.metadata.tables["claims"]
_c = _CLAIMS.c
_CLAIMED: sa.Select[Any] = sa.select(_c.trial_key, _c.holder, _c.expires_at)
# Made once: a run executes them again and again.
_OWN = (_c.holder == sa.bindparam("process")) & _c.run_id.is_not_distinct_from(sa.bindparam("run"))
_BY_OTHERS = _CLAIMED.where(~_OWN)
_RELEASED = sa.delete(_CLAIMS).where(_OWN)
_RENEWED = sa.update(_CLAIMS).where(_OWN).values(expires_at=sa.bindparam("until"))
_Gone = Callable[[str], bool]  # whether the process that a claim names as its holder is known to have ended


@dataclass(frozen=True, slots=True)
class Holder:
    """A run, and the process that it lives in, as others can recognise it."""

    run_id: int | None  # None: it is none, and the process is told from others of its own by what it adds to its name
    process: str

    @property
    def bound(self) -> dict[str, int | str | None]:
        """As the statements here name them."""
        return {"run": self.run_id, "process": self.process}


def claim(
    connection: sa.Connection,
    holder: Holder,
    trial_keys: Collection[str],
    *,
    keep: Collection[str] = (),
    lease_s: float,
    is_gone: _Gone,
) -> set[str]:
    """Have the run hold, in the connection's write transaction, what it is to keep and those of the trials that no
    other run holds, which are returned. What others held that are gone, or that did not renew it in time, is nobody's.
    """
    moment = clock(connection)
    theirs = connection.execute(_BY_OTHERS, holder.bound).all()
    gone = _lapsed(theirs, moment, is_gone)
    _delete(connection, gone)
    held = {row.trial_key for row in theirs} - gone
    free = set(trial_keys) - held
    release(connection, holder)  # all: to write a few again is cheaper than to name the many that have ended
    expires_at = after(moment, lease_s)
    if any(row.expires_at > expires_at for row in theirs):  # the clock was set back, and they would last until then
        connection.execute(sa.update(_CLAIMS).where(_c.expires_at > expires_at).values(expires_at=expires_at))
    rows = [(key, holder.run_id, holder.process, expires_at) for key in sorted(free.union(keep) - held)]
    bulk_insert(connection, _CLAIMS, rows)
    return free


def renew(connection: sa.Connection, holder: Holder, lease_s: float) -> int:
    """Hold what the run holds for so long from now on; returns how many trials that is."""
    until = after(clock(connection), lease_s)
    return connection.execute(_RENEWED, {**holder.bound, "until": until}).rowcount


def release(connection: sa.Connection, holder: Holder) -> None:
    """Give back what the run holds."""
    connection.execute(_RELEASED, holder.bound)


def clear(connection: sa.Connection, is_gone: _Gone) -> None:
    """Give back what runs hold that are gone, or did not renew it in time."""
    _delete(connection, _lapsed(connection.execute(_CLAIMED).all(), clock(connection), is_gone))


def held(connection: sa.Connection, trial_keys: list[str], is_gone: _Gone) -> set[str]:
    """Those of the trials that some run is asking."""
    claimed = connection.execute(_CLAIMED).all()
    return set(trial_keys) & ({row.trial_key for row in claimed} - _lapsed(claimed, clock(connection), is_gone))


def lapsed(connection: sa.Connection) -> int:
    """How many claims nobody renewed in time: those of runs that were killed."""
    return connection.scalar(sa.select(sa.func.count()).where(_c.expires_at <= now(connection))) or 0


def now(connection: sa.Connection) -> str:
    """The moment by the database's clock, as leases are written."""
    return after(clock(connection), 0)


def _delete(connection: sa.Connection, trial_keys: Collection[str]) -> None:
    for key in trial_keys:
        connection.execute(sa.delete(_CLAIMS).where(_c.trial_key == key))


def _lapsed(claimed: Sequence[sa.Row[Any]], moment: datetime, is_gone: _Gone) -> set[str]:
    """The trials whose holder is gone, or did not renew its claim in time."""
    now = after(moment, 0)
    holders = {holder: is_gone(holder) for holder in {row.holder for row in claimed}}
    return {row.trial_key for row in claimed if row.expires_at <= now or holders[row.holder]}


def clock(connection: sa.Connection) -> datetime:
    """Now, by the database's clock."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    moment: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def after(moment: datetime, seconds: float) -> str:
    """As the store writes times."""
    return (moment + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
