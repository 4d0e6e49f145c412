"""Who did what: told in the order in which it was done, and never changed."""

import pytest
import sqlalchemy as sa

import judgebench
from judgebench import services, store
from judgebench.errors import UnknownName
from judgebench.records import HumanLabel
from judgebench.services.audits.registry import SubmissionAudit
from judgebench.store import schema as t
from judgebench.store.database import Database, now
from tests.factories import instruction
from tests.filling import filled


@pytest.mark.slow
def test_events_cannot_be_changed(database: Database) -> None:
    filled(database)
    judgebench.rename(database, what="model", name="beta", new="gamma", yes=True)
    judgebench.delete(database, what="run", name="1", yes=True)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(sa.delete(t.events))
    assert list(judgebench.events(database)["action"])[:2] == ["deleted", "renamed"]
    assert judgebench.events(database, last=1).iloc[0]["at"] <= now()


def test_every_action_is_one_event_under_the_name_of_who_acts(database: Database) -> None:
    filled(database)
    with database.read() as connection:
        before = store.events.newest(connection)
    database.actor = "ann@example.org"
    label = HumanLabel.of("v1", instruction(0).key, first="alpha", second="beta", preference=1.0)
    services.labels.vote(database, "bench", label)
    services.labels.vote(database, "bench", label)  # changes nothing
    judgebench.audit(database, SubmissionAudit(benchmark="bench"))
    judgebench.declare_lineage(database, "alpha", family="greek")
    new = [event for event in services.upkeep.events(database) if event.id > before]
    assert [(event.actor, event.action) for event in reversed(new)] == [
        ("ann@example.org", "voted"),
        ("ann@example.org", "audited"),
        ("ann@example.org", "declared"),
    ]


def test_the_log_is_read_by_actor_by_action_and_in_pages(database: Database) -> None:
    for number, actor in enumerate(["ann", "bob", "ann", "bob"]):
        database.actor = actor
        with database.write() as connection:
            store.events.record(connection, store.events.VOTED if number else "deleted", "benchmark", str(number), {})
    assert list(judgebench.events(database)["name"]) == ["3", "2", "1", "0"]
    assert list(judgebench.events(database, skip=1, last=2)["name"]) == ["2", "1"]
    assert list(judgebench.events(database, actor="ann")["name"]) == ["2", "0"]
    assert list(judgebench.events(database, actor=["ann", "bob"], action="voted", last=1)["name"]) == ["3"]
    assert services.upkeep.event_numbers(database) == {("ann", "deleted"): 1, ("ann", "voted"): 1, ("bob", "voted"): 2}
    with pytest.raises(UnknownName, match="deleted"):
        judgebench.events(database, action="delete")
