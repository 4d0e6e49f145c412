"""The migrations build what the code declares, and the database itself refuses what must not be."""

import alembic.autogenerate
import alembic.migration
import alembic.script
import pytest
import sqlalchemy as sa

from judgebench.errors import DatabaseError
from judgebench.records import Source, Status, Verdict
from judgebench.resources import folder
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.factories import result, trial
from tests.filling import filled


def test_the_migrations_build_exactly_the_tables_of_the_code(database: Database) -> None:
    with database.read() as connection:
        context = alembic.migration.MigrationContext.configure(connection, opts={"compare_type": True})
        assert alembic.autogenerate.compare_metadata(context, tables.metadata) == []


def test_the_newest_migration_is_the_one_the_code_names() -> None:
    scripts = alembic.script.ScriptDirectory(str(folder("migrations")))
    assert scripts.get_current_head() == tables.SCHEMA_REVISION


@pytest.mark.parametrize(
    "broken",
    [
        Verdict(Status.FAILED, Source.NONE, preference=0.5, parser="1"),
        Verdict(Status.OK, Source.LABEL, preference=1.5, parser="1"),
        Verdict(Status.OK, Source.LABEL, preference=0.5, parser="1"),
        Verdict(Status.OK, Source.LABEL, preference=None, parser="1"),
        Verdict(Status.TIE, Source.LABEL, preference=0.6, parser="1"),
    ],
)
def test_the_database_itself_refuses_a_verdict_that_cannot_be(database: Database, broken: Verdict) -> None:
    verdicts = filled(database)
    with pytest.raises(DatabaseError, match="refused"), database.write() as connection:
        verdicts.add(connection, [result(trial(0), broken)])
    assert check(database).rows["verdicts"] == check(database).rows["completions"] == 0


_EVENT = {"at": "2026", "actor": "ann", "action": "voted", "kind": "benchmark", "name": "b", "details": "{}"}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET actor = 'bob'",
        "UPDATE events SET actor = 'bob' WHERE id = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE id = 1",
        "TRUNCATE events",
        "REPLACE INTO events (id, at, actor, action, kind, name, details) VALUES (1, 'x', 'bob', 'x', 'x', 'x', '{}')",
        "INSERT INTO events (id, at, actor, action, kind, name, details) VALUES (1, 'x', 'bob', 'x', 'x', 'x', '{}') "
        "ON CONFLICT (id) DO UPDATE SET actor = 'bob'",
    ],
)
def test_what_happened_can_be_added_to_and_not_changed(database: Database, change: str) -> None:
    events = tables.metadata.tables["events"]
    with database.write() as connection:
        connection.execute(sa.insert(events), [_EVENT, _EVENT])
    foreign = "TRUNCATE" if database.is_sqlite else "REPLACE"  # words that the other engine has alone
    with pytest.raises(DatabaseError, match="cannot be used" if foreign in change else "append-only"):  # noqa: SIM117
        with database.write() as connection:
            connection.execute(sa.text(change))
    with database.write() as connection:
        connection.execute(sa.insert(events), [_EVENT])
        assert [row.actor for row in connection.execute(sa.select(events))] == ["ann"] * 3


def test_every_id_has_64_bits(database: Database) -> None:
    with database.read() as connection:
        inspector = sa.inspect(connection)
        ids = {
            f"{table}.{column['name']}": str(column["type"])
            for table in tables.metadata.tables
            for column in inspector.get_columns(table)
            if column["name"] == "id" or (column["name"].endswith("_id") and column["name"] != "server_id")
        }
        assert len(ids) > 60
        assert set(ids.values()) == {"INTEGER" if database.is_sqlite else "BIGINT"}  # SQLite's has 64 bits
        if not database.is_sqlite:
            kinds = sa.text("SELECT data_type::text FROM pg_sequences WHERE schemaname = current_schema()")
            assert set(connection.scalars(kinds)) == {"bigint"}
