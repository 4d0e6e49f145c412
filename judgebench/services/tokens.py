"""Tokens, by which scripts show the REST API who they are: made, listed, revoked, and known again.

A token is shown once and stored nowhere: the database has its SHA-256, by which nobody can make it again, as it is 256
random bits.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from judgebench import store
from judgebench.errors import InputError, UnknownName
from judgebench.records import check_name
from judgebench.services.access import Forbidden, Person, Role, require
from judgebench.store.database import Database
from judgebench.store.tokens import Token

__all__ = [
    "DAYS",
    "BadToken",
    "Bearer",
    "NewToken",
    "Token",
    "bearer",
    "create",
    "makers",
    "note_use",
    "revoke",
    "tokens",
]
PREFIX = "jb_"  # by which scanners of published code know one
DAYS = 90  # that a token is good for where nothing else is said
_MOST_DAYS = 3650
_BYTES = 32


class BadToken(InputError):
    """No token of this server, or one that is no longer good."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made."""

    secret: str  # the token itself
    about: Token


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whoever sends a good token."""

    person: Person
    token: str  # its name
    benchmarks: tuple[str, ...]  # all that it is good for; empty: every one

    def check_benchmark(self, name: str) -> None:
        """Raises Forbidden, whether there is such a benchmark or not."""
        if self.benchmarks and name not in self.benchmarks:
            raise Forbidden(f"this token is not for benchmark {name!r}")

    def check_lineage(self, *declared: object) -> None:
        """Raises Forbidden where a token for some benchmarks would say of a model, which others may have, what it is
        made of."""
        if self.benchmarks and any(declared):
            raise Forbidden(
                "family, parent, trained_on and accept_lineage: models are of all benchmarks, and a token for some "
                "declares no lineage"
            )


def create(
    database: Database,
    name: str,
    role: Role,
    *,
    benchmarks: tuple[str, ...] = (),
    days: int | None = DAYS,
    by: Person | None = None,
) -> NewToken:
    """A new token of a role, for some ``benchmarks`` or all, good for so many ``days``, or until it is revoked. ``by``:
    who asks for it from a page; None: whoever has the database.

    Raises InputError for an unusable name or number, UnknownName for a benchmark, Conflict where the name is taken, and
    Forbidden for who may not make tokens.
    """
    check_name("token", name)
    if by is not None:
        require(by, Role.ADMIN)  # the highest: whoever makes a token gives nothing away that they have not
    if role is Role.NOBODY:
        raise InputError("a token of nobody could do nothing: choose viewer, voter, submitter or admin")
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise InputError(f"a token is good for 1 to {_MOST_DAYS} days, not {days}")
    moment = datetime.now(UTC)
    expires = None if days is None else (moment + timedelta(days=days)).isoformat(timespec="microseconds")
    scope = tuple(dict.fromkeys(benchmarks))
    created = moment.isoformat(timespec="microseconds")
    about = Token(name, role.name.lower(), scope, created, expires, None, None)
    secret = PREFIX + secrets.token_urlsafe(_BYTES)
    with database.write() as connection:
        known = store.benchmarks.benchmark_names(connection)
        for benchmark in scope:
            if benchmark not in known:
                raise UnknownName("benchmark", benchmark, known)
        store.tokens.add(connection, about, _digest(secret))
        details = {"role": about.role, "benchmarks": list(scope), "expires_at": expires}
        store.events.record(connection, store.events.ADDED, "token", name, details)
    return NewToken(secret, about)


def tokens(database: Database) -> list[Token]:
    """By name; none holds the token itself."""
    with database.read() as connection:
        return store.tokens.tokens(connection)


def makers(database: Database) -> dict[str, str]:
    """Who made each token, by its name, as the log has it."""
    with database.read() as connection:
        return store.events.adders(connection, "token")


def revoke(database: Database, name: str, *, by: Person | None = None) -> bool:
    """From now on the token is good for nothing. Returns whether it was good until then. ``by``: as of ``create``.

    Raises UnknownName, and Forbidden for who may not revoke tokens.
    """
    if by is not None:
        require(by, Role.ADMIN)
    with database.write() as connection:
        is_new = store.tokens.revoke(connection, name)
        if is_new:
            store.events.record(connection, store.events.REVOKED, "token", name, {})
    return is_new


def bearer(database: Database, secret: str) -> Bearer:
    """Who has this token. Raises BadToken, which does not say more than whoever has the token may know."""
    with database.read() as connection:
        token = store.tokens.by_digest(connection, _digest(secret))
    if token is None:
        raise BadToken("this token is not known here: judgebench tokens create makes one")
    if (state := token.state) != "valid":
        when = token.revoked_at if state == "revoked" else token.expires_at
        words = "was revoked" if state == "revoked" else "has expired"
        raise BadToken(f"the token {token.name!r} {words} on {(when or '')[:10]}: judgebench tokens create makes one")
    return Bearer(Person(f"token {token.name}", Role[token.role.upper()]), token.name, token.benchmarks)


def note_use(database: Database, names: tuple[str, ...]) -> None:
    """These were used now; nothing where the database can only be read."""
    if names and not database.read_only:
        with database.write() as connection:
            store.tokens.note_use(connection, names)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
