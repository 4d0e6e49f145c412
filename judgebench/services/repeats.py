"""A request that is sent twice is done once: whoever sends it names it by a key, and gets the first answer again."""

import hashlib
from collections.abc import Collection

from judgebench import store
from judgebench.engine.claims import LEASE_S, RENEW_S, is_gone, this_process
from judgebench.errors import Conflict, InputError
from judgebench.store.database import Connection, Database
from judgebench.store.repeats import EarlierAnswer

__all__ = [
    "RENEW_S",
    "EarlierAnswer",
    "OtherRequest",
    "StillWorking",
    "begin",
    "end",
    "forget",
    "keep",
    "renew",
    "taken",
]


class OtherRequest(InputError):
    """The key names another request than this."""


class StillWorking(Conflict):
    """The request is being worked on: sent again later, it gets the answer."""


def begin(
    database: Database, caller: str, key: str, request: str, *, is_left_here: bool = False
) -> EarlierAnswer | None:
    """Note that the request is worked on; None where it is new or nobody works on it any more, else its answer.

    ``request``: all of the request; ``is_left_here``: this process is not at it, whatever it has noted. Whoever works
    on it for longer than ``RENEW_S`` says so by ``renew``: a process that was killed on another machine does not.

    Raises OtherRequest where the key is another request's, and StillWorking while the same is being worked on.
    """
    digest = hashlib.sha256(request.encode("utf-8", "surrogateescape")).hexdigest()
    process = this_process()

    def is_over(holder: str) -> bool:
        return is_left_here if holder == process else is_gone(holder)

    with database.write() as connection:
        known = store.repeats.begin(connection, caller, key, digest, process, lease_s=LEASE_S, is_over=is_over)
    if known is None:
        return None
    if known.digest != digest or known.status is None:
        raise taken(key, is_same=known.digest == digest)
    return known


def taken(key: str, *, is_same: bool) -> OtherRequest | StillWorking:
    """Why the key cannot be given to a request now; ``is_same``: it is this one's, which is being worked on."""
    if is_same:
        return StillWorking(f"the request with the Idempotency-Key {key!r} is being worked on: wait for its answer")
    return OtherRequest(f"the Idempotency-Key {key!r} was sent with another request: choose another one")


def renew(database: Database, requests: Collection[tuple[str, str]]) -> None:
    """This process still works on these, by caller and key."""
    with database.write() as connection:
        store.repeats.renew(connection, this_process(), requests)


def end(database: Database, caller: str, key: str, status: int, document: str) -> None:
    """The request was answered so."""
    with database.write() as connection:
        store.repeats.end(connection, caller, key, status, document)


def keep(connection: Connection, caller: str, key: str, status: int, document: str) -> None:
    """As ``end``, in the write transaction that did what was asked: whoever is killed has done both or neither."""
    store.repeats.end(connection, caller, key, status, document)


def forget(database: Database, caller: str, key: str) -> None:
    """The request was refused, so that it may be sent again, changed; nothing where it has an answer."""
    with database.write() as connection:
        store.repeats.forget(connection, caller, key)
