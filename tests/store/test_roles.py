"""PostgreSQL's roles as docs/many-machines.md grants them, and connections that a restart closed, on a real server."""

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import services
from judgebench.errors import DatabaseError
from judgebench.store import benchmarks, schema
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests import postgres
from tests.factories import ok, result, trial
from tests.filling import filled, judged

PAGE = Path(__file__).parents[2] / "docs" / "many-machines.md"
GRANTS, REVOKES = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
ROLES = ("owner", "writer", "reader")


def _execute(address: str, statements: str) -> None:
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in filter(str.strip, statements.split(";")):
            connection.execute(sa.text(statement))
    engine.dispose()


@pytest.fixture
def opened(postgres_server: str) -> Iterator[Callable[..., Database]]:
    """Opens the database as one of the roles; the page's statements, in a schema and with roles of this test's own."""
    address = postgres.fresh(postgres_server)
    place, mark = re.findall(r"search_path%3D(\w+)", address)[0], uuid.uuid4().hex[:8]
    databases = []

    def own(statements: str) -> str:
        return statements.replace("SCHEMA public", f"SCHEMA {place}").replace("judgebench_", f"judgebench_{mark}_")

    def as_role(role: str, *, create: bool = False) -> Database:
        url = sa.make_url(address).set(username=f"judgebench_{mark}_{role}")
        databases.append(Database(url.render_as_string(hide_password=False), create=create))
        return databases[-1]

    _execute(address, own(GRANTS))
    judged(as_role("owner", create=True))
    _execute(address, own(REVOKES))
    yield as_role
    for database in databases:
        database.close()
    _execute(
        address, f"DROP SCHEMA {place} CASCADE; " + "; ".join(f"DROP OWNED BY judgebench_{mark}_{r}" for r in ROLES)
    )
    _execute(address, "; ".join(f"DROP ROLE judgebench_{mark}_{role}" for role in ROLES))


def test_a_reader_makes_boards_and_writes_nothing(opened: Callable[..., Database]) -> None:
    reader = opened("reader")
    assert services.leaderboards.leaderboard(reader, "bench").rows
    assert check(reader).rows["verdicts"]
    for table in schema.metadata.sorted_tables:
        for statement in (table.insert().from_select(list(table.c.keys()), table.select()), table.delete()):
            with pytest.raises(DatabaseError, match="permission denied"), reader.write() as connection:
                connection.execute(statement)


def test_a_writer_runs_and_cannot_migrate(opened: Callable[..., Database]) -> None:
    writer = opened("writer")
    before = check(writer).rows["verdicts"]
    with writer.write() as connection:
        assert benchmarks.add_benchmark(connection, "another")
    filled_by = filled(writer, 1, ("gamma", "delta"))
    with writer.write() as connection:
        filled_by.add(connection, [result(trial(0, a="delta", b="gamma"), ok(1.0))])
    assert check(writer).rows["verdicts"] == before + 1
    for statement in (
        "ALTER TABLE verdicts ADD COLUMN more TEXT",
        "DROP TABLE verdict_blocks",
        "CREATE TABLE mine (id INTEGER)",
        "UPDATE alembic_version SET version_num = '0001'",
        "TRUNCATE verdict_blocks",
        "ALTER TABLE events DISABLE TRIGGER ALL",
    ):
        with pytest.raises(DatabaseError, match=r"must be owner|permission denied"), writer.write() as connection:
            connection.exec_driver_sql(statement)
    owner = opened("owner")
    with owner.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0008'")
    with pytest.raises(DatabaseError, match=r"must be owner|permission denied"):
        opened("writer")
    assert owner.revision() == "0008"


@pytest.mark.slow
def test_a_connection_that_a_restart_closed_is_opened_anew() -> None:
    with postgres.restartable() as (address, restart):
        database = Database(address, create=True)
        with database.read() as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1
        restart()
        with database.read() as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1
        database.close()
