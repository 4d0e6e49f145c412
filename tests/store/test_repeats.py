"""What was answered is forgotten after a day, and what has no answer after a while is begun anew."""

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.store import schema
from judgebench.store.database import Database


def aged(database: Database, created_at: str) -> None:
    with database.write() as connection:
        table = schema.metadata.tables["idempotency_keys"]
        connection.execute(sa.update(table).values(created_at=created_at))


def nobody(process: str) -> bool:
    """No process is over."""
    return False


@pytest.mark.parametrize("status", [None, 201])
def test_what_is_old_is_no_answer(database: Database, status: int | None) -> None:
    request = ("ann", "k", "0" * 64)
    with database.write() as connection:
        assert store.repeats.begin(connection, *request, "one", is_over=nobody, lease_s=60) is None
        if status is not None:
            store.repeats.end(connection, "ann", "k", status, "{}")
        known = store.repeats.begin(connection, *request, "other", is_over=nobody, lease_s=60)
    assert known is not None
    assert known.status == status
    aged(database, "2026-01-01T00:00:00+00:00")
    with database.write() as connection:
        assert store.repeats.begin(connection, "ann", "k", "1" * 64, "other", is_over=nobody, lease_s=60) is None


def test_what_a_process_that_is_over_left_without_an_answer_is_begun_anew(database: Database) -> None:
    request = ("ann", "k", "0" * 64)
    with database.write() as connection:
        assert store.repeats.begin(connection, *request, "one", is_over=nobody, lease_s=60) is None
        assert store.repeats.begin(connection, *request, "other", is_over=nobody, lease_s=60) is not None
        assert (
            store.repeats.begin(connection, *request, "other", is_over=lambda process: process == "one", lease_s=60)
            is None
        )
        store.repeats.end(connection, "ann", "k", 201, "{}")
        answered = store.repeats.begin(connection, *request, "third", is_over=lambda process: True, lease_s=60)
    assert answered is not None
    assert answered.status == 201


def test_what_is_renewed_is_worked_on_and_what_is_not_is_begun_anew(database: Database) -> None:
    """By the process that has it alone."""
    request = ("ann", "k", "0" * 64)

    def begun(process: str) -> bool:
        with database.write() as connection:
            return store.repeats.begin(connection, *request, process, is_over=nobody, lease_s=60) is None

    def renewed(process: str) -> None:
        with database.write() as connection:
            store.repeats.renew(connection, process, [("ann", "k"), ("bob", "k")])

    assert begun("one")
    aged(database, "2026-01-01T00:00:00+00:00")
    renewed("one")
    assert not begun("other")
    with database.read() as connection:
        two_minutes_ago = store.claims.after(store.claims.clock(connection), -120)
    aged(database, two_minutes_ago)
    renewed("other")
    assert begun("other")
