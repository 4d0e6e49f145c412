"""The migrations build what the code declares, and the database itself refuses what must not be."""

import alembic.autogenerate
import alembic.migration
import alembic.script
import pytest

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
