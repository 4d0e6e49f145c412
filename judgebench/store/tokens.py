"""Tokens of the REST API: of each its digest alone, with whose it is, what it may do and until when."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from judgebench.errors import Conflict, UnknownName
from judgebench.store import schema as t
from judgebench.store.database import now

_TOKENS = t.metadata.tables["api_tokens"]
_c = _TOKENS.c
_COLUMNS = (_c.name, _c.role, _c.scopes, _c.created_at, _c.expires_at, _c.used_at, _c.revoked_at)


@dataclass(frozen=True, slots=True)
class Token:
    """What is stored of a token, without its digest. Times are ISO 8601, UTC."""

    name: str
    role: str  # "viewer", "voter", "submitter" or "admin"
    benchmarks: tuple[str, ...]  # all that it is good for; empty: every one
    created_at: str
    expires_at: str | None  # None: never
    used_at: str | None  # last, to the minute; None: never
    revoked_at: str | None

    @property
    def state(self) -> str:
        """ "revoked", "expired" or "valid" at this moment."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now() else "valid"


def add(connection: sa.Connection, token: Token, digest: str) -> None:
    """Raises Conflict where the name is taken, by a revoked one too: the log names tokens."""
    if connection.scalar(sa.select(_c.id).where(_c.name == token.name)) is not None:
        raise Conflict(f"there is a token {token.name!r} already, or was: choose another name")
    connection.execute(
        sa.insert(_TOKENS).values(
            name=token.name,
            digest=digest,
            role=token.role,
            scopes=json.dumps(token.benchmarks),
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )


def tokens(connection: sa.Connection) -> list[Token]:
    """By name, expired and revoked ones too."""
    return [_token(row) for row in connection.execute(sa.select(*_COLUMNS).order_by(_c.name))]


def by_digest(connection: sa.Connection, digest: str) -> Token | None:
    row = connection.execute(sa.select(*_COLUMNS).where(_c.digest == digest)).first()
    return None if row is None else _token(row)


def revoke(connection: sa.Connection, name: str) -> bool:
    """Whether it was not revoked yet. Raises UnknownName."""
    known = connection.execute(sa.select(_c.name, _c.revoked_at)).all()
    if name not in {row.name for row in known}:
        raise UnknownName("token", name, [row.name for row in known])
    query = sa.update(_TOKENS).where(_c.name == name, _c.revoked_at.is_(None)).values(revoked_at=now())
    return connection.execute(query).rowcount == 1


def revoke_all(connection: sa.Connection) -> list[str]:
    """Returns the names of those that were not revoked yet, which stay taken."""
    names = list(connection.scalars(sa.select(_c.name).where(_c.revoked_at.is_(None)).order_by(_c.name)))
    connection.execute(sa.update(_TOKENS).where(_c.revoked_at.is_(None)).values(revoked_at=now()))
    return names


def note_use(connection: sa.Connection, names: Sequence[str]) -> None:
    """These were used now."""
    connection.execute(sa.update(_TOKENS).where(_c.name.in_(names)).values(used_at=now()))


def rename_benchmark(connection: sa.Connection, old: str, new: str) -> None:
    """Tokens that are good for ``old`` are good for ``new``: another benchmark may get the old name."""
    for row in connection.execute(sa.select(_c.id, _c.scopes)).all():
        names = json.loads(row.scopes)
        if old in names:
            scopes = json.dumps([new if name == old else name for name in names])
            connection.execute(sa.update(_TOKENS).where(_c.id == row.id).values(scopes=scopes))


def _token(row: sa.Row[*tuple[Any, ...]]) -> Token:
    about = row._asdict()
    return Token(benchmarks=tuple(json.loads(about.pop("scopes"))), **about)
