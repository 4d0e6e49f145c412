"""Who sends a token is known by it for as long as it is good, and may do what its role may on its benchmarks."""

import hashlib

import pytest
import sqlalchemy as sa

from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.services.access import Forbidden, Person, Role
from judgebench.services.tokens import BadToken, bearer, create, note_use, revoke, tokens
from judgebench.services.upkeep import events
from judgebench.store import schema
from judgebench.store.database import Database
from tests.filling import judged


def test_a_token_is_whose_it_is_until_it_is_revoked(database: Database) -> None:
    made = create(database, "ci", Role.SUBMITTER)
    assert made.secret.startswith("jb_")
    who = bearer(database, made.secret)
    assert (who.person, who.benchmarks) == (Person("token ci", Role.SUBMITTER), ())
    assert tokens(database) == [made.about]
    assert revoke(database, "ci")
    assert not revoke(database, "ci")
    with pytest.raises(BadToken, match="was revoked on"):
        bearer(database, made.secret)
    assert [event.action for event in events(database)] == ["revoked", "added"]
    assert made.secret not in repr(events(database))


@pytest.mark.parametrize("change", ["", "x", "jb_", "\udc80", "\0"])
def test_no_other_text_is_a_token(database: Database, change: str) -> None:
    made = create(database, "ci", Role.VIEWER)
    digest = hashlib.sha256(made.secret.encode()).hexdigest()
    for text in (made.secret + change + "x", made.secret[:-1] + change, digest, change):
        with pytest.raises(BadToken, match="is not known"):
            bearer(database, text)


def test_an_expired_token_is_good_for_nothing(database: Database) -> None:
    made = create(database, "ci", Role.ADMIN, days=1)
    table = schema.metadata.tables["api_tokens"]
    with database.write() as connection:
        connection.execute(sa.update(table).values(expires_at="2026-01-02T00:00:00.000000+00:00"))
    with pytest.raises(BadToken, match="has expired on 2026-01-02"):
        bearer(database, made.secret)
    assert tokens(database)[0].state == "expired"


def test_a_token_for_a_benchmark_is_for_no_other(database: Database) -> None:
    judged(database)
    who = bearer(database, create(database, "ci", Role.VIEWER, benchmarks=("bench", "bench")).secret)
    who.check_benchmark("bench")
    with pytest.raises(Forbidden, match="not for benchmark 'other'"):
        who.check_benchmark("other")


def test_what_cannot_be_a_token_is_not_made(database: Database) -> None:
    create(database, "ci", Role.VIEWER, days=None)
    with pytest.raises(Conflict, match="another name"):
        create(database, "ci", Role.VIEWER)
    with pytest.raises(UnknownName, match="benchmark 'bench'"):
        create(database, "b", Role.VIEWER, benchmarks=("bench",))
    with pytest.raises(UnknownName, match="token 'c'"):
        revoke(database, "c")
    for name, role, days in (
        ("", Role.VIEWER, 1),
        ("n", Role.NOBODY, 1),
        ("n", Role.VIEWER, 0),
        ("n", Role.ADMIN, 9999),
    ):
        with pytest.raises(InputError):
            create(database, name, role, days=days)
    assert len(tokens(database)) == 1


def test_when_it_was_used_last(database: Database) -> None:
    create(database, "ci", Role.VIEWER)
    note_use(database, ("ci",))
    assert tokens(database)[0].used_at is not None
