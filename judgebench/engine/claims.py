"""The trials that a run has to itself, so that of two runs at once neither asks what the other is asking; and work
that one process at a time does.

They are claimed in blocks just before they are asked, and given back with the next block or at the run's end. A run
that is killed gives nothing back: its claims lapse when nobody renews them, and at once where the next run stands on
the same machine and sees that its process is no more.
"""

import os
import platform
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from judgebench import store
from judgebench.engine.pending import Taken
from judgebench.errors import Conflict, DatabaseError
from judgebench.keys import content_key
from judgebench.store.database import Connection, Database

LEASE_S = 60.0  # of a process that stands still for longer, another asks what is in flight
RENEW_S = LEASE_S / 4  # between two signs of life to others
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_DEAD = ("Z", "X")  # states of a process that has ended


class Claims:
    """What one run holds."""

    def __init__(self, database: Database, run_id: int | None) -> None:
        self._database = database
        self._holder = store.claims.Holder(run_id, this_process())
        self._held: set[str] = set()
        self._until = 0.0  # by this machine's clock: nobody else takes what is held before
        self._closed = False

    @property
    def lapsed(self) -> bool:
        """Whether others may have taken what is held: it must be claimed anew before it is asked."""
        return _clock() >= self._until

    def take(self, trial_keys: Sequence[str], ended: Iterable[str], as_of: int) -> Taken:
        """Raises DatabaseError; then nothing has changed."""
        names = {self._name(key): key for key in trial_keys}
        kept = self._held.difference(map(self._name, ended), names)
        with self._database.write() as connection:
            began = _clock()
            if self._closed:  # while this waited for the database
                return Taken(set(), outdated=False)
            taken = store.claims.claim(
                connection, self._holder, names.keys(), keep=kept, lease_s=LEASE_S, is_gone=is_gone
            )
            outdated = self._is_outdated(connection, as_of)
        self._held, self._until = kept | taken, began + LEASE_S
        return Taken({names[name] for name in taken}, outdated)

    def renew(self) -> None:
        """To be called more often than the lease lasts. Raises DatabaseError."""
        with self._database.write() as connection:
            began = _clock()
            renewed = store.claims.renew(connection, self._holder, LEASE_S)
        self._until = began + LEASE_S if renewed >= len(self._held) else 0.0

    def release(self) -> None:
        """Give back everything, for good, and what runs left behind that were killed. Raises DatabaseError."""
        self._closed = True
        with self._database.write() as connection:
            store.claims.release(connection, self._holder)
            store.claims.clear(connection, is_gone)

    def _name(self, key: str) -> str:
        """Under which a trial is claimed."""
        return key

    def _is_outdated(self, connection: Connection, as_of: int) -> bool:
        run_id = self._holder.run_id
        return run_id is None or store.verdicts.stored_by_others(connection, run_id, as_of)


class OutputClaims(Claims):
    """What one collection of a model's outputs to a benchmark holds, by the keys of instructions."""

    def __init__(self, database: Database, benchmark: str, model: str) -> None:
        super().__init__(database, None)
        self._holder = store.claims.Holder(None, f"{this_process()} {secrets.token_hex(4)}")
        self._about = ("output", benchmark, model)

    def _name(self, key: str) -> str:
        return content_key(*self._about, key)


class _WorkClaim(Claims):
    """What one holder does that is no run, as a whole."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, None)
        self._holder = store.claims.Holder(None, f"{this_process()} {secrets.token_hex(4)}")


@contextmanager
def alone(database: Database, key: str, what: str) -> Iterator[None]:
    """Have the work of this ``key`` to oneself while the block lasts, whichever process or machine others are in.

    Raises Conflict where another has it, naming it as ``what``, and DatabaseError.
    """
    claim, over = _WorkClaim(database), threading.Event()
    if not claim.take([key], (), 0).keys:
        raise Conflict(f"{what} is going on already, in another process: wait for it, or stop it there")

    def live() -> None:
        while not over.wait(RENEW_S):
            with suppress(DatabaseError):  # who cannot write now cannot take the claim away either
                claim.renew()

    living = threading.Thread(target=live, name="claim", daemon=True)
    living.start()
    try:
        yield
    finally:
        over.set()
        living.join()
        with suppress(DatabaseError):  # then it lapses
            claim.release()


def is_claimed(database: Database, key: str) -> bool:
    """Whether somebody has the work of this ``key`` now."""
    with database.read() as connection:
        return bool(store.claims.held(connection, [key], is_gone))


def _clock() -> float:
    """Seconds, on Linux with those that the machine slept."""
    return time.clock_gettime(_CLOCK)


def this_process() -> str:
    """The process as others recognise it: host, id, and by what its id is told from the same number elsewhere or later.

    >>> is_gone(this_process())
    False
    """
    pid = os.getpid()
    return f"{platform.node() or '-'} {pid} {_started(pid) or '-'} {_machine() or '-'}"


def is_gone(holder: str) -> bool:
    """Whether the process is known to have ended, which only its own machine can tell.

    >>> is_gone("elsewhere 1 5 b7e1:4026531836")
    False
    """
    _, pid, started, machine = (holder.split(" ") + 4 * [""])[:4]
    if not pid.isdecimal() or machine != _machine():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's
        pass
    return _started(int(pid)) not in (None, started)


def _started(pid: int) -> str | None:
    """When a process began, in ticks since the machine did; "" where it has ended, None where that cannot be told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in _DEAD else fields[19]
    except (OSError, IndexError):
        return None


def _machine() -> str | None:
    """The start of the system, and among whose processes ids are counted; None where that cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return None
